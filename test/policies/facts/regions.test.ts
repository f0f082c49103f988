import { expect } from "chai";
import { REGIONS } from "../../../policies/facts/regions";
import { at, find, previewWith } from "../../support";

describe("policies/facts/regions", () => {
  it("has a hosted zone of its own for each region", () => {
    const zones = Object.values(REGIONS).map(({ beanstalkHostedZone }) => beanstalkHostedZone);
    expect(new Set(zones)).to.have.lengthOf(zones.length);
    for (const zone of zones) expect(zone).to.match(/^Z[0-9A-Z]{12,20}$/);
    for (const region of Object.keys(REGIONS)) expect(region).to.match(/^[a-z]{2}-[a-z]+-\d$/);
  });

  it("knows that Paris has not the zone of its load balancers", () => {
    expect(REGIONS["eu-west-3"]).to.include({ beanstalkHostedZone: "Z5WN6GAYWG5OB" });
  });

  it("closes the list of regions with Signature Version 2", () => {
    const closed = Object.entries(REGIONS).filter(
      ([, { acceptsSignatureVersion2 }]) => acceptsSignatureVersion2,
    );
    expect(closed.map(([region]) => region)).to.have.members([
      "ap-northeast-1",
      "ap-southeast-1",
      "ap-southeast-2",
      "eu-west-1",
      "sa-east-1",
      "us-east-1",
      "us-west-1",
      "us-west-2",
    ]);
  });

  it("gives the program the zone of its region, also where the provider's function has another one", async () => {
    const document = await previewWith({ "iaso:region": "eu-south-2" });
    const record = find(document, "aws:route53/record:Record", "web");
    expect(at(record.inputs, "aliases", 0, "zoneId")).to.equal(REGIONS["eu-south-2"]?.beanstalkHostedZone);
  });
});
