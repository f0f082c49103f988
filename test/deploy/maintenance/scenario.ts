import { readFileSync } from "node:fs";
import { join } from "node:path";
import { databaseIds } from "../../../database/pulumiState";
import { type Report } from "../../../deploy/output/report";
import type { Statement } from "../../../policies/iam/document";
import { ACCOUNT, REGION, Role } from "../../authorization";
import { administer } from "../../database/administrator";
import { operatorRole } from "../../database/operator";
import { ARTIFACTS, AwsDouble, ENV, PREVIOUS } from "../double/aws";
import { deployRole } from "../double/authorization";
import { type DeploymentEnd } from "../double/beanstalk";
import { type Time } from "../double/clocks";
import { BALANCER } from "../double/loadBalancing";
import { Random } from "../double/random";
import { DATABASE_GROUP, DEFAULT_GROUP } from "../double/rds";
import {
  builtVersion,
  deployment,
  type End,
  mismatches,
  repairing,
  type Route,
  runDirect,
} from "../double/runs";
import { QUEUE_POLICY } from "../double/queue";
import { STEADY } from "../double/scenario";
import { Users } from "../double/users";

export const NAME = `iaso-${ENV}`;

const built = builtVersion();
/** The label of the version that the scenarios deploy. */
export const NEW = built.label;
export const maintaining = (options: Parameters<typeof deployment>[1] = {}) =>
  deployment(built.build, { maintenance: true, ...options });

/** Shorter than the defaults, so that a scenario polls less often while nothing changes. */
const LIMITS = { update: 12 * 60_000, health: 3 * 60_000, tasks: 10 * 60_000 };

/** The statements that docs/deploying.md gives to people who deploy with a maintenance. */
export function maintenanceStatements(env: string): Statement[] {
  const text = readFileSync(join(__dirname, "../../../deploy/maintenance/operatorPolicy.json"), "utf8")
    .replaceAll("ACCOUNT", ACCOUNT)
    .replaceAll("BALANCER", BALANCER.split("loadbalancer/")[1] ?? "")
    .replaceAll("ENV", env)
    .replaceAll("REGION", REGION);
  return (JSON.parse(text) as { Statement: Statement[] }).Statement;
}

export interface Plan {
  web: DeploymentEnd;
  worker: DeploymentEnd;
}

/** An account with a pair, users, tasks, and a new version with migrations that the old version does not work with. */
export function prepare(plan: Plan, seed = 1, time?: Time): AwsDouble {
  const double = new AwsDouble(seed, time);
  double.role = new Role(
    [...deployRole(ENV).statements, ...operatorRole(ENV).statements, ...maintenanceStatements(ENV)],
    undefined,
    deployRole(ENV).tags,
  );
  double.describeTarget();
  double.addPair();
  double.planNew(plan.web, plan.worker);
  double.beanstalk.timing = { ...STEADY };
  double.parameters.set(`/iaso-secrets/${ENV}/RDS_PASSWORD`, "the-password");
  const random = new Random(seed + 7);
  double.users = new Users(double, random);
  Object.assign(double.rds, { startDelay: () => 20_000, duration: () => 40_000, backupChance: 0 });
  double.balancing.delay = () => 15_000;
  double.queue.delay = () => 50_000;
  // Beanstalk counts the load balancer's 503 answers. Whether it minds a queue without access, nobody says.
  double.web.bestHealth = () => (double.balancing.route("/") === "forward" ? "Ok" : "Severe");
  double.worker.bestHealth = () => (double.queue.isOpen || random.chance(0.5) ? "Ok" : "Severe");
  return double;
}

/** Opens the site or its queue, as somebody else than the tool does. */
export function openByHand({ balancing, queue }: AwsDouble, what: "site" | "queue"): void {
  // pulumi up resets the policy.
  if (what === "queue") queue.setAttributes(new URLSearchParams({ "Attributes.Policy": QUEUE_POLICY }));
  else
    for (const { arn: RuleArn } of [...balancing.existing()])
      balancing.handle("DeleteRule", new URLSearchParams({ RuleArn }));
}

