import { expect } from "chai";
import { PermissionsBoundary } from "../../../components/iam/permissionsBoundary";
import { PreviewDocument } from "../../../graph/document";
import { simulate } from "../../../preview/simulate";
import { find, naming, PolicyStatement, statementsOf, textOf } from "../../support";

describe("components/iam/permissionsBoundary", () => {
  let document: PreviewDocument;
  let statements: PolicyStatement[];
  before(async () => {
    document = await simulate(() => {
      new PermissionsBoundary("permissions-boundary", { naming });
    });
    statements = Object.values(statementsOf(find(document, "aws:iam/policy:Policy").inputs.policy));
  });

  it("has the ARN that the policies of the CI roles contain", () => {
    expect(find(document, "iaso:index:PermissionsBoundary").outputs.arn).to.equal(
      "arn:aws:iam::123456789012:policy/iaso-test-boundary",
    );
  });

  it("reaches neither IAM nor STS, and writes no parameter", () => {
    const actions = statements.flatMap(({ Action }) => Action);
    expect(
      actions.filter((action) => /^(iam|sts|organizations|secretsmanager|\*)/i.test(action)),
    ).to.deep.equal([]);
    expect(actions.filter((action) => action.startsWith("ssm:"))).to.have.members([
      "ssm:GetParameter",
      "ssm:GetParameters",
      "ssm:UpdateInstanceInformation",
    ]);
  });

  it("uses keys for its own parameters only", () => {
    const withKeys = statements.filter(({ Action }) => [Action].flat().some((one) => one.startsWith("kms:")));
    expect(withKeys).to.have.lengthOf(1);
    expect(withKeys[0]).to.deep.include({
      Action: "kms:Decrypt",
      Condition: {
        StringEquals: { "kms:ViaService": "ssm.eu-central-1.amazonaws.com" },
        StringLike: {
          "kms:EncryptionContext:PARAMETER_ARN":
            "arn:aws:ssm:eu-central-1:123456789012:parameter/iaso/test/secrets/*",
        },
      },
    });
  });

  it("reads the secrets of its own environment only", () => {
    for (const { Action, Resource } of statements) {
      if ([Action].flat().some((action) => action.startsWith("ssm:GetParameter"))) {
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
