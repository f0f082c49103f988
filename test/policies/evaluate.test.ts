import { expect } from "chai";
import fc from "fast-check";
import { configOf, configProblems } from "../../policies/config";
import { evaluate } from "../../policies/evaluate";
import { Resource } from "../../policies/resource";
import { rules } from "../../policies/rules";
import { previewStack } from "../../preview/preview";
import { exampleProject } from "../support";
import { printedSeed } from "../seed";

const QUEUE: Resource = {
  urn: "urn:pulumi:x::iaso::aws:sqs/queue:Queue::plain",
  type: "aws:sqs/queue:Queue",
  name: "plain",
  inputs: { name: "plain", sqsManagedSseEnabled: false },
};
const TODAY = new Date("2026-06-01");

const levels = (config: unknown) =>
  evaluate([QUEUE], { config, today: TODAY })
    .violations.filter(({ policy }) => policy === "queue-encrypted")
    .map(({ level, message }) => `${level}: ${message}`);
const exception = (expires: string, reason = "an old system") => ({
  "queue-encrypted": { exceptions: [{ resource: "plain", reason, expires }] },
});

describe("evaluation of the policy pack", () => {
  it("says what is wrong, what to write instead, and why", () => {
    expect(levels({})).to.deep.equal([
      "mandatory: sqsManagedSseEnabled is false. Write true. Why: tasks carry data about people.",
    ]);
  });

  it("takes a rule's level from the config, for one rule or for all", () => {
    expect(levels({ "queue-encrypted": "advisory" })[0]).to.match(/^advisory/);
    expect(levels({ "queue-encrypted": { enforcementLevel: "disabled" } })).to.deep.equal([]);
    expect(levels({ all: "advisory" })[0]).to.match(/^advisory/);
    expect(levels({ all: "disabled", "queue-encrypted": "mandatory" })[0]).to.match(/^mandatory/);
  });

  it("takes a rule's parameters from the config, else its defaults", () => {
    const rule = rules.find(({ name }) => name === "database-backups");
    if (rule === undefined) expect.fail("no rule database-backups");
    expect(configOf(rule, {}).parameters).to.deep.equal({ minDays: 14 });
    expect(configOf(rule, { "database-backups": { minDays: 7 } }).parameters).to.deep.equal({ minDays: 7 });
  });

  it("lets an exception pass until its day, and not without a reason", () => {
    expect(levels(exception("2026-06-02"))).to.deep.equal([]);
    expect(levels(exception("2026-06-01")).join()).to.include("Its exception expired (2026-06-01)");
    expect(levels(exception("")).join()).to.include("Its exception expired (no date)");
    expect(levels(exception("2027-01-01", "")).join()).to.include("gives no reason");
  });

  it("reports an expired exception though its resource complies", () => {
    const mended = { ...QUEUE, inputs: { ...QUEUE.inputs, sqsManagedSseEnabled: true } };
    const { violations } = evaluate([mended], { config: exception("2026-01-01"), today: TODAY });
    expect(violations.map(({ policy }) => policy)).to.include("queue-encrypted");
  });

  for (const [what, config, says] of [
    [
      "a level without a reason",
      { "database-multi-az": "disabled" },
      /database-multi-az is relaxed without a reason/,
    ],
    ["a parameter without one", { "database-backups": { minDays: 1 } }, /without a reason\. Write "reason"/],
    ["all rules without one", { all: "advisory" }, /Rule all is relaxed without a reason/],
    [
      "a name that no rule has",
      { "database-backup": "disabled" },
      /no rule database-backup\. Did you mean database-backups\?/,
    ],
    [
      "a parameter that the rule has not",
      { "database-backups": { days: 7, reason: "x" } },
      /no parameter days\. Write one of .*minDays/,
    ],
    [
      "a level that does not exist",
      { "no-ssh": { enforcementLevel: "off", reason: "x" } },
      /has level "off"\. Write one of advisory/,
    ],
    [
      "a parameter of another type",
      { "database-backups": { minDays: "7", reason: "x" } },
      /minDays .* is "7"\. Write a value of type number/,
    ],
    [
      "a list that is none",
      { "known-types": { alsoAllowed: "x", reason: "x" } },
      /alsoAllowed .* is "x"\. Write a value of type array/,
    ],
    ["a rule with a number", { "no-ssh": 3 }, /no-ssh has 3\. Write a level or an object/],
    [
      "an exception without a resource",
      { "no-ssh": { exceptions: [{ reason: "x", expires: "2030-01-01" }] } },
      /An exception of rule no-ssh is .* Write \{"resource"/,
    ],
    ["an exception without a reason", exception("2030-01-01", ""), /An exception of rule queue-encrypted is/],
    ["an exception until some time", exception("soon"), /"expires": "YYYY-MM-DD"/],
    ["an exception until a day that does not exist", exception("2030-13-45"), /"expires": "YYYY-MM-DD"/],
    ["a list", [], /The config is \[\]\. Write an object/],
    ["a text", "disabled", /The config is "disabled"\. Write an object/],
  ] as [string, unknown, RegExp][])
    it(`says what is wrong with a config that has ${what}`, () => {
      expect(configProblems(config)).to.have.length(1);
      expect(configProblems(config)[0]).to.match(says);
      const { violations } = evaluate([], { config });
      expect(violations).to.have.length(1);
      expect(violations[0]).to.include({ policy: "policy-config", level: "mandatory" });
    });

  it("takes what says the same as the rule, or gives a reason", () => {
    expect(configProblems(undefined)).to.deep.equal([]);
    expect(configProblems({ "database-multi-az": "mandatory", all: "mandatory" })).to.deep.equal([]);
    expect(configProblems({ "database-backups": { minDays: 7, reason: "test data" } })).to.deep.equal([]);
    expect(configProblems({ "database-backups": { minDays: 14 } })).to.deep.equal([]);
    expect(configProblems(exception("2027-01-01"))).to.deep.equal([]);
  });

  it("returns a verdict or a report on any input, and never throws", async () => {
    const { document } = await previewStack(exampleProject(), "staging", {
      policies: false,
    });
    const all: Resource[] = document.resources;
    const seed = printedSeed();
    const word = fc.constantFrom(
      "Statement",
      "Effect",
      "Allow",
      "Deny",
      "Principal",
      "AWS",
      "*",
      "Action",
      "Condition",
      "namespace",
      "aws:elbv2:listener:443",
      "name",
      "value",
      "[unknown]",
      "[secret]",
      "",
      "${aws:x",
      "arn:aws:s3:::x",
    );
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        word,
        fc.constantFrom(null, undefined, true, 0, -1, NaN, 1e21),
        fc.string({ unit: "binary" }),
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(word, tie("value"), { maxKeys: 4 }),
        tie("value").map((one) => JSON.stringify([one])),
      ),
    }));
    fc.assert(
      fc.property(fc.nat(all.length - 1), fc.nat(), value, (which, property, replacement) => {
        const odd = [...all];
        const target = odd[which];
        if (target === undefined) return;
        const names = [...Object.keys(target.inputs), "policy", "settings", "tags"];
        const name = names[property % names.length] ?? "";
        odd[which] = { ...target, inputs: { ...target.inputs, [name]: replacement } };
        for (const { message, policy } of evaluate(odd).violations) {
          expect(message, policy).to.match(/\. Why: .+\.$/s);
        }
      }),
      { numRuns: 60, seed },
    );
  });
});
