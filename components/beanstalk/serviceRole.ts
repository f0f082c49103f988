import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { Naming } from "../common/naming";
import { trustPolicy } from "../iam/policyDocument";

export interface BeanstalkServiceRoleArgs {
  naming: Naming;
  /** ARN of the permissions boundary of the role. */
  permissionsBoundary: pulumi.Input<string>;
}

/**
 * AWS's managed policy for enhanced health. The one for managed updates is not needed: `ManagedActionsEnabled` is off, and
 * every other change uses the caller's permissions.
 */
const ENHANCED_HEALTH = "arn:aws:iam::aws:policy/service-role/AWSElasticBeanstalkEnhancedHealth";

/**
 * The IAM role with which Beanstalk monitors the environments.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/iam-servicerole.html
 */
export class BeanstalkServiceRole extends pulumi.ComponentResource {
  readonly roleName: pulumi.Output<string>;
  /** The role's permissions. They must exist before an environment uses the role; its name is known earlier. */
  readonly policyAttachments: pulumi.Resource[];

  constructor(name: string, args: BeanstalkServiceRoleArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:BeanstalkServiceRole", name, {}, opts);
    const { naming, permissionsBoundary } = args;

    const role = new aws.iam.Role(
      name,
      {
        name: naming.beanstalkServiceRole,
        assumeRolePolicy: trustPolicy(
          { Service: "elasticbeanstalk.amazonaws.com" },
          { StringEquals: { "sts:ExternalId": "elasticbeanstalk" } },
        ),
        permissionsBoundary,
        tags: naming.tags(),
      },
      { parent: this },
    );
    this.policyAttachments = [
      new aws.iam.RolePolicyAttachment(
        `${name}-enhanced-health`,
        { role: role.name, policyArn: ENHANCED_HEALTH },
        { parent: role },
      ),
    ];
    this.roleName = role.name;
    this.registerOutputs({ roleName: this.roleName });
  }
}
