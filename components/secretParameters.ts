import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { Naming } from "./common/naming";

export interface SecretParametersArgs {
  naming: Naming;
  /** Secret values by the name of the environment variable that takes them. */
  values: Record<string, pulumi.Output<string>>;
}

/**
 * Secret environment variables as SecureString parameters, which cost nothing and whose ARNs follow from their
 * names. Beanstalk fetches them when an instance starts; after a rotation the environments must be restarted.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.secrets.env-vars.html
 */
export class SecretParameters extends pulumi.ComponentResource {
  /** The variables, sorted. */
  readonly variables: string[];
  /** ARN of the parameter of each variable. */
  readonly arns: Record<string, string>;
  /** What an environment that reads the values must wait for. */
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
