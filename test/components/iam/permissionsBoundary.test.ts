import { expect } from "chai";
import { PermissionsBoundary } from "../../../components/iam/permissionsBoundary";
import { PreviewDocument } from "../../../graph/document";
import { simulate } from "../../../preview/simulate";
import { find, naming, PolicyStatement, resourcesOf, statementsOf, textOf } from "../../support";

const POLICY = "aws:iam/policy:Policy";

describe("components/iam/permissionsBoundary", () => {
  let document: PreviewDocument;
  let statements: PolicyStatement[];
  before(async () => {
    document = await simulate(() => {
      new PermissionsBoundary("permissions-boundary", { naming, encrypted: false });
    });
    statements = Object.values(statementsOf(find(document, POLICY, "permissions-boundary").inputs.policy));
  });

  it("lets services only describe, write logs and look at the queue", () => {
    const services = Object.values(
      statementsOf(find(document, POLICY, "service-permissions-boundary").inputs.policy),
    );
    const actions = services.flatMap(({ Action }) => Action);
    expect(actions.filter((action) => !/:(Describe|GetQueue)|^logs:(Create|Put)/.test(action))).to.deep.equal(
      [],
    );
  });

  it("lets instances change nothing but media, tasks, logs and the leader of periodic tasks", () => {
    const actions = statements.flatMap(({ Action }) => Action);
    expect(
      actions.filter((action) =>
        /^(autoscaling|cloudformation|elasticloadbalancing|rds|route53):/.test(action),
      ),
    ).to.deep.equal([]);
    expect(actions.filter((action) => /^ec2:/.test(action))).to.deep.equal(["ec2:DescribeTags"]);
    const writes = statements.filter(({ Action }) => [Action].flat().includes("s3:PutObject"));
    expect(writes.flatMap(({ Resource }) => Resource)).to.deep.equal([
      "arn:aws:s3:::example-iaso-test-media/*",
      "arn:aws:s3:::elasticbeanstalk-eu-central-1-123456789012/resources/environments/logs/*",
    ]);
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
            "arn:aws:ssm:eu-central-1:123456789012:parameter/iaso-secrets/test/*",
        },
      },
    });
  });

  it("uses the environment's own key for media and tasks, by its alias, where there is one", async () => {
    const encrypted = await simulate(() => {
      new PermissionsBoundary("permissions-boundary", { naming, encrypted: true });
    });
    const { Encryption } = statementsOf(find(encrypted, POLICY, "permissions-boundary").inputs.policy);
    expect(Encryption).to.deep.include({
      Action: ["kms:Decrypt", "kms:GenerateDataKey"],
      Condition: {
        StringEquals: {
          "kms:ViaService": ["s3.eu-central-1.amazonaws.com", "sqs.eu-central-1.amazonaws.com"],
        },
        "ForAnyValue:StringEquals": { "kms:ResourceAliases": "alias/iaso-test" },
      },
    });
  });

  it("reads the secrets of its own environment only", () => {
    for (const { Action, Resource } of statements) {
      if ([Action].flat().some((action) => action.startsWith("ssm:GetParameter"))) {
        expect(Resource).to.equal("arn:aws:ssm:eu-central-1:123456789012:parameter/iaso-secrets/test/*");
      }
    }
  });

  it("fits into a managed policy", () => {
    // AWS counts 6144 characters without white space.
    const policies = resourcesOf(document, POLICY);
    expect(policies).to.have.length(2);
    for (const { inputs } of policies)
      expect(textOf(inputs.policy).replace(/\s/g, "")).to.have.lengthOf.at.most(6144);
  });
});
