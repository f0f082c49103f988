import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Route53Client } from "@aws-sdk/client-route-53";
import { readTarget } from "../../../coordination/target";
import { databaseIds } from "../../../database/pulumiState";
import { outcomeOf } from "../../../database/run";
import { type Result } from "../../../database/session";
import { DEFAULT_LIMITS } from "../../../deploy/session";
import { goBack } from "../../../move/cutover/back";
import { cutover, type CutoverOptions } from "../../../move/cutover/cutover";
import { continuing } from "../../../move/cutover/execute";
import { type Session } from "../../../move/cutover/session";
import type { Statement } from "../../../policies/iam/document";
import { ACCOUNT, Role } from "../../authorization";
import { operatorRole } from "../../database/operator";
import { type Ended } from "../../database/runs";
import { ARTIFACTS, AwsDouble, ENV, KILL, SILENCE } from "../../deploy/double/aws";
import { authorize, deployRole } from "../../deploy/double/authorization";
import { type Time, VirtualClock } from "../../deploy/double/clocks";
import { AwsFault } from "../../deploy/double/protocol";
import { pulumiOf } from "../../deploy/double/pulumi";
import { Random } from "../../deploy/double/random";
import { DATABASE_GROUP } from "../../deploy/double/rds";
import { silentProgress } from "../../deploy/double/runs";
import { STEADY } from "../../deploy/double/scenario";
import { createShortcutClients } from "../../deploy/double/shortcut";
import { DirectTransport, never, type Process } from "../../deploy/double/transport";
import { ExistingAccount } from "../double/account";
import { route53Call } from "../double/route53";
import {
  APPLICATION,
  CNAMES,
  ExistingIaso,
  HOST,
  OLD,
  OLD_BALANCER,
  OLD_DATABASE,
  OLD_QUEUE,
} from "./existing";

process.env["AWS_ACCESS_KEY_ID"] ??= "AKIAEXAMPLE";
process.env["AWS_SECRET_ACCESS_KEY"] ??= "example";

export const NAME = `iaso-${ENV}`;
export const PASSWORD = "LeakMarkNewDatabase";
export const USER = { name: "moved-user", password: "LeakMarkUser" };
const TOKEN = "LeakMarkToken";

/** An account with an existing Iaso and a new platform, which has run since yesterday. */
export interface Platforms {
  double: AwsDouble;
  iaso: ExistingIaso;
  /** The settings that the cutover wrote. */
  takenHosts: string[];
  /** The hosts for which the load balancers of the new platform have a certificate. */
  certified: string[];
  /** All lines that the runs printed. */
  output: string[];
}

/** The policy that docs/moving-in.md gives, besides those for deployments, restores and reading. */
function cutoverStatements(): Statement[] {
  const text = readFileSync(join(__dirname, "../../../move/cutover/operatorPolicy.json"), "utf8")
    .replaceAll("ACCOUNT", ACCOUNT)
    .replaceAll("BALANCER", OLD_BALANCER)
    .replaceAll("DATABASE", OLD_DATABASE)
    .replaceAll("QUEUE", OLD_QUEUE)
    .replaceAll("ENV", ENV)
    .replaceAll("WEBNAME", OLD)
    .replaceAll("ZONE", "Z0EXAMPLE");
  return (JSON.parse(text) as { Statement: Statement[] }).Statement;
}

/** The part of AWS's policy ReadOnlyAccess that a cutover uses. */
const READ_ONLY: Statement = {
  Sid: "ReadOnlyAccess",
  Effect: "Allow",
  Action: ["elasticbeanstalk", "elasticloadbalancing", "rds", "route53", "sqs", "ssm"].flatMap((service) =>
    ["Describe*", "Get*", "List*"].map((action) => `${service}:${action}`),
  ),
  Resource: "*",
};

