import { expect } from "chai";
import { CiAccess, CiAccessArgs } from "../../components/ciAccess";
import { CiRole } from "../../components/common/naming";
import { PreviewDocument } from "../../graph/document";
import { simulate } from "../../preview/simulate";
import { find, naming, PolicyStatement, resourcesOf, statementsOf, textOf } from "../support";

const ISSUER = "token.actions.githubusercontent.com";
const PROVIDER = "aws:iam/openIdConnectProvider:OpenIdConnectProvider";
const ROLES: CiRole[] = ["preview", "up", "deploy"];

function preview(own: Partial<CiAccessArgs> = {}): Promise<PreviewDocument> {
  return simulate(() => {
    new CiAccess("ci", {
      naming,
      infrastructureRepository: "example/iaso-on-aws",
      applicationRepository: "example/iaso",
      createOidcProvider: true,
      stateBucket: "",
      secretsKeyArn: "",
      application: "iaso-test",
      ...own,
    });
  });
}

const rightsOf = (document: PreviewDocument, role: CiRole) =>
  statementsOf(find(document, "aws:iam/rolePolicy:RolePolicy", `ci-${role}`).inputs.policy);

const actionsOf = (statements: PolicyStatement[]) => statements.flatMap(({ Action }) => Action);

const allowed = (statements: Record<string, PolicyStatement>) =>
  Object.values(statements).filter(({ Effect }) => Effect === "Allow");

