import { DescribeEnvironmentsCommand } from "@aws-sdk/client-elastic-beanstalk";
import { UserError } from "../../cli/userError";
import { formatDuration } from "../../coordination/clock";
import { findInstance } from "../../database/runCommand";
import { listByPrefix } from "../../database/instances";
import { planRestore } from "../../database/restoreInPlace";
import { commonVersion } from "../../deploy/commands/recover";
import { type Pair } from "../../deploy/pair/find";
import { instanceHealth } from "../../deploy/pair/health";
import { describePair } from "../../deploy/pair/state";
import { findSnapshot } from "../../doctor/reads";
import { type Choice } from "../existing/environments";
import { findExistingSide, type FoundSide } from "./existingSide";
import { requireReachable } from "./reach";
import { newestIn, type Plan } from "./record";
import { type HostRecords, type MovedHost, readRecords } from "./records";
import { onExisting, type Session } from "./session";
import { countTasks } from "./tasks";
import { existingInstance, UPLOADS } from "./writes";

export interface PlanArgs {
  command: "cutover" | "rehearsal";
  region: string;
  choice: Choice;
  /** The hosts of the existing Iaso, with the names of the stack's environments. */
  hosts: Plan["hosts"];
  /** The account of the existing bucket of media; the stack's by default. */
  mediaAccount: string | undefined;
  withoutRowCount: boolean;
  /** Name and master user of the stack's database, from its settings. */
  database: { databaseName: string; databaseUser: string };
}

/**
 * Plans a cutover or a rehearsal. Changes nothing.
 *
 * @param run the number of the run
 * @returns the plan, and its description
 * @throws UserError if something stops it
 */
export async function makePlan(
  session: Session,
  pair: Pair,
  run: number,
  args: PlanArgs,
): Promise<{ plan: Plan; lines: string[] }> {
  const { clients, env, pulumi, stack, target } = session;
  const state = await describePair(clients.beanstalk, pair);
  const version = commonVersion(state);
  if (version === undefined || state.web.health === "Severe") {
    throw new UserError(
      `Web and worker of ${env} do not run one version of Iaso, or web does not work: the cutover has to find a working platform.`,
      `npm run deploy -- ${env} --source ../iaso; what they run: npm run deploy -- status ${env}`,
    );
  }
  if (!args.withoutRowCount) await findInstance(session);
  const found = await findExistingSide(session, args.region, args.choice, args.mediaAccount);
  const { isEncrypted, major, side } = found;
  await session.checkMedia(side.bucket);
  const snapshot = `iaso-${env}-${args.command}-${run}`;
  const isCopied = !isEncrypted || side.region !== target.region;
  const restore = await planRestore(session, pulumi, run, isCopied ? `${snapshot}-encrypted` : snapshot);
  if (restore.settings.majorVersion !== major) {
    throw new UserError(
      `The existing database ${side.database.id} runs PostgreSQL ${major}, and that of ${env} ${restore.settings.majorVersion}.`,
      Number(major) < Number(restore.settings.majorVersion)
        ? `Upgrade the existing one: aws rds modify-db-instance --db-instance-identifier ${side.database.id} --engine-version ${restore.settings.majorVersion} --allow-major-version-upgrade --apply-immediately`
        : `npm run database -- upgrade ${env} --to ${major}`,
    );
  }
  requireSameNames(found, args.database, stack);
  requireRoom(side, restore, stack);
  await requireNewSnapshot(session, side.region, snapshot);
  const { web, enketo } = args.hosts;
  const hosts = [web, ...(enketo === undefined ? [] : [enketo])];
  const records =
    args.command === "cutover" ? await readRecords(session.route53, await session.zones(), hosts) : [];
  await requireOwnDomains(session, hosts);
  await requireReachable(session, args.hosts);
  const health = instanceHealth(state);
  const plan: Plan = { existing: side, snapshot, restore, version, hosts: args.hosts, health };
  const rehearsed = await newestIn(session, "rehearsed");
  const leftovers = await listByPrefix(session, `${restore.name}-replaced-`);
  const tasks =
    side.queue === undefined ? { running: 0, waiting: 0 } : await countTasks(onExisting(session, side));
  const isCounted = !args.withoutRowCount && (await existingInstance(session, side)) !== undefined;
  const lines =
    args.command === "cutover"
      ? describeCutover(plan, { found, isCounted, records, tasks, stack })
      : describeRehearsal(plan, found);
  return {
    plan,
    lines: [
      ...lines,
      ...expectationOf(rehearsed?.seconds, rehearsed?.startedAt, stack),
      ...leftovers.map(
        ({ DBInstanceIdentifier = "" }) =>
          `An earlier run left ${DBInstanceIdentifier}, which costs as much as a database. To delete it: npm run database -- delete-replaced ${env}`,
      ),
    ],
  };
}