export function createPlatforms(seed = 1, time?: Time, queueOrigin?: string): Platforms {
  const double = new AwsDouble(seed, time);
  const { statements, tags } = deployRole(ENV);
  double.role = new Role(
    [...statements, ...operatorRole(ENV).statements, ...cutoverStatements(), READ_ONLY],
    undefined,
    tags,
  );
  double.describeTarget(queueOrigin);
  double.addPair();
  double.beanstalk.timing = { ...STEADY };
  const database = double.rds.named(NAME)!;
  database.password = PASSWORD;
  double.parameters.set(`/iaso-secrets/${ENV}/RDS_PASSWORD`, PASSWORD);
  double.commands.password = PASSWORD;
  Object.assign(double.rds, { startDelay: () => 20_000, duration: () => 40_000, backupChance: 0 });
  double.balancing.delay = () => 15_000;
  const iaso = new ExistingIaso(double, new Random(seed + 7), queueOrigin);
  double.queue.delay = () => 50_000;
  iaso.queue.delay = () => 50_000;
  double.state = JSON.stringify({
    version: 3,
    deployment: {
      resources: [
        { type: "aws:rds/instance:Instance", id: database.id },
        { type: "aws:route53/record:Record", id: `Z0_${FORMER}_A`, inputs: { name: FORMER, type: "A" } },
      ],
    },
  });
  const account = new ExistingAccount();
  account.zones = [iaso.zone];
  double.further = (service, request) => {
    const call = service === "route53" ? route53Call(request) : undefined;
    if (call === undefined) return undefined;
    const [, operation = ""] = call.action.split(":");
    const resource = call.action.includes("Change") ? `arn:aws:route53:::hostedzone/${iaso.zone.id}` : "*";
    return {
      operation,
      answer: () => {
        authorize(double.role, service, [{ action: call.action, resource }]);
        return call.answer(account);
      },
    };
  };
  return { double, iaso, takenHosts: [], certified: [HOST, "enketo.example.org"], output: [] };
}

/** The host name of the stack before a cutover. */
const FORMER = "iaso-new.example.org";

export interface RunArgs {
  /** The answers to the questions, in order; yes after the last. */
  answers?: boolean[];
  user?: Session["user"];
}

/** Runs a command as a process of its own would. */
export function run(
  platforms: Platforms,
  command: (session: Session) => Promise<Result>,
  { answers = [], user }: RunArgs = {},
): Promise<Ended | "killed"> {
  const { double, iaso, output } = platforms;
  const clock = new VirtualClock(double.time);
  const lines: string[] = [];
  const left = [...answers];
  return new Promise((resolve, reject) => {
    const process: Process = {
      double,
      dead: false,
      onKill() {
        clock.stopped = true;
        output.push(...lines);
        resolve("killed");
      },
    };
    const clients = createShortcutClients(process);
    const transport = new DirectTransport();
    transport.attach(process);
    const route53 = new Route53Client({ region: "us-east-1", requestHandler: transport, maxAttempts: 4 });
    const alive = async <T>(act: () => T): Promise<T> => {
      await Promise.resolve();
      return process.dead ? never() : act();
    };
    outcomeOf(continuing("cutover", ENV), async () =>
      command({
        env: ENV,
        stack: ENV,
        target: await readTarget(clients.ssm, ENV, "eu-central-1"),
        clients,
        clock,
        progress: silentProgress(clock, lines),
        by: "tester",
        limits: { ...DEFAULT_LIMITS, update: 12 * 60_000, health: 3 * 60_000 },
        credentialsEnd: undefined,
        interrupted: () => false,
        confirm: () => alive(() => left.shift() ?? true),
        show: (shown) => lines.push(...shown),
        pulumi: pulumiOf(double, process),
        fetch: () =>
          alive(() => {
            const { body, status } = double.answerHealth();
            return { status, text: body.toString() };
          }),
        request: (url, init) => alive(() => answerOf(platforms, url, init)),
        reach: ({ cname, host }) =>
          alive(() => {
            if (!Object.values(CNAMES).includes(cname)) throw new Error(`getaddrinfo ENOTFOUND ${cname}`);
            if (!platforms.certified.includes(host)) throw new Error(`${host} is not in the certificate`);
            return 200;
          }),
        existingClients: () => clients,
        route53,
        zones: () => Promise.resolve({ zoneId: iaso.zone.id, beanstalkZoneId: "Z1FRNW7UH4DEZJ" }),
        checkMedia: () => Promise.resolve(),
        copyMedia: () => copyMedia(platforms, process),
        user,
        takeHosts: ({ hosts }) => {
          platforms.takenHosts = [hosts.web.host, hosts.enketo?.host ?? ""];
        },
      }),
    ).then(({ code, lines: last }) => {
      output.push(...lines, ...last);
      resolve({ code, output: [...lines, ...last].join("\n") });
    }, reject);
  });
}

