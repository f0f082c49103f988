import { deployParameterName } from "./deployParameter";

/** What every name, ARN and tag of one environment is derived from. */
export interface NamingArgs {
  /** Slug of the organisation that hosts Iaso. Makes bucket names unique in the world. */
  organization: string;
  /** Short name of the environment, such as `staging`. */
  env: string;
  /** The twelve digits of the AWS account. */
  accountId: string;
  /** AWS region, such as `eu-central-1`. */
  region: string;
}

/** The classes a bucket can have; the policy pack judges a bucket by its class. */
export type BucketClass = "static" | "media" | "logs" | "artifacts";

/** The roles an instance can have. */
export type InstanceRole = "web" | "worker" | "enketo";

/** The roles GitHub Actions can take on. */
export type CiRole = "preview" | "up" | "deploy";

/**
 * Names, ARNs and tags of one environment, all known before anything exists.
 *
 * At the first preview of a stack every output of a resource is unknown, and an IAM or bucket policy with one
 * unknown part is unknown as a whole: no policy rule could judge it. So names are explicit, and documents are
 * built from the ARNs that follow from them.
 */
export class Naming {
  readonly env: string;
  readonly accountId: string;
  readonly region: string;
  private readonly organization: string;

  constructor({ organization, env, accountId, region }: NamingArgs) {
    this.organization = organization;
    this.env = env;
    this.accountId = accountId;
    this.region = region;
  }

  /** `iaso-<env>`, with a suffix where one is given: the name of most things. */
  name(suffix?: string): string {
    return suffix === undefined ? `iaso-${this.env}` : `iaso-${this.env}-${suffix}`;
  }

  /** A name that is unique among all AWS customers, for buckets and Beanstalk's CNAME prefixes. */
  globalName(suffix?: string): string {
    return `${this.organization}-${this.name(suffix)}`;
  }

  bucket(bucketClass: BucketClass): string {
    return this.globalName(bucketClass);
  }

  bucketArn(bucketClass: BucketClass): string {
    return `arn:aws:s3:::${this.bucket(bucketClass)}`;
  }

  instanceRole(role: InstanceRole): string {
    return this.name(role);
  }

  ciRole(role: CiRole): string {
    return this.name(`ci-${role}`);
  }

  roleArn(roleName: string): string {
    return `arn:aws:iam::${this.accountId}:role/${roleName}`;
  }

  /** ARN of a regional resource of this account. */
  arn(service: string, resource: string): string {
    return `arn:aws:${service}:${this.region}:${this.accountId}:${resource}`;
  }

  /** Name of the SSM parameter that holds the secret environment variable `variable`. */
  secretParameter(variable: string): string {
    return `/iaso/${this.env}/secrets/${variable}`;
  }

  secretParameterArn(variable: string): string {
    return this.arn("ssm", `parameter${this.secretParameter(variable)}`);
  }

  /** Name of the plain SSM parameter from which the deploy tool learns where to deploy. */
  get deploymentParameter(): string {
    return deployParameterName(this.env);
  }

  get queue(): string {
    return this.name("tasks");
  }

  get queueUrl(): string {
    return `https://sqs.${this.region}.amazonaws.com/${this.accountId}/${this.queue}`;
  }

  /** The tags of every resource, and those that are given. */
  tags(extra: Record<string, string> = {}): Record<string, string> {
    return { project: "iaso", env: this.env, "managed-by": "pulumi", ...extra };
  }
}
