import { PolicyStatement } from "../policyDocument";

/** Where Pulumi keeps a stack's state and the key of its secrets. */
export interface PulumiStackArgs {
  /**
   * Bucket that holds Pulumi's state. Empty if Pulumi Cloud holds it.
   *
   * @example "example-pulumi-state"
   */
  stateBucket: string;
  /** Name of the Pulumi project. */
  project: string;
  /** Name of the stack. */
  stack: string;
  /**
   * ARN of the KMS key that encrypts the stack's secrets. A preview decrypts them too. Empty if the stack uses a
   * passphrase or Pulumi Cloud.
   *
   * @see https://www.pulumi.com/docs/iac/concepts/secrets/#changing-the-secrets-provider-for-a-stack
   * @example "arn:aws:kms:eu-central-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
   */
  secretsKeyArn: string;
}

/**
 * Allows Pulumi to use a stack's state and to decrypt its secrets. A preview takes no lock and writes no state: a
 * pull request that could write the state would control the next update. The state of other stacks in the bucket is out of
 * reach.
 *
 * @see https://www.pulumi.com/docs/iac/concepts/state-and-backends/#using-a-self-managed-backend
 */
export function pulumiStackStatements(
  { stateBucket, secretsKeyArn, project, stack }: PulumiStackArgs,
  access: "read" | "write",
): PolicyStatement[] {
  const bucket = `arn:aws:s3:::${stateBucket}`;
  const state: PolicyStatement[] = [
    {
      Sid: "State",
      Effect: "Allow",
      Action: access === "read" ? ["s3:GetObject"] : ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
      Resource: [
        `stacks/${project}/${stack}.json*`,
        ...["backups", "history", "locks/organization"].map((folder) => `${folder}/${project}/${stack}/*`),
      ].map((key) => `${bucket}/.pulumi/${key}`),
    },
    {
      // The version of the bucket's layout.
      Sid: "StateLayout",
      Effect: "Allow",
      Action: "s3:GetObject",
      Resource: `${bucket}/.pulumi/meta.yaml`,
    },
    { Sid: "FindState", Effect: "Allow", Action: "s3:ListBucket", Resource: bucket },
  ];
  const secrets: PolicyStatement = {
    Sid: "DecryptStackSecrets",
    Effect: "Allow",
    Action: "kms:Decrypt",
    Resource: secretsKeyArn,
  };
  return [...(stateBucket === "" ? [] : state), ...(secretsKeyArn === "" ? [] : [secrets])];
}
