import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { evaluate } from "../../policies/evaluate";
import { defineRule, Rule } from "../../policies/rule";
import { rules } from "../../policies/rules";
import { at, text } from "../../policies/values";

const TEXT = { name: "x", description: "X", why: "x", severity: "low" } as const;

describe("defineRule", () => {
  it("makes a rule mandatory, and one resource at a time, unless the literal says otherwise", () => {
    const rule = defineRule({ ...TEXT, types: ["aws:sqs/queue:Queue"], check: () => [] });
    expect(rule).to.include({ level: "mandatory", neighbours: false });
    const other = defineRule({ ...TEXT, types: "all", level: "advisory", neighbours: true, check: () => [] });
    expect(other).to.include({ level: "advisory", neighbours: true, types: "all" });
  });

  // Compiled by `npm run lint`, which fails if one of the lines below a directive compiles.
  it("does not compile with a misspelt property, type, parameter or field", () => {
    const rules = [
      defineRule({
        ...TEXT,
        types: ["aws:rds/instance:Instance"],
        // @ts-expect-error the property is publiclyAccessible
        check: ({ inputs }) => [text(inputs.publicAccessible)],
      }),
      defineRule({
        ...TEXT,
        types: ["aws:s3/bucketVersioning:BucketVersioning"],
        // @ts-expect-error the nested property is status
        check: ({ inputs }) => [text(at(inputs.versioningConfiguration, "state"))],
      }),
      // @ts-expect-error the type is aws:sqs/queue:Queue
      defineRule({ ...TEXT, types: ["aws:sqs/queue:Que"], check: () => [] }),
      defineRule({
        ...TEXT,
        types: ["aws:sqs/queue:Queue"],
        parameters: { minDays: { type: "number", default: 1, description: "x" } },
        // @ts-expect-error the parameter is minDays
        check: (_, { parameters }) => [String(parameters.minDay)],
      }),
      defineRule({
        ...TEXT,
        types: ["aws:sqs/queue:Queue", "aws:sns/topic:Topic"],
        // @ts-expect-error a topic has no redrivePolicy
        check: ({ inputs }) => [text(inputs.redrivePolicy)],
      }),
      // @ts-expect-error the field is neighbours
      defineRule({ ...TEXT, types: "all", neighbors: true, check: () => [] }),
    ];
    expect(rules).to.have.length(6);
  });
});

describe("rules that name no type", () => {
  it("judge every resource", () => {
    const urn = "urn:pulumi:x::iaso::example:index:Thing::x";
    const thing = { urn, type: "example:index:Thing", name: "x", inputs: { token: "hunter2" } };
    const policies = evaluate([thing]).violations.map(({ policy }) => policy);
    expect(policies).to.include.members(["known-types", "no-secret-in-inputs"]);
  });
});

describe("policies/rules", () => {
  it("has no file whose rules are not in the pack (policies/rules.ts lists the files)", () => {
    const folder = join(__dirname, "../../policies/rules");
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
      file.endsWith(".ts"),
    );
    const exported = files.flatMap((file) => {
      // oxlint-disable-next-line typescript/no-require-imports -- the files are known at run time only
      const values = Object.values(require(join(folder, file)) as Record<string, Partial<Rule> | undefined>);
      return values.filter((value) => value?.check !== undefined).map((rule) => rule?.name);
    });
    expect(exported.length).to.be.greaterThan(90);
    expect(rules.map(({ name }) => name)).to.have.members(exported);
  });
});
