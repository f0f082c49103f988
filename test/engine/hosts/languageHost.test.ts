import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as grpc from "@grpc/grpc-js";
import { LanguageRuntimeClient } from "@pulumi/pulumi/proto/language_grpc_pb";
import * as messages from "@pulumi/pulumi/proto/language_pb";
import { expect } from "chai";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { call, FakeEngine } from "./fakeEngine";
import { Hosts, serveHosts } from "./serve";

/** In place of the SDK's runner: writes what it was started with, then does as the entry point says. */
const RUNNER = `
  const { writeFileSync } = require("node:fs");
  const args = process.argv.slice(2), entryPoint = args.at(-1);
  writeFileSync("started.json", JSON.stringify({
    pid: process.pid, args, execArgv: process.execArgv, directory: process.cwd(),
    config: process.env.PULUMI_CONFIG, secretKeys: process.env.PULUMI_CONFIG_SECRET_KEYS,
    typescript: process.env.PULUMI_NODEJS_TYPESCRIPT, own: process.env.OWN,
  }));
  console.log("to stdout");
  console.error("to stderr");
  if (entryPoint === "hang") setInterval(() => undefined, 1000);
  else process.exitCode = Number(entryPoint);
`;

interface Started {
  pid: number;
  args: string[];
  execArgv: string[];
  directory: string;
  config: string;
  secretKeys: string;
  typescript: string;
  own: string;
}

describe("the attached language host", () => {
  const engine = new FakeEngine();
  const folder = mkdtempSync(join(tmpdir(), "iaso-language-host-"));
  let hosts: Hosts;
  let client: LanguageRuntimeClient;

  before(async () => {
    const runner = join(folder, "node_modules/@pulumi/pulumi/cmd/run");
    mkdirSync(runner, { recursive: true });
    writeFileSync(join(runner, "index.js"), RUNNER);
    await engine.start();
    hosts = await serveHosts(folder, () => ({ ...process.env, OWN: "of the lab" }));
    client = new LanguageRuntimeClient(`127.0.0.1:${hosts.port}`, grpc.credentials.createInsecure());
    const handshake = new messages.LanguageHandshakeRequest().setEngineAddress(engine.address);
    await call((done) => client.handshake(handshake, done));
  });
  after(() => {
    client.close();
    hosts.close();
    engine.stop();
    rmSync(folder, { recursive: true });
  });

  const request = (entryPoint: string) => {
    const info = new messages.ProgramInfo()
      .setRootDirectory("/root-of-the-project")
      .setProgramDirectory(folder)
      .setEntryPoint(entryPoint)
      .setOptions(Struct.fromJavaScript({ nodeargs: "--stack-trace-limit=3 --no-opt" }));
    const run = new messages.RunRequest()
      .setInfo(info)
      .setProject("iaso")
      .setStack("staging")
      .setOrganization("organization")
      .setMonitorAddress("127.0.0.1:1")
      .setParallel(16)
      .setDryrun(true)
      .setConfigsecretkeysList(["iaso:secretKey"]);
    run.getConfigMap().set("iaso:webHost", "iaso.example.org").set("iaso:secretKey", "a:b");
    return run;
  };
  const run = (entryPoint: string) =>
    call<messages.RunResponse>((done) => client.run(request(entryPoint), done));
  const started = () => JSON.parse(readFileSync(join(folder, "started.json"), "utf8")) as Started;

  it("starts the program with the SDK's arguments, the settings and the lab's variables", async () => {
    const response = await run("0");
    expect([response.getError(), response.getBail()]).to.deep.equal(["", false]);
    const { pid, ...values } = started();
    expect(pid).to.be.above(0);
    expect(values).to.deep.equal({
      args: [
        ...["--monitor", "127.0.0.1:1", "--engine", engine.address, "--organization", "organization"],
        ...["--project", "iaso", "--root-directory", "/root-of-the-project", "--stack", "staging"],
        ...["--pwd", folder, "--parallel", "16", "--dry-run", "0"],
      ],
      execArgv: ["--stack-trace-limit=3", "--no-opt"],
      directory: folder,
      config: '{"iaso:config:secretKey":"a:b","iaso:config:webHost":"iaso.example.org"}',
      secretKeys: '["iaso:secretKey"]',
      typescript: "true",
      own: "of the lab",
    });
  });

  it("shows the program's output in the engine's log", async () => {
    engine.lines.length = 0;
    await run("0");
    expect(engine.lines).to.have.deep.members([
      { message: "to stdout\n", urn: "" },
      { message: "to stderr\n", urn: "" },
    ]);
  });

  it("returns a failure of the program, and bails if the program has shown it", async () => {
    const failed = await run("3");
    expect([failed.getError(), failed.getBail()]).to.deep.equal([
      "Program exited with non-zero exit code: 3",
      false,
    ]);
    const shown = await run("32");
    expect([shown.getError(), shown.getBail()]).to.deep.equal(["", true]);
  });

  it("kills the program when the engine cancels the call or dies", async () => {
    rmSync(join(folder, "started.json"));
    const ended = new Promise<string>((resolve) => {
      const running = client.run(request("hang"), (error) => {
        resolve(error?.details ?? "");
      });
      void waitFor(() => existsSync(join(folder, "started.json"))).then(() => {
        running.cancel();
      });
    });
    expect(await ended).to.include("Cancelled");
    const { pid } = started();
    await waitFor(() => !isRunning(pid));
  });
});

/** Polls until the condition holds; mocha's timeout ends a wait that never ends. */
async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10);
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
