import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { Certificate } from "../../components/certificate";
import { PreviewDocument } from "../../graph/document";
import { simulate } from "../../preview/simulate";
import { find, naming, resourcesOf } from "../support";

function preview(region: string, otherHosts?: string[]): Promise<PreviewDocument> {
  return simulate(() => {
    const { arn } = new Certificate("web-certificate", {
      naming,
      host: "iaso.example.org",
      otherHosts,
      zoneId: "Z1",
      region,
    });
    new aws.sns.Topic("user", { displayName: arn });
  });
}

describe("components/certificate", () => {
  it("is validated by a record in the zone, and outputs its ARN when it is issued", async () => {
    const document = await preview("eu-central-1");
    const certificate = find(document, "aws:acm/certificate:Certificate");
    expect(certificate.inputs).to.deep.include({
      domainName: "iaso.example.org",
      validationMethod: "DNS",
      region: "eu-central-1",
      tags: naming.tags(),
    });
    const record = find(document, "aws:route53/record:Record");
    // Two certificates for one host are proven by the same record.
    expect(record.inputs).to.include({ zoneId: "Z1", type: "CNAME", allowOverwrite: true });
    expect(record.inputs.name).to.match(/^_.*\.iaso\.example\.org\.?$/);
    expect(record.propertyDependencies.records).to.deep.equal([certificate.urn]);
    const validation = find(document, "aws:acm/certificateValidation:CertificateValidation");
    expect(validation.propertyDependencies).to.deep.include({
      certificateArn: [certificate.urn],
      validationRecordFqdns: [record.urn],
    });
    const { arn } = find(document, "iaso:index:Certificate").outputs;
    expect(arn).to.match(/^arn:aws:acm:eu-central-1:123456789012:certificate\//);
    expect(arn).to.equal(validation.outputs.certificateArn);
    // A load balancer refuses a certificate that is not issued: whoever uses it waits for the validation.
    expect(find(document, "aws:sns/topic:Topic").propertyDependencies.displayName).to.include(validation.urn);
  });

  it("is made and validated in the region it is for", async () => {
    const document = await preview("us-east-1");
    for (const type of [
      "aws:acm/certificate:Certificate",
      "aws:acm/certificateValidation:CertificateValidation",
    ]) {
      expect(find(document, type).inputs.region).to.equal("us-east-1");
    }
    expect(find(document, "iaso:index:Certificate").outputs.arn).to.match(/^arn:aws:acm:us-east-1:/);
  });

  it("is for further hosts, each with a record that outlives it", async () => {
    const document = await preview("eu-central-1", ["old.example.org"]);
    const certificate = find(document, "aws:acm/certificate:Certificate");
    expect(certificate.inputs.subjectAlternativeNames).to.deep.equal(["old.example.org"]);
    const records = resourcesOf(document, "aws:route53/record:Record");
    expect(records.map(({ name, retainOnDelete }) => [name, retainOnDelete])).to.deep.equal([
      ["web-certificate-validation", false],
      ["web-certificate-validation-old.example.org", true],
    ]);
    expect(records.map(({ inputs }) => (inputs.name as string).replace(/^_[0-9a-f]+\./, ""))).to.deep.equal([
      "iaso.example.org.",
      "old.example.org.",
    ]);
    const validation = find(document, "aws:acm/certificateValidation:CertificateValidation");
    expect(validation.propertyDependencies.validationRecordFqdns).to.have.members(
      records.map(({ urn }) => urn),
    );
  });
});
