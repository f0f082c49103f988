import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect } from "chai";
import { createClients } from "../../../coordination/clients";
import { readTarget } from "../../../coordination/target";
import { type Build } from "../../../deploy/commands/deploy";
import { download } from "../../../deploy/commands/download";
import { EXIT } from "../../../deploy/exitCodes";
import { type Report } from "../../../deploy/output/report";
import { type Origin, promotedBuild } from "../../../deploy/promotion/build";
import { type Session } from "../../../deploy/session";
import { DEMO_CONFIG, DEMO_KEYS, renameToDemo, serveTwoAccounts } from "../double/accounts";
import { ARTIFACTS, AwsDouble, ENV, type FaultKind, PREVIOUS, STATIC } from "../double/aws";
import { ScaledTime } from "../double/clocks";
import { type CliResult, runCli } from "../double/cli";
import {
  builtVersion,
  deployment,
  type End,
  mismatches,
  missingImages,
  missingWheels,
  runDirect,
} from "../double/runs";
import { prepareDouble } from "../double/scenario";
import { type RunningDouble } from "../double/server";
import { createShortcutClients } from "../double/shortcut";
import { DirectTransport, type Process } from "../double/transport";
import { zipOf } from "../double/zip";
import { removeTemporaryDirectories, temporaryDirectory } from "../source/checkout";

const VERSION = builtVersion();
const OK = { web: "succeeds", worker: "succeeds" } as const;
const CSS = "static/app.css";

/** An account whose pair runs a version that the tool deployed. */
async function deployed(version = VERSION): Promise<AwsDouble> {
  const double = prepareDouble(OK);
  expect(await runDirect(double, deployment(version.build), {}, "shortcut")).to.include({
    outcome: "deployed",
  });
  double.time.now += 3_600_000;
  return double;
}

/** The session of the account that a version is promoted from. `onKill` is called where a fault ends the process. */
async function sessionIn(
  from: AwsDouble,
  session: Session,
  route: "sdk" | "shortcut",
  onKill: () => void = () => undefined,
): Promise<Session> {
  const process: Process = { double: from, dead: false, onKill };
  const transport = new DirectTransport();
  transport.attach(process);
  const clients =
    route === "shortcut"
      ? createShortcutClients(process)
      : createClients({ region: "eu-central-1", requestHandler: transport, delay: () => 0 });
  return { ...session, clients, target: await readTarget(clients.ssm, ENV, "eu-central-1") };
}

/** Promotes what one account runs to another, and returns the report. */
async function promote(
  from: AwsDouble,
  to: AwsDouble,
  options: { route?: "sdk" | "shortcut"; origin?: Origin; checked?: boolean } = {},
): Promise<End> {
  const route = options.route ?? "shortcut";
  return new Promise<End>((resolve, reject) => {
    const build =
      (session: Session): Build =>
      async (pair, log) => {
        const origin = options.origin ?? {
          session: await sessionIn(from, session, route, () => {
            resolve("killed");
          }),
        };
        const work = temporaryDirectory();
        // Without a sandbox, which not every machine has.
        const args = { from: "demo", origin, work, buildWithMyCredentials: true } as const;
        return promotedBuild(session, args)(pair, log);
      };
    const command = (session: Session): Promise<Report> =>
      deployment(build(session), { migrationsUnchecked: options.checked !== true })(session);
    runDirect(to, command, {}, route).then(resolve, reject);
  });
}

/** The objects of an account that a deployment would have published. */
const published = (double: AwsDouble): string[] => [
  ...["bundles/", "wheels/", "wheel-lists/"].flatMap((prefix) => double.s3.keys(ARTIFACTS, prefix)),
  ...double.s3.keys(STATIC),
];

const textOf = (end: End): string => JSON.stringify(end);

