import { execFileSync, spawn } from "node:child_process";
import { createServer as createHttpServer } from "node:http";
import { once } from "node:events";
import { expect } from "chai";
import { Role } from "../authorization";
import { Ec2Double } from "./ec2Double";
import { freePort, listen } from "../http";

const PLATFORM = "64bit Amazon Linux 2023 v4.13.9 running Python 3.13";

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the real command against `endpoint`. */
function ami(args: string[], endpoint: string, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ["--require", "./cli/loader.cjs", "ami/cli.ts", ...args], {
    env: {
      ...process.env,
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: "eu-central-1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      ...env,
    },
  });
  const outcome: Outcome = { code: null, stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => (outcome.stdout += String(chunk)));
  child.stderr.on("data", (chunk) => (outcome.stderr += String(chunk)));
  const ended = once(child, "close").then(([code]) => ({ ...outcome, code: code as number | null }));
  return { child, ended };
}

const build = (endpoint: string) =>
  ami(["build", "--platform", PLATFORM, "--env", "staging", "--poll-seconds", "0.01"], endpoint);

/** A build is killed at its first call of `action`; the next one must succeed and leave nothing else. */
async function surviveKill(action: string): Promise<void> {
  const ec2 = new Ec2Double();
  const endpoint = await ec2.start();
  try {
    const run = build(endpoint);
    ec2.onCall = (_number, called) => {
      if (called === action) run.child.kill("SIGKILL");
    };
    const killed = await run.ended;
    expect(killed.code, `${action} was never called`).to.equal(null);
    ec2.onCall = () => undefined;
    const { code, stdout } = await build(endpoint).ended;
    expect(code, action).to.equal(0);
    const { imageId } = JSON.parse(stdout) as { imageId: string };
    expect([...ec2.images.keys()], action).to.deep.equal([imageId]);
    expect([ec2.runningBuilders, ec2.orphanSnapshots, [...ec2.groups]], action).to.deep.equal([[], [], []]);
  } finally {
    ec2.stop();
  }
}

