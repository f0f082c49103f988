import { PolicyStatement } from "../policyDocument";

/** Where Pulumi keeps a stack's state. */
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
}

/**
 * The endings of a stack's current state: plain or compressed. The state before it has `.bak` behind these.
 *
 * @see https://github.com/pulumi/pulumi/blob/v3.260.0/pkg/backend/diy/state.go
 */
const STATE_FILES = [".json", ".json.gz", ".json.zst"];

/**
 * Allows Pulumi to use the state of one stack. The state of other stacks in the bucket is out of reach.
 *
 * A preview reads the current state. It takes no lock and writes nothing: a pull request that could write the state would
 * control the next update. It reads no earlier state either, which can hold secrets of the time when settings held them.
 *
 * @see https://www.pulumi.com/docs/iac/concepts/state-and-backends/#using-a-self-managed-backend
 */
export function pulumiStackStatements(
  { stateBucket, project, stack }: PulumiStackArgs,
  access: "read" | "write",
): PolicyStatement[] {
  if (stateBucket === "") return [];
  const bucket = `arn:aws:s3:::${stateBucket}`;
  const folders = access === "read" ? [] : ["backups", "history", "locks/organization"];
  return [
    {
      Sid: "State",
      Effect: "Allow",
      Action: access === "read" ? ["s3:GetObject"] : ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
      Resource: [
        ...(access === "read" ? STATE_FILES : [".json*"]).map(
          (ending) => `stacks/${project}/${stack}${ending}`,
        ),
        // S3 denies reading an object without a permission, even if there is none.
        `stacks/${project}/${stack}.pulumi-tags`,
        ...folders.map((folder) => `${folder}/${project}/${stack}/*`),
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
}
