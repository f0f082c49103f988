import { createHash } from "node:crypto";
import { stringify } from "yaml";

/** The port that Enketo listens on inside its container. */
const ENKETO_PORT = 8005;

/**
 * The compose file with which Beanstalk's Docker platform runs Enketo. Beanstalk writes the environment's variables
 * and secrets to `.env` next to it.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/single-container-docker-configuration.html
 */
export function enketoCompose(image: string): { yaml: string; fingerprint: string } {
  const yaml = stringify({
    services: {
      enketo: { image, env_file: [".env"], ports: [`80:${ENKETO_PORT}`], restart: "always" },
    },
  });
  const fingerprint = createHash("sha256").update(yaml).digest("hex").slice(0, 12);
  return { yaml, fingerprint };
}
