import { EC2Client } from "@aws-sdk/client-ec2";
import { ElasticBeanstalkClient } from "@aws-sdk/client-elastic-beanstalk";
import { ConfiguredRetryStrategy } from "@smithy/core/retry";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { expect } from "chai";
import { buildImage, type BuildOptions } from "../../ami/buildImage";
import { deleteImage, listImages, pruneImages } from "../../ami/images";
import { RECIPE, recipeWith } from "../../ami/recipe";
import type { Statement } from "../../policies/iam/document";
import { Role } from "../authorization";
import { Ec2Double } from "./ec2Double";

/** Attempts that the clients make of each call. */
const ATTEMPTS = 2;
/** Longer than any test: a run counts as alive for as long. */
const LONG = 600;
/** Seconds of a lease that ends before the next run begins. */
const SHORT = 0.05;

type Handle = NodeHttpHandler["handle"];

/** Decides for each call of a run, by its number from 1, whether it is sent and answered. */
type Network = (number: number, send: () => ReturnType<Handle>) => ReturnType<Handle>;

const never = () => new Promise<never>(() => undefined);

/** A network that answers nothing any more: for AWS it looks as if the run were killed. */
const killedBefore =
  (at: number): Network =>
  (number, send) =>
    number < at ? send() : never();
const killedAfter =
  (at: number): Network =>
  async (number, send) => {
    if (number > at) return never();
    const answer = await send();
    return number < at ? answer : never();
  };
const timedOut = () => Promise.reject(Object.assign(new Error("no answer"), { name: "TimeoutError" }));
/** All attempts of one call, and the network as a whole from one call on. */
const silentAt =
  (at: number): Network =>
  (number, send) =>
    number >= at && number < at + ATTEMPTS ? timedOut() : send();
