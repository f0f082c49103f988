import { ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { EngineEvent, LocalWorkspace, Stack } from "@pulumi/pulumi/automation";
import { isDeepStrictEqual } from "node:util";
import { Account, AccountResource } from "../../simulator/provider/account";
import type { Fault } from "../../simulator/provider/faults";
import { testedCommands } from "./runbook";

const PROJECT = join(__dirname, "../..");

/** What the program is, copied into each lab: the engine writes to settings files, and links confuse the compiler. */
const COPIES = ["index.ts", "components", "policies", "ami", "package.json", "tsconfig.json", "Pulumi.yaml"];

/** One value for each secret setting, each unlike anything else, so that a leak can be found byte by byte. */
export const SECRETS: Record<string, string> = {
  databasePassword: "LeakMarkDatabasePassword0123456789",
  secretKey: "LeakMarkSecretKey0123456789012345678901234567890123456789",
  secretKeyFallbacks: "LeakMarkFallback01234567890123456789012345678901234567890",
  encryptedTextFieldKey: "TGVha01hcmtFbmNyeXB0ZWRUZXh0RmllbGRLZXkwMTI=",
  sentryDsn: "https://leakmarksentry@sentry.example.org/1",
  emailPassword: "LeakMarkEmailPassword0123456789",
  enketoApiToken: "LeakMarkEnketoApiToken0123456789012345678901234567",
  enketoSigningSecret: "LeakMarkEnketoSigningSecret0123456789012345678901",
  enketoEncryptionKey: "LeakMarkEnketoEncryptionKey01234567890123456789",
  enketoRedisAuthToken: "LeakMarkEnketoRedisAuthToken0123456789",
};

export interface StateResource {
  urn: string;
  type: string;
  id?: string;
  custom: boolean;
  inputs: Record<string, unknown>;
  outputs: Record<string, unknown>;
}

export interface Deployment {
  resources?: StateResource[];
  pending_operations?: { type: string; resource: StateResource }[];
}

export interface Ran {
  code: number | null;
  output: string;
}

/** One stack on the real engine, alone with its own state, its own simulated account and its own provider. */
export class Lab {
  readonly folder: string;
  readonly events: EngineEvent[] = [];
  /** All that the engine has printed. */
  log = "";
  private provider: ChildProcess | undefined;
  private port = "";
  private announced = "";

  private constructor(readonly stackName: string) {
    this.folder = mkdtempSync(join(tmpdir(), "iaso-engine-"));
    mkdirSync(join(this.folder, "state"));
    mkdirSync(join(this.folder, "work"));
    for (const name of [...COPIES, `Pulumi.${stackName}.yaml`]) {
      cpSync(join(PROJECT, name), join(this.work, name), { recursive: true });
    }
    symlinkSync(join(PROJECT, "node_modules"), join(this.work, "node_modules"));
  }

  static async open(stackName: string): Promise<Lab> {
    const lab = new Lab(stackName);
    await lab.startProvider();
    const stack = await LocalWorkspace.createStack({ stackName, workDir: lab.work }, lab.options);
    await stack.setAllConfig(
      Object.fromEntries(
        Object.entries(SECRETS).map(([key, value]) => [`iaso:${key}`, { value, secret: true }]),
      ),
    );
    await stack.setConfig("iaso:gdalImageId", { value: "ami-0123456789abcdef0" });
    return lab;
  }

  close(): void {
    this.provider?.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }

  get work(): string {
    return join(this.folder, "work");
  }

  get account(): Account {
    return new Account(join(this.folder, "account.json"));
  }

  stack(): Promise<Stack> {
    return LocalWorkspace.selectStack({ stackName: this.stackName, workDir: this.work }, this.options);
  }

  async set(key: string, value: string): Promise<void> {
    await (await this.stack()).setConfig(`iaso:${key}`, { value });
  }

  private readonly watch = {
    onOutput: (text: string) => (this.log += text),
    onError: (text: string) => (this.log += text),
    onEvent: (event: EngineEvent) => this.events.push(event),
    suppressProgress: true,
  };

  async up(options: { policyPacks?: string[]; continueOnError?: boolean; targets?: string[] } = {}) {
    return (await this.stack()).up({ ...this.watch, ...options });
  }

  async preview(options: { policyPacks?: string[] } = {}) {
    return (await this.stack()).preview({ ...this.watch, ...options });
  }

  async refresh() {
    return (await this.stack()).refresh(this.watch);
  }

  async destroy() {
    return (await this.stack()).destroy(this.watch);
  }

  async state(): Promise<Deployment> {
    return (await (await this.stack()).exportStack()).deployment as Deployment;
  }

  /** Changes a file of this lab's program. */
  edit(file: string, from: string, to: string): void {
    const path = join(this.work, file);
    const before = readFileSync(path, "utf8");
    if (!before.includes(from)) throw new Error(`${file} does not have: ${from}`);
    writeFileSync(
      path,
      before.replace(from, () => to),
    );
  }

  /** Writes a file beside this lab's program. */
  write(file: string, text: string): void {
    writeFileSync(join(this.work, file), text);
  }

  /** Sets what goes wrong from now on. */
  faults(...faults: Fault[]): void {
    writeFileSync(join(this.folder, "faults.json"), JSON.stringify(faults));
  }

  /** Runs a block of the runbook, exactly as it stands there. */
  async follow(block: string, env: Record<string, string> = {}): Promise<Ran> {
    return this.run(testedCommands("setup") + testedCommands(block), env);
  }

  async run(commands: string, env: Record<string, string> = {}): Promise<Ran> {
    const child = this.spawn(commands, env);
    let output = "";
    child.stdout?.on("data", (chunk) => (output += String(chunk)));
    child.stderr?.on("data", (chunk) => (output += String(chunk)));
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    this.log += output;
    return { code, output };
  }

  /** Starts an update and kills the engine, with all it has started, once the provider has begun to hang. */
  async killDuring(commands: string, hang: Fault, milliseconds: number): Promise<string> {
    this.faults({ ...hang, action: "hang" });
    this.announced = "";
    const child = this.spawn(commands);
    const ended = once(child, "close");
    const isRunning = () => child.exitCode === null && child.signalCode === null;
    while (isRunning() && this.announced === "") await sleep(20);
    await sleep(milliseconds);
    if (isRunning() && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    await ended;
    this.faults();
    await this.restartProvider();
    return this.announced;
  }

  async restartProvider(): Promise<void> {
    this.provider?.kill("SIGKILL");
    await this.startProvider();
  }

  /** What exists in the account and is not in the state, or the other way round. */
  async strays(): Promise<{ orphaned: string[]; missing: string[] }> {
    const state = await this.state();
    const known = (state.resources ?? [])
      .filter(({ custom, type }) => custom && type.startsWith("aws:"))
      .map(({ type, id }) => `${type} ${id ?? ""}`);
    const existing = this.account.resources.map(({ type, id }) => `${type} ${id}`);
    return {
      orphaned: existing.filter((resource) => !known.includes(resource)),
      missing: known.filter((resource) => !existing.includes(resource)),
    };
  }

  /** What an interrupted update left unsaid: for each creation that did happen, the URN and the id. */
  async interruptedCreations(): Promise<{ urn: string; id: string }[]> {
    const state = await this.state();
    const known = new Set((state.resources ?? []).map(({ type, id }) => `${type} ${id ?? ""}`));
    const unclaimed = this.account.resources.filter(({ type, id }) => !known.has(`${type} ${id}`));
    const pending = (state.pending_operations ?? []).filter(({ type }) => type === "creating");
    return pending.flatMap(({ resource }) => {
      const found = unclaimed.find((candidate) => isThe(candidate, resource));
      return found ? [{ urn: resource.urn, id: found.id }] : [];
    });
  }

  private get env(): Record<string, string> {
    return {
      ...(process.env as Record<string, string>),
      // Beside each file lies one with its attributes, which is not written in one piece: a kill could cut it off,
      // and nothing would load (docs/operations.md, interrupted update).
      PULUMI_BACKEND_URL: `file://${join(this.folder, "state")}?metadata=skip`,
      PULUMI_CONFIG_PASSPHRASE: "passphrase of a test",
      PULUMI_DEBUG_PROVIDERS: `aws:${this.port}`,
      PULUMI_HOME: join(this.folder, "home"),
      PULUMI_SKIP_UPDATE_CHECK: "true",
      STACK: this.stackName,
    };
  }

  private get options() {
    return { envVars: this.env, secretsProvider: "passphrase" };
  }

  private spawn(commands: string, env: Record<string, string> = {}): ChildProcess {
    return spawn("bash", ["-euo", "pipefail", "-c", commands], {
      cwd: this.work,
      env: { ...this.env, ...env },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  private async startProvider(): Promise<void> {
    const main = join(PROJECT, "simulator/provider/main.ts");
    const files = [join(this.folder, "account.json"), join(this.folder, "faults.json")];
    const provider = spawn(process.execPath, ["--import", "tsx", main, ...files], {
      cwd: PROJECT,
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.provider = provider;
    this.port = await new Promise((resolve, reject) => {
      const lines = createInterface({ input: provider.stdout });
      lines.once("line", (port) => {
        resolve(port);
        lines.on("line", (line) => (this.announced = line));
      });
      provider.once("exit", (code) => {
        reject(new Error(`the provider ended with ${String(code)}`));
      });
    });
  }

  /** All files of the state backend, as text. */
  stateFiles(): string {
    const folder = join(this.folder, "state/.pulumi");
    return existsSync(folder) ? readAll(folder) : "";
  }
}

function readAll(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
    .join("\n");
}

/** Whether the account's resource is the one whose creation was interrupted: same type, same plain inputs. */
function isThe(candidate: AccountResource, { type, inputs }: StateResource): boolean {
  if (candidate.type !== type) return false;
  return Object.entries(inputs).every(
    ([key, value]) => isSecret(value) || isDeepStrictEqual(candidate.inputs[key], value),
  );
}

function isSecret(value: unknown): boolean {
  return JSON.stringify(value).includes("1b47061264138c4ac30d75fd1eb44270");
}
