import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const load = createRequire(__filename);

/** One measured figure. A claim about speed is a ratio whose two sides were measured in the same run. */
export interface Measurement {
  /** What is compared with what, for example "offline preview / bare import". */
  name: string;
  value: number;
  /** The highest value that is accepted; absent where the figure is for information. */
  limit?: number;
  /** "x" for a ratio, otherwise the unit of the value. */
  unit: string;
  /** The raw figures behind the value. */
  detail?: string;
}

/** A benchmark file exports one of these under the name `bench`. */
export interface Bench {
  name: string;
  /** A sentence that says why the benchmark cannot run here, or undefined when it can. */
  unavailable?(): string | undefined;
  run(): Promise<Measurement[]>;
}

async function main(only: string[]): Promise<void> {
  const files = readdirSync(__dirname).filter((file) => file.endsWith(".bench.ts"));
  const chosen = files.filter((file) => only.length === 0 || only.some((word) => file.startsWith(word)));
  if (chosen.length === 0) {
    console.error(`No benchmark is named ${only.join(", ")}. There are: ${files.join(", ")}`);
    process.exitCode = 2;
    return;
  }
  let exceeded = 0;
  for (const file of chosen) {
    const { bench } = load(join(__dirname, file)) as { bench: Bench };
    const reason = bench.unavailable?.();
    if (reason !== undefined) {
      console.log(`${bench.name}: skipped, ${reason}`);
      continue;
    }
    console.log(bench.name);
    for (const { name, value, limit, unit, detail } of await bench.run()) {
      const over = limit !== undefined && value > limit;
      if (over) exceeded += 1;
      const bound = limit === undefined ? "" : ` (limit ${limit} ${unit}: ${over ? "EXCEEDED" : "met"})`;
      console.log(
        `  ${name}: ${value.toFixed(2)} ${unit}${bound}${detail === undefined ? "" : `  [${detail}]`}`,
      );
    }
  }
  if (exceeded > 0) process.exitCode = 1;
}

if (require.main === module) void main(process.argv.slice(2));