describe("deploy/promotion", () => {
  let from: AwsDouble;

  beforeEach(async () => {
    from = await deployed();
  });

  after(removeTemporaryDirectories);

  for (const route of ["sdk", "shortcut"] as const) {
    it(`deploys the same bundle, packages and static files as another account (${route})`, async () => {
      const to = prepareDouble(OK);
      const end = await promote(from, to, { route });
      expect(end, textOf(end)).to.include({ outcome: "deployed", to: VERSION.label });
      const [source, target] = [from, to].map(({ s3 }) =>
        s3.keys(ARTIFACTS, "bundles/").map((key) => [key, s3.get(ARTIFACTS, key)!.body.toString("hex")]),
      );
      expect(target).to.deep.equal(source);
      expect(missingWheels(to, VERSION.label)).to.deep.equal([]);
      const stylesheet = to.s3.get(STATIC, CSS)!;
      expect(stylesheet.headers).to.include({ "content-encoding": "gzip" });
      expect(gunzipSync(stylesheet.body).toString()).to.include("/* 2.0.0 */");
      expect(to.s3.keys(STATIC, "static/")).to.deep.equal(from.s3.keys(STATIC, "static/"));
      expect(to.beanstalk.versions.get(VERSION.label)).to.have.property(
        "description",
        `${ENV}: promoted from demo, commit 0123456789ab`,
      );
    });
  }

  it("takes the images over, and refuses them where one is gone or differs, with nothing published", async () => {
    const version = builtVersion("3.0", {}, "docker");
    const source = async (): Promise<AwsDouble> => {
      const double = prepareDouble(OK, 1, "docker");
      await runDirect(double, deployment(version.build), {}, "shortcut");
      double.time.now += 3_600_000;
      return double;
    };
    for (const route of ["sdk", "shortcut"] as const) {
      const [images, to] = [await source(), prepareDouble(OK, 1, "docker")];
      const end = await promote(images, to, { route });
      expect(end, textOf(end)).to.include({ outcome: "deployed", to: version.label });
      expect(missingImages(to, version.label)).to.deep.equal([]);
      expect([...to.ecr.images.keys()]).to.have.members([...images.ecr.images.keys()]);
      expect(to.ecr.tags).to.deep.equal(images.ecr.tags);
    }
    const attacks: [(double: AwsDouble) => void, RegExp][] = [
      [({ ecr }) => ecr.layers.delete([...ecr.layers.keys()][0]!), /is no longer in the repository/],
      [({ ecr }) => ecr.images.delete([...ecr.images.keys()][0]!), /is no longer in the repository/],
      [
        ({ ecr }) => ecr.layers.set([...ecr.layers.keys()][0]!, Buffer.from("other")),
        /ECR returned other bytes/,
      ],
    ];
    for (const [attack, message] of attacks) {
      const [images, to] = [await source(), prepareDouble(OK, 1, "docker")];
      attack(images);
      const end = await promote(images, to);
      expect(end).to.include({ outcome: "refused" });
      expect(textOf(end)).to.match(message);
      expect(published(to)).to.deep.equal([]);
      expect(to.ecr.images.size).to.equal(0);
    }
  });

  it("takes the static file of the version where a newer one has the same name", async () => {
    from.s3.write(STATIC, CSS, "newer");
    const to = prepareDouble(OK);
    expect(await promote(from, to)).to.include({ outcome: "deployed" });
    expect(gunzipSync(to.s3.get(STATIC, CSS)!.body).toString()).to.include("/* 2.0.0 */");
  });

  it("finds nothing to do where the version runs already", async () => {
    const to = await deployed();
    expect(await promote(from, to)).to.include({ outcome: "unchanged" });
  });

  it("refuses objects that differ from their digests or are gone, with nothing published", async () => {
    const wheel = from.s3.keys(ARTIFACTS, "wheels/")[0]!;
    const attacks: [string, () => void, RegExp][] = [
      [
        "bundle",
        () => {
          from.s3.write(ARTIFACTS, `bundles/${VERSION.label}.zip`, "other");
        },
        /bundles\/.* does not have the digest/,
      ],
      [
        "package",
        () => {
          from.s3.write(ARTIFACTS, wheel, "other");
        },
        /wheels\/.* does not have the digest/,
      ],
      [
        "package that is gone",
        () => {
          from.s3.remove(ARTIFACTS, wheel);
        },
        /wheels\/.* is no longer in the bucket/,
      ],
      [
        "static files that are gone",
        () => {
          from.s3.remove(STATIC, `manifests/${VERSION.label}.json`);
        },
        /static files of version .* are not in the bucket/,
      ],
    ];
    for (const [what, attack, message] of attacks) {
      from = await deployed();
      attack();
      const to = prepareDouble(OK);
      const end = await promote(from, to);
      expect(end, what).to.include({ outcome: "refused" });
      expect(textOf(end), what).to.match(message);
      expect(published(to), what).to.deep.equal([]);
      expect(mismatches(to, [PREVIOUS]), what).to.deep.equal([]);
    }
  });

  it("refuses a bundle of an older tool, other plugins, and an environment without an application", async () => {
    const old = oldVersion();
    const cases: [AwsDouble, AwsDouble, RegExp][] = [
      [await deployed(old), prepareDouble(OK), /has no iaso-deploy\/version\.json/],
      [
        from,
        withPlugins(prepareDouble(OK), "polio"),
        /The build is for the plugins none, but staging enables polio/,
      ],
      [onFirstVersion(), prepareDouble(OK), /runs no version of the application yet/],
    ];
    for (const [source, to, message] of cases) {
      const end = await promote(source, to);
      expect(textOf(end)).to.match(message);
      expect(end).to.include({ outcome: "refused" });
      expect(published(to)).to.deep.equal([]);
    }
  });

  it("checks the migrations with the code in the bundle, before anything is published", async () => {
    const to = await deployed(builtVersion("1.9"));
    const unknown = await promote(from, to, { checked: true });
    expect(unknown).to.include({ outcome: "refused" });
    expect(textOf(unknown)).to.include("has neither requirements.txt nor uv.lock");
    const migrations = { name: "iaso.0002", sql: [], locks: [], data: [] };
    const answer = { migrations: [migrations], breaks: [], warnings: [], bridged: [], seconds: 1 };
    for (const breaks of [
      [],
      [{ kind: "tableGone", table: "places", text: "gone", migration: "iaso.0002" }],
    ]) {
      // The application's Python is played by a script in its bundle.
      const version = builtVersion("2.1", {
        "iaso-deploy.yaml": `python: ${process.execPath} bin/played.cjs\n`,
        "bin/played.cjs": `require("node:fs").writeFileSync(process.argv[4], ${JSON.stringify(JSON.stringify({ ...answer, breaks }))});`,
      });
      const end = await promote(await deployed(version), to, { checked: true });
      expect(end, textOf(end)).to.include({ outcome: breaks.length === 0 ? "deployed" : "refused" });
    }
  });

  it("ends on one version, with nothing half published, whatever happens to any call of either account @proof", async () => {
    const [undisturbedFrom, undisturbedTo] = [await deployed(), prepareDouble(OK)];
    const before = undisturbedFrom.calls.length;
    await promote(undisturbedFrom, undisturbedTo);
    const kinds: FaultKind[] = [
      "error",
      "throttle",
      "timeoutBefore",
      "timeoutAfter",
      "killBefore",
      "killAfter",
    ];
    const places: [AwsDouble, number, number][] = [
      [undisturbedFrom, before, undisturbedFrom.calls.length],
      [undisturbedTo, 0, undisturbedTo.calls.length],
    ];
    const failures: string[] = [];
    let runs = 0;
    for (const [account, first, end] of places) {
      for (let place = first; place < end; place += 1) {
        for (const kind of kinds) {
          const isFrom = account === undisturbedFrom;
          const [source, to] = [isFrom ? await deployed() : from, prepareDouble(OK)];
          (isFrom ? source : to).faults.set(place, kind);
          const name = `${kind} at ${place} ${account.calls[place]!.operation} of ${isFrom ? "from" : "to"}`;
          let result = await promote(source, to);
          if (isFrom && result !== "killed" && result.outcome !== "deployed" && published(to).length > 0) {
            failures.push(`${name}: ${published(to).join(", ")}`);
          }
          if (result === "killed") {
            if (isFrom && published(to).length > 0) failures.push(`${name}: published`);
            to.time.now += 3_600_000;
            result = await promote(source, to);
            if (!/"(deployed|unchanged)"/.test(textOf(result))) failures.push(`${name}: ${textOf(result)}`);
          }
          failures.push(
            ...[...mismatches(to, [PREVIOUS, VERSION.label]), ...missingWheels(to, VERSION.label)].map(
              (problem) => `${name}: ${problem}`,
            ),
          );
          runs += 1;
        }
      }
    }
    console.log(`      ${runs} runs, ${failures.length} mismatches`);
    expect(failures).to.deep.equal([]);
  });

  it("downloads into an empty directory, and deploys it only with the SHA-256 that was printed", async () => {
    const directory = join(temporaryDirectory(), "downloaded");
    const report = await runDirect(from, (session) => download(session, directory));
    expect(textOf(report)).to.include("npm run deploy -- promote staging <env> --downloaded");
    const { sha256 } = (report as Report).details as { sha256: string };
    expect(sha256).to.equal(hash(readFileSync(join(directory, "bundle.zip"))));
    const again = await runDirect(from, (session) => download(session, directory));
    expect(again).to.include({ outcome: "refused" });

    const wrong = await promote(from, prepareDouble(OK), { origin: { directory, sha256: "0".repeat(64) } });
    expect(textOf(wrong)).to.include(`has the SHA-256 ${sha256}, not 000`);
    const to = prepareDouble(OK);
    expect(await promote(from, to, { origin: { directory, sha256 } })).to.include({ outcome: "deployed" });

    const css = from.s3.get(STATIC, CSS)!;
    const file = join(directory, "files", hash(gunzipSync(css.body)));
    writeFileSync(file, "other");
    const changed = await promote(from, prepareDouble(OK), { origin: { directory, sha256 } });
    expect(textOf(changed)).to.include("is missing or differs");
  });
});

