import { createHash } from "node:crypto";
import { stringify } from "yaml";

/** Port of Enketo inside its container. */
export const ENKETO_PORT = 8005;

/**
 * A script that makes Node.js's servers keep idle connections for longer than the load balancer's idle timeout of 900
 * seconds. Node.js closes them after 5 seconds, also those that the balancer is about to reuse, and such requests fail
 * with 502. Enketo has no setting for it. Its workers (node:cluster) get the arguments of the first process, so they load
 * this file too.
 *
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
 * @see https://nodejs.org/api/http.html#serverkeepalivetimeout
 */
const KEEP_ALIVE = `const http = require("http");
const { createServer } = http;
const limits = { keepAliveTimeout: 960000, headersTimeout: 970000 };
http.createServer = (...args) => Object.assign(createServer(...args), limits);
`;

/**
 * The shell script that sets Enketo's variables with secrets, and starts Enketo without the image's start script. Enketo
 * reads Iaso's token from two variables with other names than the parameter's. It reads the password of Redis from the
 * addresses, to which the script adds it, because the Pulumi program must not know it. Compose reads `$$` as `$`.
 *
 * Up to version 6, the image's script stops if there is no `config/config.json`, and with one Enketo reads no
 * environment variables. From version 7 on, the program is in the folder `packages/enketo-express`.
 *
 * @see https://github.com/enketo/enketo-express/blob/4.1.1/setup/docker/create_config.py
 */
const START_ENKETO = [
  `echo '${KEEP_ALIVE}' > /tmp/keep-alive.js`,
  'export ENKETO_API_KEY="$$ENKETO_API_TOKEN" ENKETO_LINKED_FORM_AND_DATA_SERVER_API_KEY="$$ENKETO_API_TOKEN"',
  'if [ -n "$$ENKETO_REDIS_AUTH_TOKEN" ]; then auth=":$$ENKETO_REDIS_AUTH_TOKEN@"',
  '  export ENKETO_REDIS_MAIN_URL="rediss://$$auth$${ENKETO_REDIS_MAIN_URL#rediss://}"',
  '  export ENKETO_REDIS_CACHE_URL="rediss://$$auth$${ENKETO_REDIS_CACHE_URL#rediss://}"',
  "fi",
  "if [ -d packages/enketo-express ]; then cd packages/enketo-express; fi",
  "exec node --require /tmp/keep-alive.js .",
].join("\n");

/**
 * Returns the compose file with which Beanstalk's Docker platform runs Enketo, and its hash. Beanstalk writes the
 * environment variables, secret ones included, to `.env` beside it.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/single-container-docker-configuration.html
 */
export function enketoCompose(image: string): { yaml: string; fingerprint: string } {
  const yaml = stringify({
    services: {
      enketo: {
        image,
        command: ["bash", "-c", START_ENKETO],
        env_file: [".env"],
        ports: [`80:${ENKETO_PORT}`],
        restart: "always",
      },
    },
  });
  const fingerprint = createHash("sha256").update(yaml).digest("hex").slice(0, 16);
  return { yaml, fingerprint };
}
