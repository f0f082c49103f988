import { expect } from "chai";
import { PermissionsBoundary } from "../../components/permissionsBoundary";
import { PreviewDocument } from "../../simulator/document";
import { simulate } from "../../simulator/simulate";
import { find, naming, PolicyStatement, statementsOf, textOf } from "../support";

describe("components/permissionsBoundary", () => {
  let document: PreviewDocument;
  let statements: PolicyStatement[];
  before(async () => {
    document = await simulate(() => {
      new PermissionsBoundary("permissions-boundary", { naming });
    });
    statements = Object.values(statementsOf(find(document, "aws:iam/policy:Policy").inputs.policy));
  });

  it("has the ARN that the rights of GitHub's roles are written for", () => {
    expect(find(document, "iaso:index:PermissionsBoundary").outputs.arn).to.equal(
      "arn:aws:iam::123456789012:policy/iaso-test-boundary",
    );
  });

  it("reaches neither IAM nor STS nor KMS, and writes no parameter", () => {
    const actions = statements.flatMap(({ Action }) => Action);
    expect(
      actions.filter((action) => /^(iam|sts|kms|organizations|secretsmanager|\*)/i.test(action)),
    ).to.deep.equal([]);
    expect(actions.filter((action) => action.startsWith("ssm:"))).to.have.members([
      "ssm:GetParameter",
      "ssm:GetParameters",
    ]);
  });

  it("reads the secrets of its own environment only", () => {
    for (const { Action, Resource } of statements) {
      if ([Action].flat().some((action) => action.startsWith("ssm:"))) {
        expect(Resource).to.equal("arn:aws:ssm:eu-central-1:123456789012:parameter/iaso/test/secrets/*");
      }
    }
  });

  it("fits into a managed policy", () => {
    // AWS counts 6144 characters without white space.
    const { policy } = find(document, "aws:iam/policy:Policy").inputs;
    expect(textOf(policy).replace(/\s/g, "")).to.have.lengthOf.at.most(6144);
  });
});
