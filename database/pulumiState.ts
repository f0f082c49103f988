import { execFile } from "node:child_process";
import { z } from "zod";
import { describeError, errorName } from "../cli/awsErrors";
import { UserError } from "../cli/userError";
import { majorVersion, type Settings } from "./settings";

/** The state of a stack, as a text. */
export interface PulumiState {
  read(): Promise<string>;
  write(state: string): Promise<void>;
}

/** The state of a stack by Pulumi's command line. Neither command needs the stack's passphrase or key. */
export class PulumiCli implements PulumiState {
  constructor(private readonly stack: string) {}

  read(): Promise<string> {
    return this.run(["stack", "export", "--stack", this.stack]);
  }

  async write(state: string): Promise<void> {
    await this.run(["stack", "import", "--stack", this.stack], state);
  }

  private run(args: string[], input = ""): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = execFile(
        "pulumi",
        [...args, "--non-interactive"],
        { maxBuffer: 256 * 1024 * 1024 },
        (error, stdout, stderr) => {
          if (error === null) {
            resolve(stdout);
            return;
          }
          const why = errorName(error) === "ENOENT" ? "it is not installed" : stderr.trim();
          reject(
            new UserError(
              `pulumi ${args.join(" ")} failed: ${why === "" ? describeError(error) : why}`,
              "Log in to the state backend (pulumi login), then run the command again",
              { cause: error },
            ),
          );
        },
      );
      child.stdin?.on("error", () => undefined);
      child.stdin?.end(input);
    });
  }
}

const INSTANCE = "aws:rds/instance:Instance";

const flag = z.boolean().default(false);
/** The outputs of the instance, in the names of the provider. */
const outputs = z.object({
  engineVersion: z.string(),
  instanceClass: z.string(),
  port: z.number().default(5432),
  dbSubnetGroupName: z.string(),
  parameterGroupName: z.string(),
  vpcSecurityGroupIds: z.array(z.string()),
  multiAz: flag,
  autoMinorVersionUpgrade: flag,
  storageType: z.string(),
  maxAllocatedStorage: z.number().optional(),
  copyTagsToSnapshot: flag,
  deletionProtection: flag,
  enabledCloudwatchLogsExports: z.array(z.string()).default([]),
  backupRetentionPeriod: z.number(),
  backupWindow: z.string(),
  maintenanceWindow: z.string(),
  caCertIdentifier: z.string(),
  monitoringInterval: z.number().default(0),
  monitoringRoleArn: z.string().optional(),
  performanceInsightsEnabled: flag,
  performanceInsightsRetentionPeriod: z.number().optional(),
  tags: z.record(z.string(), z.string()).default({}),
});

const stateSchema = z.object({
  deployment: z.object({
    pending_operations: z.array(z.unknown()).default([]),
    resources: z
      .array(z.object({ type: z.string(), id: z.string().optional(), outputs: z.unknown().optional() }))
      .default([]),
  }),
});

type Deployment = z.infer<typeof stateSchema>["deployment"];

function deploymentOf(state: string): Deployment {
  return stateSchema.parse(JSON.parse(state)).deployment;
}

/** The ids of the database instances in a state: their resource ids, db-…. */
export function databaseIds(state: string): string[] {
  return deploymentOf(state).resources.flatMap(({ id, type }) =>
    type === INSTANCE && id !== undefined ? [id] : [],
  );
}

/**
 * The id and the settings of the database instance in a state.
 *
 * @throws UserError if the state has no such instance
 */
export function settingsInState(state: string, stack: string): { id: string; settings: Settings } {
  const found = deploymentOf(state).resources.find(({ type }) => type === INSTANCE);
  if (found?.id === undefined) {
    throw new UserError(
      `Pulumi's state of ${stack} has no database.`,
      `Create it: pulumi up --stack ${stack}; or name the stack: --stack`,
    );
  }
  const of = outputs.parse(found.outputs);
  const settings: Settings = {
    majorVersion: majorVersion(of.engineVersion),
    instanceClass: of.instanceClass,
    port: of.port,
    subnetGroup: of.dbSubnetGroupName,
    parameterGroup: of.parameterGroupName,
    securityGroups: of.vpcSecurityGroupIds,
    multiAz: of.multiAz,
    autoMinorVersionUpgrade: of.autoMinorVersionUpgrade,
    storageType: of.storageType,
    maxAllocatedStorage: of.maxAllocatedStorage,
    copyTagsToSnapshot: of.copyTagsToSnapshot,
    deletionProtection: of.deletionProtection,
    logExports: of.enabledCloudwatchLogsExports,
    backupRetentionDays: of.backupRetentionPeriod,
    backupWindow: of.backupWindow,
    maintenanceWindow: of.maintenanceWindow,
    caCertificate: of.caCertIdentifier,
    monitoringInterval: of.monitoringInterval,
    monitoringRole: of.monitoringRoleArn,
    performanceInsightsDays: of.performanceInsightsEnabled
      ? (of.performanceInsightsRetentionPeriod ?? 7)
      : undefined,
    tags: Object.entries(of.tags).map(([Key, Value]) => ({ Key, Value })),
  };
  return { id: found.id, settings };
}

/**
 * Checks that Pulumi's state can follow the restore.
 *
 * @throws UserError if the state does not have the instance, or an update of the stack is unfinished
 */
export function requireInstance(state: string, id: string, stack: string): void {
  requireNoUpdate(state, stack);
  const ids = databaseIds(state);
  if (ids.includes(id)) return;
  throw new UserError(
    `Pulumi's state of ${stack} has ${ids.length === 0 ? "no database" : `the database ${ids.join(", ")}`}, but the instance in AWS is ${id}.`,
    `pulumi refresh --stack ${stack}`,
  );
}

function requireNoUpdate(state: string, stack: string): void {
  if (deploymentOf(state).pending_operations.length === 0) return;
  throw new UserError(
    `The last update of the stack ${stack} was interrupted, or goes on.`,
    'Finish it first: docs/operations.md, "Interrupted update"',
  );
}

/**
 * Replaces the old instance by the new one in Pulumi's state. Changes nothing if the new one is there already.
 *
 * @throws UserError if an update of the stack goes on, or has changed the state meanwhile
 */
export async function replaceInState(
  pulumi: PulumiState,
  stack: string,
  oldId: string,
  newId: string,
): Promise<void> {
  const state = await pulumi.read();
  if (databaseIds(state).includes(newId)) return;
  requireNoUpdate(state, stack);
  if (!databaseIds(state).includes(oldId)) {
    throw new UserError(
      `Pulumi's state of ${stack} does not have the old instance ${oldId} any more.`,
      `Import ${newId}: docs/operations.md, "Resources missing from the state"`,
    );
  }
  // An import does not notice what an update has written since the export.
  if ((await pulumi.read()) !== state) {
    throw new UserError(
      `Pulumi's state of ${stack} was changed meanwhile.`,
      "Wait until no update of the stack runs",
    );
  }
  await pulumi.write(state.replaceAll(oldId, newId));
}
