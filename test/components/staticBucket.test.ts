import { expect } from "chai";
import { StaticBucket, StaticBucketArgs } from "../../components/staticBucket";
import { PreviewDocument } from "../../graph/document";
import { simulate } from "../../preview/simulate";
import { at, find, naming, resourcesOf, statementsOf } from "../support";

const DEPLOYERS = ["iaso-test-ci-deploy", "Deployment"].map(
  (role) => `arn:aws:iam::123456789012:role/${role}`,
);

function preview(cloudFront?: StaticBucketArgs["cloudFront"]): Promise<PreviewDocument> {
  return simulate(() => {
    new StaticBucket("static", {
      naming,
      webOrigins: ["https://iaso.example.org", "https://enketo.example.org"],
      deployers: DEPLOYERS,
      cloudFront,
    });
  });
}

describe("components/staticBucket", () => {
  it("lets everyone read objects and nothing else, and only roles that deploy write", async () => {
    const document = await preview();
    const statements = statementsOf(find(document, "aws:s3/bucketPolicy:BucketPolicy").inputs.policy);
    expect(Object.keys(statements)).to.have.members([
      "EveryoneReadsObjects",
      "OnlyDeployersWrite",
      "DenyPlainHttp",
    ]);
    expect(statements.EveryoneReadsObjects).to.deep.include({
      Effect: "Allow",
      Principal: "*",
      Action: "s3:GetObject",
      Resource: "arn:aws:s3:::example-iaso-test-static/*",
    });
    expect(statements.OnlyDeployersWrite).to.deep.include({
      Effect: "Deny",
      Principal: "*",
      Action: ["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"],
      Resource: "arn:aws:s3:::example-iaso-test-static/*",
      Condition: {
        ArnNotEquals: { "aws:PrincipalArn": DEPLOYERS },
      },
    });
  });

  it("keeps ACLs off though its policy is public", async () => {
    const document = await preview();
    expect(find(document, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock").inputs).to.include({
      blockPublicAcls: true,
      ignorePublicAcls: true,
      blockPublicPolicy: false,
      restrictPublicBuckets: false,
    });
    expect(
      find(document, "aws:s3/bucketOwnershipControls:BucketOwnershipControls").inputs.rule,
    ).to.deep.equal({
      objectOwnership: "BucketOwnerEnforced",
    });
  });

  it("lets the pages of Iaso and Enketo load fonts", async () => {
    const document = await preview();
    const rules = find(document, "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration").inputs.corsRules;
    expect(at(rules, 0, "allowedOrigins")).to.deep.equal([
      "https://iaso.example.org",
      "https://enketo.example.org",
    ]);
  });

  it("is the host of STATIC_URL without CloudFront", async () => {
    const document = await preview();
    expect(resourcesOf(document, "aws:cloudfront/distribution:Distribution")).to.deep.equal([]);
    expect(find(document, "iaso:index:StaticBucket").outputs).to.include({
      host: "example-iaso-test-static.s3.eu-central-1.amazonaws.com",
      url: "https://example-iaso-test-static.s3.eu-central-1.amazonaws.com/static/",
    });
  });

  it("is private behind CloudFront: all four blocks are on, and only the account's distributions read", async () => {
    const document = await preview({ host: "static.example.org", certificateArn: "arn:certificate" });
    expect(find(document, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock").inputs).to.include({
      blockPublicAcls: true,
      ignorePublicAcls: true,
      blockPublicPolicy: true,
      restrictPublicBuckets: true,
    });
    const statements = statementsOf(find(document, "aws:s3/bucketPolicy:BucketPolicy").inputs.policy);
    expect(Object.keys(statements)).to.have.members([
      "CloudFrontReadsObjects",
      "OnlyDeployersWrite",
      "DenyPlainHttp",
    ]);
    expect(statements.CloudFrontReadsObjects).to.deep.include({
      Effect: "Allow",
      Principal: { Service: "cloudfront.amazonaws.com" },
      Action: "s3:GetObject",
      Resource: "arn:aws:s3:::example-iaso-test-static/*",
      Condition: { ArnLike: { "aws:SourceArn": "arn:aws:cloudfront::123456789012:distribution/*" } },
    });
    const accessControl = find(document, "aws:cloudfront/originAccessControl:OriginAccessControl");
    expect(accessControl.inputs).to.include({
      originAccessControlOriginType: "s3",
      signingBehavior: "always",
      signingProtocol: "sigv4",
    });
    const { origins } = find(document, "aws:cloudfront/distribution:Distribution").inputs;
    expect(at(origins, 0, "originAccessControlId")).to.equal(accessControl.id);
    expect(at(origins, 0, "domainName")).to.equal("example-iaso-test-static.s3.eu-central-1.amazonaws.com");
  });

  it("is served by CloudFront over HTTPS under the configured host", async () => {
    const document = await preview({ host: "static.example.org", certificateArn: "arn:certificate" });
    const { inputs, propertyDependencies } = find(document, "aws:cloudfront/distribution:Distribution");
    expect(inputs.aliases).to.deep.equal(["static.example.org"]);
    expect(inputs.viewerCertificate).to.deep.equal({
      acmCertificateArn: "arn:certificate",
      minimumProtocolVersion: "TLSv1.2_2021",
      sslSupportMethod: "sni-only",
    });
    expect(at(inputs.defaultCacheBehavior, "viewerProtocolPolicy")).to.equal("redirect-to-https");
    expect(at(inputs.defaultCacheBehavior, "allowedMethods")).to.deep.equal(["GET", "HEAD"]);
    // A cached answer of the bucket to one page's origin would be refused by the browsers of another one's.
    expect(inputs.defaultCacheBehavior).not.to.have.property("originRequestPolicyId");
    expect(at(inputs.defaultCacheBehavior, "responseHeadersPolicyId")).to.equal(
      "e61eb60c-9c35-4d20-a928-2b84e02af89c",
    );
    expect(propertyDependencies.origins).to.have.members([
      find(document, "aws:s3/bucket:Bucket").urn,
      find(document, "aws:cloudfront/originAccessControl:OriginAccessControl").urn,
    ]);
    expect(find(document, "iaso:index:StaticBucket").outputs.url).to.equal(
      "https://static.example.org/static/",
    );
  });
});
