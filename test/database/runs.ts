import { restore, type RestoreOptions, resume } from "../../database/commands/restore";
import { databaseIds } from "../../database/pulumiState";
import { continuing, EXIT, outcomeOf } from "../../database/run";
import { type Result, type Session } from "../../database/session";
import { type Clients, createClients } from "../../coordination/clients";
import { readTarget } from "../../coordination/target";
import { ARTIFACTS, AwsDouble, ENV } from "../deploy/double/aws";
import { type Time, VirtualClock, VirtualTime } from "../deploy/double/clocks";
import { DATABASE_GROUP, DEFAULT_GROUP, type SimulatedDatabase } from "../deploy/double/rds";
import { pulumiOf } from "../deploy/double/pulumi";
import { silentProgress } from "../deploy/double/runs";
import { createShortcutClients } from "../deploy/double/shortcut";
import { DirectTransport, never, type Process } from "../deploy/double/transport";
import { administer } from "./administrator";
import { awsCliOf } from "./awsCli";
import { backupClientOf } from "./backupClients";
import { BackupDouble, BUCKET } from "./backupDouble";
import { ElastiCacheDouble } from "./elastiCacheDouble";
import { operatorRole } from "./operator";

process.env["AWS_ACCESS_KEY_ID"] ??= "AKIAEXAMPLE";
process.env["AWS_SECRET_ACCESS_KEY"] ??= "example";

export const NAME = `iaso-${ENV}`;
export const GOOD = { iaso_orgunit: 10, iaso_form: 4 };
export const BAD = { iaso_orgunit: 3 };
const HOUR = 3_600_000;
const PASSWORD = "rotated-password";

/** An account whose database has lost rows an hour ago, and whose password was rotated since. */
export interface Account {
  double: AwsDouble;
  /** Pulumi's state. */
  state: string;
  old: SimulatedDatabase;
  backup: BackupDouble;
  redis: ElastiCacheDouble;
  /** The state of the old instance before the run. */
  before: string;
  /** The status of the old instance before the run, if it is not available. */
  oldStatus?: string;
  /** True if the old instance does not exist any more. */
  isGone?: boolean;
  /** True if no command but the deletion of a broken instance helps. */
  isBeyondRepair?: boolean;
  /** A time before the loss. */
  goodTime: string;
}

const SNAPSHOT = "iaso-staging-before-2-0";

export function createAccount(seed = 1, time: Time = new VirtualTime()): Account {
  const double = new AwsDouble(seed, time);
  double.role = operatorRole(ENV);
  double.describeTarget();
  const old = double.rds.named(NAME)!;
  // A change of the settings that waits for the maintenance window.
  old.pending["DBInstanceClass"] = "db.t4g.large";
  double.rds.write(old, GOOD);
  double.rds.snapshots.push({
    id: SNAPSHOT,
    instance: NAME,
    at: double.time.now,
    status: "available",
    version: "16.8",
    rows: GOOD,
    password: old.password,
  });
  double.time.now += HOUR;
  const goodTime = new Date(double.time.now).toISOString();
  double.time.now += HOUR;
  double.rds.write(old, BAD);
  old.password = PASSWORD;
  double.rds.write(old, BAD);
  double.parameters.set(`/iaso-secrets/${ENV}/RDS_PASSWORD`, PASSWORD);
  double.commands.password = PASSWORD;
  double.time.now += HOUR;
  const state = JSON.stringify({
    version: 3,
    deployment: {
      resources: [
        { type: "aws:s3/bucket:Bucket", id: "media" },
        { type: "aws:rds/instance:Instance", id: old.id, outputs: outputsOf(old) },
      ],
    },
  });
  const backup = new BackupDouble(double.time, () => double.role);
  double.s3.create(BUCKET);
  double.commands.media = { bucket: BUCKET, files: () => backup.media };
  const redis = new ElastiCacheDouble(double.time, () => double.role);
  return { double, state, old, backup, redis, before: settings(old), goodTime };
}

