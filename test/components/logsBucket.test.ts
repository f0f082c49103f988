import { expect } from "chai";
import { LogsBucket } from "../../components/logsBucket";
import { PreviewDocument } from "../../graph/document";
import { simulate } from "../../preview/simulate";
import { at, find, naming, statementsOf } from "../support";

describe("components/logsBucket", () => {
  let document: PreviewDocument;
  before(async () => {
    document = await simulate(() => {
      new LogsBucket("logs", { naming, retentionDays: 90 });
    });
  });

  it("lets only this account's load balancers and the media bucket write", () => {
    const statements = statementsOf(find(document, "aws:s3/bucketPolicy:BucketPolicy").inputs.policy);
    const allowed = Object.values(statements).filter(({ Effect }) => Effect === "Allow");
    expect(allowed).to.deep.equal([
      {
        Sid: "LoadBalancersWriteAccessLogs",
        Effect: "Allow",
        Principal: { Service: "logdelivery.elasticloadbalancing.amazonaws.com" },
        Action: "s3:PutObject",
        Resource: "arn:aws:s3:::example-iaso-test-logs/*",
        Condition: {
          ArnLike: {
            "aws:SourceArn": "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/*",
          },
        },
      },
      {
        Sid: "MediaBucketWritesAccessLogs",
        Effect: "Allow",
        Principal: { Service: "logging.s3.amazonaws.com" },
        Action: "s3:PutObject",
        Resource: "arn:aws:s3:::example-iaso-test-logs/media/*",
        Condition: {
          ArnLike: { "aws:SourceArn": "arn:aws:s3:::example-iaso-test-media" },
          StringEquals: { "aws:SourceAccount": "123456789012" },
        },
      },
    ]);
  });

  it("drops logs after the days that are set", () => {
    const { rules } = find(
      document,
      "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    ).inputs;
    expect(at(rules, 0, "expiration", "days")).to.equal(90);
    expect(at(rules, 0, "noncurrentVersionExpiration", "noncurrentDays")).to.equal(1);
  });

  it("belongs to the class of logs and is not public", () => {
    expect(at(find(document, "aws:s3/bucket:Bucket").inputs.tags, "class")).to.equal("logs");
    const block = find(document, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock");
    expect(block.inputs.blockPublicPolicy).to.equal(true);
  });
});