describe("components/ciAccess", () => {
  let document: PreviewDocument;
  before(async () => {
    document = await preview();
  });

  it("makes no key: three roles that GitHub's tokens open", () => {
    expect(resourcesOf(document, "aws:iam/accessKey:AccessKey")).to.deep.equal([]);
    const roles = resourcesOf(document, "aws:iam/role:Role");
    expect(roles.map(({ inputs }) => inputs.name)).to.deep.equal(ROLES.map((role) => `iaso-test-ci-${role}`));
    for (const role of roles) {
      expect(role.dependencies).to.include(find(document, PROVIDER).urn);
      // Longer than the workflow may take, in which a database and an image are made.
      expect(role.inputs.maxSessionDuration).to.be.at.least(180 * 60);
    }
    expect(find(document, "iaso:index:CiAccess").outputs).to.deep.equal(
      Object.fromEntries(ROLES.map((role) => [role, `arn:aws:iam::123456789012:role/iaso-test-ci-${role}`])),
    );
  });

  it("binds each role to a repository, and those that change something to the GitHub environment", () => {
    const subjects: Record<CiRole, string[]> = {
      preview: ["repo:example/iaso-on-aws:pull_request", "repo:example/iaso-on-aws:ref:refs/heads/main"],
      up: ["repo:example/iaso-on-aws:environment:test"],
      deploy: ["repo:example/iaso:environment:test", "repo:example/iaso-on-aws:environment:test"],
    };
    for (const role of ROLES) {
      const { assumeRolePolicy } = find(document, "aws:iam/role:Role", `ci-${role}`).inputs;
      expect(Object.values(statementsOf(assumeRolePolicy))).to.deep.equal([
        {
          Sid: "AssumeRole",
          Effect: "Allow",
          Principal: { Federated: `arn:aws:iam::123456789012:oidc-provider/${ISSUER}` },
          Action: "sts:AssumeRoleWithWebIdentity",
          Condition: {
            StringEquals: { [`${ISSUER}:aud`]: "sts.amazonaws.com", [`${ISSUER}:sub`]: subjects[role] },
          },
        },
      ]);
    }
  });

  it("uses the account's provider where another stack makes it", async () => {
    const other = await preview({ createOidcProvider: false });
    expect(resourcesOf(other, PROVIDER)).to.deep.equal([]);
    expect(find(document, PROVIDER).inputs).to.deep.include({
      url: `https://${ISSUER}`,
      clientIdLists: ["sts.amazonaws.com"],
    });
  });

  it("lets the preview role read settings and nothing that is kept in them", () => {
    const statements = rightsOf(document, "preview");
    const actions = actionsOf(allowed(statements));
    for (const action of actions) expect(action).to.match(/^[a-z0-9]+:(Describe|Get|List)/);
    const contents = /^(s3:(GetObject|Get\*|\*)|secretsmanager:|sqs:Receive|kms:)/;
    expect(actions.filter((action) => contents.test(action))).to.deep.equal([]);
    for (const { Action, Resource } of allowed(statements)) {
      if ([Action].flat().some((action) => action.startsWith("ssm:GetParameter"))) {
        expect(Resource).to.equal("arn:aws:ssm:eu-central-1:123456789012:parameter/iaso/test/deployment");
      }
    }
    expect(statements.NeverReadContents).to.deep.include({
      Effect: "Deny",
      Action: ["logs:FilterLogEvents", "logs:GetLog*", "logs:GetQueryResults"],
    });
  });

  it("lets the up role give rights under the boundary only, and never to itself", () => {
    const statements = rightsOf(document, "up");
    const boundary = "arn:aws:iam::123456789012:policy/iaso-test-boundary";
    const granting = ["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy"];
    for (const { Action, Condition, Resource } of allowed(statements)) {
      if (![Action].flat().some((action) => granting.includes(action))) continue;
      expect(Condition).to.deep.equal({ StringEquals: { "iam:PermissionsBoundary": boundary } });
      expect(Resource).to.equal("arn:aws:iam::123456789012:role/iaso-test-*");
    }
    const actions = actionsOf(allowed(statements));
    expect(actions).to.include.members(granting);
    expect(actions.filter((action) => action === "*" || action === "iam:*")).to.deep.equal([]);
    expect(actions).not.to.include("iam:DeleteRolePermissionsBoundary");
    expect(statements.NeverTouchOwnPower).to.deep.include({
      Effect: "Deny",
      Resource: ["arn:aws:iam::123456789012:role/iaso-test-ci-*", boundary],
    });
    expect(statements.NeverTouchOwnPower?.Action).to.have.members([
      "iam:Attach*",
      "iam:Create*",
      "iam:Delete*",
      "iam:Detach*",
      "iam:PassRole",
      "iam:Put*",
      "iam:Update*",
    ]);
    expect(statements.PassRolesToTheirServices?.Resource).to.equal(
      "arn:aws:iam::123456789012:role/iaso-test-*",
    );
  });

  it("lets the deploy role write bundles, static files and versions of its own application only", () => {
    const statements = rightsOf(document, "deploy");
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
      for (const action of [Action].flat()) expect(action).to.match(/:(Describe|List|CheckDNSAvailability)/);
    }
    const actions = actionsOf(allowed(statements));
    expect(actions.filter((action) => action.startsWith("iam:"))).to.deep.equal(["iam:PassRole"]);
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

  it("lets the deploy role change what Beanstalk made, by its names, and stop instances of its own pair only", () => {
    const statements = rightsOf(document, "deploy");
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

  it("lets the up role make the worker's table and the roles that services make for themselves", () => {
    const statements = rightsOf(document, "up");
    expect(statements.ManageLeaderTables?.Resource).to.equal(
      "arn:aws:dynamodb:eu-central-1:123456789012:table/awseb-e-*",
    );
    expect(statements.ManageLeaderTables?.Action).to.include("dynamodb:CreateTable");
    expect(statements.LetServicesMakeTheirRoles).to.deep.include({
      Action: "iam:CreateServiceLinkedRole",
      Resource: "arn:aws:iam::123456789012:role/aws-service-role/*",
    });
    expect(
      statements.LetServicesMakeTheirRoles?.Condition?.StringLike?.["iam:AWSServiceName"],
    ).not.to.include("*");
  });

  it("lets preview read and up change Pulumi's state where it is kept in a bucket, and nobody else", async () => {
    const withState = await preview({ stateBucket: "example-state" });
    for (const [role, actions] of [
      // Whoever can write the state decides what the next update does.
      ["preview", ["s3:GetObject"]],
      ["up", ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]],
    ] as const) {
      expect(rightsOf(withState, role).State).to.deep.include({
        Action: actions,
        Resource: "arn:aws:s3:::example-state/*",
      });
      expect(rightsOf(document, role)).not.to.have.property("State");
    }
    expect(JSON.stringify(rightsOf(withState, "deploy"))).not.to.include("example-state");
  });

  it("lets preview and up decrypt the stack's secrets with its key, and nobody else, and with no other", async () => {
    const key = "arn:aws:kms:eu-central-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef";
    const withKey = await preview({ secretsKeyArn: key });
    for (const role of ["preview", "up"] as const) {
      expect(rightsOf(withKey, role).DecryptStackSecrets).to.deep.include({
        Action: "kms:Decrypt",
        Resource: key,
      });
    }
    expect(JSON.stringify(rightsOf(withKey, "deploy"))).not.to.include("kms:");
    for (const role of ROLES) expect(JSON.stringify(rightsOf(document, role))).not.to.include("kms:");
  });

  it("fits into inline policies", () => {
    // AWS counts 10,240 characters without white space, per role.
    for (const role of ROLES) {
      const { policy } = find(document, "aws:iam/rolePolicy:RolePolicy", `ci-${role}`).inputs;
      expect(textOf(policy).replace(/\s/g, "")).to.have.lengthOf.at.most(10_240);
    }
  });
});
