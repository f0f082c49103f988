import { EC2Client } from "@aws-sdk/client-ec2";
import { ElasticBeanstalkClient } from "@aws-sdk/client-elastic-beanstalk";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { expect } from "chai";
import { buildImage, type BuildOptions } from "../../ami/buildImage";
import { deleteImage, pruneImages } from "../../ami/images";
import { Ec2Double } from "./ec2Double";

const credentials = { accessKeyId: "test", secretAccessKey: "test" };

describe("ami/buildImage", () => {
  let ec2: Ec2Double;
  let endpoint: string;

  beforeEach(async () => {
    ec2 = new Ec2Double();
    endpoint = await ec2.start();
  });
  afterEach(() => {
    ec2.stop();
  });

  function clients() {
    const settings = {
      region: "eu-central-1",
      endpoint,
      credentials,
      maxAttempts: 2,
      requestHandler: new NodeHttpHandler({ requestTimeout: 60, throwOnRequestTimeout: true }),
    };
    return { ec2: new EC2Client(settings), beanstalk: new ElasticBeanstalkClient(settings) };
  }

  function build(changes: Partial<BuildOptions> = {}) {
    return buildImage(clients(), {
      region: "eu-central-1",
      env: "staging",
      solutionStackName: "64bit Amazon Linux 2023 v4.7.3 running Python 3.9",
      instanceType: "c7i.2xlarge",
      timeoutMinutes: 1,
      pollSeconds: 0.002,
      report: () => undefined,
      signal: new AbortController().signal,
      ...changes,
    });
  }

  function expectNothingLeft(): void {
    expect(ec2.runningBuilders, "running builders").to.deep.equal([]);
    expect(ec2.orphanSnapshots, "orphan snapshots").to.deep.equal([]);
    expect([...ec2.groups.keys()], "security groups").to.deep.equal([]);
  }

  it("makes an image and leaves nothing else", async () => {
    const lines: string[] = [];
    const built = await build({ report: (line) => lines.push(line) });
    expect(built.reused).to.equal(false);
    expect([...ec2.images.keys()]).to.deep.equal([built.imageId]);
    expectNothingLeft();
    expect(lines.join("\n")).to.contain("geos done 3s; 1 of 2 steps left");
    const request = ec2.runRequests[0]!;
    expect(request.get("MetadataOptions.HttpTokens")).to.equal("required");
    expect(request.get("InstanceInitiatedShutdownBehavior")).to.equal("terminate");
    expect(request.get("BlockDeviceMapping.1.Ebs.Encrypted")).to.equal("true");
    expect([...request.keys()].filter((key) => /KeyName|IamInstanceProfile/.test(key))).to.deep.equal([]);
    expect(ec2.calls).not.to.include("AuthorizeSecurityGroupIngress");
  });

  it("returns an image that exists without starting a builder", async () => {
    const first = await build();
    const second = await build();
    expect(second).to.deep.equal({ ...first, reused: true });
    expect(ec2.runRequests).to.have.length(1);
  });

  it("reports the failed step with its log, and terminates the builder", async () => {
    ec2.console = [
      "IASO-AMI step 1/2 geos start",
      "IASO-AMI log no rule to make target",
      "IASO-AMI failed geos exit 2 after 4s",
    ];
    const error = await build().then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
    expect(error?.message).to.contain("geos exit 2").and.contain("no rule to make target");
    expect(ec2.images.size).to.equal(0);
    expectNothingLeft();
  });

  it("does not take another line for the self-test's mark", async () => {
    ec2.console = [
      "IASO-AMI step 1/2 geos start",
      "ready",
      "IASO-AMI log ready",
      "IASO-AMI step 2/2 gdal done 1s",
    ];
    const error = await build({ timeoutMinutes: 0.005 }).then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
    expect(error?.message).to.contain("took longer than");
    expect(ec2.images.size).to.equal(0);
    expectNothingLeft();
  });

  it("terminates the builder when it is interrupted", async () => {
    const interrupt = new AbortController();
    ec2.onCall = (_number, action) => {
      if (action === "GetConsoleOutput") interrupt.abort();
    };
    const error = await build({ signal: interrupt.signal }).then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
    expect(error?.message).to.contain("Interrupted");
    expectNothingLeft();
  });

  it("gives two builds at once the same builder and the same image", async () => {
    const [one, two] = await Promise.allSettled([build(), build()]);
    const again = await build();
    for (const result of [one, two]) {
      if (result.status === "fulfilled") expect(result.value.imageId).to.equal(again.imageId);
    }
    expect(ec2.images.size).to.equal(1);
    expectNothingLeft();
  });

  for (const kind of ["throttle", "error", "timeout", "lost-answer"] as const) {
    it(`leaves nothing behind when any one call meets: ${kind}`, async function () {
      this.timeout(60_000);
      await build();
      const total = ec2.calls.length;
      for (let at = 1; at <= total; at++) {
        ec2.stop();
        ec2 = new Ec2Double();
        endpoint = await ec2.start();
        ec2.fault = { at, kind };
        await build().catch(() => undefined);
        const where = `fault at call ${at}, ${ec2.calls[at - 1] ?? ""}`;
        expect(ec2.runningBuilders, where).to.deep.equal([]);
        const { imageId } = await build();
        expect([...ec2.images.keys()], where).to.deep.equal([imageId]);
        expectNothingLeft();
      }
    });
  }

  it("refuses to delete an image in use, and deletes it with its snapshot when it is free", async () => {
    const { imageId } = await build();
    ec2.environmentImages.set("iaso-staging", imageId);
    const error = await deleteImage(clients(), imageId).then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
    expect(error?.message).to.contain("environment iaso-staging");
    ec2.environmentImages.clear();
    ec2.launchTemplateImages.push(imageId);
    expect(await pruneImages(clients(), 0)).to.deep.equal([]);
    ec2.launchTemplateImages.length = 0;
    await deleteImage(clients(), imageId);
    expect([ec2.images.size, ec2.snapshots.size]).to.deep.equal([0, 0]);
  });
});
