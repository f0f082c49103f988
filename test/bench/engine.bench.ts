import { missingEngine } from "../engine/commands";
import { Lab } from "../engine/lab";
import { testedCommands } from "../engine/runbook";
import type { Bench } from "./bench";

const ROUNDS = 5;

/** The same packages, the same providers, and `groups` resources that nothing has to be worked out for. */
const programWith = (groups: number) => `
import * as aws from "@pulumi/aws";
import * as command from "@pulumi/command";
const provider = new aws.Provider("aws", { region: "eu-central-1", allowedAccountIds: ["123456789012"] });
new command.Provider("command");
for (let i = 0; i < ${groups}; i += 1) {
  new aws.cloudwatch.LogGroup(\`group-\${i}\`, { name: \`group-\${i}\` }, { provider });
}
`;

/** What the program registers without any group: the stack and the two providers. */
const REGISTERED_BY_EMPTY = 3;

export const bench: Bench = {
  name: "Preview by the real engine",
  unavailable: missingEngine,
  async run() {
    const labs: Lab[] = [];
    const open = async (): Promise<Lab> => {
      const lab = await Lab.open("staging", { image: false });
      labs.push(lab);
      return lab;
    };
    try {
      const [staging, empty, many] = [await open(), await open(), await open()];
      empty.write("index.ts", programWith(0));
      const [withPack = ""] = staging.commands("deploy");
      const withoutPack = `${testedCommands("setup")}pulumi preview --stack "$STACK"`;
      // The language host keeps what it has compiled: the first preview of each is not counted.
      const { output } = await preview(staging, withPack);
      const registered = Number(/\+ (\d+) to create/.exec(output)?.[1]);
      many.write("index.ts", programWith(registered - REGISTERED_BY_EMPTY));
      await preview(empty, withPack);
      await preview(many, withoutPack);
      // Interleaved, so that whatever else the machine does slows all sides alike.
      const sides = [
        { lab: staging, command: withPack, times: [] as number[] },
        { lab: empty, command: withPack, times: [] as number[] },
        { lab: many, command: withoutPack, times: [] as number[] },
        { lab: empty, command: withoutPack, times: [] as number[] },
      ];
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const { lab, command, times } of sides) times.push((await preview(lab, command)).milliseconds);
      }
      const [program = NaN, base = NaN, engine = NaN, bare = NaN] = sides.map(({ times }) => median(times));
      const detail = (above: number, below: number) =>
        `${above.toFixed(0)} ms / ${below.toFixed(0)} ms, medians of ${ROUNDS}`;
      return [
        {
          name: "preview of staging / preview of an empty program with the same providers and policy pack",
          value: program / base,
          limit: 1.5,
          unit: "x",
          detail: detail(program, base),
        },
        {
          name: "the engine's own share: as many log groups, no policy pack / an empty program, no policy pack",
          value: engine / bare,
          unit: "x",
          detail: detail(engine, bare),
        },
      ];
    } finally {
      for (const lab of labs) lab.close();
    }
  },
};

async function preview(lab: Lab, command: string): Promise<{ output: string; milliseconds: number }> {
  const start = performance.now();
  const { code, output } = await lab.run(command);
  if (code !== 0) throw new Error(output);
  return { output, milliseconds: performance.now() - start };
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
