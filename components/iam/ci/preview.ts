import { Naming } from "../../common/naming";
import { PolicyStatement } from "../policyDocument";
import { DOCTOR_STATEMENT } from "./doctor";
import { privateReads, READ_STATEMENTS } from "./read";

/**
 * Permissions of the `preview` role: it reads the settings of all resources, but no content, no secret, no user data, and
 * no name of a media file. A refresh needs the role `up`, because it lists every bucket.
 */
export function previewStatements(naming: Naming): PolicyStatement[] {
  return [
    ...READ_STATEMENTS,
    DOCTOR_STATEMENT,
    {
      Sid: "ListBuckets",
      Effect: "Allow",
      Action: "s3:ListBucket",
      Resource: (["artifacts", "logs", "static"] as const).map((bucket) => naming.bucketArn(bucket)),
    },
    {
      Sid: "ReadDeploymentParameter",
      Effect: "Allow",
      Action: ["ssm:GetParameter", "ssm:GetParameters"],
      Resource: naming.arn("ssm", `parameter${naming.deploymentParameter}`),
    },
    ...privateReads(naming),
  ];
}
