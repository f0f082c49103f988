import type { EnvironmentDescription } from "@aws-sdk/client-elastic-beanstalk";
import { ConditionalObjects } from "../coordination/conditionalObject";
import { describeHolder, isHeld, readLock } from "../coordination/lock";
import { UserError } from "../cli/userError";
import { type DeploymentRecord, describeMaintenance, lastDeployment } from "../deploy/record";
import { checks } from "../doctor/checks";
import type { Context } from "../doctor/context";
import { NotChecked } from "../doctor/errors";
import { type CheckReport, runChecks } from "../doctor/run";

/** A stack as it runs. */
export interface StackStatus {
  stack: string;
  account: string;
  region: string;
  /** "unknown" if the stack cannot be read; `checks` say why. */
  state: "running" | "not created" | "unknown";
  /** By role, of the environments that exist: version label, and Beanstalk's health, such as Green. */
  environments: Record<string, { version: string; health: string }>;
  /** Undefined before the first deployment, or if it cannot be read. */
  lastDeployment?: Pick<DeploymentRecord, "by" | "command" | "phase" | "startedAt" | "to">;
  /** The user and the command of a run that holds the lock of the environment now. */
  runsNow?: string;
  /** Minimum cost in US dollars a month at list prices; undefined if the offline preview cannot tell. */
  monthlyCost?: number;
  /** The check-ups of `npm run doctor`. */
  checks: CheckReport[];
}

/**
 * Returns the status of one stack: its environments, the last run of the deploy tool, and the check-ups of the doctor.
 * Changes nothing, and reads no secret.
 *
 * @param monthlyCost see {@link StackStatus}
 */
export async function statusOf(context: Context, monthlyCost?: number): Promise<StackStatus> {
  const { name: stack, accountId: account, region } = context.stack;
  const base = { stack, account, region, environments: {}, monthlyCost };
  try {
    const reports = await runChecks(
      context,
      checks.filter(({ phase }) => phase === "check-up"),
    );
    // The first report is about the account. In another account, nothing can be said about the stack.
    if (reports[0]?.status !== "ok") return { ...base, state: "unknown", checks: reports };
    if (!(await context.exists())) return { ...base, state: "not created", checks: reports };
    const environments = byRole(context, await context.environments());
    return { ...base, state: "running", environments, ...(await runsOf(context)), checks: reports };
  } catch (error) {
    if (!(error instanceof UserError) && !(error instanceof NotChecked)) throw error;
    const detail = error.message;
    return {
      ...base,
      state: "unknown",
      checks: [{ name: "AWS account", phase: "preflight", status: "not checked", findings: [], detail }],
    };
  }
}

function byRole(
  { stack }: Context,
  existing: Map<string, EnvironmentDescription>,
): StackStatus["environments"] {
  return Object.fromEntries(
    stack.environments.flatMap(({ name, role }) => {
      const environment = existing.get(name);
      if (environment === undefined) return [];
      return [
        [role, { version: environment.VersionLabel ?? "none", health: environment.Health ?? "unknown" }],
      ];
    }),
  );
}

/** The last deployment, and the run that holds the lock now. The lock counts the runs. */
async function runsOf({
  clients,
  now,
  stack,
}: Context): Promise<Pick<StackStatus, "lastDeployment" | "runsNow">> {
  const objects = new ConditionalObjects(clients.s3, stack.artifactsBucket);
  try {
    const lock = await readLock(objects, stack.env);
    if (lock === undefined) return {};
    const record = await lastDeployment(objects, stack.env, lock.token + 1);
    const maintenance = await describeMaintenance(objects, stack.env, lock.token);
    return {
      ...(record !== undefined && {
        lastDeployment: {
          by: record.by,
          command: record.command,
          phase: record.phase,
          startedAt: record.startedAt,
          to: record.to,
        },
      }),
      ...(isHeld(lock, now.getTime()) && { runsNow: [describeHolder(lock), maintenance].join(" ").trim() }),
    };
  } catch (error) {
    // The rest of the status does not need it.
    if (error instanceof NotChecked) return {};
    throw error;
  }
}