export interface Played {
  double: AwsDouble;
  ends: End[];
  mismatches: string[];
}

/** The most repairs of one scenario: each of them can be killed too. */
export const REPAIRS = 8;

/**
 * Runs a maintenance, repairs until the journal is closed, and judges the account. An administrator runs the commands of AWS
 * that a run prints.
 */
export async function play(
  double: AwsDouble,
  route: Route = "shortcut",
  options: Parameters<typeof deployment>[1] = {},
): Promise<Played> {
  const args = { limits: LIMITS };
  const old = double.rds.named(NAME)!;
  const ends: End[] = [];
  const silent: string[] = [];
  do {
    const before = double.calls.length;
    const end = await runDirect(double, ends.length === 0 ? maintaining(options) : repairing(), args, route);
    ends.push(end);
    silent.push(...silence(double, end, before));
    if (end !== "killed") administer({ double, old }, end.summary);
  } while (isOpenJournal(double) && ends.length <= REPAIRS);
  return { double, ends, mismatches: [...silent, ...problemsOf(double)] };
}

/**
 * The fault of a run that leaves the site closed and does not say so. A run that AWS refuses before it has the lock does
 * not know of the maintenance.
 *
 * @param before the number of calls before the run
 */
function silence(double: AwsDouble, end: End | undefined, before: number): string[] {
  if (end === undefined || end === "killed") return [];
  if (!double.calls.slice(before).some(({ operation }) => operation === "PutObject")) return [];
  const closed =
    double.balancing.existing().length > 0 || double.queue.policy.includes("ClosedForMaintenance");
  return closed && !/CLOSED|Another run/.test(JSON.stringify(end))
    ? [`closed without a message: ${end.summary}`]
    : [];
}

export function isOpenJournal({ s3 }: AwsDouble): boolean {
  const lock = s3.json(ARTIFACTS, `locks/${ENV}.json`);
  return lock !== undefined && (lock["holder"] !== null || lock["openJournal"] !== null);
}

/** The problems of the account at the end: one version with its tables and all data, one open site, no leak. */
export function problemsOf(double: AwsDouble, label = NEW): string[] {
  const problems = mismatches(double, [PREVIOUS, label]);
  const { balancing, queue, rds, users } = double;
  if (balancing.existing().length > 0 || balancing.route("/") !== "forward")
    problems.push("the site is closed");
  if (!queue.isOpen || queue.policy.includes("ClosedForMaintenance")) problems.push("the queue is closed");
  const instances = rds.existing();
  const names = instances.map(({ name }) => name);
  if (new Set(names).size !== names.length) problems.push(`two instances of one name: ${names.join(", ")}`);
  const serving = rds.named(NAME);
  if (serving === undefined) return [...problems, `no instance has the name ${NAME}`];
  if (users !== undefined && !users.fits) problems.push("the versions do not fit the tables");
  const rows = rds.rowsOf(serving);
  for (const [table, count] of Object.entries(users?.confirmed ?? {})) {
    if (rows[table] !== count)
      problems.push(`${table} has ${rows[table] ?? 0} rows, confirmed were ${count}`);
  }
  if (databaseIds(double.state).join() !== serving.id) problems.push("Pulumi's state has another instance");
  const others = instances.filter((one) => one !== serving);
  for (const { groups, name } of others) {
    if (!/-replaced-\d+$/.test(name)) problems.push(`leaked instance ${name}`);
    if (groups.some(({ id }) => id === DATABASE_GROUP || id !== DEFAULT_GROUP))
      problems.push(`${name} is not isolated`);
  }
  return problems;
}

export const reportOf = (end: End | undefined): Report => {
  if (end === undefined || end === "killed") throw new Error("the run was killed");
  return end;
};
