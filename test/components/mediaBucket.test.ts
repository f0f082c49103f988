import { expect } from "chai";
import { LogsBucket } from "../../components/logsBucket";
import { MediaBucket } from "../../components/mediaBucket";
import { PreviewDocument } from "../../graph/document";
import { simulate } from "../../preview/simulate";
import { Role } from "../authorization";
import { at, find, naming, PolicyStatement, statementsOf } from "../support";

const OBJECTS = "arn:aws:s3:::example-iaso-test-media/*";

describe("components/mediaBucket", () => {
  let document: PreviewDocument;
  let statements: Record<string, PolicyStatement>;
  before(async () => {
    document = await simulate(() => {
      const accessLogs = new LogsBucket("logs", { naming, retentionDays: 90 });
      const webOrigins = ["https://iaso.example.org"];
      new MediaBucket("media", {
        naming,
        webOrigins,
        oldVersionDays: 365,
        accessLogs,
        throughVpcEndpoint: true,
        backedUp: false,
      });
    });
    statements = statementsOf(find(document, "aws:s3/bucketPolicy:BucketPolicy", "media").inputs.policy);
  });

  it("refuses signatures older than 15 minutes, whatever the caller asked for", () => {
    expect(statements.DenySignaturesOlderThan15Minutes).to.deep.include({
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: OBJECTS,
      // In milliseconds.
      Condition: { NumericGreaterThan: { "s3:signatureAge": "900000" } },
    });
  });

  it("refuses every signature version but 4, the only one with an age to check", () => {
    expect(statements.DenyAllButSignatureVersion4).to.deep.include({
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: OBJECTS,
      Condition: { StringNotEquals: { "s3:signatureversion": "AWS4-HMAC-SHA256" } },
    });
  });

  it("refuses everyone but the application's two roles", () => {
    expect(statements.DenyAllButTheApplication).to.deep.include({
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: OBJECTS,
      Condition: {
        ArnNotEquals: {
          "aws:PrincipalArn": [
            "arn:aws:iam::123456789012:role/iaso-test-web",
            "arn:aws:iam::123456789012:role/iaso-test-worker",
          ],
        },
      },
    });
  });

  it("allows writes and lists with instances' credentials only through the endpoint of their VPC", async () => {
    const may = (action: string, key: string, network: Record<string, string>): boolean =>
      new Role([...Object.values(statements), { Effect: "Allow", Action: "s3:*", Resource: "*" }]).allows({
        action,
        resource: `arn:aws:s3:::example-iaso-test-media${key}`,
        context: {
          "aws:PrincipalArn": "arn:aws:iam::123456789012:role/iaso-test-web",
          "s3:signatureversion": "AWS4-HMAC-SHA256",
          "aws:EC2InstanceSourceVPC": "vpc-1",
          ...network,
        },
      });
    for (const [action, key] of [
      ["s3:PutObject", "/a.jpg"],
      ["s3:DeleteObject", "/a.jpg"],
      ["s3:ListBucket", ""],
    ] as const) {
      expect(may(action, key, { "aws:SourceVpc": "vpc-1" }), action).to.equal(true);
      expect(may(action, key, { "aws:SourceVpc": "vpc-2" }), action).to.equal(false);
      expect(may(action, key, {}), action).to.equal(false);
    }
    // Browsers read with URLs that the instances sign.
    expect(may("s3:GetObject", "/a.jpg", {})).to.equal(true);
    const without = await simulate(() => {
      new MediaBucket("media", {
        naming,
        webOrigins: [],
        oldVersionDays: 365,
        throughVpcEndpoint: false,
        backedUp: true,
      });
    });
    expect(JSON.stringify(find(without, "aws:s3/bucketPolicy:BucketPolicy").inputs)).not.to.include(
      "SourceVpc",
    );
  });

  it("lets in AWS Backup's role and the one that copies media, where the settings have them, and no other", async () => {
    const backedUp = await simulate(() => {
      new MediaBucket("media", {
        naming,
        webOrigins: [],
        oldVersionDays: 365,
        throughVpcEndpoint: true,
        backedUp: true,
        copyPrincipal: "arn:aws:iam::123456789012:role/Administrator",
      });
    });
    const policy = statementsOf(find(backedUp, "aws:s3/bucketPolicy:BucketPolicy").inputs.policy);
    const reads = (all: Record<string, PolicyStatement>, role: string) =>
      new Role([...Object.values(all), { Effect: "Allow", Action: "s3:*", Resource: "*" }]).allows({
        action: "s3:GetObjectVersion",
        resource: "arn:aws:s3:::example-iaso-test-media/a.jpg",
        context: {
          "aws:PrincipalArn": `arn:aws:iam::123456789012:role/${role}`,
          "s3:signatureversion": "AWS4-HMAC-SHA256",
        },
      });
    expect(reads(policy, "iaso-test-backup")).to.equal(true);
    expect(reads(policy, "Administrator")).to.equal(true);
    expect(reads(statements, "Administrator")).to.equal(false);
    expect(reads(policy, "iaso-test-ci-up")).to.equal(false);
    expect(reads(statements, "iaso-test-backup")).to.equal(false);
  });

  it("grants nothing by itself and blocks all four kinds of public access", () => {
    expect(Object.values(statements).filter(({ Effect }) => Effect !== "Deny")).to.deep.equal([]);
    expect(
      find(document, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "media").inputs,
    ).to.include({
      blockPublicAcls: true,
      ignorePublicAcls: true,
      blockPublicPolicy: true,
      restrictPublicBuckets: true,
    });
  });

  it("is read by pages of the application's own address only", () => {
    const rules = find(document, "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration", "media").inputs
      .corsRules;
    expect(rules).to.have.lengthOf(1);
    expect(at(rules, 0, "allowedOrigins")).to.deep.equal(["https://iaso.example.org"]);
    expect(at(rules, 0, "allowedMethods")).to.deep.equal(["GET", "HEAD"]);
  });

  it("keeps old versions for the days that are set, and never drops a current one", () => {
    const { rules } = find(
      document,
      "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
      "media",
    ).inputs;
    expect(at(rules, 0, "noncurrentVersionExpiration", "noncurrentDays")).to.equal(365);
    for (const rule of rules as never[]) expect(at(rule, "expiration", "days")).to.equal(undefined);
  });

  it("outlives the program, with all that guards it", () => {
    expect(find(document, "aws:s3/bucket:Bucket", "media").protect).to.equal(true);
    const parts = document.resources.filter(
      ({ type, name }) => type.startsWith("aws:s3/") && name === "media",
    );
    for (const part of parts.filter(({ type }) => !type.includes("bucketLogging"))) {
      expect(part.retainOnDelete, part.type).to.equal(true);
    }
  });

  it("has access logs of each day in a folder of its own, once the bucket for logs accepts them", () => {
    const logging = find(document, "aws:s3/bucketLogging:BucketLogging");
    expect(logging.inputs).to.deep.include({
      bucket: "example-iaso-test-media",
      targetBucket: "example-iaso-test-logs",
      targetPrefix: "media/",
      targetObjectKeyFormat: { partitionedPrefix: { partitionDateSource: "EventTime" } },
    });
    expect(logging.dependencies).to.include(find(document, "aws:s3/bucketPolicy:BucketPolicy", "logs").urn);
    // The bucket for logs is not kept, so a program without it must be able to delete this.
    expect([logging.protect, logging.retainOnDelete]).to.deep.equal([false, false]);
  });
});
