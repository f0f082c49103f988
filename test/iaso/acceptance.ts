/**
 * The acceptance test: builds and deploys Iaso, or a checkout of its shape, and runs it as Elastic Beanstalk does, on
 * this machine.
 *
 *   npm run test:iaso                        the small application in test/iaso/application
 *   npm run test:iaso -- --source ../iaso    a checkout of Iaso
 *
 * Deployment, S3, SQS and Beanstalk are doubles. PostgreSQL with PostGIS, nginx, gunicorn, Django, pip, npm and Chromium
 * are real. The instances have no network: only the database, S3 and SQS are reachable. Needs root on Linux.
 */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { expect } from "chai";
import { ARTIFACTS, ENV } from "../deploy/double/aws";
import { removeTemporaryDirectories, unzip } from "../deploy/source/checkout";
import { previewWith } from "../support";
import { Account } from "./account";
import { Browser } from "./browser";
import { checkHealth, checkMedia, checkPeriodicTasks, checkStaticFiles, checkTask } from "./checks";
import { cloneCheckout, commit, makeApplication } from "./checkout";
import { startLoadBalancer, startStaticBucket } from "./edge";
import { createFirstUser } from "./firstUser";
import { Hosting } from "./hosting";
import { addMigration } from "./migration";
import { MissingPrograms, requirePrograms } from "./requirements";
import { Sqsd } from "./sqsd";
import { Steps } from "./steps";

interface Options {
  source?: string;
  plugins: string[];
  keep?: true;
}

const ADMIN = { username: "admin", password: "correct-horse-battery" };
const USER = { username: "someone", password: "staple-correct-horse-9" };

async function main({ keep, plugins, source }: Options): Promise<void> {
  const steps = new Steps();
  const undo: (() => unknown)[] = [];
  const python = requirePrograms();
  const directory = mkdtempSync(join(tmpdir(), "iaso-acceptance-"));
  // The application's user reads the certificate.
  chmodSync(directory, 0o755);
  undo.push(() => {
    if (keep !== true) rmSync(directory, { recursive: true, force: true });
    removeTemporaryDirectories();
  });
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void stop().finally(() => process.exit(1)));
  }
  try {
    await accept({ directory, plugins, python, source, steps, undo });
    console.log(`\n${steps.count} steps passed in ${steps.seconds.toFixed(0)} s`);
  } finally {
    if (keep === true) console.log(`The files are in ${directory}`);
    await stop();
  }
}

interface Run {
  directory: string;
  plugins: string[];
  python: string;
  source: string | undefined;
  steps: Steps;
  undo: (() => unknown)[];
}

