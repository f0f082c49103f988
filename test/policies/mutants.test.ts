import { expect } from "chai";
import { evaluate } from "../../policies/evaluate";
import { Resource } from "../../policies/resource";
import { rules } from "../../policies/rules";
import { policyConfigOf, previewOf } from "../support";
import { MutableStack } from "./mutant";
import { mutantsOf } from "./mutants";

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

      for (const [area, all] of mutantsOf(stack)) {
        it(`catches every unsafe edit of ${area}`, () => {
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
    const mutants = [...new Set(["staging", "prod"].flatMap(mutantsOf).flatMap(([, all]) => all))];
    const tried = new Set(mutants.map(([rule]) => rule));
    expect(rules.map(({ name }) => name).filter((name) => !tried.has(name))).to.deep.equal([]);
    expect(mutants.length).to.be.at.least(150);
  });
});
