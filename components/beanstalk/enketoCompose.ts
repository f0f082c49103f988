import { createHash } from "node:crypto";
import { stringify } from "yaml";

/** The port that Enketo listens on inside its container. */
export const ENKETO_PORT = 8005;

/**
 * Enketo itself, in place of the image's start script: up to version 6 that script stops where there is no
 * `config/config.json`, and where there is one, Enketo reads no variables. From version 7 on the program is in a
 * folder of its own.
 *
 * @see https://github.com/enketo/enketo-express/blob/4.1.1/setup/docker/create_config.py
 */
const START_ENKETO = [
  "bash",
  "-c",
  "if [ -d packages/enketo-express ]; then cd packages/enketo-express; fi; exec node .",
];

/**
 * The compose file with which Beanstalk's Docker platform runs Enketo. Beanstalk writes the environment's variables
 * and secrets to `.env` next to it.
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