async function accept({ directory, plugins, python, source, steps, undo }: Run): Promise<void> {
  const checkout = await steps.run("check out", () => {
    const target = join(directory, "checkout");
    return source === undefined
      ? makeApplication(target)
      : Promise.resolve(cloneCheckout(resolve(source), target));
  });
  undo.push(() => {
    checkout.stop();
  });
  const document = await steps.run("preview the stack", () => previewWith({ "iaso:plugins": plugins }));
  const account = await steps.run("start PostgreSQL and the doubles", () => Account.start(document));
  undo.push(() => account.stop());

  const { properties } = account;
  const origin = properties["SERVER_URL"] ?? "";
  const [webHost, staticHost] = [origin, properties["STATIC_URL"] ?? ""].map(
    (url) => new URL(url).hostname,
  ) as [string, string];
  const hosting = await Hosting.start({ account, directory, python, steps, undo });
  const [web, worker] = await steps.run("start the instances", async () => [
    await hosting.instance("web"),
    await hosting.instance("worker"),
  ]);
  await steps.run("the instances have no network", async () => {
    for (const { instance } of [web, worker]) {
      expect(await instance.succeed("ip", ["-oneline", "link"])).to.match(/^1: lo: .*\n$/);
      const outside = await instance.run("/usr/bin/python3.9", [
        "-c",
        "import urllib.request as r; r.urlopen('https://pypi.org')",
      ]);
      expect(outside.code).not.to.equal(0);
    }
  });

  /** Deploys with the tool, and then on the instances. Returns the version's label and its bundle. */
  const deploy = async (name: string, ...args: string[]) => {
    const label = await steps.run(`${name}: npm run deploy`, async () => {
      const result = await account.deployTool(...args, "--json");
      if (result.code !== 0) throw new Error(result.stderr + result.stdout);
      return (JSON.parse(result.stdout) as { to: string }).to;
    });
    const bundle = account.double.s3.get(ARTIFACTS, `bundles/${label}.zip`)!.body;
    for (const platform of [web, worker]) await platform.deploy(bundle);
    return { label, version: label.replace(/-[0-9a-f]{16}$/, ""), bundle: await unzip(bundle) };
  };

  // The version before is made up: there is no bundle to check the migrations against. The second deployment checks.
  const first = await deploy(
    "first deployment",
    ...[ENV, "--source", checkout.directory, "--version", "1.0", "--migrations-unchecked"],
  );
  const balancer = await startLoadBalancer(hosting.certificate, hosting.proxyOf("web"));
  const statics = await startStaticBucket(hosting.certificate, account.double, origin);
  undo.push(
    () => balancer.server.close(),
    () => statics.server.close(),
  );
  const browser = await Browser.start({
    origin,
    hosts: { [webHost]: balancer.port, [staticHost]: statics.port },
  });
  undo.push(() => browser.close());
  const sqsd = new Sqsd({
    sqs: account.sqs,
    queueUrl: account.queueUrl,
    proxy: hosting.proxyOf("worker"),
    options: account.daemon,
  });
  undo.push(() => sqsd.stop());

  await steps.run("create the first user with the runbook's command", () =>
    createFirstUser(web.instance, ADMIN, hosting.extraVariables),
  );
  await steps.run("set up an account as the first user", async () => {
    await browser.login(ADMIN.username, ADMIN.password);
    const { body, status } = await browser.send("POST", "/api/setupaccount/", {
      account_name: "Acceptance",
      user_username: USER.username,
      password: USER.password,
      modules: ["DATA_COLLECTION_FORMS"],
    });
    expect(status, JSON.stringify(body)).to.equal(201);
    browser.problems.length = 0;
  });
  await steps.run("health", () => checkHealth(browser, first.version));
  await steps.run("log in without errors on the console", async () => {
    await browser.login(USER.username, USER.password);
    expect(browser.problems).to.deep.equal([]);
  });
  await steps.run("static files", () => {
    checkStaticFiles(account, first.bundle);
    return Promise.resolve();
  });
  await steps.run("media", () => checkMedia(account, browser));
  await steps.run("background task", () => checkTask(browser));
  await steps.run("periodic tasks", () => checkPeriodicTasks(account, sqsd, first.bundle));

  const migration = addMigration(checkout.directory);
  commit(checkout.directory, "Add a migration");
  const second = await deploy("second deployment", ENV, "--source", checkout.directory, "--version", "2.0");
  const applied = () =>
    account.database.query(`SELECT count(*) FROM django_migrations WHERE name = '${migration}'`, "iaso");
  await steps.run("second version and its migration", async () => {
    await checkHealth(browser, second.version);
    expect(applied()).to.equal("1");
    await checkTask(browser);
  });
  const back = await deploy("rollback", "rollback", ENV);
  await steps.run("first version after the rollback", async () => {
    expect(back.label).to.equal(first.label);
    await checkHealth(browser, first.version);
    expect(applied()).to.equal("1");
    await checkTask(browser);
    await checkMedia(account, browser);
  });
}

const list = (text: string): string[] => text.split(",").filter((name) => name !== "");
void new Command("npm run test:iaso --")
  .description("Builds, deploys and runs a checkout of Iaso on this machine.")
  .option("--source <directory>", "a checkout of Iaso (default: a small application of its shape)")
  .option("--plugins <names>", "the plugins to enable, separated by commas", list, ["polio"])
  .option("--keep", "keep the files of the run")
  .action((options: Options) => main(options))
  .parseAsync()
  .catch((error: unknown) => {
    const isMissing = error instanceof MissingPrograms;
    console.error(isMissing ? error.message : error);
    // 3: it cannot run here, which is no failure of the project.
    process.exitCode = isMissing ? 3 : 1;
  });
