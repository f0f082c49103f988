import { expect } from "chai";
import { deployStatements } from "../../../../components/iam/ci/deploy";
import { policyDocument } from "../../../../components/iam/policyDocument";
import { naming, PolicyStatement, statementsOf } from "../../../support";

const actionsOf = (statements: PolicyStatement[]) => statements.flatMap(({ Action }) => Action);

const allowed = (statements: Record<string, PolicyStatement>) =>
  Object.values(statements).filter(({ Effect }) => Effect === "Allow");

describe("components/iam/ci/deploy", () => {
  const statements = statementsOf(policyDocument(deployStatements(naming, "iaso-test")));

  it("allows writing bundles, static files and versions of its own application only", () => {
    const prefix = "arn:aws:elasticbeanstalk:eu-central-1:123456789012";
    expect(statements.UpdateEnvironments?.Resource).to.deep.equal([
      `${prefix}:application/iaso-test`,
      `${prefix}:applicationversion/iaso-test/*`,
      `${prefix}:environment/iaso-test/*`,
    ]);
    const writable = allowed(statements)
      .filter(({ Action }) => [Action].flat().includes("s3:PutObject"))
      .map(({ Resource }) => Resource);
    expect(writable).to.have.members([
      "arn:aws:s3:::example-iaso-test-artifacts/*",
      "arn:aws:s3:::example-iaso-test-static/*",
      "arn:aws:s3:::elasticbeanstalk-eu-central-1-123456789012/*",
    ]);
    expect(JSON.stringify(allowed(statements))).not.to.include("example-iaso-test-media");
    for (const { Action, Resource, Condition } of allowed(statements)) {
      if (Resource !== "*") continue;
      if (Action === "ec2:RunInstances") {
        expect(Condition).to.have.nested.property("ArnLike.ec2:LaunchTemplate");
        continue;
      }
      for (const action of [Action].flat()) expect(action).to.match(/:(Describe|List)/);
    }
    const actions = actionsOf(allowed(statements));
    const changes = actions.filter((action) => action.startsWith("iam:") && !action.startsWith("iam:List"));
    expect(changes).to.deep.equal(["iam:PassRole"]);
    expect(statements.PassInstanceRoles).to.deep.include({
      Resource: ["web", "worker", "beanstalk-service"].map(
        (role) => `arn:aws:iam::123456789012:role/iaso-test-${role}`,
      ),
      Condition: {
        StringEquals: { "iam:PassedToService": ["ec2.amazonaws.com", "elasticbeanstalk.amazonaws.com"] },
      },
    });
    expect(statements.ReadDeploymentParameters?.Resource).to.deep.equal([
      "arn:aws:ssm:eu-central-1:123456789012:parameter/iaso/test/deployment",
      "arn:aws:ssm:eu-central-1:123456789012:parameter/iaso/test/secrets/DEPLOY_API_TOKEN",
    ]);
  });

  it("allows changing resources that Beanstalk named, and terminating instances of its own pair only", () => {
    const own = "eu-central-1:123456789012";
    expect(statements.UpdateStacks?.Resource).to.equal(`arn:aws:cloudformation:${own}:stack/awseb-e-*`);
    expect(statements.UpdateStacks?.Action).not.to.include.oneOf([
      "cloudformation:DeleteStack",
      "cloudformation:CreateStack",
    ]);
    expect(statements.TryInStackOfItsOwn?.Resource).to.equal(
      `arn:aws:cloudformation:${own}:stack/awseb-e-*-immutable-stack/*`,
    );
    expect(statements.ChangeGroups?.Resource).to.equal(
      `arn:aws:autoscaling:${own}:autoScalingGroup:*:autoScalingGroupName/awseb-e-*`,
    );
    for (const resource of [statements.ChangeBalancers?.Resource].flat()) {
      expect(resource).to.match(/^arn:aws:elasticloadbalancing:eu-central-1:123456789012:[a-z/]+\/awseb-\*$/);
    }
    expect(statements.StopOwnInstances).to.deep.include({
      Resource: `arn:aws:ec2:${own}:instance/*`,
      Condition: {
        StringEquals: {
          "ec2:ResourceTag/elasticbeanstalk:environment-name": ["iaso-test", "iaso-test-worker"],
        },
      },
    });
    // Beanstalk does not set aws:CalledVia: what asks for it would never be allowed.
    expect(JSON.stringify(statements)).not.to.include("CalledVia");
  });
});