/** @throws UserError if Iaso would log in to the restored database as another user, or to another database, than it has */
function requireSameNames(
  { databaseName, master, side }: FoundSide,
  own: PlanArgs["database"],
  stack: string,
): void {
  if (own.databaseName === databaseName && own.databaseUser === master) return;
  throw new UserError(
    `The database ${databaseName} of ${side.database.id} has the master user ${master}, and ${stack} has the settings databaseName ${own.databaseName} and databaseUser ${own.databaseUser}: its instances could not log in to the restored database.`,
    `Create the database of ${stack} anew from a snapshot of the existing one, which gives it these names (docs/moving-in.md, "Take the data along"): npm run move -- snapshot ${stack} --application NAME, before the pulumi up that creates it`,
  );
}

/**
 * RDS lets the storage grow only to a maximum that is at least 10 % above the storage.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html
 * @throws UserError if the restored database would have more storage than its settings allow
 */
function requireRoom({ database }: FoundSide["side"], { settings }: Plan["restore"], stack: string): void {
  const least = Math.ceil((database.gib * 11) / 10);
  if (settings.maxAllocatedStorage === undefined || settings.maxAllocatedStorage >= least) return;
  throw new UserError(
    `The existing database ${database.id} has ${database.gib} GiB, and that of ${stack} may grow to ${settings.maxAllocatedStorage} GiB: RDS needs at least ${least}.`,
    `pulumi config set iaso:databaseMaxStorage ${least} --stack ${stack}, and pulumi up --stack ${stack}`,
  );
}

/** @throws UserError if somebody has taken a snapshot of the name already: it would lack what users wrote since */
async function requireNewSnapshot(session: Session, region: string, name: string): Promise<void> {
  const places = [
    { rds: session.existingClients(region).rds, name },
    { rds: session.clients.rds, name: `${name}-encrypted` },
  ];
  for (const place of places) {
    if ((await findSnapshot(place.rds, place.name)) === undefined) continue;
    throw new UserError(
      `There is a snapshot ${place.name} already.`,
      "Run the command again, which chooses another name. If that happens twice, find out in CloudTrail who takes these snapshots (CreateDBSnapshot)",
    );
  }
}

/** @throws UserError if an environment does not have the domain to which a record would point */
async function requireOwnDomains({ clients, stack }: Session, hosts: readonly MovedHost[]): Promise<void> {
  const { Environments = [] } = await clients.beanstalk.send(
    new DescribeEnvironmentsCommand({ IncludeDeleted: false }),
  );
  const missing = hosts.find(
    ({ cname }) => !Environments.some(({ CNAME }) => CNAME?.toLowerCase() === cname.toLowerCase()),
  );
  if (missing === undefined) return;
  throw new UserError(
    `No environment has the domain ${missing.cname}, to which ${missing.host} would point.`,
    `pulumi up --stack ${stack}`,
  );
}

interface Facts {
  found: FoundSide;
  /** True if an instance of the existing Iaso can count the writes to its database. */
  isCounted: boolean;
  records: readonly HostRecords[];
  tasks: { running: number; waiting: number };
  stack: string;
}