/** The copy of media, whose one call is faulted as those of AWS are. */
async function copyMedia({ double, iaso }: Platforms, process: Process): Promise<string[]> {
  await Promise.resolve();
  if (process.dead) return never();
  const answer = double.arrive("media", "CopyMedia", () => {
    const added = [...iaso.media.existing].filter((key) => !iaso.media.copied.has(key));
    for (const key of added) iaso.media.copied.add(key);
    return [`Copied ${added.length} objects.`];
  });
  if (answer === KILL) {
    process.dead = true;
    process.onKill();
    return never();
  }
  if (answer === SILENCE) throw new AwsFault("TimeoutError", "The copy got no answer.");
  return answer;
}

/** Iaso's answers to the checks. */
export function answerOf(
  { double }: Platforms,
  url: URL,
  init: Parameters<Session["request"]>[1],
): { status: number; text: string } {
  if (url.host === "static.example.org") return { status: 200, text: "body{}" };
  if (url.pathname === "/login/")
    return {
      status: 200,
      text: '<link href="https://static.example.org/a.css"><script src="/other.js"></script>',
    };
  if (url.pathname === "/api/token/") {
    const { password, username } = JSON.parse(init?.body ?? "{}") as Record<string, string>;
    if (!double.fits() || username !== USER.name || password !== USER.password)
      return { status: 401, text: "{}" };
    return { status: 200, text: JSON.stringify({ access: TOKEN, refresh: TOKEN }) };
  }
  if (url.pathname === "/api/forms/") {
    if (init?.headers?.["authorization"] !== `Bearer ${TOKEN}`) return { status: 401, text: "{}" };
    const file = "https://media.example.org/forms/1.xml?X-Amz-Signature=LeakMarkSignature";
    return {
      status: 200,
      text: JSON.stringify({ forms: [{ name: "Census", latest_form_version: { file } }] }),
    };
  }
  return url.host === "media.example.org" ? { status: 200, text: "<xform/>" } : { status: 404, text: "" };
}

export function moving(
  command: CutoverOptions["command"] = "cutover",
  options: Partial<CutoverOptions> = {},
): (session: Session) => Promise<Result> {
  return (session) =>
    cutover(session, {
      command,
      leaveTasks: false,
      withoutRowCount: false,
      planArgs: () => ({
        command,
        withoutRowCount: options.withoutRowCount ?? false,
        region: "eu-central-1",
        choice: { application: APPLICATION, environments: [] },
        hosts: {
          web: { host: HOST, former: FORMER, cname: CNAMES.web },
          enketo: {
            host: "enketo.example.org",
            former: "enketo-new.example.org",
            cname: CNAMES.enketo,
          },
        },
        mediaAccount: undefined,
        database: { databaseName: "iaso", databaseUser: "iaso" },
      }),
      ...options,
    });
}

export function isUnfinished({ double }: Platforms): boolean {
  const lock = double.s3.json(ARTIFACTS, `locks/${ENV}.json`);
  return lock !== undefined && (lock["holder"] !== null || lock["openJournal"] !== null);
}

/** The most runs that go on or back: each of them can be killed too. */
const RUNS = 8;

export interface Played {
  ends: (number | "killed")[];
  output: string;
  mismatches: string[];
}

/** Runs a command, then goes on with it or goes back until a run ends, and judges the account. */
export async function play(
  platforms: Platforms,
  command: (session: Session) => Promise<Result>,
  then: "on" | "back",
): Promise<Played> {
  const ends: Played["ends"] = [];
  const problems: string[] = [];
  let next = command;
  do {
    const before = platforms.double.calls.length;
    const ended = await run(platforms, next);
    ends.push(ended === "killed" ? ended : ended.code);
    problems.push(...silence(platforms, ended, before));
    // What cannot go back any more goes on.
    const refused = ended !== "killed" && /nothing goes back/.test(ended.output);
    next = then === "back" && !refused ? goBack : command;
  } while (isUnfinished(platforms) && ends.length <= RUNS);
  return {
    ends,
    output: platforms.output.join("\n"),
    mismatches: [
      ...problems,
      ...(platforms.iaso.isMoved ? mismatchesAfter(platforms) : mismatchesBefore(platforms)),
    ],
  };
}

