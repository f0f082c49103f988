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
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { EngineEvent, LocalWorkspace, Stack } from "@pulumi/pulumi/automation";
import { specialSecretSig } from "@pulumi/pulumi/runtime/rpc";
import { isDeepStrictEqual } from "node:util";
import { Account, AccountResource } from "./provider/account";
import type { Fault } from "./provider/faults";
import { type secrets } from "../../settings/secrets";
import { STACKS } from "../support";
import { attached, find, pluginFolder } from "./commands";
import { Hosts, serveHosts } from "./hosts/serve";
import { testedCommands } from "./runbook";

const PROJECT = join(__dirname, "../..");

/** The program, copied into each lab: tests edit it, the engine writes to settings files, and links confuse the compiler. */
const COPIES = [
  "index.ts",
  "settings",
  "components",
  "policies",
  "ami",
  "cli",
  "package.json",
  "tsconfig.json",
  "Pulumi.yaml",
];

/**
 * A value for each secret, unlike any other text, so that a search finds every leak. Secrets that accept any character
 * have some that JSON, Go and URLs escape.
 */
export const SECRETS: Record<keyof typeof secrets, string> = {
  RDS_PASSWORD: "LeakMarkDatabasePassword0123456789",
  SECRET_KEY: "LeakMarkSecretKey0123456789012345678901234567890123456789",
  SECRET_KEY_FALLBACKS: "LeakMarkFallback01234567890123456789012345678901234567890",
  ENCRYPTED_TEXT_FIELD_KEY: "TGVha01hcmtFbmNyeXB0ZWRUZXh0RmllbGRLZXkwMTI=",
  SENTRY_URL: "https://leakmarksentry@sentry.example.org/1",
  EMAIL_HOST_PASSWORD: 'LeakMarkEmailPassword"0<1>2&3\\4/5%6+7=8é9',
  ENKETO_API_TOKEN: "LeakMarkEnketoApiToken0123456789012345678901234567",
  ENKETO_SIGNING_SECRET: 'LeakMarkEnketoSigningSecret&<"01234567890123456789',
  ENKETO_ENCRYPTION_KEY: "LeakMarkEnketoEncryptionKey01234567890123456789",
  ENKETO_REDIS_AUTH_TOKEN: "LeakMarkEnketoRedisAuthToken0123456789",
};

/** ARN of the SSM parameter with a secret of a stack. */
const secretArn = (stack: string, name: string) =>
  `arn:aws:ssm:eu-central-1:123456789012:parameter/iaso-secrets/${stack}/${name}`;

export interface LabOptions {
  image?: boolean;
  env?: Record<string, string>;
}

export interface StateResource {
  urn: string;
  type: string;
  id?: string;
  custom: boolean;
  protect?: boolean;
  /** The reasons why it did not become ready after its creation. */
  initErrors?: string[];
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
  /** The operations of each preview, update and destroy, without `same`, such as "update TYPE NAME". */
  operations: string[][];
}

interface LoggedEvent extends Pick<EngineEvent, "policyEvent"> {
  resourcePreEvent?: { metadata: { op: string; urn: string; type: string } };
}

/** A stack on the real engine, with its own state, simulated account and provider. */
export class Lab {
  readonly folder: string;
  readonly events: EngineEvent[] = [];
  /** The engine's whole output. */
  log = "";
  private provider: ChildProcess | undefined;
  private port = "";
  private hosts: Hosts | undefined;
  private announced = "";

  private constructor(
    readonly stackName: string,
    private readonly moreEnv: Record<string, string>,
  ) {
    this.folder = mkdtempSync(join(tmpdir(), "iaso-engine-"));
    for (const name of ["state", "work", "home", "bin", "events"]) mkdirSync(join(this.folder, name));
    this.recordEvents();
    if (attached().language) this.bootPolicyPack();
    const plugins = pluginFolder();
    if (existsSync(plugins)) symlinkSync(plugins, join(this.folder, "home/plugins"));
    for (const name of COPIES) cpSync(join(PROJECT, name), join(this.work, name), { recursive: true });
    for (const stack of ["staging", "prod"]) {
      cpSync(
        join(STACKS, `policy-config.${stack}.json`),
        join(this.work, `policies/policy-config.${stack}.json`),
      );
    }
    const settings = `Pulumi.${stackName}.yaml`;
    cpSync(join(STACKS, settings), join(this.work, settings));
    symlinkSync(join(PROJECT, "node_modules"), join(this.work, "node_modules"));
  }

