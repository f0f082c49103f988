import { expect } from "chai";
import { markdown } from "../../report/markdown";
import { compare } from "../../report/report";
import { find, previewOf } from "../support";
import { reportOn } from "./reports";

describe("report/markdown", () => {
  it("gives verdict, totals and cost of a stack without changes in a few lines", async () => {
    const document = await previewOf("staging");
    const lines = markdown(reportOn(document)).split("\n\n");
    expect(lines).to.have.length(3);
    expect(lines[0]).to.equal("### iaso/staging: ✅ accepted");
    expect(lines[1]).to.equal(`${document.resources.length} resources, 0 policy rules, 0 violations.`);
    expect(lines[2]).to.match(/^About \$\d{3,4} a month \(list prices, without usage\)\.$/);
  });

  it("reports a refusal with each violation", async () => {
    const document = await previewOf("staging");
    const violations = [
      {
        policy: "media-private",
        level: "mandatory" as const,
        urn: "urn:pulumi:staging::iaso::aws:s3/bucket:Bucket::media",
        message: "Write true.",
      },
    ];
    const text = markdown(reportOn({ ...document, policies: { ...document.policies, violations } }));
    expect(text)
      .to.include("❌ refused by policy")
      .and.include("| mandatory | media-private | media | Write true. |");
  });

  it("lists risky changes first, with their cost", async () => {
    const after = structuredClone(await previewOf("prod"));
    const resources = structuredClone(after.resources).filter(({ name }) => name !== "enketo-cache");
    const block = find(after, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "static");
    block.inputs.blockPublicPolicy = false;
    const baseline = {
      source: "preview" as const,
      project: "iaso",
      stack: "prod",
      resources,
      warnings: ["Beware."],
    };
    const text = markdown(reportOn(after, { comparison: compare(after, baseline, { file: "main.json" }) }));
    expect(text).to.include("**2 added, 1 changed, 0 replaced, 0 deleted**; 1 risky.");
    expect(text).to.match(/About \$[\d,]+ a month, \+\$\d+ by this change/);
    expect(text).to.include("Beware.");
    expect(text.indexOf("**Risks**")).to.be.lessThan(text.indexOf("All changes"));
    expect(text).to.match(
      /\| changed \| static \\\(aws:s3:BucketPublicAccessBlock\\\) \| .*blockPublicPolicy/,
    );
    expect(text).to.include("| added | enketo-cache | aws:elasticache:ReplicationGroup |  |");
  });

  it("says which violations are new, and that a config of the pack is missing", async () => {
    const document = await previewOf("prod");
    const violation = (name: string) => {
      const { urn } = document.resources.find((one) => one.name === name)!;
      return { policy: "a-rule", level: "mandatory" as const, urn, message: "Write true." };
    };
    const [old, fresh] = [violation("database"), violation("tasks")];
    const after = { ...document, policies: { ...document.policies, violations: [old, fresh] } };
    const baseline = { ...document, source: "preview" as const, warnings: [] };
    const comparison = compare(after, baseline, {
      file: "main.json",
      evaluate: () => ({ violations: [{ ...old, message: "Write it." }] }),
    });
    const text = markdown(reportOn(after, { comparison, warnings: ["There is no config."] }));
    expect(text).to.include("| mandatory | a-rule | database |");
    expect(text).to.include("| mandatory, new | a-rule | tasks |");
    expect(text).to.include("There is no config.");
  });

  it("reports that nothing changes", async () => {
    const after = await previewOf("prod");
    const baseline = { ...after, source: "preview" as const, warnings: [] };
    const text = markdown(reportOn(after, { comparison: compare(after, baseline, { file: "main.json" }) }));
    expect(text).to.include("Nothing changes.").and.not.include("All changes");
  });

  it("lets no text leave its cell, become markup, or call for somebody", async () => {
    const document = await previewOf("staging");
    const hostile = "a | b\n\n# c <img src=x> [d](e) `f` @everyone";
    const violations = [{ policy: hostile, level: "advisory" as const, urn: hostile, message: hostile }];
    const text = markdown(reportOn({ ...document, policies: { ...document.policies, violations } }));
    const row = text.split("\n").find((line) => line.startsWith("| advisory")) ?? "";
    const cell = "a \\| b \\# c \\<img src=x\\> \\[d\\]\\(e\\) \\`f\\` @\u200beveryone";
    expect(row).to.equal(`| advisory | ${cell} | ${cell} | ${cell} |`);
  });
});
