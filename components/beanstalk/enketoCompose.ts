import { createHash } from "node:crypto";
import { stringify } from "yaml";

/** Port of Enketo inside its container. */
export const ENKETO_PORT = 8005;

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
  "if [ -d packages/enketo-express ]; then cd packages/enketo-express; fi; exec node .",
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
  const fingerprint = createHash("sha256").update(yaml).digest("hex").slice(0, 12);
  return { yaml, fingerprint };
}
