import { statementsOf } from "../../policies/iam/document";
import { Role } from "../authorization";
import type { AccountResource } from "./provider/account";
import { AwsDouble } from "../deploy/double/aws";
import { runCli } from "../deploy/double/cli";
import { ScaledTime } from "../deploy/double/clocks";
import { serve } from "../deploy/double/server";
import { makeMinimalApplication, removeTemporaryDirectories } from "../deploy/source/checkout";
import type { Lab } from "./lab";

export const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";

/**
 * Deploys a version with the deploy tool, in a process of its own. The tool works on a simulated Beanstalk with the
 * program's environments and finds them through the program's parameter. Its changes are then copied to the account.
 *
 * @returns the label of the deployed version
 */
export async function deploy(lab: Lab, version: string): Promise<string> {
  const time = new ScaledTime(60);
  const target = targetOf(lab);
  const double = new AwsDouble(1, time, [String(target.artifactsBucket), String(target.staticBucket)]);
  double.role = deployRoleOf(lab);
  for (const { id, inputs, state } of lab.account.ofType(ENVIRONMENT)) {
    double.beanstalk.addEnvironment({
      id,
      name: String(inputs.name),
      application: String(inputs.application),
      tier: inputs.tier as "WebServer" | "Worker",
      platformArn: `arn:aws:elasticbeanstalk:eu-central-1::platform/${String(inputs.solutionStackName)}/1.0.0`,
      tags: inputs.tags as Record<string, string>,
      label: String(state.version),
    });
  }
  const running = await serve(double);
  try {
    const queueUrl = `${running.url}${new URL(String(target.queueUrl)).pathname}`;
    const local = { webUrl: running.url, queueUrl };
    double.parameters.set(parameterOf(lab), JSON.stringify({ ...target, ...local }));
    const source = makeMinimalApplication();
    const args = [lab.stackName, "--source", source, "--version", version, "--migrations-unchecked"];
    const { code, stdout, stderr } = await runCli(running, time, args);
    if (code !== 0) throw new Error(stdout + stderr);
  } finally {
    await running.stop();
    removeTemporaryDirectories();
  }
  await lab.byHand((account) => {
    for (const environment of pairOf(lab)) {
      const { label } = double.environment(String(environment.inputs.name)).truth;
      account.put({
        ...environment,
        inputs: { ...environment.inputs, version: label },
        state: { ...environment.state, version: label },
      });
    }
  });
  return [...double.beanstalk.versions.keys()].at(-1) ?? "";
}

/** The environments of web and worker. The program itself sets Enketo's version. */
export function pairOf(lab: Lab): AccountResource[] {
  return lab.account.ofType(ENVIRONMENT).filter((environment) => roleOf(environment) !== "enketo");
}

export function roleOf({ inputs }: AccountResource): string {
  return (inputs.tags as Record<string, string>).role ?? "";
}

export function parameterOf(lab: Lab): string {
  return `/iaso/${lab.stackName}/deployment`;
}

/** The role with which the workflow deploys. */
function deployRoleOf(lab: Lab): Role {
  const inline = lab.account
    .ofType("aws:iam/rolePolicy:RolePolicy")
    .filter(({ inputs }) => String(inputs.role).endsWith("-ci-deploy"));
  const managed = lab.account
    .ofType("aws:iam/policy:Policy")
    .filter(({ inputs }) => String(inputs.name).includes("-ci-deploy-"));
  const role = lab.account
    .ofType("aws:iam/role:Role")
    .find(({ inputs }) => String(inputs.name).endsWith("-ci-deploy"));
  return new Role(
    [...inline, ...managed].flatMap(({ inputs }) => statementsOf(inputs.policy)),
    undefined,
    role?.inputs.tags as Record<string, string>,
  );
}

/** The parameter by which the program tells the deploy tool where to deploy. */
export function targetOf(lab: Lab): Record<string, unknown> {
  const parameter = lab.account
    .ofType("aws:ssm/parameter:Parameter")
    .find(({ inputs }) => inputs.name === parameterOf(lab));
  return JSON.parse(String(parameter?.inputs.insecureValue)) as Record<string, unknown>;
}
