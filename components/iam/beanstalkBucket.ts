import { Naming } from "../common/naming";
import { PolicyStatement } from "./policyDocument";

/**
 * ARNs of the objects in Beanstalk's bucket that the instances of an application's environments read. All environments of
 * the account share the bucket. An instance cannot be limited to its own environment's id: its role exists before the
 * environment. Manifests contain the label of a version and nothing else.
 *
 * @see objectsOf in policies/facts/beanstalkResources.ts
 */
export function beanstalkVersions(naming: Naming, application: string): string[] {
  return [
    "environments/*/_runtime/versions/manifest_*",
    `environments/*/_runtime/_versions/${application}/*`,
    `environments/*/_runtime/_embedded_extensions/${application}/*`,
    `_runtime/_embedded_extensions/${application}/*`,
  ].map((key) => `${naming.beanstalkBucketArn}/resources/${key}`);
}

/** ARN of the objects in Beanstalk's bucket to which instances write bundles of their logs. */
export function beanstalkLogs(naming: Naming): string {
  return `${naming.beanstalkBucketArn}/resources/environments/logs/*`;
}

/** Allows an instance to find the newest manifest, which names the version to run. */
export function beanstalkListing(naming: Naming): PolicyStatement {
  return {
    Sid: "FindManifest",
    Effect: "Allow",
    Action: "s3:ListBucket",
    Resource: naming.beanstalkBucketArn,
    Condition: { StringLike: { "s3:prefix": "resources/environments/*/_runtime/versions/manifest*" } },
  };
}
