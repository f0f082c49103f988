import { missing } from "../engine/commands";
import { Lab } from "../engine/lab";
import type { Bench } from "./bench";

const ROUNDS = 5;

/** The same packages, the same providers, and nothing else. */
const EMPTY = `
import * as aws from "@pulumi/aws";
import * as command from "@pulumi/command";
new aws.Provider("aws", { region: "eu-central-1", allowedAccountIds: ["123456789012"] });
new command.Provider("command");
`;

export const bench: Bench = {
  name: "Preview by the real engine",
  unavailable() {
    const lacks = missing();
    return lacks.length === 0 ? undefined : `it needs ${lacks.join("; ")}`;
  },
  async run() {
    const staging = await Lab.open("staging", { image: false });
    const empty = await Lab.open("staging", { image: false });
    try {
      empty.write("index.ts", EMPTY);
      // The language host keeps what it has compiled: the first preview of each is not counted.
      await Promise.all([milliseconds(staging), milliseconds(empty)]);
      const times: { staging: number[]; empty: number[] } = { staging: [], empty: [] };
      // Interleaved, so that whatever else the machine does slows both sides alike.
      for (let round = 0; round < ROUNDS; round += 1) {
        times.empty.push(await milliseconds(empty));
        times.staging.push(await milliseconds(staging));
      }
      const [stagingMedian, emptyMedian] = [median(times.staging), median(times.empty)];
      return [
        {
          name: "preview of staging / preview of an empty program with the same providers and policy pack",
          value: stagingMedian / emptyMedian,
          limit: 1.5,
          unit: "x",
          detail: `${stagingMedian.toFixed(0)} ms / ${emptyMedian.toFixed(0)} ms, medians of ${ROUNDS}`,
        },
      ];
    } finally {
      staging.close();
      empty.close();
    }
  },
};

async function milliseconds(lab: Lab): Promise<number> {
  const [preview = ""] = lab.commands("deploy");
  const start = performance.now();
  const { code, output } = await lab.run(preview);
  if (code !== 0) throw new Error(output);
  return performance.now() - start;
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
