import { dataMakespan, makespan } from "./criticalPath";
import { previewStack } from "../../preview/preview";
import { listStacks } from "../../preview/project";
import { exampleProject } from "../support";
import type { Bench } from "./bench";

export const bench: Bench = {
  name: "Critical path of `pulumi up` with simulated creation times",
  async run() {
    const project = exampleProject();
    const measurements = [];
    for (const stack of listStacks(project)) {
      const { document } = await previewStack(project, stack, { policies: false });
      const actual = makespan(document.resources);
      const needed = dataMakespan(document.resources);
      measurements.push({
        name: `${stack}: makespan / longest chain that data needs`,
        value: actual.seconds / needed.seconds,
        limit: 1,
        unit: "x",
        detail: `${actual.seconds} s / ${needed.seconds} s: ${actual.chain.join(" > ")}`,
      });
    }
    return measurements;
  },
};
