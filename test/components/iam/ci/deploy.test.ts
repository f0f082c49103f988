import { expect } from "chai";
import { updateStatements } from "../../../../components/iam/ci/beanstalk";
import { deployStatements, PAIR } from "../../../../components/iam/ci/deploy";
import { policyDocument } from "../../../../components/iam/policyDocument";
import { naming, PolicyStatement, statementsOf } from "../../../support";

const actionsOf = (statements: PolicyStatement[]) => statements.flatMap(({ Action }) => Action);

const allowed = (statements: Record<string, PolicyStatement>) =>
  Object.values(statements).filter(({ Effect }) => Effect === "Allow");

describe("components/iam/ci/deploy", () => {
  const statements = statementsOf(
    policyDocument([
      ...deployStatements(naming, false),
      ...Object.values(updateStatements(naming, PAIR, "")).flat(),
    ]),
  );

  it("allows writing bundles, static files and versions of its own application only", () => {
    const prefix = "arn:aws:elasticbeanstalk:eu-central-1:123456789012";
    expect(statements.UpdateEnvironments?.Resource).to.deep.equal([
      `${prefix}:application/iaso-test`,
      `${prefix}:applicationversion/iaso-test/*`,
      `${prefix}:environment/iaso-test/*`,
    ]);
    const writable = allowed(statements)
      .filter(({ Action }) => [Action].flat().includes("s3:PutObject"))
      .flatMap(({ Resource }) => Resource);
    const shared = "arn:aws:s3:::elasticbeanstalk-eu-central-1-123456789012/resources";
    expect(writable).to.have.members([
      ...["builds", "bundles", "journal", "locks", "wheel-lists", "wheels"].map(
        (folder) => `arn:aws:s3:::example-iaso-test-artifacts/${folder}/*`,
      ),
      "arn:aws:s3:::example-iaso-test-static/*",
      `${shared}/environments/\${aws:PrincipalTag/web-environment-id}/*`,
      `${shared}/environments/\${aws:PrincipalTag/worker-environment-id}/*`,
      `${shared}/_runtime/_embedded_extensions/iaso-test/*`,
    ]);
    expect(JSON.stringify(allowed(statements))).not.to.include("example-iaso-test-media");
    for (const { Action, Resource } of allowed(statements)) {
      if (Resource !== "*") continue;
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
      "arn:aws:ssm:eu-central-1:123456789012:parameter/iaso-secrets/test/DEPLOY_API_TOKEN",
    ]);
  });

  it("allows changes to resources that Beanstalk created for its own pair only, and to no bucket policy or listener", () => {
    const tags = { "aws:ResourceTag/project": "iaso", "aws:ResourceTag/env": "test" };
    for (const sid of ["UpdateStacks", "RegisterInstances", "ChangeLaunchTemplates", "StopOwnInstances"])
      expect(statements[sid]?.Condition, sid).to.deep.equal({
        StringEquals: { ...tags, "aws:ResourceTag/role": ["web", "worker"] },
      });
    expect(statements.StartInOwnSecurityGroups?.Condition?.StringEquals).to.deep.equal(tags);
    const actions = actionsOf(allowed(statements)).flat();
    expect(actions).not.to.include.members(["s3:PutBucketPolicy"]);
    expect(actions.filter((action) => /:(\*|.*Listener$)/.test(action))).to.deep.equal([]);
    // Beanstalk does not set aws:CalledVia: what asks for it would never be allowed.
    expect(JSON.stringify(statements)).not.to.include("CalledVia");
  });

  it("starts no instance with another role's profile: AWS checks numbered versions of templates only", () => {
    expect(statements.CreateGroups?.Condition).to.have.nested.property(
      "Bool.autoscaling:LaunchTemplateVersionSpecified",
      "true",
    );
    expect(statements.ChangeGroups?.Condition).to.deep.include({
      BoolIfExists: { "autoscaling:LaunchTemplateVersionSpecified": "true" },
      Null: { "autoscaling:LaunchConfigurationName": "true" },
    });
  });
});
