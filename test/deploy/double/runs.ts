import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clients, createClients } from "../../../coordination/clients";
import { sendRequest } from "../../../coordination/session";
import { readTarget } from "../../../coordination/target";
import { PulumiCli } from "../../../database/pulumiState";
import { type Clock } from "../../../coordination/clock";
import { type Build, deploy, type DeployOptions } from "../../../deploy/commands/deploy";
import { repair } from "../../../deploy/commands/repair";
import { runCommand } from "../../../deploy/commands/run";
import { KNOWN_MIGRATIONS } from "../../../components/common/artifacts";
import { createProgress, type Progress } from "../../../cli/progress";
import { type Judgement } from "../../../deploy/migrations/verdict";
import { type Report } from "../../../deploy/output/report";
import { DEFAULT_LIMITS, type Limits, type Session } from "../../../deploy/session";
import { imageTag } from "../../../deploy/images";
import {
  fileOf,
  FILES,
  type ImageFile,
  type LocalImage,
  type VersionRecord,
} from "../../../deploy/source/artifact";
import { ARTIFACTS, type AwsDouble, ENV } from "./aws";
import { VirtualClock } from "./clocks";
import { pulumiOf } from "./pulumi";
import { createShortcutClients } from "./shortcut";
import { DirectTransport, never, type Process } from "./transport";
import { zipOf } from "./zip";

// The signature is made, and checked by nobody: the double reads the service's name in it.
process.env["AWS_ACCESS_KEY_ID"] ??= "AKIAEXAMPLE";
process.env["AWS_SECRET_ACCESS_KEY"] ??= "example";

export const OPTIONS: DeployOptions = {
  runningTasks: "wait",
  snapshot: false,
  maintenance: false,
  allowUnhealthy: false,
  migrationsUnchecked: false,
};
export const VERSION = "2.0.0";

/**
 * A version that was built already: a bundle with its record, two static files and two packages or images on disk.
 *
 * @param files The application's files in the bundle.
 */
export function builtVersion(
  version = VERSION,
  files: Readonly<Record<string, string>> = {},
  platform: "python" | "docker" = "python",
): { build: Build; label: string } {
  const directory = mkdtempSync(join(tmpdir(), "iaso-built-"));
  const path = join(directory, "bundle.zip");
  const staticDirectory = join(directory, "static");
  mkdirSync(staticDirectory);
  // Long enough to be stored compressed.
  writeFileSync(join(staticDirectory, "app.css"), `/* ${version} */`.repeat(100));
  writeFileSync(
    join(staticDirectory, `bundle-${version.replaceAll(".", "")}0123456789abcdef.js`),
    `"${version}"`,
  );
  const staticFiles = readdirSync(staticDirectory).map((name) => {
    const file = join(staticDirectory, name);
    const bytes = readFileSync(file);
    return {
      path: name,
      file,
      bytes: bytes.length,
      sha256: createHash("sha256").update(bytes).digest("hex"),
    };
  });
  const isDocker = platform === "docker";
  const images = isDocker ? imagesOf(version, join(directory, "images")) : [];
  // One package for all versions, and one of its own.
  const wheels = (isDocker ? [] : ["shared-1.0", `own-${version}`]).map((stem) => {
    const wheel = Buffer.from(`the wheel ${stem}`);
    const name = `${stem}-py3-none-any.whl`;
    writeFileSync(join(directory, name), wheel);
    const digest = createHash("sha256").update(wheel).digest("hex");
    return { name, path: join(directory, name), sha256: digest, bytes: wheel.length };
  });
  const record: VersionRecord = {
    version,
    commit: "0123456789ab".padEnd(40, "0"),
    dirty: false,
    platform,
    plugins: [],
    static: staticFiles.map(({ path: name, sha256, bytes }) => ({ path: name, sha256, bytes })),
    wheels: wheels.map(({ name, sha256, bytes }) => ({ name, sha256, bytes })),
    images: images.map(({ blobs, manifest, ...image }) => ({
      ...image,
      manifest: { sha256: manifest.sha256, bytes: manifest.bytes },
      blobs: blobs.map(({ sha256, bytes }) => ({ sha256, bytes })),
    })),
  };
  const content = zipOf({ ...files, "iaso-deploy/version.json": JSON.stringify(record) });
  writeFileSync(path, content);
  const sha256 = createHash("sha256").update(content).digest("hex");
  const built = {
    version,
    description: "commit 0123456789ab",
    bundle: { path, sha256, bytes: content.length },
    staticFiles,
    wheels,
    images,
    inputs: [sha256],
    judgeMigrations: () =>
      Promise.resolve<Judgement>({
        verdict: "compatible",
        summary: "The tables fit.",
        lines: [],
        remedy: "",
      }),
  };
  return { build: () => Promise.resolve(built), label: `${version}-${sha256.slice(0, 16)}` };
}

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

