import { type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "yaml";
import { unzip } from "../deploy/source/checkout";
import { type Instance } from "./instance";
import { beanstalkNginx } from "../deploy/bundle/beanstalkNginx";
import { type Steps } from "./steps";

const ENV_FILE = "/opt/elasticbeanstalk/deployment/env";
const AGENT = "amazon-cloudwatch-agent-ctl";

/** The application that runs on an instance. */
export class Platform {
  private web: ChildProcess | undefined;
  private nginxRuns = false;

  constructor(
    readonly instance: Instance,
    /** The environment's properties and secrets. */
    private readonly environment: Readonly<Record<string, string>>,
    private readonly steps: Steps,
  ) {}

  /** The log with the application's output since the instance started. */
  get logFile(): string {
    return join(this.instance.directory, "web.stdout.log");
  }

  /**
   * Deploys a bundle in the order of Beanstalk's Python platform on Amazon Linux 2023.
   *
   * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/platforms-linux-extend.workflow.html
   */
  async deploy(bundle: Buffer): Promise<void> {
    const { instance, steps } = this;
    const staging = join(instance.directory, "app/staging");
    let environment = this.environment;
    await steps.run(`${instance.name}: unpack`, async () => {
      rmSync(staging, { recursive: true, force: true });
      environment = { ...environment, ...(await unpack(bundle, staging)) };
      const lines = Object.entries(environment).map(([name, value]) => `${name}=${value}\n`);
      await instance.write(ENV_FILE, lines.join(""));
      await instance.succeed("chown", ["-R", "webapp:webapp", "/var/app/staging"]);
    });
    await this.hooks("prebuild", environment);
    await this.containerCommands(staging);
    await this.hooks("predeploy", environment);
    await steps.run(`${instance.name}: start`, async () => {
      await this.flip(environment);
      await this.startNginx();
      await this.awaitHealth();
    });
    await this.hooks("postdeploy", environment);
  }

  private async hooks(phase: string, environment: Readonly<Record<string, string>>): Promise<void> {
    const { instance, steps } = this;
    const directory = `/var/app/staging/.platform/hooks/${phase}`;
    const { code, output } = await instance.run("ls", [directory]);
    for (const name of code === 0 ? output.trim().split("\n").sort() : []) {
      await steps.run(`${instance.name}: ${phase}/${name}`, async () => {
        const said = await instance.succeed(`${directory}/${name}`, [], {
          cwd: "/var/app/staging",
          env: environment,
        });
        appendFileSync(join(instance.directory, "eb-hooks.log"), `== ${phase}/${name}\n${said}`);
      });
    }
  }

  /** Runs the container commands, but for the CloudWatch agent's, which this machine lacks. */
  private async containerCommands(staging: string): Promise<void> {
    const files = (await this.instance.run("sh", ["-c", "cat /var/app/staging/.ebextensions/*.config"]))
      .output;
    if (files.includes("container_commands")) {
      const unknown = files.split("\n").filter((line) => /^ +command:/.test(line) && !line.includes(AGENT));
      if (unknown.length > 0)
        throw new Error(`Container commands that this test does not play: ${unknown.join()}`);
    }
    for (const name of ["requirements.txt", "Pipfile", "Pipfile.lock"]) {
      if (readdirSync(staging).includes(name))
        throw new Error(`The platform would install ${name} with its own Python.`);
    }
  }

  private async flip(environment: Readonly<Record<string, string>>): Promise<void> {
    const app = join(this.instance.directory, "app");
    if (this.web !== undefined && this.web.exitCode === null) {
      const exited = once(this.web, "exit");
      await this.instance.run("pkill", ["-TERM", "-f", "gunicorn hat.wsgi"]);
      await exited;
    }
    rmSync(join(app, "current"), { recursive: true, force: true });
    renameSync(join(app, "staging"), join(app, "current"));
    const procfile = (await this.instance.succeed("cat", ["/var/app/current/Procfile"])).trim();
    const command = /^web: (.*)$/m.exec(procfile)?.[1] ?? "";
    this.web = this.instance.spawn("sh", ["-c", command], {
      cwd: "/var/app/current",
      env: environment,
      user: "webapp",
    });
    for (const stream of [this.web.stdout, this.web.stderr]) {
      stream?.on("data", (text: Buffer) => {
        appendFileSync(this.logFile, text);
      });
    }
  }

  /** Waits until the health check of the load balancer would succeed. */
  private async awaitHealth(): Promise<void> {
    const args = ["--silent", "--fail", "--max-time", "10", "http://127.0.0.1/_health/"];
    for (const end = Date.now() + 120_000; (await this.instance.run("curl", args)).code !== 0;) {
      if (Date.now() > end)
        throw new Error(`${this.instance.name} is not healthy:\n${readFileSync(this.logFile, "utf8")}`);
      await sleep(500);
    }
  }

  private async startNginx(): Promise<void> {
    const { instance } = this;
    for (const [path, text] of Object.entries(beanstalkNginx()))
      await instance.write(`/etc/nginx/${path}`, text);
    await instance.succeed("sh", [
      "-c",
      "cp /usr/share/nginx/mime.types /etc/nginx/ && if [ -d /var/app/current/.platform/nginx ]; then cp -r /var/app/current/.platform/nginx/. /etc/nginx/; fi",
    ]);
    await instance.succeed("nginx", ["-t", "-q"]);
    if (this.nginxRuns) await instance.succeed("nginx", ["-s", "reload"]);
    else await instance.succeed("nginx", []);
    this.nginxRuns = true;
  }
}

/**
 * Unpacks a bundle as Beanstalk does.
 *
 * @returns the environment properties that the bundle sets
 */
async function unpack(bundle: Buffer, directory: string): Promise<Record<string, string>> {
  const entries = await unzip(bundle);
  for (const [path, { content, mode }] of entries) {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    if ((mode & 0o170000) === 0o120000) symlinkSync(content.toString(), file);
    else {
      writeFileSync(file, content);
      chmodSync(file, mode & 0o777);
    }
  }
  const config = entries.get(".ebextensions/environment.config")?.content.toString() ?? "{}";
  const { option_settings: options } = parse(config) as {
    option_settings?: Record<string, Record<string, string>>;
  };
  return options?.["aws:elasticbeanstalk:application:environment"] ?? {};
}
