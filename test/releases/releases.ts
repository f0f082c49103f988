/**
 * Checks the migrations of Iaso's last releases, each against the release before it, with the check that a workflow
 * makes before a deployment. The findings must be those of expected.json.
 *
 *   npm run test:releases                                with a clone of Iaso from GitHub, and uv's packages
 *   npm run test:releases -- --source ../iaso            with a clone of Iaso on this machine
 *   npm run test:releases -- --python VENV/bin/python    with a Python 3.9 that has the packages of all releases
 *   npm run test:releases -- --pairs 29                  all pairs of expected.json
 *
 * PostgreSQL with PostGIS, Django and Iaso's code are real. Only the answer of Iaso's health check is a double. A pair
 * takes about half a minute on two cores. The exit code is 3 where PostgreSQL, Iaso's history or its packages are missing.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { z } from "zod";
import { UserError } from "../../cli/userError";
import { checkWithoutAws } from "../../deploy/commands/checkWithoutAws";
import { type StackFile } from "../../settings/stackFile";
import { hasPostgis } from "../iaso/requirements";
import { Checkout, Missing } from "./checkout";

const COLUMNS = ["verdict", "breaks", "bridged", "warnings"] as const;

const pairSchema = z.strictObject({
  running: z.string(),
  next: z.string(),
  verdict: z.string(),
  /** The number of each kind of finding. */
  breaks: z.number(),
  bridged: z.number(),
  warnings: z.number(),
});

/** Two consecutive releases, and what the check finds. */
type Pair = z.infer<typeof pairSchema>;

const expectedSchema = z.strictObject({
  repository: z.url(),
  /** Where the verdicts come from. */
  source: z.string(),
  /** In the order of time. */
  pairs: z.array(pairSchema),
});

interface Options {
  source?: string;
  python?: string;
  pairs: number;
}

async function main({ pairs: count, python, source }: Options): Promise<void> {
  const file = readFileSync(join(__dirname, "expected.json"), "utf8");
  const { pairs, repository } = expectedSchema.parse(JSON.parse(file));
  const chosen = pairs.slice(-count);
  if (!hasPostgis()) {
    throw new Missing("PostgreSQL with PostGIS is missing: apt-get install postgresql postgresql-postgis");
  }
  // uv looks there for the Python of a version with a uv.lock.
  if (python !== undefined) process.env["PATH"] = `${dirname(resolve(python))}:${process.env["PATH"] ?? ""}`;
  const directory = mkdtempSync(join(tmpdir(), "iaso-releases-"));
  // The check stops at a signal by itself, and removes its files.
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      stop.abort(new Error("Stopped."));
    });
  }
  try {
    const checkout = new Checkout(join(directory, "iaso"), python);
    checkout.clone(source === undefined ? repository : resolve(source));
    checkout.requireVersions(chosen.flatMap(({ next, running }) => [running, next]));
    for (const { next } of [chosen[0]!, chosen.at(-1)!]) {
      checkout.extract(next);
      await checkout.requirePackages(join(directory, "packages"));
    }
    console.log(`${row([...COLUMNS, "seconds", "CPU s"])}  pair`);
    const seconds: number[] = [];
    let unexpected = 0;
    for (const pair of chosen) {
      const [isExpected, time] = await check(checkout, pair);
      stop.signal.throwIfAborted();
      seconds.push(time);
      if (!isExpected) unexpected += 1;
    }
    seconds.sort((a, b) => a - b);
    const [median, slowest] = [seconds[seconds.length >> 1]!, seconds.at(-1)!].map((time) => time.toFixed(0));
    console.log(
      `\n${chosen.length} pairs, ${unexpected} unexpected; median ${median} s, slowest ${slowest} s`,
    );
    if (unexpected > 0) process.exitCode = 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Checks a pair and prints its row. Returns whether the findings are the expected ones, and the time in seconds. */
async function check(checkout: Checkout, pair: Pair): Promise<[boolean, number]> {
  checkout.extract(pair.next);
  const [began, cpu] = [Date.now(), cpuSecondsOfChildren()];
  const { details, notes = [] } = await checkWithoutAws(
    "staging",
    { source: checkout.directory },
    {
      // Without plugins, as the verdicts of expected.json were found.
      stackFile: () =>
        ({
          file: "Pulumi.staging.yaml",
          get: () => "iaso.example.org",
          getList: () => [],
        }) as unknown as StackFile,
      fetch: () => Promise.resolve({ status: 200, text: JSON.stringify({ VERSION: pair.running }) }),
    },
  );
  const seconds = (Date.now() - began) / 1000;
  const found = {
    verdict: String(details?.["verdict"]),
    breaks: linesBelow(notes, "The running code fails because of:"),
    bridged: linesBelow(notes, "New columns that keep their default in the database for the running code:"),
    warnings: linesBelow(notes, "The running code may fail because of:"),
  };
  const times = [seconds, cpuSecondsOfChildren() - cpu].map((time) => time.toFixed(0));
  console.log(`${row([...COLUMNS.map((name) => found[name]), ...times])}  ${pair.running} -> ${pair.next}`);
  const isExpected = COLUMNS.every((name) => found[name] === pair[name]);
  if (!isExpected) {
    console.log(`${row(COLUMNS.map((name) => pair[name]))}  expected. The check says:`);
    for (const note of notes) console.log(`    ${note}`);
  }
  return [isExpected, seconds];
}

/** The number of indented lines below a heading. */
function linesBelow(lines: readonly string[], heading: string): number {
  const start = lines.indexOf(heading) + 1;
  if (start === 0) return 0;
  const end = lines.findIndex((line, index) => index >= start && !line.startsWith("  "));
  return (end === -1 ? lines.length : end) - start;
}

const row = (cells: readonly (string | number)[]): string =>
  cells.map((cell, index) => String(cell).padStart(index === 0 ? 12 : 10)).join("");

/** The processor time of all programs that have ended, in seconds; NaN where there is no /proc. */
function cpuSecondsOfChildren(): number {
  try {
    // The name, in parentheses, may contain anything. cutime and cstime are fields 16 and 17, in ticks of 10 ms.
    const fields = readFileSync("/proc/self/stat", "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return (Number(fields[13]) + Number(fields[14])) / 100;
  } catch {
    return NaN;
  }
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError("It must be a whole number above 0.");
  return Number(text);
}

void new Command("npm run test:releases --")
  .description(
    "Checks the migrations of Iaso's last releases, and compares the verdicts with the known ones.",
  )
  .option("--source <directory>", "a clone of Iaso with its whole history (default: clone it from GitHub)")
  .option(
    "--python <command>",
    "a Python 3.9 with Iaso's packages (default: uv installs those of each release)",
  )
  .option("--pairs <number>", "the number of pairs of releases, the last ones", wholeNumber, 20)
  .action((options: Options) => main(options))
  .parseAsync()
  .catch((error: unknown) => {
    const isMissing = error instanceof Missing || error instanceof UserError;
    console.error(isMissing ? error.message : error);
    // 3: it cannot run here, which is no failure of the project.
    process.exitCode = isMissing ? 3 : 1;
  });