/** Images on disk: the proxy's, which all versions share, and the application's, with one layer of its own. */
export function imagesOf(version: string, directory: string, ownLayer = Buffer.alloc(0)): LocalImage[] {
  mkdirSync(join(directory, FILES), { recursive: true });
  const store = (content: string | Buffer): ImageFile => {
    const bytes = Buffer.from(content);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const path = fileOf(directory, { sha256 });
    writeFileSync(path, bytes);
    return { sha256, path, bytes: bytes.length };
  };
  const image = (service: LocalImage["service"], layers: (string | Buffer)[]): LocalImage => {
    const [config, ...rest] = [`{"service":"${service}"}`, ...layers].map(store);
    const named = ({ bytes, sha256 }: ImageFile) => ({ digest: `sha256:${sha256}`, size: bytes });
    const document = {
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: named(config!),
      layers: rest.map(named),
    };
    return {
      service,
      mediaType: MANIFEST,
      manifest: store(JSON.stringify(document)),
      blobs: [config!, ...rest],
    };
  };
  return [
    image("iaso", ["the base of all versions", Buffer.concat([Buffer.from(`code of ${version}`), ownLayer])]),
    image("nginx", ["the proxy"]),
  ];
}

export interface SessionArgs {
  clients: Clients;
  clock: Clock;
  progress?: Progress;
  limits?: Partial<Limits>;
  by?: string;
  interrupted?: () => boolean;
  credentialsEnd?: number;
  fetch?: Session["fetch"];
  pulumi?: Session["pulumi"];
}

/** Runs one command as a process of its own would. */
export async function runWith(
  args: SessionArgs,
  command: (session: Session) => Promise<Report>,
): Promise<Report> {
  const { clients, clock } = args;
  const by = args.by ?? "tester";
  const progress = args.progress ?? silentProgress(clock);
  return runCommand({ env: ENV, clock, notify: () => Promise.resolve(), by, link: undefined }, async () => {
    const target = await readTarget(clients.ssm, ENV, "eu-central-1");
    return command({
      env: ENV,
      target,
      clients,
      clock,
      progress,
      limits: { ...DEFAULT_LIMITS, ...args.limits },
      by,
      credentialsEnd: args.credentialsEnd,
      interrupted: args.interrupted ?? (() => false),
      fetch: args.fetch ?? sendRequest,
      pulumi: args.pulumi ?? new PulumiCli(ENV),
    });
  });
}

export function silentProgress(clock: Clock, lines: string[] = []): Progress {
  return createProgress({ terminal: false, write: (line) => lines.push(line), now: () => clock.now() });
}

/** The report, or "killed" where a fault ended the process. */
export type End = Report | "killed";

/** By the whole of the SDK, or past it; see `createShortcutClients`. */
export type Route = "sdk" | "shortcut";

/** Runs after which the clients are made anew, so that what they learn of failures stays within bounds. */
const RUNS_PER_CLIENTS = 50;
let shared: { transport: DirectTransport; clients: Clients; runs: number } | undefined;

function directClients(): { transport: DirectTransport; clients: Clients } {
  if (shared === undefined || shared.runs === RUNS_PER_CLIENTS) {
    const transport = new DirectTransport();
    const clients = createClients({
      region: "eu-central-1",
      requestHandler: transport,
      delay: () => 0,
    });
    shared = { transport, clients, runs: 0 };
  }
  shared.runs += 1;
  return shared;
}

