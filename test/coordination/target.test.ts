import { expect } from "chai";
import { status } from "../../deploy/commands/status";
import { type Report } from "../../deploy/output/report";
import { AwsDouble, ENV } from "../deploy/double/aws";
import { runDirect } from "../deploy/double/runs";

async function statusWith(change: (target: Record<string, unknown>) => unknown): Promise<Report> {
  const double = new AwsDouble();
  double.describeTarget();
  double.addPair();
  const name = `/iaso/${ENV}/deployment`;
  const target = JSON.parse(double.parameters.get(name)!) as Record<string, unknown>;
  double.parameters.set(name, JSON.stringify(change(target)));
  return (await runDirect(double, status)) as Report;
}

describe("coordination/target", () => {
  it("reads the parameter that the Pulumi program writes", async () => {
    expect((await statusWith((target) => target)).outcome).to.equal("shown");
  });

  it("names the field that is wrong, and the command that writes it", async () => {
    const report = await statusWith((target) => ({ ...target, platform: "php", queueUrl: undefined }));
    expect(report.outcome).to.equal("refused");
    expect(report.summary).to.match(/\/iaso\/staging\/deployment .*platform: .*queueUrl: /);
    expect(report.remedy).to.equal("pulumi up --stack staging");
  });

  it("does not deploy to another region than the environment's", async () => {
    const report = await statusWith((target) => ({ ...target, region: "eu-west-1" }));
    expect(report).to.deep.include({
      outcome: "refused",
      summary: "The environment staging is in eu-west-1, not in eu-central-1.",
      remedy: "Add --region eu-west-1",
    });
  });

  // The role that updates the infrastructure writes the parameter, and may delete no database.
  const foreign = {
    application: "iaso-prod",
    artifactsBucket: "evil-bucket",
    staticBucket: "example-iaso-prod-static",
    databaseIdentifier: "iaso-prod",
    imageRepository: "iaso-prod",
    queueUrl: "https://sqs.eu-central-1.amazonaws.com/999999999999/iaso-staging-tasks",
  };
  const queue = "123456789012/iaso-staging-tasks";
  const addresses = {
    "with the account of somebody else before its own": `https://x/999999999999/x/${queue}`,
    "on the host of somebody else": `https://sqs.eu-central-1.amazonaws.com.example.org/${queue}`,
  };
  for (const [what, queueUrl] of Object.entries(addresses)) {
    it(`refuses a parameter with a queue ${what}`, async () => {
      const report = await statusWith((target) => ({ ...target, queueUrl }));
      expect(report.outcome).to.equal("refused");
      expect(report.summary).to.include(`not those of staging: queueUrl ${queueUrl}.`);
    });
  }

  for (const [key, value] of Object.entries(foreign)) {
    it(`refuses a parameter whose ${key} is that of another environment or account`, async () => {
      const report = await statusWith((target) => ({ ...target, [key]: value }));
      expect(report.outcome).to.equal("refused");
      expect(report.summary).to.equal(
        `The SSM parameter /iaso/staging/deployment of account 123456789012 names resources that are not those of staging: ${key} ${value}.`,
      );
      expect(report.remedy).to.include("CloudTrail").and.include("pulumi up --stack staging");
    });
  }

  it("refuses a parameter that is no object", async () => {
    expect((await statusWith(() => "nothing")).outcome).to.equal("refused");
  });
});
