import { Route53Client } from "@aws-sdk/client-route-53";
import { expect } from "chai";
import { pointRecords, readRecords } from "../../../move/cutover/records";
import { ExistingAccount, type RecordDouble } from "../double/account";
import { type AwsServer, serveExisting } from "../double/aws";

const ZONES = { zoneId: "Z0EXAMPLE", beanstalkZoneId: "Z1FRNW7UH4DEZJ" };
const WEB = { host: "iaso.example.org", cname: "new-web.eu-central-1.elasticbeanstalk.com" };
const ENKETO = { host: "enketo.example.org", cname: "new-enketo.eu-central-1.elasticbeanstalk.com" };
const HOSTS = [WEB, ENKETO];

describe("move/cutover/records", () => {
  let account: ExistingAccount;
  let aws: AwsServer;
  let route53: Route53Client;
  let slept: number;
  const clock = {
    sleep: () => {
      slept++;
      return Promise.resolve();
    },
  };
  const zone = () => account.zones.find(({ id }) => id === ZONES.zoneId)!;
  const ownOf = (host: string) => zone().records.filter(({ name }) => name === host);
  const alias = ({ host, cname }: typeof WEB): RecordDouble => ({
    name: host,
    type: "A",
    target: cname,
    alias: ZONES.beanstalkZoneId,
  });

  before(async () => {
    aws = await serveExisting(() => account);
    const credentials = { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "example" };
    route53 = new Route53Client({
      region: "us-east-1",
      endpoint: aws.url,
      credentials,
      retryMode: "standard",
    });
  });
  after(() => {
    aws.stop();
  });
  beforeEach(() => {
    account = new ExistingAccount();
    slept = 0;
  });

  it("shows what the hosts lead to, and for how long resolvers keep it", async () => {
    zone().records.push({ name: "a.iaso.example.org", type: "A", target: "x.example.org", alias: "Z1" });
    const [web, enketo] = await readRecords(route53, ZONES, HOSTS);
    expect(web).to.include({ ttl: 60, isMoved: false });
    expect(web?.current.map(({ AliasTarget }) => AliasTarget?.DNSName)).to.deep.equal([
      `dualstack.${account.web.endpoint ?? ""}.`,
    ]);
    expect(enketo).to.include({ ttl: 300, isMoved: false });
    expect(enketo?.current.map(({ Type }) => Type)).to.deep.equal(["CNAME"]);
  });

  it("points alias and CNAME records to the new platform in one change, and waits for all servers", async () => {
    zone().records.push(
      { name: WEB.host, type: "AAAA", target: "dualstack.old.elb.amazonaws.com", alias: "Z215JYRZR1TBD5" },
      { name: WEB.host, type: "TXT", target: "proof" },
      { name: "www.example.org", type: "CNAME", target: "iaso.example.org" },
    );
    const others = zone().records.filter(
      ({ name, type }) => type === "TXT" || !HOSTS.some(({ host }) => host === name),
    );
    aws.calls.length = 0;
    await pointRecords(route53, ZONES, HOSTS, clock);
    expect(aws.calls.filter((call) => call === "route53:ChangeResourceRecordSets")).to.have.lengthOf(1);
    expect(slept).to.equal(2);
    expect(zone().records).to.have.deep.members([...others, alias(WEB), alias(ENKETO)]);
    expect((await readRecords(route53, ZONES, HOSTS)).map(({ isMoved }) => isMoved)).to.deep.equal([
      true,
      true,
    ]);
  });

  it("changes nothing that is done, and creates a record that is missing", async () => {
    zone().records = [alias(WEB)];
    await pointRecords(route53, ZONES, HOSTS, clock);
    expect(zone().records).to.have.deep.members([alias(WEB), alias(ENKETO)]);
    aws.calls.length = 0;
    await pointRecords(route53, ZONES, HOSTS, clock);
    expect(aws.calls).to.not.include("route53:ChangeResourceRecordSets");
  });

  it("changes no record if one of them is refused", async () => {
    const before = structuredClone(zone().records);
    const foreign = { ...ENKETO, host: "enketo.example.com" };
    const error = await pointRecords(route53, ZONES, [WEB, foreign], clock).catch(
      (reason: unknown) => reason,
    );
    expect(error).to.have.property("name", "InvalidChangeBatch");
    expect(zone().records).to.deep.equal(before);
    expect(ownOf(WEB.host).map(({ type }) => type)).to.deep.equal(["A"]);
  });
});