describe("ami/cli", () => {
  let ec2: Ec2Double;
  let endpoint: string;

  beforeEach(async () => {
    ec2 = new Ec2Double();
    endpoint = await ec2.start();
  });
  afterEach(() => {
    ec2.stop();
  });

  it("ends stdout with the image id as JSON, and deletes from that output", async () => {
    const { code, stdout } = await build(endpoint).ended;
    expect(code).to.equal(0);
    const { imageId } = JSON.parse(stdout.trim().split("\n").at(-1)!) as { imageId: string };
    expect([...ec2.images.keys()]).to.deep.equal([imageId]);

    const args = ["delete", "--from-build-output", "--keep-if-used"];
    ec2.environmentImages.set("iaso-staging", imageId);
    const kept = await ami(args, endpoint, { PULUMI_COMMAND_STDOUT: stdout }).ended;
    expect([kept.code, JSON.parse(kept.stdout)]).to.deep.equal([0, { kept: imageId }]);
    const refused = await ami(["delete", imageId], endpoint).ended;
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.contain("environment iaso-staging").and.not.contain("    at ");
    ec2.environmentImages.clear();
    const deleted = await ami(args, endpoint, { PULUMI_COMMAND_STDOUT: stdout }).ended;
    expect([deleted.code, JSON.parse(deleted.stdout)]).to.deep.equal([0, { deleted: imageId }]);
    expect([ec2.images.size, ec2.snapshots.size]).to.deep.equal([0, 0]);
    // Pulumi repeats a deletion that was cut short.
    const repeated = await ami(args, endpoint, { PULUMI_COMMAND_STDOUT: stdout }).ended;
    expect([repeated.code, JSON.parse(repeated.stdout)]).to.deep.equal([0, { absent: imageId }]);
  });

  it("copies the image of an environment for another one, and ends stdout with its id", async () => {
    const { imageId } = JSON.parse((await build(endpoint).ended).stdout) as { imageId: string };
    ec2.environmentImages.set("iaso-staging", imageId);
    ec2.role = new Role([{ Effect: "Allow", Action: "*", Resource: "*" }]);
    const args = ["promote", "staging", "prod", "--poll-seconds", "0.01"];
    const { code, stdout, stderr } = await ami(args, endpoint).ended;
    expect(code, stderr).to.equal(0);
    const promoted = JSON.parse(stdout) as { imageId: string; copyOf: string };
    expect(promoted.copyOf).to.equal(imageId);
    expect(ec2.images.get(promoted.imageId)?.tags.get("env")).to.equal("prod");
  });

  it("reports each error with its fix and without a stack trace", async () => {
    const cases: [args: string[], env: Record<string, string>, says: RegExp][] = [
      [["build", "--env", "staging"], {}, /--platform <name>' not specified[^]*--help/],
      [
        ["build", "--env", "s", "--platform", "Python"],
        {},
        /"Python" is not the name of a platform version[^]*--platform "64bit/,
      ],
      [
        ["build", "--env", "s", "--platform", PLATFORM, "--drivers", "X"],
        {},
        /Unknown GDAL drivers: X\.[^]*GPX/,
      ],
      [["delete", "ami-0fedcba9876543210"], {}, /no image ami-0fedcba9876543210[^]*ami -- list/],
      [["promote", "staging", "prod"], {}, /staging uses no image[^]*AWS_PROFILE/],
      [
        ["promote", "staging", "prod", "--from-profile", "x"],
        {},
        /--from-profile and --key are both needed[^]*ami\/README\.md/,
      ],
      [
        ["list"],
        { AWS_REGION: "", AWS_CONFIG_FILE: "/dev/null" },
        /No valid AWS region[^]*export AWS_REGION/,
      ],
      [
        ["list"],
        { AWS_ENDPOINT_URL: "http://127.0.0.1:1" },
        /cannot be reached: .*127\.0\.0\.1:1[^]*network/,
      ],
    ];
    const outcomes = await Promise.all(cases.map(([args, env]) => ami(args, endpoint, env).ended));
    for (const [index, { code, stdout, stderr }] of outcomes.entries()) {
      expect([code, stdout]).to.deep.equal([1, ""]);
      expect(stderr)
        .to.match(cases[index]![2])
        .and.not.match(/^\s+at /m);
    }
  });

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    it(`terminates the builder at ${signal}`, async () => {
      ec2.console = ["IASO-AMI 1 step 1/2 geos start"];
      const run = build(endpoint);
      ec2.onCall = (_number, action) => {
        if (action === "GetConsoleOutput") run.child.kill(signal);
        // As when a terminal is closed: nobody reads any more.
        if (action === "GetConsoleOutput" && signal === "SIGHUP") run.child.stderr.destroy();
      };
      const { code, stderr } = await run.ended;
      expect([code, ec2.runningBuilders, [...ec2.groups]]).to.deep.equal([1, [], []]);
      if (signal !== "SIGHUP") expect(stderr).to.contain("Interrupted");
    });
  }

  it("recovers from kill -9 at each step @proof", async () => {
    await build(endpoint).ended;
    const { calls } = ec2;
    // Signs of life depend on how long a run takes, so not every run gives one.
    const steps = [...new Set(calls)].filter((action) => action !== "CreateTags");
    expect(steps).to.include.members(["RunInstances", "CreateImage", "TerminateInstances"]);
    console.log(`      ${steps.length} steps of ${calls.length} calls: ${steps.join(", ")}`);
    // Two at a time, as many as the smallest machine has processors.
    const lane = async (first: number) => {
      for (let step = first; step < steps.length; step += 2) await surviveKill(steps[step]!);
    };
    await Promise.all([lane(0), lane(1)]);
  });

  it("builds, reuses, lists and prunes against moto's EC2 @proof", async function () {
    if (!hasMoto()) {
      console.log("      skipped: moto_server is not installed (pip install 'moto[server]')");
      this.skip();
    }
    const port = await freePort();
    const moto = spawn("moto_server", ["-H", "127.0.0.1", "-p", String(port)], { stdio: "ignore" });
    try {
      const url = `http://127.0.0.1:${port}`;
      for (let tries = 0; tries < 100; tries++) {
        if (
          await fetch(url).then(
            () => true,
            () => false,
          )
        )
          break;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      const proxy = await beforeMoto(url, endpoint);
      try {
        const first = await build(proxy.url).ended;
        expect(first.code, first.stderr).to.equal(0);
        const image = JSON.parse(first.stdout) as { imageId: string };
        const again = await build(proxy.url).ended;
        expect(JSON.parse(again.stdout)).to.deep.equal({ ...image, reused: true });
        const listed = await ami(["list"], proxy.url).ended;
        const { images } = JSON.parse(listed.stdout) as { images: { imageId: string; usedBy: string[] }[] };
        expect(images.map(({ imageId, usedBy }) => [imageId, usedBy])).to.deep.equal([[image.imageId, []]]);
        const pruned = await ami(["prune", "--keep", "0"], proxy.url).ended;
        expect(JSON.parse(pruned.stdout), pruned.stderr).to.deep.equal({ deleted: [image.imageId] });
      } finally {
        proxy.stop();
      }
    } finally {
      moto.kill();
    }
  });
});

function hasMoto(): boolean {
  try {
    execFileSync("moto_server", ["--help"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/**
 * Stands before moto, which knows neither Beanstalk's platform versions nor what a builder would print: those calls
 * go to the double or are answered here, all others are moto's.
 */
async function beforeMoto(moto: string, double: string) {
  const server = createHttpServer((request, response) => {
    void (async () => {
      let body = "";
      for await (const chunk of request) body += String(chunk);
      const params = new URLSearchParams(body);
      const ofDouble =
        params.get("Version") === "2010-12-01" || params.get("ImageId.1") === "ami-0000000000000ba5e";
      if (params.get("Action") === "GetConsoleOutput") {
        const output = Buffer.from("IASO-AMI 1 ready\n").toString("base64");
        response.end(`<GetConsoleOutputResponse><output>${output}</output></GetConsoleOutputResponse>`);
        return;
      }
      // moto cannot tag the snapshots of an image in the making.
      if (params.get("Action") === "CreateImage") {
        for (const key of [...params.keys()]) if (key.startsWith("TagSpecification.2.")) params.delete(key);
      }
      const headers = {
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        authorization: request.headers.authorization ?? "",
      };
      const answer = await fetch(ofDouble ? double : moto, {
        method: "POST",
        headers,
        body: params.toString(),
      });
      response.writeHead(answer.status, { "content-type": "text/xml" }).end(await answer.text());
    })();
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () => {
      server.close();
    },
  };
}
