import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { BucketArgs, createBucket, expireOldVersions } from "../../../components/common/bucket";
import { PreviewDocument } from "../../../graph/document";
import { simulate } from "../../../preview/simulate";
import { at, find, naming, statementsOf } from "../../support";

function preview(own: Partial<BucketArgs> = {}): Promise<PreviewDocument> {
  return simulate(() => {
    const parent = new pulumi.ComponentResource("test:index:Parent", "parent");
    createBucket(parent, "logs", { naming, bucketClass: "logs", statements: [], lifecycleRules: [], ...own });
  });
}

describe("components/common/bucket", () => {
  it("blocks public access, turns ACLs off, encrypts and keeps versions", async () => {
    const document = await preview();
    expect(find(document, "aws:s3/bucket:Bucket").inputs).to.deep.include({
      bucket: "example-iaso-test-logs",
      tags: naming.tags({ class: "logs" }),
    });
    const guards = {
      "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": {
        blockPublicAcls: true,
        ignorePublicAcls: true,
        blockPublicPolicy: true,
        restrictPublicBuckets: true,
      },
      "aws:s3/bucketOwnershipControls:BucketOwnershipControls": {
        rule: { objectOwnership: "BucketOwnerEnforced" },
      },
      "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": {
        rules: [
          {
            applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" },
            blockedEncryptionTypes: ["SSE-C"],
          },
        ],
      },
      "aws:s3/bucketVersioning:BucketVersioning": { versioningConfiguration: { status: "Enabled" } },
    };
    for (const [type, inputs] of Object.entries(guards)) {
      expect(find(document, type).inputs).to.deep.equal({ bucket: "example-iaso-test-logs", ...inputs });
    }
  });

  it("lets a policy grant public access only if requested, and never an ACL", async () => {
    const document = await preview({ publicPolicy: true });
    expect(find(document, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock").inputs).to.include({
      blockPublicAcls: true,
      ignorePublicAcls: true,
      blockPublicPolicy: false,
      restrictPublicBuckets: false,
    });
  });

  it("refuses plain HTTP next to the statements it is given", async () => {
    const own = { Sid: "Own", Effect: "Allow", Action: "s3:GetObject", Resource: "*" } as const;
    const document = await preview({ statements: [own] });
    const statements = statementsOf(find(document, "aws:s3/bucketPolicy:BucketPolicy").inputs.policy);
    expect(statements).to.deep.equal({
      Own: own,
      DenyPlainHttp: {
        Sid: "DenyPlainHttp",
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: ["arn:aws:s3:::example-iaso-test-logs", "arn:aws:s3:::example-iaso-test-logs/*"],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
    });
  });

  it("sets the policy after public access was opened, and lifecycle rules after versioning", async () => {
    const document = await preview({ publicPolicy: true });
    expect(find(document, "aws:s3/bucketPolicy:BucketPolicy").dependencies).to.include(
      find(document, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock").urn,
    );
    const lifecycle = find(document, "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration");
    expect(lifecycle.dependencies).to.include(find(document, "aws:s3/bucketVersioning:BucketVersioning").urn);
  });

  it("drops unfinished uploads after a week, next to the rules it is given", async () => {
    const own = { id: "own", status: "Enabled", filter: { prefix: "" }, expiration: { days: 3 } };
    const document = await preview({ lifecycleRules: [own] });
    const { rules } = find(
      document,
      "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    ).inputs;
    expect(at(rules, 0)).to.deep.equal(own);
    expect(at(rules, 1, "abortIncompleteMultipartUpload", "daysAfterInitiation")).to.equal(7);
  });

  it("drops old versions after the days that are set, and never a current one", () => {
    expect(expireOldVersions(42)).to.deep.equal({
      id: "expire-old-versions",
      status: "Enabled",
      filter: { prefix: "" },
      noncurrentVersionExpiration: { noncurrentDays: 42 },
      // The mark of a deletion is dropped with the last version that it hides.
      expiration: { expiredObjectDeleteMarker: true },
    });
  });

  it("retains a bucket and its safeguards only if requested", async () => {
    for (const keep of [true, false]) {
      const document = await preview({ keep });
      expect(find(document, "aws:s3/bucket:Bucket").protect).to.equal(keep);
      const parts = document.resources.filter(({ type }) => type.startsWith("aws:s3/"));
      expect(parts).to.have.lengthOf(7);
      for (const part of parts) expect(part.retainOnDelete, part.type).to.equal(keep);
    }
  });
});
