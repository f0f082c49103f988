import * as aws from "@pulumi/aws";
import { expect } from "chai";
import fc from "fast-check";
import { Dns, DnsArgs, MailRecords, txtValue } from "../../components/dns";
import { PreviewDocument } from "../../graph/document";
import { simulate } from "../../preview/simulate";
import { printedSeed } from "../seed";
import { find, resourcesOf } from "../support";

const RECORD = "aws:route53/record:Record";

const mail: MailRecords = {
  domain: "mg.example.org",
  dkimSelector: "mx",
  dkimRecord: `k=rsa; p=${"A".repeat(400)}`,
  region: "eu",
};

function preview(own: () => Partial<DnsArgs> = () => ({})): Promise<PreviewDocument> {
  return simulate(() => {
    new Dns("dns", {
      zoneId: "Z1",
      beanstalkZoneId: "Z1FRNW7UH4DEZJ",
      web: { host: "iaso.example.org", cname: "web.eu-central-1.elasticbeanstalk.com" },
      enketo: { host: "enketo.example.org", cname: "enketo.eu-central-1.elasticbeanstalk.com" },
      ...own(),
    });
  });
}

describe("components/dns", () => {
  it("points the hosts of web and Enketo to their environments, and creates no other record", async () => {
    const document = await preview();
    expect(resourcesOf(document, RECORD).map(({ name }) => name)).to.deep.equal(["web", "enketo"]);
    for (const key of ["web", "enketo"]) {
      expect(find(document, RECORD, key).inputs).to.deep.include({
        zoneId: "Z1",
        name: key === "web" ? "iaso.example.org" : "enketo.example.org",
        type: "A",
        aliases: [
          {
            name: `${key}.eu-central-1.elasticbeanstalk.com`,
            zoneId: "Z1FRNW7UH4DEZJ",
            evaluateTargetHealth: false,
          },
        ],
      });
    }
  });

  it("points the static host to its distribution, in CloudFront's zone", async () => {
    const document = await preview(() => ({
      staticHost: {
        host: "static.example.org",
        distribution: new aws.cloudfront.Distribution("static", {
          enabled: true,
          origins: [],
          restrictions: { geoRestriction: { restrictionType: "none" } },
          viewerCertificate: { cloudfrontDefaultCertificate: true },
          defaultCacheBehavior: {
            allowedMethods: ["GET"],
            cachedMethods: ["GET"],
            targetOriginId: "static",
            viewerProtocolPolicy: "https-only",
          },
        }),
      },
    }));
    const distribution = find(document, "aws:cloudfront/distribution:Distribution");
    for (const type of ["A", "AAAA"]) {
      const { inputs } = find(document, RECORD, `static-${type}`);
      expect(inputs).to.deep.include({ zoneId: "Z1", name: "static.example.org", type });
      expect(inputs.aliases).to.deep.equal([
        {
          name: distribution.outputs.domainName,
          // The one zone of all distributions.
          zoneId: "Z2FDTNDATAQYW2",
          evaluateTargetHealth: false,
        },
      ]);
    }
  });

  it("makes the records that Mailgun asks for, on the servers of its region", async () => {
    for (const [region, server] of [
      ["eu", "eu.mailgun.org"],
      ["us", "mailgun.org"],
    ] as const) {
      const document = await preview(() => ({ mail: { ...mail, dkimRecord: "k=rsa; p=AAAA", region } }));
      const records = resourcesOf(document, RECORD)
        .filter(({ name }) => name.startsWith("mail-"))
        .map(({ inputs }) => [inputs.name, inputs.type, inputs.records]);
      expect(records).to.have.deep.members([
        ["mg.example.org", "TXT", ["v=spf1 include:mailgun.org ~all"]],
        ["mx._domainkey.mg.example.org", "TXT", ["k=rsa; p=AAAA"]],
        ["mg.example.org", "MX", [`10 mxa.${server}`, `10 mxb.${server}`]],
        ["email.mg.example.org", "CNAME", [server]],
      ]);
    }
  });

  it("cuts a long DKIM record into strings that a TXT record can hold, without losing any of it", async () => {
    const document = await preview(() => ({ mail }));
    const [text] = find(document, RECORD, "mail-dkim").inputs.records as string[];
    const strings = text!.split('""');
    expect(strings.length).to.be.greaterThan(1);
    for (const string of strings) expect(string).to.have.lengthOf.at.most(255);
    expect(strings.join("")).to.equal(mail.dkimRecord);
  });

  it("cuts any text into strings of at most 255 characters that together are the text", () => {
    const unit = fc.constantFrom("A", "z", "0", "+", "/", "=", " ", ";");
    // Lengths around multiples of 255.
    const text = fc
      .tuple(fc.nat(5), fc.integer({ min: -2, max: 2 }))
      .map(([strings, more]) => Math.max(1, strings * 255 + more))
      .chain((length) => fc.string({ unit, minLength: length, maxLength: length }));
    fc.assert(
      fc.property(text, (value) => {
        const strings = txtValue(value).split('""');
        expect(strings.join("")).to.equal(value);
        for (const string of strings) expect(string).to.have.lengthOf.within(1, 255);
      }),
      { seed: printedSeed() },
    );
  });
});
