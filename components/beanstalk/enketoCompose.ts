import { createHash } from "node:crypto";
import { stringify } from "yaml";

/** Port of Enketo inside its container. */
export const ENKETO_PORT = 8005;

/**
 * Makes Node.js's servers keep idle connections for longer than the load balancer's idle timeout of 900 seconds. Node.js
 * closes them after 5 seconds, also those that the balancer is about to reuse, and such requests fail with 502. Enketo has
 * no setting for it. Its workers (node:cluster) get the arguments of the first process, so they load this file too.
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
 * Starts Enketo without the image's start script. Up to version 6, that script stops if there is no
 * `config/config.json`, and with one Enketo reads no environment variables. From version 7 on, the program is in the
 * folder `packages/enketo-express`.
 *
 * @see https://github.com/enketo/enketo-express/blob/4.1.1/setup/docker/create_config.py
 */
const START_ENKETO = [
  "bash",
  "-c",
  `echo '${KEEP_ALIVE}' > /tmp/keep-alive.js
if [ -d packages/enketo-express ]; then cd packages/enketo-express; fi
exec node --require /tmp/keep-alive.js .`,
];

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
        command: START_ENKETO,
        env_file: [".env"],
        ports: [`80:${ENKETO_PORT}`],
        restart: "always",
      },
    },
  });
  const fingerprint = createHash("sha256").update(yaml).digest("hex").slice(0, 16);
  return { yaml, fingerprint };
}
