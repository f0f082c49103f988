import { expect } from "chai";
import { CiAccess, CiAccessArgs } from "../../components/ciAccess";
import { CiRole } from "../../components/common/naming";
import { updateStatements } from "../../components/iam/ci/beanstalk";
import { deployStatements } from "../../components/iam/ci/deploy";
import { previewStatements } from "../../components/iam/ci/preview";
import { rehearseStatements } from "../../components/iam/ci/rehearse";
import { upStatements } from "../../components/iam/ci/up";
import { policyDocument } from "../../components/iam/policyDocument";
import { PreviewDocument, PropertyValue } from "../../graph/document";
import { simulate } from "../../preview/simulate";
import { find, naming, resourcesOf, statementsOf, textOf } from "../support";

const ISSUER = "token.actions.githubusercontent.com";
const PROVIDER = "aws:iam/openIdConnectProvider:OpenIdConnectProvider";
const ROLES: CiRole[] = ["preview", "up", "deploy", "rehearse"];

const BALANCER =
  "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/awseb--AWSEB-1/0123456789abcdef";

function preview(own: Partial<CiAccessArgs> = {}): Promise<PreviewDocument> {
  return simulate(() => {
    new CiAccess("ci", {
      gdalImageId: "",
      naming,
      infrastructureRepository: "example/iaso-on-aws",
      applicationRepository: "example/iaso",
      createOidcProvider: true,
      stateBucket: "",
      project: "iaso",
      stack: "test",
      recordNames: ["iaso.example.org"],
      imageRepository: false,
      webAcl: false,
      encrypted: false,
      loadBalancerArns: { web: BALANCER, enketo: BALANCER },
      environmentIds: { web: "e-web", worker: "e-worker", enketo: "e-enketo" },
      ...own,
    });
  });
}

const permissionsOf = (document: PreviewDocument, role: CiRole) =>
  statementsOf(find(document, "aws:iam/rolePolicy:RolePolicy", `ci-${role}`).inputs.policy);

