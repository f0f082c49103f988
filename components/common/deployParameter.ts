import * as z from "zod/mini";

// Without an import of Pulumi, so that the deploy tool does not load it.

/**
 * The JSON document in the SSM parameter that tells the deploy tool where an environment is. The component
 * `DeployTarget` writes it, `coordination/target.ts` reads it.
 */
export const deployParameter = z.object({
  /** Name of the Beanstalk application. */
  application: z.string().check(z.minLength(1)),
  platform: z.enum(["python", "docker"]),
  region: z.string().check(z.minLength(1)),
  artifactsBucket: z.string().check(z.minLength(1)),
  /** Name of the repository in Amazon ECR for images. Only the Docker platform has one. */
  imageRepository: z.optional(z.string().check(z.minLength(1))),
  staticBucket: z.string().check(z.minLength(1)),
  staticUrl: z.string().check(z.minLength(1)),
  webUrl: z.string().check(z.minLength(1)),
  /** Identifier of the RDS instance. */
  databaseIdentifier: z.string().check(z.minLength(1)),
  queueUrl: z.string().check(z.minLength(1)),
});

export type DeployParameter = z.infer<typeof deployParameter>;

/** The names that an environment may have, as a pattern and in words. */
export const environmentName = {
  pattern: /^[a-z][a-z0-9]{0,11}$/,
  accepted: "up to 12 lower-case letters and digits, starting with a letter",
};

/** The name of the SSM parameter of an environment. */
export function deployParameterName(env: string): string {
  return `/iaso/${env}/deployment`;
}
