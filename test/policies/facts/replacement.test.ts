import { expect } from "chai";
import { isReplacing } from "../../../policies/facts/replacement";

const REDIS = "aws:elasticache/replicationGroup:ReplicationGroup";

describe("which changes replace a resource", () => {
  it("those of properties that the provider marks so, and of the region of what has one", () => {
    const replaces = (type: string, property: string) => isReplacing(type, property, {}, {});
    expect(replaces("aws:sqs/queue:Queue", "name")).to.equal(true);
    expect(replaces("aws:sqs/queue:Queue", "delaySeconds")).to.equal(false);
    expect(replaces("aws:sqs/queue:Queue", "region")).to.equal(true);
    expect(replaces("aws:iam/role:Role", "region")).to.equal(false);
    expect(replaces("command:local:Command", "triggers")).to.equal(true);
    expect(replaces("pulumi:providers:aws", "region")).to.equal(false);
    expect(replaces("aws:elasticbeanstalk/applicationVersion:ApplicationVersion", "description")).to.equal(
      false,
    );
  });

  for (const type of [
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
  ]) {
    it(`another kind of source of ${type}`, () => {
      const sources = ["cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"];
      for (const source of sources) {
        expect(isReplacing(type, source, { [source]: "a" }, { [source]: "b" }), source).to.equal(false);
        expect(isReplacing(type, source, { [source]: "a" }, { other: "a" }), source).to.equal(true);
        expect(isReplacing(type, source, { other: "a" }, { [source]: "a" }), source).to.equal(true);
      }
      expect(isReplacing(type, "description", {}, { description: "a" })).to.equal(false);
    });
  }

  it("an older version of the same engine of Redis", () => {
    const replaces = (from: string, to: string, engine = "redis") =>
      isReplacing(
        REDIS,
        "engineVersion",
        { engine: "redis", engineVersion: from },
        { engine, engineVersion: to },
      );
    expect(replaces("7.1", "7.0")).to.equal(true);
    expect(replaces("7.1", "6.x")).to.equal(true);
    expect(replaces("7.1", "7.2")).to.equal(false);
    expect(replaces("7.1", "10.0")).to.equal(false);
    expect(replaces("8.0", "7.2", "valkey")).to.equal(false);
  });

  it("TLS on a Redis that is too old to turn it on", () => {
    const replaces = (engineVersion: string) =>
      isReplacing(REDIS, "transitEncryptionEnabled", { engineVersion }, { engineVersion });
    expect(["6.x", "7.0.4", "7.0.5", "7.1"].map(replaces)).to.deep.equal([true, true, false, false]);
  });
});