const lostFrom =
  (at: number): Network =>
  (number, send) =>
    number >= at ? timedOut() : send();

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

  function clients(network: Network = (_number, send) => send()) {
    let calls = 0;
    const inner = new NodeHttpHandler({ requestTimeout: 20_000, throwOnRequestTimeout: true });
    const settings = {
      region: "eu-central-1",
      endpoint,
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
      retryStrategy: new ConfiguredRetryStrategy(ATTEMPTS, 1),
      requestHandler: {
        handle: (...args: Parameters<Handle>) => network(++calls, () => inner.handle(...args)),
      },
    };
    return { ec2: new EC2Client(settings), beanstalk: new ElasticBeanstalkClient(settings) };
  }

  interface Changes extends Partial<BuildOptions> {
    network?: Network;
  }

  function build({ network, ...changes }: Changes = {}) {
    return buildImage(clients(network), {
      region: "eu-central-1",
      env: "staging",
      recipe: RECIPE,
      solutionStackName: "64bit Amazon Linux 2023 v4.13.9 running Python 3.13",
      instanceType: "c7i.2xlarge",
      subnetId: undefined,
      timeoutMinutes: 1,
      pollSeconds: 0.002,
      leaseSeconds: LONG,
      report: () => undefined,
      signal: new AbortController().signal,
      ...changes,
    });
  }

  /** The message that a build ends with, and its remedy. */
  async function failureOf(changes: Changes): Promise<string> {
    try {
      await build(changes);
    } catch (error) {
      const { message, remedy = "" } = error as Error & { remedy?: string };
      return `${message} ${remedy}`;
    }
    throw new Error("The build succeeded.");
  }

  function expectNothingLeft(where = ""): void {
    expect(ec2.runningBuilders, `running builders, ${where}`).to.deep.equal([]);
    expect(ec2.orphanSnapshots, `orphan snapshots, ${where}`).to.deep.equal([]);
    expect([...ec2.groups.keys()], `security groups, ${where}`).to.deep.equal([]);
    const states = [...ec2.images.values()]
      .map(({ state }) => state)
      .filter((state) => state !== "available");
    expect(states, `incomplete images, ${where}`).to.deep.equal([]);
  }

  const aWhile = (seconds = SHORT * 2) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

  /** A run that is killed once its builder has been looked at. */
  async function leaveBuilder(changes: Changes = {}): Promise<string> {
    const before = ec2.runningBuilders;
    let killed = false;
    const network: Network = (_number, send) => (killed ? never() : send());
    const started = new Promise<void>((resolve) => {
      ec2.onCall = (_number, action) => {
        if (action === "GetConsoleOutput") {
          killed = true;
          resolve();
        }
      };
    });
    void build({ network, ...changes });
    await started;
    ec2.onCall = () => undefined;
    return ec2.runningBuilders.find((id) => !before.includes(id))!;
  }

  it("makes an image and leaves nothing else", async () => {
    const lines: string[] = [];
    const built = await build({ report: (line) => lines.push(line) });
    expect(built.reused).to.equal(false);
    expect([...ec2.images.keys()]).to.deep.equal([built.imageId]);
    expectNothingLeft();
    expect(lines.join("\n")).to.contain("geos done 3s; 1 of 2 steps left");
    for (const { tags } of [...ec2.images.values(), ...ec2.snapshots.values()]) {
      expect(tags.get("iaso:ami-fingerprint")).to.equal(built.fingerprint);
    }
    const request = ec2.runRequests[0]!;
    expect(request.get("ImageId")).to.equal(built.baseImageId);
    expect(request.get("MetadataOptions.HttpTokens")).to.equal("required");
    expect(request.get("InstanceInitiatedShutdownBehavior")).to.equal("terminate");
    expect(request.get("BlockDeviceMapping.1.Ebs.Encrypted")).to.equal("true");
    expect(request.get("BlockDeviceMapping.1.Ebs.VolumeType")).to.equal("gp3");
    expect([...request.keys()].filter((key) => /KeyName|IamInstanceProfile/.test(key))).to.deep.equal([]);
    expect(ec2.calls).not.to.include("AuthorizeSecurityGroupIngress");
  });

  it("names the missing permission of the role, and starts no builder", async () => {
    const lacking: Statement = { Effect: "Deny", Action: "ec2:RunInstances", Resource: "*" };
    ec2.role = new Role([...ec2.role.statements, lacking]);
    expect(await failureOf({})).to.include("ec2:RunInstances");
    expectNothingLeft();
  });

  it("returns an image that exists without starting a builder", async () => {
    const first = await build();
    const second = await build();
    expect(second).to.deep.equal({ ...first, reused: true });
    expect(ec2.runRequests).to.have.length(1);
  });

  it("takes no image and no builder of another environment in its account, and touches none", async () => {
    const { imageId } = await build();
    const left = await leaveBuilder({ recipe: recipeWith(["GPX"]), leaseSeconds: SHORT });
    await aWhile();
    ec2.runAs("prod");
    const own = await build({ env: "prod" });
    expect(own.reused).to.equal(false);
    expect(own.imageId).not.to.equal(imageId);
    const sameRecipe = await build({ env: "prod", recipe: recipeWith(["GPX"]) });
    expect(sameRecipe.reused).to.equal(false);
    expect(ec2.instances.get(left)?.state).to.equal("running");
    expect([...ec2.images.keys()]).to.include(imageId);
  });

  it("makes another image for another recipe", async () => {
    const first = await build();
    const second = await build({ recipe: recipeWith(["GPX"]) });
    expect(second.imageId).not.to.equal(first.imageId);
    expect(ec2.images.size).to.equal(2);
  });

  it("waits until EC2 lists new resources", async () => {
    ec2.lag = 4;
    const { imageId } = await build();
    expect([...ec2.images.keys()]).to.deep.equal([imageId]);
    expectNothingLeft();
  });

  it("starts the builder in another zone if the first has no capacity", async () => {
    ec2.fullSubnets.push("subnet-1");
    await build();
    expect(ec2.runRequests.map((request) => request.get("NetworkInterface.1.SubnetId"))).to.deep.equal([
      "subnet-1",
      "subnet-2",
    ]);
    expectNothingLeft();
  });

  it("reports the failed step with its exit code and the end of its log", async () => {
    ec2.console = [
      "IASO-AMI 1 step 1/2 geos start",
      "IASO-AMI 2 log no rule to make target",
      "IASO-AMI 3 failed geos exit 2 after 4s",
    ];
    const failure = await failureOf({});
    expect(failure).to.contain("The step geos failed").and.contain("exit code 2").and.contain("no rule to");
    expect(ec2.images.size).to.equal(0);
    expectNothingLeft();
  });

  it("reports a builder that ends early", async () => {
    ec2.console = ["IASO-AMI 1 step 1/2 geos start"];
    ec2.onCall = (_number, action) => {
      if (action === "GetConsoleOutput")
        for (const one of ec2.instances.values()) if (one.looks > 2) ec2.end(one);
    };
    expect(await failureOf({})).to.contain("ended before its self-test passed, at step geos: It was ended.");
    expectNothingLeft();
  });

  it("recognizes the self-test's mark only on the script's own line", async () => {
    ec2.console = [
      "IASO-AMI 1 step 1/2 geos start",
      "ready",
      "IASO-AMI ready",
      "IASO-AMI 2 log IASO-AMI 3 ready",
      "IASO-AMI 3 log ready",
      "IASO-AMI 4 ready or not",
      "IASO-AMI 5 step 2/2 gdal done 1s",
    ];
    expect(await failureOf({ timeoutMinutes: 0.01 }))
      .to.contain("took longer than")
      .and.contain("step gdal");
    expect(ec2.images.size).to.equal(0);
    expectNothingLeft();
  });

  it("removes the builder and the unfinished image if it is interrupted at any call @proof", async () => {
    await build();
    const total = ec2.calls.length;
    for (let at = 1; at <= total; at++) {
      ec2.stop();
      ec2 = new Ec2Double();
      endpoint = await ec2.start();
      const interrupt = new AbortController();
      ec2.onCall = (number) => {
        if (number === at) interrupt.abort();
      };
      // Near the end there is nothing left to interrupt; an image that is complete by then stays.
      await build({ signal: interrupt.signal }).catch((error: unknown) => {
        expect((error as Error).message).to.contain("The build was interrupted");
      });
      expectNothingLeft(`interrupted at call ${at}, ${ec2.calls[at - 1] ?? ""}`);
    }
  });

  describe("beside other runs", () => {
    it("builds once for two that start at once, whichever is first", async () => {
      const images = await Promise.all([build(), build()]);
      expect(images[0].imageId).to.equal(images[1].imageId);
      expect([...ec2.images.keys()]).to.deep.equal([images[0].imageId]);
      expect(ec2.calls.filter((action) => action === "CreateImage")).to.have.length(1);
      expectNothingLeft();
    });

    it("makes one image even if neither sees the other's builder", async () => {
      ec2.lag = 10;
      const [one, two] = await Promise.all([build(), build()]);
      expect(one.imageId).to.equal(two.imageId);
      expect(ec2.images.size).to.equal(1);
      expectNothingLeft();
    });

    it("builds itself when the run it waits for is interrupted", async () => {
      ec2.console = ["IASO-AMI 1 step 1/2 geos start"];
      const interrupt = new AbortController();
      const first = failureOf({ signal: interrupt.signal });
      await until(() => ec2.calls.includes("GetConsoleOutput"));
      const lines: string[] = [];
      const second = build({ report: (line) => lines.push(line) });
      await until(() => lines.some((line) => line.includes("of another run")));
      ec2.console.push("IASO-AMI 2 ready");
      // The first never comes to see it.
      interrupt.abort();
      expect(await first).to.contain("The build was interrupted");
      const { imageId } = await second;
      expect([...ec2.images.keys()]).to.deep.equal([imageId]);
      expectNothingLeft();
    });

    it("does not touch the builder of a live run, whatever that builds", async () => {
      ec2.console = ["IASO-AMI 1 step 1/2 geos start"];
      const first = build({ recipe: recipeWith(["GPX"]) });
      await until(() => ec2.calls.includes("GetConsoleOutput"));
      const [theirs] = ec2.runningBuilders;
      const interrupt = new AbortController();
      const lines: string[] = [];
      const second = failureOf({ signal: interrupt.signal, report: (line) => lines.push(line) });
      await until(() => lines.some((line) => line.includes("geos start")));
      interrupt.abort();
      await second;
      expect(ec2.runningBuilders).to.deep.equal([theirs]);
      expect(ec2.groups.size).to.equal(1);
      ec2.console.push("IASO-AMI 2 ready");
      await first;
      expectNothingLeft();
    });

    it("renews its lease, so that no other run takes over a long build", async () => {
      ec2.console = ["IASO-AMI 1 step 1/2 geos start"];
      const first = build({ leaseSeconds: 2 });
      await until(() => ec2.calls.filter((action) => action === "CreateTags").length >= 3);
      const lines: string[] = [];
      const second = build({ report: (line) => lines.push(line) });
      await until(() => lines.some((line) => line.includes("geos start")));
      ec2.console.push("IASO-AMI 2 ready");
      expect((await first).imageId).to.equal((await second).imageId);
      expect(lines.join("\n")).not.to.contain("taking over");
      expect(ec2.runRequests).to.have.length(1);
    });

    it("takes over the builder that a killed run left", async () => {
      const left = await leaveBuilder({ leaseSeconds: SHORT });
      await aWhile();
      await build();
      expect(ec2.runRequests).to.have.length(1);
      expect(ec2.instances.get(left)?.state).to.equal("terminated");
      expectNothingLeft();
    });

    it("waits for a killed run's lease to end, then takes over", async () => {
      await leaveBuilder({ leaseSeconds: 1 });
      const lines: string[] = [];
      await build({ report: (line) => lines.push(line) });
      expect(lines.join("\n")).to.contain("taking over");
      expect(ec2.runRequests).to.have.length(1);
      expectNothingLeft();
    });

    it("starts a new builder if a killed run's builder has failed", async () => {
      ec2.console = ["IASO-AMI 1 failed geos exit 1 after 1s"];
      await leaveBuilder({ leaseSeconds: SHORT });
      await aWhile();
      ec2.onCall = (_number, action) => {
        if (action === "RunInstances") ec2.console = ["IASO-AMI 1 ready"];
      };
      await build();
      expect(ec2.runRequests).to.have.length(2);
      expectNothingLeft();
    });

    it("terminates the builders of killed runs of other recipes, also when it builds nothing", async () => {
      await build();
      await leaveBuilder({ recipe: recipeWith(["GPX"]), leaseSeconds: SHORT });
      await aWhile();
      expect(await build()).to.include({ reused: true });
      expectNothingLeft();
    });
  });

  describe("with images in other states", () => {
    /** An image of this recipe, just asked for by a run that was then killed. */
    async function leavePendingImage(): Promise<string> {
      let killed = false;
      const network: Network = async (_number, send) => {
        if (killed) return never();
        const answer = await send();
        killed = ec2.images.size > 0;
        return killed ? never() : answer;
      };
      void build({ network, leaseSeconds: SHORT });
      await until(() => ec2.images.size > 0);
      await aWhile();
      return [...ec2.images.keys()][0]!;
    }

    it("waits for one that is being made", async () => {
      const imageId = await leavePendingImage();
      expect(await build()).to.include({ imageId, reused: true });
      expectNothingLeft();
    });

    it("leaves the snapshots of one that is being made, which it does not name yet", async () => {
      ec2.imageLooks = Infinity;
      await leavePendingImage();
      expect(await pruneImages(clients(), 1)).to.deep.equal([]);
      expect([ec2.images.size, ec2.snapshots.size]).to.deep.equal([1, 1]);
    });

    it("replaces one that failed", async () => {
      const imageId = await leavePendingImage();
      ec2.images.get(imageId)!.state = "failed";
      const built = await build();
      expect(built.imageId).not.to.equal(imageId);
      expect([...ec2.images.keys()]).to.deep.equal([built.imageId]);
      expectNothingLeft();
    });

    it("fails and removes its own when EC2 does not finish it", async () => {
      ec2.failingImages = 1;
      expect(await failureOf({})).to.contain("did not create the image");
      expect(ec2.images.size).to.equal(0);
      expectNothingLeft();
      await build();
    });

    it("says how to enable one that was disabled", async () => {
      const { imageId } = await build();
      ec2.images.get(imageId)!.state = "disabled";
      expect(await failureOf({})).to.contain(`aws ec2 enable-image --image-id ${imageId}`);
      expect([...ec2.images.keys()]).to.deep.equal([imageId]);
    });

    it("names a foreign image that has the name it needs", async () => {
      const { imageId } = await build();
      ec2.images.get(imageId)!.tags.clear();
      expect(await failureOf({})).to.match(/image named iaso-gdal-[\w-]+ exists without .*Deregister it/s);
      expect(ec2.runningBuilders).to.deep.equal([]);
    });

    it("removes a snapshot that no image has, though one of the same recipe lives", async () => {
      await build();
      const [snapshot] = ec2.snapshots.values();
      ec2.snapshots.set("snap-left", { ...snapshot!, id: "snap-left" });
      await build();
      expectNothingLeft();
      expect(ec2.snapshots.size).to.equal(1);
    });
  });

  describe("leaves nothing behind, and the next build succeeds, when at any one call @proof", () => {
    /** Builds with a fault at each call in turn, then again without one. */
    async function atEachCall(inject: (at: number) => Changes, endsItself = true): Promise<void> {
      await build();
      const total = ec2.calls.length;
      for (let at = 1; at <= total; at++) {
        ec2.stop();
        ec2 = new Ec2Double();
        endpoint = await ec2.start();
        const faulty = build(inject(at)).catch(() => undefined);
        await (endsItself ? faulty : Promise.race([faulty, untilQuiet()]));
        const where = `fault at call ${at}, ${ec2.calls[at - 1] ?? ""}`;
        if (endsItself) expectNothingLeft(`${where}, before the next build`);
        else await aWhile();
        ec2.fault = undefined;
        const { imageId } = await build();
        expect([...ec2.images.keys()], where).to.deep.equal([imageId]);
        expectNothingLeft(where);
      }
    }

    /** Waits until the double gets no more calls: a killed run does not report its end. */
    async function untilQuiet(): Promise<void> {
      for (let before = -1; before !== ec2.calls.length;) {
        before = ec2.calls.length;
        await aWhile();
      }
    }

    for (const kind of ["throttle", "error", "lost-answer"] as const) {
      it(`EC2 gives: ${kind}`, async () => {
        await atEachCall((at) => {
          ec2.fault = { at, times: ATTEMPTS, kind };
          return {};
        });
      });
    }
    it("EC2 does not answer in time", () => atEachCall((at) => ({ network: silentAt(at) })));
    it("the network is lost for good", () =>
      atEachCall((at) => ({ network: lostFrom(at), leaseSeconds: SHORT }), false));
    it("the run is killed before it", () =>
      atEachCall((at) => ({ network: killedBefore(at), leaseSeconds: SHORT }), false));
    it("the run is killed after it", () =>
      atEachCall((at) => ({ network: killedAfter(at), leaseSeconds: SHORT }), false));
  });

  describe("deletes", () => {
    const refusal = (imageId: string) =>
      deleteImage(clients(), imageId).then(
        () => "",
        (error: unknown) => (error as Error).message,
      );

    it("no image that an environment, a launch template or an instance uses", async () => {
      const { imageId } = await build();
      ec2.environmentImages.set("iaso-staging", imageId);
      expect(await refusal(imageId)).to.contain("environment iaso-staging");
      ec2.environmentImages.clear();
      ec2.launchTemplateImages.push(imageId);
      expect(await refusal(imageId)).to.contain("launch template lt");
      expect(await pruneImages(clients(), 0)).to.deep.equal([]);
      ec2.launchTemplateImages.length = 0;
      expect((await listImages(clients()))[0]).to.deep.include({ imageId, usedBy: [] });
      expect(await deleteImage(clients(), imageId)).to.equal(true);
      expect([ec2.images.size, ec2.snapshots.size]).to.deep.equal([0, 0]);
      expect(await deleteImage(clients(), imageId)).to.equal(false);
    });

    it("no image that it did not make", async () => {
      const { imageId } = await build();
      ec2.images.get(imageId)!.tags.clear();
      expect(await refusal(imageId)).to.contain("did not create ami-");
      expect(ec2.images.size).to.equal(1);
    });

    it("all but the newest, and none that is being made", async () => {
      const old = await build();
      const newer = await build({ recipe: recipeWith(["GPX"]) });
      const pending = await build({ recipe: recipeWith(["GML"]) });
      ec2.images.get(pending.imageId)!.state = "pending";
      ec2.imageLooks = Infinity;
      expect(await pruneImages(clients(), 1)).to.deep.equal([old.imageId]);
      expect([...ec2.images.keys()]).to.deep.equal([newer.imageId, pending.imageId]);
    });
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}