const RENAMED: Record<string, string> = {
  CACertificateIdentifier: "caCertIdentifier",
  DBInstanceClass: "instanceClass",
  DBSubnetGroupName: "dbSubnetGroupName",
  MasterUsername: "username",
  MultiAZ: "multiAz",
  PreferredBackupWindow: "backupWindow",
  PreferredMaintenanceWindow: "maintenanceWindow",
};

/** The provider's name of an attribute of RDS. */
export const providerName = (attribute: string): string =>
  RENAMED[attribute] ?? `${attribute.slice(0, 1).toLowerCase()}${attribute.slice(1)}`;

/** The outputs of Pulumi's resource. */
function outputsOf({ attributes, groups, id, logExports, name, parameterGroup, tags }: SimulatedDatabase) {
  return {
    ...Object.fromEntries(Object.entries(attributes).map(([key, value]) => [providerName(key), value])),
    identifier: name,
    resourceId: id,
    parameterGroupName: parameterGroup.name,
    vpcSecurityGroupIds: groups.map((group) => group.id),
    enabledCloudwatchLogsExports: logExports,
    tags,
  };
}

/** The attributes that Pulumi compares. */
export function settings({
  attributes,
  groups,
  logExports,
  parameterGroup,
  tags,
}: SimulatedDatabase): string {
  const sorted = Object.entries(attributes)
    .filter(([name]) => name !== "EngineVersion")
    .sort(([one], [other]) => one.localeCompare(other));
  return JSON.stringify([sorted, groups, logExports, parameterGroup, tags]);
}

export interface Ended {
  code: number;
  output: string;
}

export interface Answers {
  /** The answers to the questions, in order; yes after the last. */
  answers?: boolean[];
  route?: "sdk" | "shortcut";
}

/** Runs a command as a process of its own would. */
export function run(
  account: Account,
  command: (session: Session) => Promise<Result>,
  { answers = [], route = "shortcut" }: Answers = {},
): Promise<Ended | "killed"> {
  const { double } = account;
  const clock = new VirtualClock(double.time);
  const lines: string[] = [];
  const left = [...answers];
  return new Promise((resolve, reject) => {
    const process: Process = {
      double,
      dead: false,
      onKill() {
        clock.stopped = true;
        resolve("killed");
      },
    };
    const clients = clientsOf(process, route);
    outcomeOf(continuing(ENV), async () =>
      command({
        env: ENV,
        target: await readTarget(clients.ssm, ENV, "eu-central-1"),
        clients,
        clock,
        progress: silentProgress(clock, lines),
        by: "tester",
        interrupted: () => false,
        confirm: () => (process.dead ? never() : Promise.resolve(left.shift() ?? true)),
        show: (shown) => lines.push(...shown),
        pulumi: pulumiOf(account, process),
        backup: (region) => backupClientOf(account.backup, region, process),
        aws: awsCliOf({ elasticache: account.redis }, process),
        presign: (key) => (process.dead ? never() : Promise.resolve(double.presign(key))),
        fetch: async () => {
          await Promise.resolve();
          if (process.dead) return never();
          const { body, status } = double.answerHealth();
          return { status, text: body.toString() };
        },
      }),
    ).then(({ code, lines: last }) => {
      resolve({ code, output: [...lines, ...last].join("\n") });
    }, reject);
  });
}

function clientsOf(process: Process, route: "sdk" | "shortcut"): Clients {
  if (route === "shortcut") return createShortcutClients(process);
  const transport = new DirectTransport();
  transport.attach(process);
  return createClients({ region: "eu-central-1", requestHandler: transport, delay: () => 0 });
}

/** A restore of the snapshot, or of the time before the loss. */
export function restoring(
  account: Account,
  how: "snapshot" | "time",
  options: Partial<RestoreOptions> = {},
): (session: Session) => Promise<Result> {
  const backup = how === "snapshot" ? { snapshot: SNAPSHOT } : { to: account.goodTime };
  return (session) => restore(session, { withoutRowCount: false, ...backup, ...options });
}