const hash = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** A version whose bundle has no record. */
function oldVersion(): ReturnType<typeof builtVersion> {
  const { build } = builtVersion("1.8");
  const path = join(temporaryDirectory(), "old.zip");
  const content = zipOf({ "manage.py": "" });
  writeFileSync(path, content);
  const sha256 = hash(content);
  return {
    build: async (...args) => ({
      ...(await build(...args)),
      bundle: { path, sha256, bytes: content.length },
    }),
    label: `1.8-${sha256.slice(0, 16)}`,
  };
}

function withPlugins(double: AwsDouble, plugins: string): AwsDouble {
  for (const { settings } of double.beanstalk.environments) settings.variables = { PLUGINS: plugins };
  return double;
}

function onFirstVersion(): AwsDouble {
  const double = new AwsDouble();
  double.describeTarget();
  double.addPair("first-python");
  return double;
}

describe("npm run deploy -- promote and download (in a process of its own, over HTTP) @proof", () => {
  let running: RunningDouble;

  after(async () => {
    await running.stop();
    removeTemporaryDirectories();
  });

  it("reads one account with a profile, and deploys to another with the own credentials", async () => {
    const source = await deployed();
    renameToDemo(source);
    const time = new ScaledTime(60);
    const to = new AwsDouble(1, time);
    to.addPair();
    to.beanstalk.timing.perInstance = () => 20_000;
    running = await serveTwoAccounts(source, to);
    const config = join(temporaryDirectory(), "config");
    writeFileSync(config, DEMO_CONFIG);
    const environment = { AWS_CONFIG_FILE: config };
    const cli = (...args: string[]): Promise<CliResult> => runCli(running, time, args, { environment });

    const refused = await cli("promote", ENV, ENV);
    expect(refused.code, refused.stdout).to.equal(EXIT.refused);
    expect(refused.stderr).to.include("npm run deploy -- promote staging prod");
    const half = await cli("promote", "demo", ENV, "--downloaded", "somewhere");
    expect(half.code, half.stdout).to.equal(EXIT.refused);
    expect(half.stderr).to.include("--downloaded somewhere --sha256 <SHA-256>");

    const promoted = ["promote", "demo", ENV, "--migrations-unchecked"];
    const done = await cli(...promoted, "--from-profile", "of-demo");
    expect(done.code, done.stdout + done.stderr).to.equal(EXIT.done);
    expect(done.stdout).to.include(`staging runs ${VERSION.label} on web and worker`);
    expect(done.stdout).to.include(
      "Nothing is built: the bundle, packages and static files are those that demo runs",
    );
    expect(mismatches(to, [VERSION.label])).to.deep.equal([]);

    const output = join(temporaryDirectory(), "downloaded");
    const downloaded = await runCli(running, time, ["download", "demo", "--output", output, "--json"], {
      environment: DEMO_KEYS,
    });
    expect(downloaded.code, downloaded.stderr).to.equal(EXIT.done);
    const { details } = JSON.parse(downloaded.stdout) as { details: { sha256: string } };
    const again = await cli(...promoted, "--downloaded", output, "--sha256", details.sha256);
    expect(again.code, again.stdout + again.stderr).to.equal(EXIT.done);
    expect(again.stdout).to.include("already runs");
  });
});