/** Runs a command against the double without sockets, in virtual time; one run at a time. */
export async function runDirect(
  double: AwsDouble,
  command: (session: Session) => Promise<Report>,
  args: Partial<SessionArgs> = {},
  route: Route = "sdk",
): Promise<End> {
  const clock = new VirtualClock(double.time);
  return new Promise<End>((resolve, reject) => {
    const process: Process = {
      double,
      dead: false,
      onKill() {
        clock.stopped = true;
        resolve("killed");
      },
    };
    let clients: Clients;
    if (route === "shortcut") clients = createShortcutClients(process);
    else {
      const direct = directClients();
      direct.transport.attach(process);
      clients = direct.clients;
    }
    const direct = {
      clients,
      clock,
      pulumi: pulumiOf(double, process),
      fetch: async () => {
        await Promise.resolve();
        if (process.dead) return never<never>();
        const { body, status } = double.answerHealth();
        return { status, text: body.toString() };
      },
    };
    runWith({ ...direct, ...args }, command).then(resolve, reject);
  });
}

export function deployment(build: Build, options: Partial<DeployOptions> = {}) {
  return (session: Session): Promise<Report> => deploy(session, { ...OPTIONS, ...options }, build);
}

export function repairing(to?: string) {
  return (session: Session): Promise<Report> => repair(session, { to });
}

/** The problems of the account at the end; empty if the pair is on one version and the lock is free. */
export function mismatches(double: AwsDouble, allowed: readonly string[]): string[] {
  // By then, late requests and the updates they began have taken effect.
  double.time.now += 3_600_000;
  double.settle();
  double.time.now += 3_600_000;
  const problems: string[] = [];
  const pair = [double.web.truth, double.worker.truth];
  const labels = new Set(
    pair.flatMap(({ instances, label }) => [label, ...instances.map((one) => one.label)]),
  );
  if (labels.size !== 1) problems.push(`versions ${[...labels].join(", ")}`);
  for (const label of labels) if (!allowed.includes(label)) problems.push(`unexpected version ${label}`);
  for (const { instances, status } of pair) {
    if (status !== "Ready") problems.push(`status ${status}`);
    if (instances.some((one) => one.status !== "Deployed")) problems.push("an instance is not deployed");
  }
  const lock = double.s3.json(ARTIFACTS, `locks/${ENV}.json`);
  if (lock !== undefined && lock["holder"] !== null) problems.push("the lock is held");
  if (lock !== undefined && lock["openJournal"] !== null) problems.push("the journal is open");
  const { versions } = (double.s3.json(ARTIFACTS, KNOWN_MIGRATIONS) ?? {}) as { versions?: object };
  for (const label of labels) {
    if (versions !== undefined && !(label in versions)) problems.push(`no instance was told of ${label}`);
  }
  for (const name of ["neighbour", "iaso-demo", "untagged"]) {
    if (double.environment(name).updates.length > 0) problems.push(`${name} was touched`);
  }
  return problems;
}

/** The faults in the packages of a version; none if the version was not created. */
export function missingWheels(double: AwsDouble, label: string): string[] {
  if (!double.beanstalk.versions.has(label)) return [];
  const list = double.s3.get(ARTIFACTS, `wheel-lists/${label}.txt`)?.body.toString();
  if (list === undefined) return [`${label} has no list of wheels`];
  return list
    .trimEnd()
    .split("\n")
    .flatMap((line) => {
      const [digest, path] = line.split("  ");
      const body = double.s3.get(ARTIFACTS, `wheels/${path!}`)?.body;
      if (body === undefined) return [`${label} lacks the wheel ${path!}`];
      return createHash("sha256").update(body).digest("hex") === digest ? [] : [`the wheel ${path!} differs`];
    });
}

/** The faults in the images of a version; none if the version was not created. */
export function missingImages(double: AwsDouble, label: string): string[] {
  if (!double.beanstalk.versions.has(label)) return [];
  return (["iaso", "nginx"] as const).flatMap((service) => {
    const digest = double.ecr.digestOf(imageTag(service, label));
    const { manifest = "{}" } = double.ecr.images.get(digest ?? "") ?? {};
    const { config, layers = [] } = JSON.parse(manifest) as Record<
      "config",
      { digest: string } | undefined
    > & {
      layers?: { digest: string }[];
    };
    if (config === undefined) return [`${label} has no image of ${service}`];
    return [config, ...layers]
      .filter((one) => !double.ecr.layers.has(one.digest))
      .map((one) => `the image ${service} of ${label} lacks ${one.digest}`);
  });
}
