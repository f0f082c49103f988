import { expect } from "chai";
import { previewStatements } from "../../../../components/iam/ci/preview";
import { policyDocument } from "../../../../components/iam/policyDocument";
import { Role } from "../../../authorization";
import { naming, PolicyStatement, statementsOf } from "../../../support";

const actionsOf = (statements: PolicyStatement[]) => statements.flatMap(({ Action }) => Action);

const allowed = (statements: Record<string, PolicyStatement>) =>
  Object.values(statements).filter(({ Effect }) => Effect === "Allow");

describe("components/iam/ci/preview", () => {
  it("allows reading the configuration of resources and nothing that they contain", () => {
    const statements = statementsOf(policyDocument(previewStatements(naming)));
    const actions = actionsOf(allowed(statements));
    for (const action of actions) expect(action).to.match(/^[a-z0-9]+:(Check|Describe|Get|List)/);
    const contents = /^(s3:(GetObject|Get\*|\*)|secretsmanager:|sqs:Receive|kms:(Decrypt|Encrypt|Generate))/;
    expect(actions.filter((action) => contents.test(action))).to.deep.equal([]);
    for (const { Action, Resource } of allowed(statements)) {
      if ([Action].flat().some((action) => action.startsWith("ssm:GetParameter"))) {
        expect(Resource).to.equal("arn:aws:ssm:eu-central-1:123456789012:parameter/iaso/test/deployment");
      }
    }
    const role = new Role(Object.values(statements));
    const environment = "arn:aws:elasticbeanstalk:eu-central-1:123456789012:environment";
    const settings = "elasticbeanstalk:DescribeConfigurationSettings";
    expect(role.allows({ action: settings, resource: `${environment}/iaso-test/iaso-test-worker` })).to.equal(
      true,
    );
    const own: [action: string, resource: string][] = [
      ["cloudfront:GetDistribution", "arn:aws:cloudfront::123456789012:distribution/E1"],
      ["sns:ListSubscriptionsByTopic", "arn:aws:sns:eu-central-1:123456789012:iaso-test-alarms"],
    ];
    const context = { "aws:ResourceTag/project": "iaso", "aws:ResourceTag/env": "test" };
    for (const [action, resource] of own)
      expect(role.allows({ action, resource, context }), action).to.equal(true);
    for (const [action, resource] of [
      [settings, `${environment}/other/other-env`],
      ["cloudformation:DescribeStacks", "*"],
      ["cloudformation:GetTemplate", "*"],
      ["cloudformation:ListExports", "*"],
      ["cloudfront:GetFunction", "arn:aws:cloudfront::123456789012:function/other"],
      ["cloudfront:ListDistributions", "*"],
      ["cloudfront:ListDistributionsByWebACLId", "*"],
      ["cloudfront:ListStreamingDistributions", "*"],
      ["ec2:DescribeVpnConnections", "*"],
      ["logs:ListAnomalies", "*"],
      ["cloudfront:GetDistributionConfig", "arn:aws:cloudfront::123456789012:distribution/OTHER"],
      ["ec2:DescribeInstanceAttribute", "*"],
      ["ec2:DescribeLaunchTemplateVersions", "*"],
      ["ec2:GetConsoleOutput", "*"],
      ["logs:GetLogEvents", "*"],
      ["sns:ListSubscriptions", "*"],
      ["sns:ListSubscriptionsByTopic", "arn:aws:sns:eu-central-1:123456789012:iaso-other-alarms"],
      ["s3:ListBucket", "arn:aws:s3:::example-iaso-test-media"],
    ] as const)
      expect(role.allows({ action, resource }), action).to.equal(false);
  });
});