  /**
   * @param options.image False lets the program build the image; otherwise `gdalImageId` names one.
   * @param options.env Environment variables for the engine, the program and its commands.
   */
  static async open(stackName: string, { image = true, env = {} }: LabOptions = {}): Promise<Lab> {
    const lab = new Lab(stackName, env);
    lab.hosts = await serveHosts(lab.work, () => lab.env);
    lab.keepSecrets(stackName, SECRETS);
    await lab.startProvider();
    await LocalWorkspace.createStack({ stackName, workDir: lab.work }, lab.options);
    if (image) await lab.set("gdalImageId", "ami-0123456789abcdef0");
    return lab;
  }

  close(): void {
    this.provider?.kill("SIGKILL");
    this.hosts?.close();
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

  /** Puts secrets of a stack into the account, as `init-stack` does. The provider must be stopped. */
  keepSecrets(stackName: string, values: Readonly<Record<string, string>>, account = this.account): void {
    for (const [name, value] of Object.entries(values)) account.secrets[secretArn(stackName, name)] = value;
    account.save();
  }

  private readonly watch = {
    onOutput: (text: string) => (this.log += text),
    onError: (text: string) => (this.log += text),
    onEvent: (event: EngineEvent) => this.events.push(event),
    suppressProgress: true,
  };

  async up() {
    return (await this.stack()).up(this.watch);
  }

  async preview() {
    return (await this.stack()).preview(this.watch);
  }

  async refresh() {
    return (await this.stack()).refresh(this.watch);
  }

  async state(): Promise<Deployment> {
    return (await (await this.stack()).exportStack()).deployment as Deployment;
  }

  /** Replaces a text in a file of this lab's program. Throws if the file does not have it. */
  edit(file: string, from: string, to: string): void {
    const path = join(this.work, file);
    const before = readFileSync(path, "utf8");
    if (!before.includes(from)) throw new Error(`${file} does not have: ${from}`);
    writeFileSync(
      path,
      before.replace(from, () => to),
    );
  }

  /** Reads a file of this lab's program. */
  read(file: string): string {
    return readFileSync(join(this.work, file), "utf8");
  }

  /** Writes a file of this lab's program. */
  write(file: string, text: string): void {
    writeFileSync(join(this.work, file), text);
  }

  /** Changes the account without Pulumi, as a person in AWS's console does. */
  async byHand(change: (account: Account) => void): Promise<void> {
    await this.stopProvider();
    change(this.account);
    await this.startProvider();
  }

  /** Sets the faults of the simulated AWS from now on. */
  faults(...faults: Fault[]): void {
    writeFileSync(join(this.folder, "faults.json"), JSON.stringify(faults));
  }

  /** Runs a block of commands of the runbook, unchanged. */
  async follow(block: string, env: Record<string, string> = {}): Promise<Ran> {
    return this.run(testedCommands("setup") + testedCommands(block), env);
  }

  /** The commands of a block with one command a line, to run one by one. */
  commands(block: string): string[] {
    return testedCommands(block)
      .trim()
      .split("\n")
      .map((command) => `${testedCommands("setup")}${command}`);
  }

  async run(commands: string, env: Record<string, string> = {}): Promise<Ran> {
    const before = this.eventFiles();
    const child = this.spawn(commands, env);
    let output = "";
    child.stdout?.on("data", (chunk) => (output += String(chunk)));
    child.stderr?.on("data", (chunk) => (output += String(chunk)));
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    this.log += output;
    const operations = this.eventFiles()
      .filter((file) => !before.includes(file))
      .map((file) => operationsIn(readFileSync(file, "utf8")));
    return { code, output, operations };
  }

  /**
   * Starts an update and kills shell and engine after the provider begins to hang. The processes that the engine has
   * started (program, policy pack) are in their own process groups and are not killed, as when the system kills the
   * engine.
   */
  async killDuring(commands: string, hang: Fault, milliseconds: number): Promise<string> {
    this.faults({ ...hang, action: "hang" });
    this.announced = "";
    const child = this.spawn(commands);
    const ended = once(child, "close");
    while (isRunning(child) && this.announced === "") await sleep(20);
    await sleep(milliseconds);
    if (isRunning(child) && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    await ended;
    this.faults();
    const { announced } = this;
    await this.stopProvider();
    await this.startProvider();
    return announced;
  }

  private async stopProvider(): Promise<void> {
    const { provider } = this;
    if (provider === undefined || !isRunning(provider)) return;
    provider.kill("SIGKILL");
    await once(provider, "exit");
  }

  /** The resources that exist in the account only (orphaned), and those in the state only (missing). */
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

  /** The URNs and ids of resources that AWS created and an interrupted update did not record. */
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
      PATH: `${join(this.folder, "bin")}${delimiter}${process.env.PATH ?? ""}`,
      // The backend writes a file with attributes beside each file, and not atomically. A kill can truncate it, after
      // which no command loads the stack (docs/operations.md, interrupted update).
      PULUMI_BACKEND_URL: `file://${join(this.folder, "state")}?metadata=skip`,
      // As in the workflows: a stack has no secret.
      PULUMI_CONFIG_PASSPHRASE: "",
      ...this.attachedPlugins,
      // The AWS provider is attached, not installed. The engine would download the real one.
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      PULUMI_HOME: join(this.folder, "home"),
      PULUMI_SKIP_UPDATE_CHECK: "true",
      STACK: this.stackName,
      ...this.moreEnv,
    };
  }