/** The fault of a run that leaves the existing site closed and does not say so. */
function silence({ double, iaso }: Platforms, ended: Ended | "killed", before: number): string[] {
  if (ended === "killed" || iaso.isMoved) return [];
  // A run that AWS refuses before it has the lock does not know of the cutover.
  if (!double.calls.slice(before).some(({ operation }) => operation === "PutObject")) return [];
  const isClosed = double.balancing.rules.some(
    (rule) => rule.action.type === "fixed-response" && double.balancing.existing().includes(rule),
  );
  return isClosed && !/CLOSED|Another run|move -- back/.test(ended.output)
    ? [`closed without a message: ${ended.output.slice(-300)}`]
    : [];
}

function pass({ double }: Platforms): void {
  double.time.now += 3_600_000;
  double.settle();
  double.time.now += 3_600_000;
  double.settle();
}

/** The problems of an account that is to be as before. */
export function mismatchesBefore(platforms: Platforms): string[] {
  pass(platforms);
  const { double, iaso } = platforms;
  return [
    ...common(platforms),
    ...(iaso.isAsBefore ? [] : ["the existing side is not as before"]),
    ...(iaso.isMoved ? ["the record is changed"] : []),
    ...missingRows(double, iaso, iaso.database),
  ];
}

/** The problems of an account after a cutover. */
export function mismatchesAfter(platforms: Platforms): string[] {
  pass(platforms);
  const { double, iaso, takenHosts } = platforms;
  const serving = double.rds.named(NAME);
  const lostMedia = [...iaso.media.existing].filter((key) => !iaso.media.copied.has(key));
  return [
    ...common(platforms),
    ...(iaso.isOpen || iaso.queue.isOpen ? ["the existing side is open"] : []),
    ...(serving === undefined ? ["there is no database"] : missingRows(double, iaso, serving)),
    ...(double.state.includes(`Z0_${HOST}_A`) ? [] : ["Pulumi's state does not have the record"]),
    ...(double.fits() ? [] : ["the tables do not fit"]),
    ...(lostMedia.length > 0 ? [`lost media: ${lostMedia.join(", ")}`] : []),
    ...(takenHosts.join() === `${HOST},enketo.example.org` ? [] : ["the hosts are not in the settings"]),
  ];
}

function missingRows(
  { rds }: AwsDouble,
  { confirmed }: ExistingIaso,
  database: ExistingIaso["database"],
): string[] {
  const rows = rds.rowsOf(database);
  return Object.entries(confirmed).flatMap(([table, count]) =>
    rows[table] === count ? [] : [`${table} has ${rows[table] ?? 0} rows, confirmed were ${count}`],
  );
}

function common({ double, iaso, output }: Platforms): string[] {
  const problems = [...new Set(iaso.failures)];
  const { queue, rds, s3 } = double;
  if (!queue.isOpen || queue.policy.includes("ClosedForMaintenance"))
    problems.push("the new queue is closed");
  const instances = rds.existing().filter((one) => one !== iaso.database);
  const serving = rds.named(NAME);
  if (serving === undefined) return [...problems, `no instance has the name ${NAME}`];
  if (serving.password !== PASSWORD) problems.push("the database has another password than Iaso");
  if (databaseIds(double.state).join() !== serving.id) problems.push("Pulumi's state has another instance");
  for (const { groups, name } of instances.filter((one) => one !== serving)) {
    if (!/-replaced-\d+$/.test(name)) problems.push(`leaked instance ${name}`);
    if (groups.some(({ id }) => id === DATABASE_GROUP)) problems.push(`${name} is not isolated`);
  }
  const lock = s3.json(ARTIFACTS, `locks/${ENV}.json`);
  if (lock !== undefined && (lock["holder"] !== null || lock["openJournal"] !== null))
    problems.push("the lock is held, or the journal is open");
  const records = s3.keys(ARTIFACTS).map((key) => s3.get(ARTIFACTS, key)?.body.toString() ?? "");
  if ([...records, ...output, double.state].some((text) => text.includes("LeakMark")))
    problems.push("a leak");
  return problems;
}
