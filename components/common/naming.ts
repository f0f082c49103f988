import { deployParameterName } from "./deployParameter";
import { secretParameterName } from "./secretParameter";

/** The settings from which all names, ARNs and tags of one environment are built. */
export interface NamingArgs {
  /**
   * Short name of the organisation that hosts Iaso: 3 to 24 lower-case letters, digits and single hyphens. It makes
   * bucket names and Beanstalk domains unique among all AWS customers.
   *
   * **Changing it replaces the buckets and the Beanstalk environments.**
   *
   * @example "example"
   */
  organization: string;
  /**
   * Short name of the environment: up to 12 lower-case letters and digits. Without a hyphen, no name of one environment
   * matches a pattern such as `iaso-prod-*` of another.
   *
   * **Changing it replaces almost every resource, the database included.**
   *
   * @example "staging"
   */
  env: string;
  /**
   * The twelve digits of the AWS account.
   *
   * @example "123456789012"
   */
  accountId: string;
  /**
   * AWS region.
   *
   * **Changing it replaces every regional resource, the database included.**
   *
   * @example "eu-central-1"
   */
  region: string;
}

/** Prefix of the access logs of the media bucket in the bucket for logs. The load balancers' are roles of environments. */
export const MEDIA_LOGS_PREFIX = "media/";

/** The class of a bucket. The policy pack reads it from the bucket's tag `class` and applies the rules of that class. */
export type BucketClass = "static" | "media" | "logs" | "artifacts";

/** The role of a Beanstalk environment and of its instances. */
export const INSTANCE_ROLES = ["web", "worker", "enketo"] as const;
export type InstanceRole = (typeof INSTANCE_ROLES)[number];

/** The IAM roles that GitHub Actions can assume. */
export type CiRole = "preview" | "up" | "deploy" | "rehearse";

/**
 * Builds the names, ARNs and tags of one environment. All of them are known before any resource exists.
 *
 * At the first preview of a stack every output is unknown, and a policy document with one unknown part is unknown as
 * a whole: no policy rule could judge it. So names are explicit, and documents are built from the ARNs that follow
 * from them.
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

  /** The name of most resources: `iaso-<env>`, or `iaso-<env>-<suffix>`. */
  name(suffix?: string): string {
    return suffix === undefined ? `iaso-${this.env}` : `iaso-${this.env}-${suffix}`;
  }

  /** Name of the Beanstalk environment of a role. */
  environment(role: InstanceRole): string {
    return role === "web" ? this.name() : this.name(role);
  }

  /** Name of the Beanstalk application of the web and the worker environment. */
  get application(): string {
    return this.applicationOf("web");
  }

  /** Name of the Beanstalk application of a role's environment. */
  applicationOf(role: InstanceRole): string {
    return role === "enketo" ? this.name(role) : this.name();
  }

  /** Tag of a CI role with the id that Beanstalk gave to the environment of a role. */
  environmentIdTag(role: InstanceRole): string {
    return `${role}-environment-id`;
  }

  /** Prefix of the environment's domain `<prefix>.<region>.elasticbeanstalk.com`, unique among all AWS customers. */
  cnamePrefix(role: InstanceRole): string {
    return `${this.organization}-${this.environment(role)}`;
  }

  /** Name of a bucket, unique among all AWS customers. */
  bucket(bucketClass: BucketClass): string {
    return `${this.organization}-${this.name(bucketClass)}`;
  }

  bucketArn(bucketClass: BucketClass): string {
    return `arn:aws:s3:::${this.bucket(bucketClass)}`;
  }

  /** ARN of the bucket that Beanstalk creates in each region of an account, for source bundles and logs. */
  get beanstalkBucketArn(): string {
    return `arn:aws:s3:::elasticbeanstalk-${this.region}-${this.accountId}`;
  }

  /** ARN of AWS's bucket with the templates, scripts and patches that Beanstalk uses in the region. */
  get beanstalkResourcesBucketArn(): string {
    return `arn:aws:s3:::elasticbeanstalk-env-resources-${this.region}`;
  }

  /** Name of the repository in Amazon ECR for the images of Iaso's environments, on the Docker platform. */
  get imageRepository(): string {
    return this.name();
  }

  get imageRepositoryArn(): string {
    return this.arn("ecr", `repository/${this.imageRepository}`);
  }

  /** Address from which Docker pulls the images. */
  get imageRepositoryUrl(): string {
    return `${this.accountId}.dkr.ecr.${this.region}.amazonaws.com/${this.imageRepository}`;
  }

  /** Name of the IAM role and of the instance profile of an environment's instances. */
  instanceRole(role: InstanceRole): string {
    return this.name(role);
  }

  /** Name of the role that Beanstalk itself uses. */
  get beanstalkServiceRole(): string {
    return this.name("beanstalk-service");
  }

  ciRole(role: CiRole): string {
    return this.name(`ci-${role}`);
  }

  /** Tag of the CI role `up` with the load balancer of a role's environment, such as `app/NAME/ID`. */
  loadBalancerTag(role: InstanceRole): string {
    return `${role}-load-balancer-id`;
  }

  /** Name of a managed policy of a CI role. */
  ciPolicy(role: CiRole, part: string): string {
    return this.name(`ci-${role}-${part}`);
  }

  /** Name of the vault of AWS Backup in this region. */
  get backupVault(): string {
    return this.name();
  }

  /** Name of the vault with the copies, in another region. */
  get backupCopyVault(): string {
    return this.name("copy");
  }

  /** Name of the role with which AWS Backup reads and restores data. */
  get backupRole(): string {
    return this.name("backup");
  }

  roleArn(roleName: string): string {
    return `arn:aws:iam::${this.accountId}:role/${roleName}`;
  }

  /** Name of the managed policy that is the permissions boundary of the instances' roles. */
  get permissionsBoundary(): string {
    return this.name("boundary");
  }

  get permissionsBoundaryArn(): string {
    return this.policyArn(this.permissionsBoundary);
  }

  /** Name of the managed policy that is the permissions boundary of the roles that AWS's services use. */
  get serviceBoundary(): string {
    return this.name("service-boundary");
  }

  get serviceBoundaryArn(): string {
    return this.policyArn(this.serviceBoundary);
  }

  policyArn(policyName: string): string {
    return `arn:aws:iam::${this.accountId}:policy/${policyName}`;
  }

  /** ARN of a resource of this account, in the environment's region unless another one is given. */
  arn(service: string, resource: string, region = this.region): string {
    return `arn:aws:${service}:${region}:${this.accountId}:${resource}`;
  }

  /** Name of the SSM parameter that holds the secret `name`. `npm run init-stack` creates it, not the program. */
  secretParameter(name: string): string {
    return secretParameterName(this.env, name);
  }

  secretParameterArn(name: string): string {
    return this.arn("ssm", `parameter${this.secretParameter(name)}`);
  }

  /** Name of the SSM parameter that tells the deploy tool where to deploy. It holds no secret. */
  get deploymentParameter(): string {
    return deployParameterName(this.env);
  }

  /** Alias of the environment's own KMS key. */
  get keyAlias(): string {
    return `alias/${this.name()}`;
  }

  /** Name of the queue of background tasks. */
  get queue(): string {
    return this.name("tasks");
  }

  get queueUrl(): string {
    return `https://sqs.${this.region}.amazonaws.com/${this.accountId}/${this.queue}`;
  }

  /** The tags that every resource has, with `extra` added. */
  tags(extra: Record<string, string> = {}): Record<string, string> {
    return { project: "iaso", env: this.env, "managed-by": "pulumi", ...extra };
  }
}
