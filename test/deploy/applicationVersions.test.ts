import { createHash } from "node:crypto";
import { expect } from "chai";
import { findLabel, type KnownVersion, versionLabel } from "../../deploy/applicationVersions";
import { type Report } from "../../deploy/output/report";
import { UserError } from "../../cli/userError";
import { ARTIFACTS, AwsDouble, PREVIOUS } from "./double/aws";
import { builtVersion, deployment, mismatches, runDirect } from "./double/runs";

const bundle = { path: "/nowhere", sha256: "0123456789abcdef".repeat(4), bytes: 1 };

function known(...labels: string[]): KnownVersion[] {
  return labels.map((label) => ({ label, created: "", status: "PROCESSED", description: "", own: true }));
}

async function deployTo(double: AwsDouble): Promise<Report> {
  double.describeTarget();
  double.addPair();
  return (await runDirect(double, deployment(builtVersion().build))) as Report;
}

describe("deploy/applicationVersions", () => {
  it("labels a version so that other bytes have another label", () => {
    expect(versionLabel("1.2", bundle)).to.equal("1.2-0123456789abcdef");
    expect(() => versionLabel("x".repeat(84), bundle)).to.throw(UserError, "cannot be a label");
    expect(versionLabel("x".repeat(83), bundle)).to.have.length(100);
  });

  it("finds the label a person means", () => {
    const versions = known(
      "1.2-0123456789abcdef",
      "1.2-rc-0123456789abcdef",
      "1.3-0123456789abcdef",
      "1.3-89abcdef01234567",
    );
    expect(findLabel(versions, "1.2", "prod")).to.equal("1.2-0123456789abcdef");
    expect(findLabel(versions, "1.3-89abcdef01234567", "prod")).to.equal("1.3-89abcdef01234567");
    expect(() => findLabel(versions, "1.3", "prod")).to.throw(
      UserError,
      "2 builds of 1.3: 1.3-0123456789abcdef, 1.3-89abcdef01234567",
    );
    expect(() => findLabel(versions, "1", "prod")).to.throw(UserError, "no application version 1.");
  });

  it("uploads a bundle again and creates its version once if answers are lost", async () => {
    const double = new AwsDouble();
    double.faultOn = (operation, before) => {
      if (operation === "CreateApplicationVersion" && before === 0) return "timeoutAfter";
      // The first write of the run is the lock's.
      return operation === "PutObject" && before === 6 ? "timeoutAfter" : undefined;
    };
    const report = await deployTo(double);
    expect(report.outcome).to.equal("deployed");
    expect(double.s3.keys(ARTIFACTS, "bundles/")).to.deep.equal([`bundles/${report.to!}.zip`]);
    expect(double.calls.filter(({ operation }) => operation === "CreateApplicationVersion")).to.have.length(
      2,
    );
    expect(mismatches(double, [report.to!])).to.deep.equal([]);
  });

  it("refuses a key and a version that somebody else has taken, with other bytes, and changes nothing", async () => {
    const { label } = builtVersion();
    const key = `bundles/${label}.zip`;
    const body = Buffer.from("a bundle with a back door");
    const checksums: Record<string, string>[] = [
      {},
      { "x-amz-checksum-sha256": createHash("sha256").update(body).digest("base64") },
    ];
    for (const headers of checksums) {
      const planted = new AwsDouble();
      planted.s3.write(ARTIFACTS, key, body, headers);
      const report = await deployTo(planted);
      expect(report.outcome).to.equal("refused");
      expect(report.summary).to.contain(`The object ${key} of ${ARTIFACTS} has other bytes than the build`);
      expect(mismatches(planted, [PREVIOUS])).to.deep.equal([]);
    }
    const taken = new AwsDouble();
    taken.beanstalk.addVersion(label, ARTIFACTS, "bundles/other.zip");
    const report = await deployTo(taken);
    expect(report.outcome).to.equal("refused");
    expect(report.summary).to.contain(`${label} exists with another source bundle`);
    expect(mismatches(taken, [PREVIOUS])).to.deep.equal([]);
  });

  it("refuses a bundle that Beanstalk cannot process, and tries it anew the next time", async () => {
    const double = new AwsDouble();
    const { label } = builtVersion();
    double.beanstalk.unprocessable.add(label);
    const report = await deployTo(double);
    expect(report.outcome).to.equal("refused");
    expect(report.summary).to.equal(`Beanstalk cannot process the source bundle of ${label}.`);
    expect(mismatches(double, [PREVIOUS])).to.deep.equal([]);
    double.beanstalk.unprocessable.clear();
    const again = (await runDirect(double, deployment(builtVersion().build))) as Report;
    expect(again.outcome).to.equal("deployed");
  });
});
