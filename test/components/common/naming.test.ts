import { expect } from "chai";
import { CiRole, InstanceRole, Naming } from "../../../components/common/naming";
import { naming } from "../../support";

describe("components/common/naming", () => {
  it("derives names, ARNs and tags from the settings alone", () => {
    expect(naming.name()).to.equal("iaso-test");
    expect(naming.name("worker")).to.equal("iaso-test-worker");
    expect(naming.bucket("media")).to.equal("example-iaso-test-media");
    expect(naming.bucketArn("media")).to.equal("arn:aws:s3:::example-iaso-test-media");
    expect(naming.queueUrl).to.equal("https://sqs.eu-central-1.amazonaws.com/123456789012/iaso-test-tasks");
    expect(naming.roleArn(naming.instanceRole("web"))).to.equal(
      "arn:aws:iam::123456789012:role/iaso-test-web",
    );
    expect(["web", "worker", "enketo"].map((role) => naming.environment(role as InstanceRole))).to.deep.equal(
      ["iaso-test", "iaso-test-worker", "iaso-test-enketo"],
    );
    expect(naming.cnamePrefix("web")).to.equal("example-iaso-test");
    expect(naming.cnamePrefix("enketo")).to.equal("example-iaso-test-enketo");
    expect(naming.permissionsBoundaryArn).to.equal("arn:aws:iam::123456789012:policy/iaso-test-boundary");
    expect(naming.beanstalkBucketArn).to.equal("arn:aws:s3:::elasticbeanstalk-eu-central-1-123456789012");
    expect(naming.ciRole("deploy")).to.equal("iaso-test-ci-deploy");
    expect(naming.secretParameterArn("SECRET_KEY")).to.equal(
      "arn:aws:ssm:eu-central-1:123456789012:parameter/iaso-secrets/test/SECRET_KEY",
    );
    expect(naming.deploymentParameter).to.equal("/iaso/test/deployment");
    expect(naming.tags({ role: "web" })).to.deep.equal({
      project: "iaso",
      env: "test",
      "managed-by": "pulumi",
      role: "web",
    });
  });

  // Of all names that the program gives, test/index.test.ts checks the limits on the previewed resources.
  it("stays within AWS's limits with the longest organisation and environment that settings allow", () => {
    const longest = new Naming({
      organization: "o".repeat(24),
      env: "e".repeat(12),
      accountId: "123456789012",
      region: "ap-southeast-2",
    });
    for (const bucketClass of ["static", "media", "logs", "artifacts"] as const) {
      expect(longest.bucket(bucketClass)).to.have.lengthOf.at.most(63);
    }
    for (const role of ["web", "worker", "enketo"] satisfies InstanceRole[]) {
      expect(longest.instanceRole(role)).to.have.lengthOf.at.most(64);
    }
    for (const role of ["preview", "up", "deploy"] satisfies CiRole[]) {
      expect(longest.ciRole(role)).to.have.lengthOf.at.most(64);
    }
    for (const environment of (["web", "worker", "enketo"] as const).map((role) =>
      longest.environment(role),
    )) {
      expect(environment).to.have.lengthOf.at.most(40);
    }
    expect(longest.cnamePrefix("enketo")).to.have.lengthOf.at.most(63);
    expect(longest.queue).to.have.lengthOf.at.most(80);
  });
});