describe("components/ciAccess", () => {
  let document: PreviewDocument;
  before(async () => {
    document = await preview();
  });

  it("creates no access key: GitHub's tokens assume four roles", () => {
    expect(resourcesOf(document, "aws:iam/accessKey:AccessKey")).to.deep.equal([]);
    const roles = resourcesOf(document, "aws:iam/role:Role");
    expect(roles.map(({ inputs }) => inputs.name)).to.have.members(
      ROLES.map((role) => `iaso-test-ci-${role}`),
    );
    for (const role of roles) {
      expect(role.dependencies).to.include(find(document, PROVIDER).urn);
      // Longer than the workflow may take, in which a database and an image are made.
      expect(role.inputs.maxSessionDuration).to.be.at.least(180 * 60);
    }
    expect(find(document, "iaso:index:CiAccess").outputs).to.deep.equal(
      Object.fromEntries(ROLES.map((role) => [role, `arn:aws:iam::123456789012:role/iaso-test-ci-${role}`])),
    );
  });

  it("binds each role to a repository, and each role that changes something to the GitHub environment", () => {
    const here = "repo:example/iaso-on-aws";
    const main = "refs/heads/main";
    const job_workflow_ref = `example/iaso-on-aws/.github/workflows/deploy.yml@${main}`;
    const expected: Record<CiRole, [sid: string, equal: Record<string, unknown>][]> = {
      preview: [["Preview", { sub: [`${here}:pull_request`, `${here}:ref:${main}`] }]],
      up: [["Update", { sub: [`${here}:environment:infrastructure-test`], ref: main }]],
      deploy: [
        ["ApplicationDeploys", { sub: ["repo:example/iaso:environment:test"], job_workflow_ref }],
        ["StartedHere", { sub: [`${here}:environment:test`], ref: main, job_workflow_ref }],
      ],
      rehearse: [
        [
          "Rehearsal",
          {
            sub: [`${here}:environment:rehearsal-test`],
            ref: main,
            job_workflow_ref: job_workflow_ref.replace("deploy.yml", "rehearse.yml"),
          },
        ],
      ],
    };
    const named = (claims: Record<string, unknown>) =>
      Object.fromEntries(Object.entries(claims).map(([claim, value]) => [`${ISSUER}:${claim}`, value]));
    for (const role of ROLES) {
      const { assumeRolePolicy } = find(document, "aws:iam/role:Role", `ci-${role}`).inputs;
      expect(Object.values(statementsOf(assumeRolePolicy))).to.deep.equal(
        expected[role].map(([Sid, equal]) => ({
          Sid,
          Effect: "Allow",
          Principal: { Federated: `arn:aws:iam::123456789012:oidc-provider/${ISSUER}` },
          Action: "sts:AssumeRoleWithWebIdentity",
          Condition: { StringEquals: named({ aud: "sts.amazonaws.com", ...equal }) },
        })),
      );
    }
  });

  it("trusts repositories by their ids, and their workflow by its name, which has no ids", async () => {
    const withIds = await preview({
      infrastructureRepository: "example@12/iaso-on-aws@34",
      applicationRepository: "example@12/iaso@56",
    });
    const conditionOf = (role: CiRole) => {
      const { assumeRolePolicy } = find(withIds, "aws:iam/role:Role", `ci-${role}`).inputs;
      return JSON.stringify(Object.values(statementsOf(assumeRolePolicy)));
    };
    expect(conditionOf("up")).to.contain('"repo:example@12/iaso-on-aws@34:environment:infrastructure-test"');
    expect(conditionOf("deploy"))
      .to.contain('"repo:example@12/iaso@56:environment:test"')
      .and.contain('"repo:example@12/iaso-on-aws@34:environment:test"')
      .and.contain('"example/iaso-on-aws/.github/workflows/deploy.yml@refs/heads/main"');
  });

  it("uses the account's existing provider if another stack creates it", async () => {
    const other = await preview({ createOidcProvider: false });
    expect(resourcesOf(other, PROVIDER)).to.deep.equal([]);
    expect(find(document, PROVIDER).inputs).to.deep.include({
      url: `https://${ISSUER}`,
      clientIdLists: ["sts.amazonaws.com"],
    });
  });

  it("gives each role the statements of its own file", () => {
    const expected: Record<CiRole, string> = {
      preview: policyDocument(previewStatements(naming)),
      up: policyDocument(upStatements(naming)),
      deploy: policyDocument(deployStatements(naming, false)),
      rehearse: policyDocument(rehearseStatements(naming)),
    };
    for (const role of ROLES) {
      const { policy } = find(document, "aws:iam/rolePolicy:RolePolicy", `ci-${role}`).inputs;
      expect(policy).to.equal(expected[role]);
    }
    for (const [part, statements] of Object.entries(updateStatements(naming, ["web", "worker"], "")))
      expect(find(document, "aws:iam/policy:Policy", `ci-deploy-${part}`).inputs.policy).to.equal(
        policyDocument(statements),
      );
  });

  it("lets preview read and up write Pulumi's state in a bucket, and deploy do neither", async () => {
    const withState = await preview({ stateBucket: "example-state" });
    for (const [role, actions] of [
      // Whoever can write the state decides what the next update does.
      ["preview", ["s3:GetObject"]],
      ["up", ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]],
    ] as const) {
      expect(permissionsOf(withState, role).State).to.deep.include({ Action: actions });
      expect(permissionsOf(withState, role).FindState).to.deep.include({
        Action: "s3:ListBucket",
        Resource: "arn:aws:s3:::example-state",
      });
      expect(permissionsOf(document, role)).not.to.have.any.keys("State", "FindState");
    }
    expect(JSON.stringify(permissionsOf(withState, "deploy"))).not.to.include("example-state");
  });

  it("lets no role decrypt or read a secret, except the token of the deploy tool", () => {
    for (const role of ROLES) {
      const statements = Object.values(permissionsOf(document, role));
      const uses = /kms:(Decrypt|Encrypt|Generate|ReEncrypt|CreateGrant)/;
      expect(JSON.stringify(statements), role).not.to.match(uses);
      const named = statements
        .flatMap((one) => ("Resource" in one ? one.Resource : []))
        .filter((one) => one.includes("iaso-secrets"));
      expect(named.map((one) => one.split("/").at(-1))).to.deep.equal(
        role === "deploy" ? ["DEPLOY_API_TOKEN"] : [],
      );
    }
  });

  it("writes the ids and load balancers, which no preview knows, on the roles whose policies name them", () => {
    const tags = (role: CiRole) => find(document, "aws:iam/role:Role", `ci-${role}`).inputs.tags;
    const ids = {
      "web-environment-id": "e-web",
      "worker-environment-id": "e-worker",
      "enketo-environment-id": "e-enketo",
    };
    expect(tags("deploy")).to.include(ids).and.not.have.property("web-load-balancer-id");
    expect(tags("up")).to.include({ ...ids, "web-load-balancer-id": "app/awseb--AWSEB-1/0123456789abcdef" });
    expect(tags("preview")).not.to.have.any.keys(...Object.keys(ids));
  });

  it("fits into AWS's limits for policies", () => {
    const lengthOf = (policy: PropertyValue | undefined) => textOf(policy).replace(/\s/g, "").length;
    // AWS counts the characters without white space: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    for (const { inputs } of resourcesOf(document, "aws:iam/rolePolicy:RolePolicy"))
      expect(lengthOf(inputs.policy), textOf(inputs.role)).to.be.at.most(10_240);
    const managed = resourcesOf(document, "aws:iam/policy:Policy");
    for (const { inputs } of managed) expect(lengthOf(inputs.policy)).to.be.at.most(6144);
    const attachments = resourcesOf(document, "aws:iam/rolePolicyAttachment:RolePolicyAttachment");
    expect(attachments).to.have.length(managed.length);
    for (const role of ROLES)
      expect(attachments.filter(({ inputs }) => inputs.role === `iaso-test-ci-${role}`).length).to.be.at.most(
        10,
      );
  });
});
