import { spawnSync } from "node:child_process";
import { scripts } from "../../package.json";
import type { Bench } from "./bench";

const ROUNDS = 9;
const PACKAGES = ["pulumi", "aws", "policy", "command"];
const BARE = ["-e", PACKAGES.map((name) => `require("@pulumi/${name}");`).join("")];
/** The command of `npm run preview`, as package.json has it. */
const [, ...COMMAND] = scripts.preview.split(" ");
const PREVIEW = [...COMMAND, "staging", "--json"];

export const bench: Bench = {
  name: "Offline preview of one stack",
  run() {
    const bare: number[] = [];
    const preview: number[] = [];
    // Interleaved, so that whatever else the machine does slows both sides alike.
    for (let round = 0; round < ROUNDS; round += 1) {
      bare.push(milliseconds(BARE));
      preview.push(milliseconds(PREVIEW));
    }
    const [bareMedian, previewMedian] = [median(bare), median(preview)];
    return Promise.resolve([
      {
        name: "preview / a process that only imports the same Pulumi packages",
        value: previewMedian / bareMedian,
        limit: 1.4,
        unit: "x",
        detail: `${previewMedian.toFixed(0)} ms / ${bareMedian.toFixed(0)} ms, medians of ${ROUNDS}`,
      },
    ]);
  },
};

function milliseconds(args: string[]): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", maxBuffer: 1e8 });
  if (status !== 0) throw new Error(stderr);
  return performance.now() - start;
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
