import { EC2Client } from "@aws-sdk/client-ec2";
import { ElasticBeanstalkClient } from "@aws-sdk/client-elastic-beanstalk";
import { ConfiguredRetryStrategy } from "@smithy/core/retry";
import { expect } from "chai";
import { buildImage } from "../../ami/buildImage";
import { type Clients } from "../../ami/images";
import { promoteImage, type PromoteOptions } from "../../ami/promoteImage";
import { recipeWith } from "../../ami/recipe";
import { Role } from "../authorization";
import { Ec2Double } from "./ec2Double";

const PLATFORM = "64bit Amazon Linux 2023 v4.13.9 running Python 3.13";
const KEY = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555";
const OTHER = "210987654321";

/** The permissions for a promotion in ami/README.md. */
const PROMOTER = new Role([
  {
    Effect: "Allow",
    Action: [
      "ec2:CopyImage",
      "ec2:CreateTags",
      "ec2:DeleteSnapshot",
      "ec2:DeregisterImage",
      "ec2:Describe*",
      "ec2:ModifyImageAttribute",
      "ec2:ModifySnapshotAttribute",
      "elasticbeanstalk:DescribeConfigurationSettings",
      "elasticbeanstalk:DescribeEnvironments",
    ],
    Resource: "*",
  },
]);

describe("ami/promoteImage", () => {
  let staging: Ec2Double;
  let prod: Ec2Double;
  let source: Clients;
  let target: Clients;
  let proven: string;
  const lines: string[] = [];

  const build = async (clients: Clients, env: string) =>
    buildImage(clients, {
      region: "eu-central-1",
      env,
      recipe: recipeWith([]),
      solutionStackName: PLATFORM,
      instanceType: "c7i.2xlarge",
      subnetId: undefined,
      timeoutMinutes: 1,
      pollSeconds: 0.001,
      leaseSeconds: 60,
      report: (line) => lines.push(line),
      signal: new AbortController().signal,
    });
  const promote = (options: Partial<PromoteOptions> = {}) =>
    promoteImage(source, {
      from: "staging",
      to: "prod",
      region: "eu-central-1",
      timeoutMinutes: 1,
      report: (line) => lines.push(line),
      pause: () => Promise.resolve(),
      ...options,
    });
  const other = () => ({ other: { ec2: target.ec2, account: OTHER, key: KEY } });
  const clientsOf = (endpoint: string): Clients => {
    const settings = {
      region: "eu-central-1",
      endpoint,
      credentials: { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "example" },
      // Repeats without a delay.
      retryStrategy: new ConfiguredRetryStrategy(3, 1),
    };
    return { ec2: new EC2Client(settings), beanstalk: new ElasticBeanstalkClient(settings) };
  };

  beforeEach(async () => {
    lines.length = 0;
    staging = new Ec2Double();
    prod = new Ec2Double(OTHER);
    prod.neighbours.push(staging);
    source = clientsOf(await staging.start());
    target = clientsOf(await prod.start());
    proven = (await build(source, "staging")).imageId;
    staging.environmentImages.set("iaso-staging-web", proven);
    for (const double of [staging, prod]) double.role = PROMOTER;
  });
  afterEach(() => {
    staging.stop();
    prod.stop();
  });

  it("gives another environment of the account a copy, which its build finds", async () => {
    const { imageId, fingerprint } = await promote();
    expect(imageId).to.not.equal(proven);
    const copy = staging.images.get(imageId)!;
    expect(copy.state).to.equal("available");
    expect(Object.fromEntries(copy.tags)).to.include({ env: "prod", "iaso:ami-fingerprint": fingerprint });
    staging.runAs("prod");
    expect(await build(source, "prod")).to.include({ imageId, fingerprint, reused: true });
    expect(staging.calls.filter((call) => call === "RunInstances")).to.have.lengthOf(1);
    // Either image can be deleted without the other.
    expect(copy.snapshotId).to.not.equal(staging.images.get(proven)?.snapshotId);
    expect(staging.orphanSnapshots).to.deep.equal([]);
  });

  it("gives an environment of another account a copy, and shares nothing afterwards", async () => {
    prod.usableKeys.add(KEY);
    const { imageId } = await promote(other());
    expect([...staging.images.keys()]).to.deep.equal([proven]);
    expect(staging.orphanSnapshots).to.deep.equal([]);
    expect([...prod.images.keys()]).to.deep.equal([imageId]);
    // The copy does not need the other account's key any more.
    expect([...prod.snapshots.values()].map(({ key }) => key)).to.deep.equal([undefined]);
    prod.runAs("prod");
    expect(await build(target, "prod")).to.include({ imageId, reused: true });
  });

  it("shares nothing after a failure, and says which", async () => {
    const error = await promote(other()).catch((reason: unknown) => reason);
    expect(String(error)).to.match(/EC2 did not create the image iaso-gdal-prod-/);
    expect(prod.images.size).to.equal(0);
    expect([...staging.images.keys()]).to.deep.equal([proven]);
    expect(staging.orphanSnapshots).to.deep.equal([]);
  });

  it("shares the image on while the other account is still copying it at the end of the time limit", async () => {
    prod.usableKeys.add(KEY);
    Object.assign(staging, { lag: 0, imageLooks: -1 });
    prod.imageLooks = 1000;
    const error = await promote({ ...other(), timeoutMinutes: -1 }).catch((reason: unknown) => reason);
    expect(String(error)).to.match(/EC2 is still creating/);
    expect([staging.images.size, prod.images.size]).to.deep.equal([2, 1]);
    prod.imageLooks = 0;
    const [copy] = prod.images.keys();
    expect(await promote(other())).to.include({ imageId: copy, reused: true });
    expect([...staging.images.keys()]).to.deep.equal([proven]);
    expect(staging.orphanSnapshots).to.deep.equal([]);
  });

  it("does not copy what the environment has already, nor what no environment uses", async () => {
    const { imageId } = await promote();
    expect(await promote()).to.include({ imageId, reused: true });
    expect(staging.calls.filter((call) => call === "CopyImage")).to.have.lengthOf(1);
    staging.environmentImages.clear();
    const error = await promote({ to: "qa" }).catch((reason: unknown) => reason);
    expect(String(error)).to.match(/staging uses no image that this tool built/);
  });

  it("goes on after a stop at any call, with one copy and nothing shared @proof", async () => {
    prod.usableKeys.add(KEY);
    await promote(other());
    const calls = { staging: staging.calls.length, prod: prod.calls.length };
    let runs = 0;
    for (const kind of ["error", "lost-answer"] as const) {
      for (const name of ["staging", "prod"] as const) {
        for (let at = 1; at <= calls[name]; at++) {
          for (const id of [...prod.images.keys()]) {
            prod.images.delete(id);
            prod.snapshots.clear();
          }
          const double = { staging, prod }[name];
          double.calls.length = 0;
          double.fault = { at, times: kind === "error" ? 1 : 4, kind };
          await promote(other()).catch(() => undefined);
          double.fault = undefined;
          await promote(other());
          runs++;
          const what = `${kind} at ${name} ${at}`;
          expect([...staging.images.keys()], what).to.deep.equal([proven]);
          expect(prod.images.size, what).to.equal(1);
          expect([...staging.orphanSnapshots, ...prod.orphanSnapshots], what).to.deep.equal([]);
        }
      }
    }
    console.log(`      ${runs} runs`);
  });
});
