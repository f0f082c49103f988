import { execFile, execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ARTIFACTS, ENV } from "../deploy/double/aws";
import { Account } from "../iaso/account";
import { type Checkout, makeApplication } from "../iaso/checkout";
import { Hosting } from "../iaso/hosting";
import { type Instance } from "../iaso/instance";
import { MissingPrograms, requirePrograms } from "../iaso/requirements";
import { Steps } from "../iaso/steps";
import { previewWith } from "../support";
import type { Bench, Measurement } from "./bench";

const run = promisify(execFile);
/** The step that today's hosting does in another way. */
const INSTALL = "predeploy/02_install_packages.sh";

/** Installs the locked packages as today's hosting does: with pip, from the index. Returns the seconds. */
async function installFromIndex(checkout: Checkout, python: string, directory: string): Promise<number> {
  const options = ["--frozen", "--no-dev", "--group", "prod", "--no-emit-project", "--no-hashes"];
  const requirements = join(directory, "requirements.txt");
  writeFileSync(
    requirements,
    execFileSync("uv", ["export", ...options, "--no-header", "--no-annotate"], { cwd: checkout.directory }),
  );
  const environment = join(directory, "from-index");
  const env = { ...process.env, PIP_FIND_LINKS: "" };
  const began = performance.now();
  await run(join(python, "bin/python3.9"), ["-m", "venv", environment]);
  // Without dependencies: pip would not install what the lock has overridden.
  const install = ["install", "--quiet", "--no-cache-dir", "--no-deps", "--requirement", requirements];
  await run(join(environment, "bin/python"), ["-m", "pip", ...install], { env });
  return (performance.now() - began) / 1000;
}

/** The bytes that an instance has received through all interfaces but the loopback. */
async function bytesFromOutside(instance: Instance): Promise<number> {
  const table = await instance.succeed("cat", ["/proc/net/dev"]);
  return table
    .split("\n")
    .map((line) => /^\s*(\S+):\s*(\d+)/.exec(line))
    .filter((match) => match !== null && match[1] !== "lo")
    .reduce((sum, match) => sum + Number(match?.[2]), 0);
}

export const bench: Bench = {
  name: "Deployment on a new instance (an application of Iaso's shape)",
  unavailable() {
    try {
      requirePrograms();
      return undefined;
    } catch (error) {
      if (error instanceof MissingPrograms) return error.message;
      throw error;
    }
  },
  async run(): Promise<Measurement[]> {
    const python = requirePrograms();
    const directory = mkdtempSync(join(tmpdir(), "iaso-bench-"));
    // The application's user reads the certificate.
    chmodSync(directory, 0o755);
    const undo: (() => unknown)[] = [
      () => {
        rmSync(directory, { recursive: true, force: true });
      },
    ];
    try {
      const checkout = await makeApplication(join(directory, "checkout"));
      undo.push(() => {
        checkout.stop();
      });
      const account = await Account.start(await previewWith({ "iaso:plugins": ["polio"] }));
      undo.push(() => account.stop());
      const steps = new Steps();
      const hosting = await Hosting.start({ account, directory, python, steps, undo });
      const options = ["--source", checkout.directory, "--migrations-unchecked", "--json"];
      const { code, stderr, stdout } = await account.deployTool(ENV, ...options);
      if (code !== 0) throw new Error(stderr + stdout);
      const { to } = JSON.parse(stdout) as { to: string };
      const bundle = account.double.s3.get(ARTIFACTS, `bundles/${to}.zip`)!.body;
      // The first instance migrates the database.
      await (await hosting.instance("web", "first")).deploy(bundle);
      const added = await hosting.instance("web", "added");
      await added.deploy(bundle);
      const ours = steps.total("added: ");
      const others = ours - steps.total(`added: ${INSTALL}`);
      const theirs = others + (await installFromIndex(checkout, python, directory));
      return [
        {
          name: "steps on an added instance, unpacked to healthy / with pip install from the index",
          value: ours / theirs,
          limit: 0.2,
          unit: "x",
          detail: `${ours.toFixed(1)} s / ${theirs.toFixed(1)} s, of which ${others.toFixed(1)} s are the same steps; both unpack and compile the packages`,
        },
        {
          name: "network bytes from outside the account",
          value: await bytesFromOutside(added.instance),
          limit: 0,
          unit: "bytes",
          detail: "the instance has no interface but the loopback; S3, SQS and the database are sockets",
        },
      ];
    } finally {
      for (const step of undo.reverse()) await step();
    }
  },
};