export interface Played {
  /** The ends of the restore and of the runs that resume it. */
  ends: (number | "killed")[];
  output: string;
  mismatches: string[];
}

/** The most runs that resume one restore: each of them can be killed too. */
const RESUMES = 8;

/** Restores, resumes until a run ends, and judges the account. An administrator runs the commands of AWS that a run prints. */
export async function play(
  account: Account,
  command: (session: Session) => Promise<Result>,
  answers: Answers = {},
): Promise<Played> {
  const ends: Played["ends"] = [];
  let output = "";
  do {
    const end = await run(account, ends.length === 0 ? command : resume, answers);
    ends.push(end === "killed" ? end : end.code);
    if (end === "killed") continue;
    output += end.output;
    if (end.code !== EXIT.done) administer(account, end.output);
  } while (isUnfinished(account) && ends.length <= RESUMES);
  return { ends, output, mismatches: mismatches(account) };
}

function isUnfinished({ double }: Account): boolean {
  const lock = double.s3.json(ARTIFACTS, `locks/${ENV}.json`);
  return lock !== undefined && (lock["holder"] !== null || lock["openJournal"] !== null);
}

/** The problems of the account at the end: it has to be as before, or as a restore leaves it. */
export function mismatches(account: Account): string[] {
  const { before, double, old, state } = account;
  double.time.now += 3 * HOUR;
  double.settle();
  double.time.now += 3 * HOUR;
  const problems: string[] = [];
  const instances = double.rds.existing();
  const names = instances.map(({ name }) => name);
  if (new Set(names).size !== names.length) problems.push(`two instances of one name: ${names.join(", ")}`);
  if (old.deleted && !account.isGone) problems.push("the old instance is lost");
  const serving = double.rds.named(NAME);
  // RDS begins backups whenever it likes.
  const isUnchanged = serving === old && old.status === account.oldStatus;
  if (!isUnchanged && !/^(available|backing-up)$/.test(serving?.status ?? ""))
    problems.push(`${NAME} is ${serving?.status ?? "gone"}`);
  // The swap takes along the class that waits for the maintenance window, also if the old instance gets its name again.
  const hasNewClass = serving === old && old.pending["DBInstanceClass"] === undefined;
  const expected = hasNewClass ? before.replace("db.t4g.medium", "db.t4g.large") : before;
  if (serving !== undefined && settings(serving) !== expected) {
    problems.push(`other settings: ${settings(serving)} instead of ${expected}`);
  }
  if (serving?.password !== PASSWORD) problems.push("the database has another password than Iaso");
  if (serving === old) {
    if (instances.length !== 1) problems.push(`leaked instances: ${names.join(", ")}`);
    if (databaseIds(state).join() !== old.id) problems.push("the state has another instance");
  } else if (serving !== undefined) {
    if (account.isGone) {
      if (instances.length !== 1) problems.push(`leaked instances: ${names.join(", ")}`);
    } else if (instances.length !== 2) problems.push(`not two instances: ${names.join(", ")}`);
    if (!account.isGone && !/-replaced-\d+$/.test(old.name)) problems.push(`the old instance is ${old.name}`);
    if (!account.isGone && old.groups.some(({ id }) => id === DATABASE_GROUP || id !== DEFAULT_GROUP)) {
      problems.push("the old instance is not isolated");
    }
    if (JSON.stringify(double.rds.rowsOf(serving)) !== JSON.stringify(GOOD)) problems.push("other rows");
    if (databaseIds(state).join() !== serving.id) problems.push("the state has another instance");
    if (state.includes(old.id)) problems.push("the state has the old instance too");
  }
  const groups = [...double.rds.logGroups].filter((group) => !group.startsWith(`/aws/rds/instance/${NAME}/`));
  if (groups.length > 0) problems.push(`leaked log groups: ${groups.join(", ")}`);
  if (isUnfinished(account)) problems.push("the lock is held, or the journal is open");
  return problems;
}
