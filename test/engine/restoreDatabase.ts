import { join } from "node:path";
import { AwsDouble } from "../deploy/double/aws";
import { runCli } from "../deploy/double/cli";
import { ScaledTime } from "../deploy/double/clocks";
import { DATABASE_GROUP, type SimulatedDatabase } from "../deploy/double/rds";
import { serve } from "../deploy/double/server";
import { operatorRole } from "../database/operator";
import { providerName } from "../database/runs";
import { parameterOf, targetOf } from "./deployTool";
import type { Lab } from "./lab";
import type { AccountResource, Properties } from "./provider/account";

export const DATABASE = "aws:rds/instance:Instance";

/**
 * Restores the stack's database with the database tool, in a process of its own. The tool works on a simulated RDS with
 * the program's instance, and on the stack's own state. The restored instance is then copied to the account.
 *
 * @returns what the tool printed
 */
export async function restoreDatabase(lab: Lab): Promise<string> {
  const [old] = lab.account.ofType(DATABASE);
  if (old === undefined) throw new Error("no database");
  const time = new ScaledTime(60);
  const target = targetOf(lab);
  const double = new AwsDouble(1, time, [String(target.artifactsBucket)]);
  double.role = operatorRole(lab.stackName, String(target.artifactsBucket));
  const instance = addInstance(double, old);
  const { name } = instance;
  const snapshot = `${name}-before-the-loss`;
  double.rds.snapshots.push({
    id: snapshot,
    instance: name,
    at: time.now,
    status: "available",
    version: String(instance.attributes.EngineVersion),
    rows: { iaso_orgunit: 10 },
    password: "the-password-of-then",
    storage: Number(instance.attributes.AllocatedStorage),
  });
  double.parameters.set(`/iaso-secrets/${lab.stackName}/RDS_PASSWORD`, instance.password);
  double.commands.password = instance.password;
  const running = await serve(double);
  try {
    double.parameters.set(
      parameterOf(lab),
      JSON.stringify({
        ...target,
        webUrl: running.url,
        queueUrl: `${running.url}${new URL(String(target.queueUrl)).pathname}`,
      }),
    );
    const { code, stdout, stderr } = await runCli(
      running,
      time,
      ["restore", lab.stackName, "--snapshot", snapshot, "--yes"],
      { script: join(__dirname, "../database/process.ts"), environment: lab.options.envVars },
    );
    if (code !== 0) throw new Error(stdout + stderr);
    const restored = double.rds.named(name);
    if (restored === undefined || restored === instance) throw new Error("nothing was restored");
    await lab.byHand((account) => {
      account.remove(DATABASE, old.id);
      account.put(asResource(restored, instance, old));
    });
    return stdout;
  } finally {
    await running.stop();
  }
}

/** Adds the program's instance to a simulated RDS, in place of the one that each has. */
function addInstance(double: AwsDouble, { id, state }: AccountResource): SimulatedDatabase {
  double.rds.instances.length = 0;
  const instance = double.rds.addInstance(String(state.identifier));
  return Object.assign(instance, {
    id,
    attributes: Object.fromEntries(
      Object.keys(instance.attributes).map((name) => [name, state[providerName(name)]]),
    ),
    groups: [{ id: DATABASE_GROUP, status: "active" }],
    logExports: state.enabledCloudwatchLogsExports,
    parameterGroup: { name: state.parameterGroupName, status: "in-sync" },
    tags: state.tags,
  });
}

/**
 * An instance as the provider reads it: with all attributes of the replaced one. Properties that RDS does not show here are
 * those of the replaced resource.
 */
function asResource(
  { attributes, groups, id, logExports, parameterGroup, tags }: SimulatedDatabase,
  replaced: SimulatedDatabase,
  old: AccountResource,
): AccountResource {
  // The program names a major version, and the provider accepts each minor one.
  const names = Object.keys(replaced.attributes).filter((name) => name !== "EngineVersion");
  const read: Properties = {
    ...Object.fromEntries(names.map((name) => [providerName(name), attributes[name]])),
    vpcSecurityGroupIds: groups.map((group) =>
      group.id === DATABASE_GROUP ? (old.state.vpcSecurityGroupIds as string[])[0] : group.id,
    ),
    enabledCloudwatchLogsExports: logExports,
    parameterGroupName: parameterGroup.name,
    tags,
  };
  const merged = (properties: Properties): Properties =>
    Object.fromEntries(
      Object.entries(properties).map(([key, value]) => [key, key in read ? read[key] : value]),
    );
  return { ...old, id, inputs: merged(old.inputs), state: { ...merged(old.state), resourceId: id } };
}
