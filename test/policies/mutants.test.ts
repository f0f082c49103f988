import { expect } from "chai";
import { evaluate } from "../../policies/evaluate";
import { Resource } from "../../policies/resource";
import { rules } from "../../policies/rules";
import { policyConfigOf, previewOf } from "../support";
import { MutableStack, Mutant } from "./mutant";
import { access } from "./mutants/access";
import { roles } from "./mutants/roles";
import { application } from "./mutants/application";
import { beanstalk } from "./mutants/beanstalk";
import { closedWorld } from "./mutants/closedWorld";
import { database, databaseOfProd } from "./mutants/database";
import { evidence, evidenceOfProd } from "./mutants/evidence";
import { hygiene } from "./mutants/hygiene";
import { queue } from "./mutants/queue";
import { network, topology } from "./mutants/topology";
import { values, valuesOfProd } from "./mutants/values";
import { privateStatic, publicStatic, storage } from "./mutants/storage";

const AREAS: Record<string, Mutant[]> = {
  storage,
  beanstalk,
  application,
  database,
  queue,
  access,
  roles,
  hygiene,
  closedWorld,
  topology,
  network,
  evidence,
  values,
};

/** The edits of parts that only one of the stacks has. */
const OF_STACK: Record<string, Record<string, Mutant[]>> = {
  staging: { storage: publicStatic },
  prod: { storage: privateStatic, database: databaseOfProd, evidence: evidenceOfProd, values: valuesOfProd },
};

describe("policy pack on the real stacks", () => {
  for (const stack of ["staging", "prod"]) {
    describe(stack, () => {
      let resources: Resource[];
      const config = policyConfigOf(stack);

      before(async () => {
        ({ resources } = await previewOf(stack));
      });

      for (const unknownOutputs of [false, true])
        it(`finds nothing${unknownOutputs ? " at the first preview" : ""}`, async () => {
          const { resources: all } = await previewOf(stack, { unknownOutputs });
          expect(evaluate(all, { config }).violations).to.deep.equal([]);
        });

      for (const [area, mutants] of Object.entries(AREAS)) {
        it(`catches every unsafe edit of ${area}`, () => {
          const all = [...mutants, ...(OF_STACK[stack]?.[area] ?? [])];
          const missed = all.filter(([rule, edit]) => {
            const mutant = new MutableStack(resources);
            edit(mutant);
            // The named rule has to catch it: judging by all others too would take most of the time.
            const only = { all: "disabled", [rule]: "mandatory", ...config };
            const { violations } = evaluate(mutant.resources, { config: only });
            return !violations.some(({ policy }) => policy === rule);
          });
          console.log(`        ${area}: ${all.length - missed.length} / ${all.length} caught`);
          expect(missed.map(([rule, edit]) => `${rule}: ${edit.toString()}`)).to.deep.equal([]);
        });
      }
    });
  }

  it("has a mutant for every rule, at least 150 in all", () => {
    const mutants = [AREAS, ...Object.values(OF_STACK)].flatMap((areas) => Object.values(areas).flat());
    const tried = new Set(mutants.map(([rule]) => rule));
    expect(rules.map(({ name }) => name).filter((name) => !tried.has(name))).to.deep.equal([]);
    expect(mutants.length).to.be.at.least(150);
  });
});
