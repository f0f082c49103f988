import {
  GetParameterCommand,
  paginateDescribeParameters,
  ParameterAlreadyExists,
  PutParameterCommand,
  SSMClient,
} from "@aws-sdk/client-ssm";
import { secretParameterName } from "../components/common/secretParameter";
import { SecretName } from "./secrets";

/**
 * The secrets of one environment: SecureString parameters of SSM's Parameter Store, encrypted with the AWS managed
 * key `aws/ssm`.
 *
 * The policy of a customer managed key could name the roles that may decrypt. But the first `pulumi up` creates those
 * roles, KMS accepts no key policy with a role that does not exist, and the secrets must exist before that `up`. So IAM
 * policies limit who reads a parameter.
 *
 * @see https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html
 */
export class SecretStore {
  constructor(
    private readonly client: SSMClient,
    private readonly env: string,
  ) {}

  /** Returns the names of the secrets that exist. Reads no value. */
  async names(): Promise<Set<string>> {
    const prefix = secretParameterName(this.env, "");
    const filter = { Key: "Path", Option: "OneLevel", Values: [prefix.replace(/\/$/, "")] };
    const names = new Set<string>();
    const pages = paginateDescribeParameters({ client: this.client }, { ParameterFilters: [filter] });
    for await (const { Parameters = [] } of pages)
      for (const { Name = "" } of Parameters) names.add(Name.slice(prefix.length));
    return names;
  }

  /** Returns the value of a secret. */
  async read(name: SecretName): Promise<string> {
    const { Parameter } = await this.client.send(
      new GetParameterCommand({ Name: secretParameterName(this.env, name), WithDecryption: true }),
    );
    return Parameter?.Value ?? "";
  }

  /**
   * Creates a secret. Never changes one that exists.
   *
   * @returns false if it exists
   */
  async create(name: SecretName, value: string): Promise<boolean> {
    const Tags = Object.entries({ project: "iaso", env: this.env, "managed-by": "init-stack" }).map(
      ([Key, Value]) => ({ Key, Value }),
    );
    try {
      await this.client.send(new PutParameterCommand({ ...this.parameter(name, value), Tags }));
      return true;
    } catch (error) {
      if (error instanceof ParameterAlreadyExists) return false;
      throw error;
    }
  }

  /** Writes a new version of a secret. Parameter Store keeps the earlier ones. */
  async replace(name: SecretName, value: string): Promise<void> {
    // AWS takes no tags together with Overwrite.
    await this.client.send(new PutParameterCommand({ ...this.parameter(name, value), Overwrite: true }));
  }

  private parameter(name: SecretName, value: string) {
    return {
      Name: secretParameterName(this.env, name),
      Description: `Secret ${name} of iaso-${this.env}`,
      Type: "SecureString" as const,
      Value: value,
    };
  }
}
