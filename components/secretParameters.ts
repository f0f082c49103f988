import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { Naming } from "./common/naming";

export interface SecretParametersArgs {
  naming: Naming;
  /**
   * Secret values by the name of their environment variable. **Renaming a variable replaces its parameter.**
   *
   * @example { SECRET_KEY: settings.secrets.secretKey }
   */
  values: Record<string, pulumi.Output<string>>;
}

/**
 * Secret environment variables as SecureString parameters of Parameter Store. They are free, and their ARNs follow
 * from their names. Beanstalk reads the values when an instance starts, so restart the environments after a rotation.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.secrets.env-vars.html
 */
export class SecretParameters extends pulumi.ComponentResource {
  /** Names of the variables, sorted. */
  readonly variables: string[];
  /** ARN of each variable's parameter. */
  readonly arns: Record<string, string>;
  /** The parameters. They must exist before an instance that reads them starts; their ARNs are known earlier. */
  readonly parameters: aws.ssm.Parameter[];

  constructor(name: string, args: SecretParametersArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:SecretParameters", name, {}, opts);
    const { naming, values } = args;

    this.variables = Object.keys(values).sort();
    this.arns = Object.fromEntries(
      this.variables.map((variable) => [variable, naming.secretParameterArn(variable)]),
    );
    this.parameters = this.variables.map(
      (variable) =>
        new aws.ssm.Parameter(
          `${name}-${variable}`,
          {
            name: naming.secretParameter(variable),
            type: "SecureString",
            description: `Environment variable ${variable} of ${naming.name()}`,
            value: values[variable],
            tags: naming.tags(),
          },
          { parent: this },
        ),
    );
    this.registerOutputs({ variables: this.variables });
  }
}
