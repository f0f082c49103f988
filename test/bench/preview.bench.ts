import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { scripts } from "../../package.json";
import { writeExampleProject } from "../support";
import type { Bench } from "./bench";

const ROUNDS = 9;
const PACKAGES = ["pulumi", "aws", "policy", "command"];
const BARE = ["-e", PACKAGES.map((name) => `require("@pulumi/${name}");`).join("")];
/** The command of `npm run preview`, as package.json has it. */
const [, ...COMMAND] = scripts.preview.split(" ");
const PREVIEW = [...COMMAND, "staging", "--json"];

/** The stacks of the fleet. */
const FLEET = 50;
const FLEET_ROUNDS = 3;

export const bench: Bench = {
  name: "Offline preview",
  run() {
    const bare: number[] = [];
    const preview: number[] = [];
    const further: number[] = [];
    const fleet = writeFleet();
    try {
      // Interleaved, so that whatever else the machine does slows both sides alike.
      for (let round = 0; round < ROUNDS; round += 1) {
        bare.push(milliseconds(BARE));
        preview.push(milliseconds(PREVIEW));
        if (round >= FLEET_ROUNDS) continue;
        const one = milliseconds([...command(fleet), "c0", "--json"], fleet);
        further.push((milliseconds([...command(fleet), "--json"], fleet) - one) / (FLEET - 1));
      }
    } finally {
      rmSync(fleet, { recursive: true });
    }
    const [bareMedian, previewMedian, furtherMedian] = [median(bare), median(preview), median(further)];
    return Promise.resolve([
      {
        name: "preview / a process that only imports the same Pulumi packages",
        value: previewMedian / bareMedian,
        limit: 1.4,
        unit: "x",
        detail: `${previewMedian.toFixed(0)} ms / ${bareMedian.toFixed(0)} ms, medians of ${ROUNDS}`,
      },
      {
        name: `each further stack of ${FLEET} / the same process`,
        value: furtherMedian / bareMedian,
        limit: 0.45,
        unit: "x",
        detail: `${furtherMedian.toFixed(0)} ms / ${bareMedian.toFixed(0)} ms, medians of ${FLEET_ROUNDS} and ${ROUNDS}`,
      },
    ]);
  },
};

/** The command of `npm run preview` for a project in another folder. */
function command(directory: string): string[] {
  return COMMAND.map((word) => (word.includes("/") ? relative(directory, resolve(word)) : word)).map(
    (word) => (word.startsWith(".") || word.startsWith("-") ? word : `./${word}`),
  );
}

/** Writes a project of many stacks, each with an account of its own. Returns its folder. */
function writeFleet(): string {
  const directory = mkdtempSync(join(tmpdir(), "fleet-"));
  writeExampleProject(directory);
  const file = join(directory, "Pulumi.staging.yaml");
  const { config } = parse(readFileSync(file, "utf8")) as { config: Record<string, unknown> };
  const policyConfig = join(directory, "policies/policy-config.staging.json");
  for (let index = 0; index < FLEET; index += 1) {
    const name = `c${index}`;
    const own = {
      ...config,
      "iaso:accountId": String(100_000_000_000 + index),
      "iaso:organization": `example-${index}`,
      "iaso:webHost": `iaso-${name}.example.org`,
      "iaso:enketoHost": `enketo-${name}.example.org`,
      "iaso:mailgunDomain": "",
      "iaso:mailgunDkimRecord": "",
      "iaso:createOidcProvider": true,
      "iaso:deployers": [],
    };
    writeFileSync(join(directory, `Pulumi.${name}.yaml`), stringify({ config: own }));
    cpSync(policyConfig, join(directory, `policies/policy-config.${name}.json`));
  }
  for (const stack of ["staging", "prod"]) rmSync(join(directory, `Pulumi.${stack}.yaml`));
  return directory;
}

function milliseconds(args: string[], cwd?: string): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { cwd, encoding: "utf8", maxBuffer: 1e9 });
  if (status !== 0) throw new Error(stderr);
  return performance.now() - start;
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
