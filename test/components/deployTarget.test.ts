import { expect } from "chai";
import { DeployTarget } from "../../components/deployTarget";
import { PreviewDocument } from "../../graph/document";
import { statementsOf } from "../../policies/iam/document";
import { simulate } from "../../preview/simulate";
import { Role } from "../authorization";
import { at, find, naming, textOf } from "../support";

const role = (name: string): string => `arn:aws:iam::123456789012:role/${name}`;

describe("components/deployTarget", () => {
  let document: PreviewDocument;
  before(async () => {
    document = await simulate(() => {
      new DeployTarget("deployment", {
        naming,
        application: "iaso-test",
        platform: "docker",
        staticBucket: "example-iaso-test-static",
        staticUrl: "https://static.example.org/static/",
        webUrl: "https://iaso.example.org",
        databaseIdentifier: "iaso-test",
        deployers: [role("iaso-test-ci-deploy"), role("Deployment")],
      });
    });
  });

  it("gives the deploy tool all names and addresses, and shows them in previews", () => {
    const { inputs, secretInputs } = find(document, "aws:ssm/parameter:Parameter");
    expect(inputs).to.include({ name: "/iaso/test/deployment", type: "String" });
    expect(secretInputs).to.deep.equal([]);
    expect(JSON.parse(textOf(inputs.insecureValue))).to.deep.equal({
      application: "iaso-test",
      platform: "docker",
      region: "eu-central-1",
      artifactsBucket: "example-iaso-test-artifacts",
      imageRepository: "iaso-test",
      staticBucket: "example-iaso-test-static",
      staticUrl: "https://static.example.org/static/",
      webUrl: "https://iaso.example.org",
      databaseIdentifier: "iaso-test",
      queueUrl: "https://sqs.eu-central-1.amazonaws.com/123456789012/iaso-test-tasks",
    });
  });

  it("lets only deployers write versions and the journal, neither deployers nor instances write the folder of updates, and only people write records of restores", () => {
    const { inputs } = find(document, "aws:s3/bucketPolicy:BucketPolicy");
    const statements = [
      ...statementsOf(inputs.policy),
      // Every role may write everything, so the bucket's policy alone decides.
      { Effect: "Allow", Action: "s3:*", Resource: "*" },
    ];
    const may = (name: string, action: string, key: string): boolean =>
      new Role(statements).allows({
        action,
        resource: `arn:aws:s3:::example-iaso-test-artifacts/${key}`,
        context: { "aws:PrincipalArn": role(name) },
      });
    const deployments = [
      "builds/1/1.0-1",
      "bundles/1.zip",
      "wheels/1/a.whl",
      "wheel-lists/1.txt",
      "locks/test.json",
      "journal/test/1",
    ];
    for (const key of deployments) {
      for (const name of ["iaso-test-ci-deploy", "Deployment"])
        expect(may(name, "s3:PutObject", key)).to.equal(true);
      for (const name of ["iaso-test-ci-up", "iaso-test-web", "Administrator"])
        expect(may(name, "s3:PutObject", key), `${name} ${key}`).to.equal(false);
    }
    // A rehearsal takes the lock and stores its result, and nothing else.
    const rehearsal = deployments.filter((key) => may("iaso-test-ci-rehearse", "s3:PutObject", key));
    expect(rehearsal).to.deep.equal(["locks/test.json"]);
    const updates = "pulumi/enketo/1.zip";
    for (const name of ["iaso-test-ci-up", "Administrator"])
      expect(may(name, "s3:PutObject", updates), name).to.equal(true);
    for (const name of ["ci-deploy", "ci-preview", "ci-rehearse", "web", "worker", "enketo"])
      expect(may(`iaso-test-${name}`, "s3:PutObject", updates), name).to.equal(false);
    expect(may("iaso-test-ci-up", "s3:DeleteObject", "bundles/enketo/1.zip")).to.equal(true);
    const restores = "restores/test/1";
    expect(may("Administrator", "s3:PutObject", restores)).to.equal(true);
    for (const name of ["ci-deploy", "ci-up", "ci-preview", "ci-rehearse", "web", "worker", "enketo"])
      expect(may(`iaso-test-${name}`, "s3:PutObject", restores), name).to.equal(false);
  });

  it("keeps bundles, lock and journal in a private bucket that drops old versions only", () => {
    expect(find(document, "aws:s3/bucket:Bucket").inputs).to.deep.include({
      bucket: "example-iaso-test-artifacts",
      tags: naming.tags({ class: "artifacts" }),
    });
    const block = find(document, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock");
    expect(block.inputs.blockPublicPolicy).to.equal(true);
    const { rules } = find(
      document,
      "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    ).inputs;
    expect(at(rules, 0, "noncurrentVersionExpiration", "noncurrentDays")).to.equal(30);
    for (const rule of rules as never[]) expect(at(rule, "expiration", "days")).to.equal(undefined);
  });
});
