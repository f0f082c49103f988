import { expect } from "chai";
import * as fc from "fast-check";
import { PreviewDocument } from "../../graph/document";
import { evaluate } from "../../policies/evaluate";
import { costsOf } from "../../report/costs/costs";
import { SUPPORTED_REGIONS } from "../../settings/rules";
import { printedSeed } from "../seed";
import { policyConfigOf, previewWith } from "../support";
import { validSettings } from "./validSettings";

const config = policyConfigOf("staging");

function expectNoViolation({ resources }: PreviewDocument): void {
  // Policies only advise against images without a digest and repositories without ids.
  const violations = evaluate(resources, { config }).violations.filter(({ level }) => level !== "advisory");
  expect(violations, violations.map(({ policy, urn, message }) => `${policy} ${urn}: ${message}`).join("\n"))
    .to.be.empty;
}

describe("Any valid settings", () => {
  it("can be previewed, and violate no mandatory policy", async () => {
    // A project takes seconds: the first counterexample is told as it is, without a search for a smaller one.
    const property = fc.asyncProperty(validSettings, async (settings) => {
      const document = await previewWith(settings);
      expect(document.resources.length).to.be.greaterThan(100);
      expectNoViolation(document);
    });
    await fc.assert(property, {
      numRuns: 8,
      seed: printedSeed(),
      endOnFailure: true,
    });
  });

  it("can have regions of all continents; the report names the regions without prices", async () => {
    const regions = ["af-south-1", "ap-southeast-7", "ca-west-1", "eu-south-2", "me-central-1"];
    expect(SUPPORTED_REGIONS).to.include.members(regions);
    for (const region of regions) {
      const document = await previewWith({ "iaso:region": region });
      expectNoViolation(document);
      const { monthly, notCounted } = costsOf(document);
      if (monthly < 100) expect(notCounted.join(), region).to.include(region);
    }
  });
});
