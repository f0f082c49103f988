import { evaluate } from "../../policies/evaluate";
import { Resource } from "../../policies/resource";
import { previewStack } from "../../preview/preview";
import { exampleProject, policyConfigOf } from "../support";
import { Bench, Measurement } from "./bench";

const RUNS = 9;

/** Ids that AWS gives, such as `vpc-0123456789abcdef0`. */
const IDS = /(?<![0-9a-z])[0-9a-f]{16,40}(?![0-9a-z])/g;

/**
 * A stack several times over, each under names and ids of its own: whole copies, so that the mix of types is the same. With
 * the same ids, each security group would have the rules of all copies.
 */
function copiesOf(resources: Resource[], count: number): Resource[] {
  return Array.from({ length: count * resources.length }, (_, index) => {
    const copy = Math.floor(index / resources.length);
    const original = resources[index % resources.length] as Resource;
    const text = JSON.stringify(original)
      .replaceAll("-staging", `-staging${copy}`)
      .replaceAll("::", `::${copy}`)
      .replace(IDS, (id) => copy.toString(16).padStart(2, "0") + id.slice(2));
    const renamed = JSON.parse(text) as Resource;
    const tags = renamed.inputs.tags as Record<string, string> | undefined;
    if (tags?.env !== undefined) tags.env = `staging${copy}`;
    return renamed;
  });
}

/**
 * The shortest of some runs of each function, in milliseconds. Interleaved, so that whatever else the machine does slows
 * both alike.
 */
async function shortest(one: () => unknown, other: () => unknown): Promise<[number, number]> {
  const times: [number[], number[]] = [[], []];
  for (let index = 0; index < RUNS; index++)
    for (const [side, run] of [one, other].entries()) {
      const start = process.hrtime.bigint();
      await run();
      times[side]?.push(Number(process.hrtime.bigint() - start) / 1e6);
    }
  return [Math.min(...times[0]), Math.min(...times[1])];
}

const perResource = (milliseconds: number, resources: number) =>
  `${((milliseconds * 1000) / resources).toFixed(1)} us`;

export const bench: Bench = {
  name: "policy pack",
  async run(): Promise<Measurement[]> {
    const project = exampleProject();
    const config = policyConfigOf("staging");
    const { document } = await previewStack(project, "staging", { policies: false });
    const size = document.resources.length;
    const copies = Math.round(10_000 / size);
    const many = copiesOf(document.resources, copies);
    const each = Array.from({ length: copies }, (_, copy) => many.slice(copy * size, (copy + 1) * size));
    const [small, large] = await shortest(
      () => {
        // The same resources, each copy as a stack of its own: the pack reads the same documents for both.
        for (const few of each) evaluate(few, { config });
      },
      () => evaluate(many, { config }),
    );
    const [without, withPack] = await shortest(
      () => previewStack(project, "staging", { policies: false }),
      () => previewStack(project, "staging", { policies: true }),
    );
    return [
      {
        name: `cost per resource, ${copies * size} resources / ${size}`,
        value: large / small,
        limit: 1.25,
        unit: "x",
        detail: `${perResource(large, copies * size)} / ${perResource(small, copies * size)}`,
      },
      {
        name: "offline preview with the pack / without",
        value: withPack / without,
        limit: 1.25,
        unit: "x",
        detail: `${withPack.toFixed(0)} ms / ${without.toFixed(0)} ms`,
      },
    ];
  },
};
