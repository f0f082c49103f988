import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { createInstanceProfile, InstanceProfile } from "../../../components/beanstalk/instanceProfile";
import { PreviewDocument } from "../../../graph/document";
import { simulate } from "../../../preview/simulate";
import { find, naming, PERMISSIONS_BOUNDARY, PolicyStatement, statementsOf } from "../../support";

const own = { Sid: "Own", Effect: "Allow", Action: "sqs:SendMessage", Resource: "arn:queue" } as const;

describe("components/beanstalk/instanceProfile", () => {
  let document: PreviewDocument;
  let statements: Record<string, PolicyStatement>;
  let profile: InstanceProfile | undefined;
  before(async () => {
    document = await simulate(() => {
      profile = createInstanceProfile(new pulumi.ComponentResource("test:index:Parent", "parent"), {
        naming,
        role: "worker",
        application: "iaso-test",
        environment: "iaso-test-worker",
        secretVariables: ["SECRET_KEY", "RDS_PASSWORD"],
        statements: [own],
        permissionsBoundary: PERMISSIONS_BOUNDARY,
        shellAccess: false,
        encrypted: false,
      });
    });
    statements = statementsOf(find(document, "aws:iam/rolePolicy:RolePolicy").inputs.policy);
  });

  it("is a role for EC2 under the permissions boundary, and the profile that carries it", () => {
    const role = find(document, "aws:iam/role:Role");
    expect(role.inputs).to.deep.include({
      name: "iaso-test-worker",
      permissionsBoundary: PERMISSIONS_BOUNDARY,
      tags: naming.tags({ role: "worker" }),
    });
    expect(statementsOf(role.inputs.assumeRolePolicy).AssumeRole).to.deep.include({
      Effect: "Allow",
      Principal: { Service: "ec2.amazonaws.com" },
      Action: "sts:AssumeRole",
    });
    const profile = find(document, "aws:iam/instanceProfile:InstanceProfile");
    expect(profile.inputs.name).to.equal("iaso-test-worker");
    expect(profile.propertyDependencies.role).to.deep.equal([role.urn]);
  });

  it("lists the resources that must exist before an instance starts: the profile and its permissions", async () => {
    const urns = await Promise.all(
      (profile?.resources ?? []).map((part) => new Promise((resolve) => part.urn.apply(resolve))),
    );
    expect(urns).to.have.members([
      find(document, "aws:iam/instanceProfile:InstanceProfile").urn,
      find(document, "aws:iam/rolePolicy:RolePolicy").urn,
    ]);
  });

  it("reads exactly the secrets that it is given, in an order that does not change", () => {
    const prefix = "arn:aws:ssm:eu-central-1:123456789012:parameter/iaso-secrets/test";
    expect(statements.ReadOwnSecrets?.Resource).to.deep.equal([
      `${prefix}/RDS_PASSWORD`,
      `${prefix}/SECRET_KEY`,
    ]);
  });

  it("reports health and logs for its own environment only", () => {
    const prefix = "arn:aws:elasticbeanstalk:eu-central-1:123456789012";
    expect(statements.ReportHealth?.Resource).to.deep.equal([
      `${prefix}:application/iaso-test`,
      `${prefix}:environment/iaso-test/iaso-test-worker`,
    ]);
    expect(statements.StreamLogs?.Resource).to.equal(
      "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/elasticbeanstalk/iaso-test-worker/*",
    );
  });

  it("reads source bundles and writes logs to Beanstalk's bucket, and reads and writes nothing else", () => {
    const beanstalk = "arn:aws:s3:::elasticbeanstalk-eu-central-1-123456789012";
    expect(statements.FetchVersions).to.deep.include({
      Action: "s3:GetObject",
      Resource: [
        `${beanstalk}/resources/environments/*/_runtime/versions/manifest_*`,
        `${beanstalk}/resources/environments/*/_runtime/_versions/iaso-test/*`,
        `${beanstalk}/resources/environments/*/_runtime/_embedded_extensions/iaso-test/*`,
        `${beanstalk}/resources/_runtime/_embedded_extensions/iaso-test/*`,
      ],
    });
    expect(statements.HandOverLogBundles).to.deep.include({
      Action: "s3:PutObject",
      Resource: `${beanstalk}/resources/environments/logs/*`,
    });
  });

  it("adds the statements of its kind, and grants nothing on everything", () => {
    expect(statements.Own).to.deep.equal(own);
    const wide = Object.values(statements).filter(({ Resource }) => [Resource].flat().includes("*"));
    expect(wide).to.deep.equal([]);
  });
});
