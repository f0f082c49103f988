import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type StepTime } from "../../cli/progress";
import { demoName, DEMO_CONFIG, DEMO_KEYS, renameToDemo, serveTwoAccounts } from "../deploy/double/accounts";
import { ARTIFACTS, AwsDouble, ENV, STATIC } from "../deploy/double/aws";
import { runCli } from "../deploy/double/cli";
import { ScaledTime } from "../deploy/double/clocks";
import { commit, makeApplication } from "../iaso/checkout";
import { MissingPrograms, requirePrograms } from "../iaso/requirements";
import type { Bench, Measurement } from "./bench";

/** How much faster time passes for the doubles. Only the waits are shorter: builds and transfers take real time. */
const FACTOR = 30;

/** The steps that get a version from a checkout, or from another environment, into the account. */
const DELIVERY =
  /^(Build the version|Publish the static files|Upload the Python packages|Create the application)/;

/** The bytes that an account's buckets hold: bundles, packages and static files, in all their versions. */
function stored({ s3 }: AwsDouble): number {
  const keys = ["bundles/", "wheels/"].flatMap((prefix) => s3.contents(demoName(ARTIFACTS), prefix));
  return [...keys, ...s3.contents(demoName(STATIC), "static/")].reduce((sum, { Size }) => sum + Size, 0);
}

export const bench: Bench = {
  name: "Build once, deploy to many (an application of Iaso's shape, built by the real npm, uv and Django)",
  unavailable() {
    try {
      // Also puts Python 3.9 on the PATH, where uv finds it.
      requirePrograms();
      return undefined;
    } catch (error) {
      if (error instanceof MissingPrograms) return error.message;
      throw error;
    }
  },
  async run(): Promise<Measurement[]> {
    const directory = mkdtempSync(join(tmpdir(), "iaso-bench-"));
    const checkout = await makeApplication(join(directory, "checkout"));
    const time = new ScaledTime(FACTOR);
    const [demo, second] = [new AwsDouble(1, time), new AwsDouble(1, time)] as const;
    for (const double of [demo, second]) {
      double.addPair();
      for (const { settings } of double.beanstalk.environments) settings.variables = { PLUGINS: "polio" };
      double.beanstalk.timing.perInstance = () => 20_000;
    }
    const running = await serveTwoAccounts(demo, second);
    demo.describeTarget(running.url);
    renameToDemo(demo);
    const config = join(directory, "config");
    writeFileSync(config, DEMO_CONFIG);
    const packages = Object.fromEntries(
      Object.entries(process.env).filter(([name, value]) => value !== undefined && !name.startsWith("AWS_")),
    ) as Record<string, string>;
    /** Runs the deploy tool, and returns the real seconds of the delivery. */
    const run = async (environment: Record<string, string>, ...args: string[]): Promise<number> => {
      const result = await runCli(running, time, [...args, "--migrations-unchecked", "--json"], {
        environment: { ...packages, ...environment },
      });
      if (result.code !== 0) throw new Error(result.stderr + result.stdout);
      const { times = [] } = JSON.parse(result.stdout) as { times?: StepTime[] };
      const steps = times.filter(({ isPart, title }) => isPart !== true && DELIVERY.test(title));
      return steps.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / 1000 / FACTOR;
    };
    try {
      const first = await run(DEMO_KEYS, "demo", "--source", checkout.directory);
      const promoted = await run(
        { AWS_CONFIG_FILE: config },
        "promote",
        "demo",
        ENV,
        "--from-profile",
        "of-demo",
      );
      const before = stored(demo);
      writeFileSync(join(checkout.directory, "iaso/added.py"), "ADDED = 1\n");
      commit(checkout.directory, "Add a file");
      await run(DEMO_KEYS, "demo", "--source", checkout.directory);
      const uploaded = stored(demo) - before;
      const [bundle] = demo.s3.contents(demoName(ARTIFACTS), "bundles/");
      return [
        {
          name: "deployment of the same version to a second environment / first build and upload",
          value: promoted / first,
          limit: 0.1,
          unit: "x",
          detail: `${promoted.toFixed(1)} s / ${first.toFixed(1)} s`,
        },
        {
          name: "bytes uploaded for a commit with one changed Python file / the bundle",
          value: uploaded / (bundle?.Size ?? NaN),
          limit: 1.1,
          unit: "x",
          detail: `${uploaded} / ${String(bundle?.Size)} bytes: no package and no static file again`,
        },
      ];
    } finally {
      await running.stop();
      checkout.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  },
};