  private get attachedPlugins(): Record<string, string> {
    const { language, command } = attached();
    const port = String(this.hosts?.port);
    return {
      PULUMI_DEBUG_PROVIDERS: [`aws:${this.port}`, ...(command ? [`command:${port}`] : [])].join(","),
      ...(language ? { PULUMI_DEBUG_LANGUAGES: `nodejs:${port}` } : {}),
    };
  }

  /** The options of the Automation API for this lab's stacks. */
  get options() {
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
    const main = join(PROJECT, "test/engine/provider/main.ts");
    const files = [join(this.folder, "account.json"), join(this.folder, "faults.json")];
    const provider = spawn(process.execPath, ["--require", "./cli/loader.cjs", main, ...files], {
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

  /** Everything that Pulumi has written about the stack: state with its history, settings, events, its own logs. */
  written() {
    return {
      state: readAll(join(this.folder, "state")),
      events: readAll(join(this.folder, "events")),
      "Pulumi's own logs":
        readAll(join(this.folder, "home/logs")) + readAll(join(this.folder, "home/workspaces")),
      settings: readFileSync(join(this.work, `Pulumi.${this.stackName}.yaml`), "utf8"),
      log: this.log,
      "events of the Automation API": JSON.stringify(this.events),
    };
  }

  /** Puts a `pulumi` before the real one on PATH, which makes each command write its events to a file of its own. */
  private recordEvents(): void {
    const script = [
      "#!/bin/sh",
      `export PULUMI_DEBUG_COMMANDS=true PULUMI_OPTION_EVENT_LOG="${join(this.folder, "events")}/$$.json"`,
      `exec ${find("pulumi") ?? "pulumi"} "$@"`,
    ];
    writeFileSync(join(this.folder, "bin/pulumi"), `${script.join("\n")}\n`, { mode: 0o755 });
  }

  /**
   * Writes the command that starts the policy pack. The engine runs it if there is no language host on PATH; it does
   * not ask an attached one.
   */
  private bootPolicyPack(): void {
    const module = 'require.resolve("@pulumi/pulumi/cmd/run-policy-pack")';
    const script = ["#!/bin/sh", `exec node "$(node --print '${module}')" "$@"`];
    writeFileSync(join(this.folder, "bin/pulumi-analyzer-policy-nodejs"), `${script.join("\n")}\n`, {
      mode: 0o755,
    });
  }

  /** The policy events of the last command. */
  policyEvents(): Pick<EngineEvent, "policyEvent">[] {
    const [last] = this.eventFiles().slice(-1);
    if (last === undefined) return [];
    return readFileSync(last, "utf8")
      .split("\n")
      .filter((line) => line.includes("policyEvent"))
      .map((line) => JSON.parse(line) as LoggedEvent);
  }

  /** The event files, in the order in which the commands ended. */
  private eventFiles(): string[] {
    const folder = join(this.folder, "events");
    const files = readdirSync(folder).map((name) => join(folder, name));
    return files.sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs);
  }
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

function operationsIn(events: string): string[] {
  return events
    .trim()
    .split("\n")
    .flatMap((line) => {
      const { resourcePreEvent } = JSON.parse(line) as LoggedEvent;
      if (resourcePreEvent === undefined || resourcePreEvent.metadata.op === "same") return [];
      const { op, type, urn } = resourcePreEvent.metadata;
      return [`${op} ${type} ${urn.split("::").at(-1) ?? ""}`];
    })
    .sort();
}

function readAll(folder: string): string {
  if (!existsSync(folder)) return "";
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
    .join("\n");
}

/** True if the account's resource has the type and the inputs, without secrets, of the state's resource. */
function isThe(candidate: AccountResource, { type, inputs }: StateResource): boolean {
  if (candidate.type !== type) return false;
  return Object.entries(inputs).every(
    ([key, value]) => isSecret(value) || isDeepStrictEqual(candidate.inputs[key], value),
  );
}

function isSecret(value: unknown): boolean {
  return JSON.stringify(value).includes(specialSecretSig);
}