function describeCutover({ existing, restore, snapshot, version }: Plan, facts: Facts): string[] {
  const { found, isCounted, records, stack, tasks } = facts;
  const queue =
    existing.queue === undefined
      ? "It has no worker."
      : `Wait until its ${tasks.running} running and ${tasks.waiting} waiting tasks have ended, and stop its worker.`;
  return [
    "Plan of the cutover:",
    `  1. Close ${existing.web}: its users see the maintenance page, on ${existing.listeners.length} listener(s). ${queue}`,
    `  2. Take the snapshot ${snapshot} of ${existing.database.id} (${existing.database.gib} GiB).`,
    ...(isCounted ? [] : [uncountedLine(existing.web)]),
    ...restoreLines("  3.", restore),
    `  4. Copy the last media of ${existing.bucket.name}.`,
    `  5. Deploy ${version} again, whose instances migrate the database, and check the new platform.`,
    "  6. Ask again, then change the records:",
    ...records.map(recordLine),
    `  7. At once, by you: commit and push Pulumi.${stack}.yaml, and run pulumi up --stack ${stack}. Enketo opens no form until then.`,
    ...conditionLines(found),
    `Until step 6, this goes back: npm run move -- back ${stack}. From step 6 on nothing does: users then write to the new platform.`,
  ];
}

function describeRehearsal({ existing, restore, snapshot, version }: Plan, found: FoundSide): string[] {
  return [
    "Plan of the rehearsal, during which the existing Iaso stays in use:",
    `  1. Take the snapshot ${snapshot} of ${existing.database.id} (${existing.database.gib} GiB).`,
    ...restoreLines("  2.", restore),
    `  3. Copy the new media of ${existing.bucket.name}.`,
    `  4. Deploy ${version} again, whose instances migrate the database, and check the new platform.`,
    ...conditionLines(found),
  ];
}

const uncountedLine = (web: string): string =>
  `     Nothing shows late writes to it, such as a slow upload: that needs an instance of ${web} that takes commands of Systems Manager, and no --without-row-count. So this waits ${formatDuration(UPLOADS)} first, and what is written later is lost.`;

const restoreLines = (number: string, { name, replaced, settings }: Plan["restore"]): string[] => [
  `${number} Stop the new worker, and restore the snapshot into ${name} (${settings.instanceClass}). The database that is there becomes ${replaced}:`,
  "     what was written to the new platform until now is in that one only.",
];

function recordLine({ cname, current, host, isMoved, ttl }: HostRecords): string {
  if (isMoved) return `     ${host} leads to ${cname} already.`;
  const now = current.map(
    ({ AliasTarget, ResourceRecords, Type = "" }) =>
      `${Type} ${(AliasTarget?.DNSName ?? ResourceRecords?.[0]?.Value ?? "").replace(/\.$/, "")}`,
  );
  return `     ${host}: ${now.length === 0 ? "no record" : now.join(", ")} -> A ${cname}. Resolvers keep the old one for ${ttl} s.`;
}

/** Conditions of the existing side that this program cannot change. */
const conditionLines = ({ isManaged, master, side, user }: FoundSide): string[] => [
  // Tables of another owner cannot be migrated by the master user.
  ...(user === master
    ? []
    : [
        `The existing Iaso connects as ${user}, the new one as ${master}. Before, in SQL on the existing database: GRANT ${user} TO ${master};`,
      ]),
  // AWS does not say whether an update keeps rules of others on its listeners.
  ...(isManaged
    ? [
        `Beanstalk updates the platform of ${side.web} by itself, which could open its site: turn its managed updates off before.`,
      ]
    : []),
];

/** The expected time from the closure to the records, from the last rehearsal. */
function expectationOf(
  seconds: Record<string, number> | undefined,
  at: string | undefined,
  stack: string,
): string[] {
  if (seconds === undefined)
    return [`No rehearsal tells how long it takes: npm run move -- rehearse ${stack}`];
  const total = Object.values(seconds).reduce((sum, one) => sum + one, 0);
  return [
    `Expected: ${formatDuration(total * 1000)}, as in the rehearsal of ${at ?? ""}, and some minutes until its tasks have ended.`,
  ];
}
