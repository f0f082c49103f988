import { expect } from "chai";
import { evaluate } from "../../policies/evaluate";
import { defineRule } from "../../policies/rule";
import { at, text } from "../../policies/values";

const TEXT = { name: "x", description: "X", why: "x", severity: "low" } as const;

describe("defineRule", () => {
  it("makes a rule mandatory, and one resource at a time, unless the literal says otherwise", () => {
    const rule = defineRule({ ...TEXT, types: ["aws:sqs/queue:Queue"], check: () => [] });
    expect(rule).to.include({ level: "mandatory", neighbours: false });
    const other = defineRule({ ...TEXT, types: "all", level: "advisory", neighbours: true, check: () => [] });
    expect(other).to.include({ level: "advisory", neighbours: true, types: "all" });
  });

  // Compiled by `npm run typecheck`, which fails if one of the lines below a directive compiles.
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
