import { expect } from "chai";
import { DeployTarget } from "../../components/deployTarget";
import { PreviewDocument } from "../../graph/document";
import { simulate } from "../../preview/simulate";
import { at, find, naming, textOf } from "../support";

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
      staticBucket: "example-iaso-test-static",
      staticUrl: "https://static.example.org/static/",
      webUrl: "https://iaso.example.org",
      databaseIdentifier: "iaso-test",
      queueUrl: "https://sqs.eu-central-1.amazonaws.com/123456789012/iaso-test-tasks",
    });
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
