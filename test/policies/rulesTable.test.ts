import { readFileSync } from "node:fs";
import { expect } from "chai";
import { format, resolveConfig } from "prettier";
import { rules } from "../../policies/rules";
import { README, withRulesTable } from "../../policies/rulesTable";

describe("policies/README.md", () => {
  it("has the rules as the pack has them (npm run rules-table writes it)", async () => {
    const readme = readFileSync(README, "utf8");
    const current = await format(withRulesTable(readme), {
      ...(await resolveConfig(README)),
      filepath: README,
    });
    expect(readme).to.equal(current);
  });

  it("could not be shorter: every rule has a name of its own, and says what and why", () => {
    const names = rules.map(({ name }) => name);
    expect(new Set(names).size).to.equal(names.length);
    for (const { name, description, why } of rules) {
      expect(name).to.match(/^[a-z0-9]+(-[a-z0-9]+)*$/);
      expect(description, name).to.match(/^[A-Z].*[^.]$/);
      expect(why, name).to.match(/[^.]$/);
    }
  });
});
