import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { PreviewDocument } from "../../graph/document";
import { simulate } from "../../preview/simulate";
import { at, find, rejection } from "../support";

const BUCKET = "aws:s3/bucket:Bucket";
const QUEUE = "aws:sqs/queue:Queue";
const PARAMETER = "aws:ssm/parameter:Parameter";

class Part extends pulumi.ComponentResource {
  constructor(name: string, outputs: pulumi.Inputs = {}, opts?: pulumi.ComponentResourceOptions) {
    super("test:index:Part", name, {}, opts);
    this.registerOutputs(outputs);
  }
}

describe("preview/simulate", () => {
  describe("records", () => {
    it("gives URNs as the engine does, with the types of parents", async () => {
      const { resources } = await simulate(
        () => {
          const part = new Part("part");
          const bucket = new aws.s3.Bucket("bucket", {}, { parent: part });
          new aws.s3.BucketVersioning(
            "bucket",
            { bucket: bucket.id, versioningConfiguration: { status: "Enabled" } },
            { parent: bucket },
          );
        },
        { project: "iaso", stack: "demo" },
      );
      expect(resources.map(({ urn }) => urn)).to.deep.equal([
        "urn:pulumi:demo::iaso::pulumi:pulumi:Stack::iaso-demo",
        "urn:pulumi:demo::iaso::test:index:Part::part",
        "urn:pulumi:demo::iaso::test:index:Part$aws:s3/bucket:Bucket::bucket",
        "urn:pulumi:demo::iaso::test:index:Part$aws:s3/bucket:Bucket$aws:s3/bucketVersioning:BucketVersioning::bucket",
      ]);
      expect(resources.map(({ parent }) => parent)).to.deep.equal([
        "",
        resources[0]!.urn,
        resources[1]!.urn,
        resources[2]!.urn,
      ]);
      expect(resources.map(({ custom }) => custom)).to.deep.equal([false, false, true, true]);
    });

    it("nests the types of components in one another", async () => {
      const document = await simulate(() => {
        const inner = new Part("inner", {}, { parent: new Part("outer") });
        new aws.s3.Bucket("bucket", {}, { parent: inner });
      });
      expect(find(document, BUCKET).urn).to.include(
        "::test:index:Part$test:index:Part$aws:s3/bucket:Bucket::",
      );
    });

    it("separates dependencies by data from explicit ones, and includes the options", async () => {
      const document = await simulate(() => {
        const waited = new aws.s3.Bucket("waited", {}, { protect: true, retainOnDelete: true });
        const used = new aws.sqs.Queue("used", { name: "used" });
        new aws.sqs.QueuePolicy(
          "policy",
          { queueUrl: used.url, policy: "{}" },
          { dependsOn: [waited], ignoreChanges: ["policy"] },
        );
      });
      const waited = find(document, BUCKET);
      const used = find(document, QUEUE);
      const policy = find(document, "aws:sqs/queuePolicy:QueuePolicy");
      expect(policy.dependencies).to.have.members([waited.urn, used.urn]);
      expect(policy.propertyDependencies).to.deep.equal({ queueUrl: [used.urn] });
      expect(policy.ignoreChanges).to.deep.equal(["policy"]);
      expect([waited.protect, waited.retainOnDelete]).to.deep.equal([true, true]);
      expect([policy.protect, policy.retainOnDelete]).to.deep.equal([false, false]);
    });

    it("keeps a child on delete as its parent, unless the program says otherwise, as the engine does", async () => {
      const document = await simulate(() => {
        const parent = new aws.s3.Bucket("parent", {}, { retainOnDelete: true });
        new aws.sqs.Queue("open", {}, { parent });
        new aws.sqs.Queue("deleted", {}, { parent, retainOnDelete: false });
      });
      const kept = document.resources.filter(({ retainOnDelete }) => retainOnDelete).map(({ name }) => name);
      expect(kept).to.deep.equal(["parent", "open"]);
    });

    it("answers as AWS would, for the account and region of the provider", async () => {
      const document = await simulate(() => {
        const provider = new aws.Provider("aws", {
          region: "us-west-2",
          allowedAccountIds: ["210987654321"],
        });
        new aws.sqs.Queue("tasks", { name: "tasks" }, { provider });
      });
      expect(find(document, QUEUE).outputs).to.include({
        arn: "arn:aws:sqs:us-west-2:210987654321:tasks",
        url: "https://sqs.us-west-2.amazonaws.com/210987654321/tasks",
      });
    });

    it("passes the configuration and returns the program's exports", async () => {
      const document = await simulate(
        () => ({ region: new pulumi.Config("iaso").require("region"), secret: pulumi.secret("hidden") }),
        { config: { "iaso:region": "eu-west-3", "iaso:env": "demo" }, stack: "other" },
      );
      expect(document.outputs).to.deep.equal({ region: "eu-west-3", secret: "[secret]" });
      expect(document).to.include({ project: "iaso", stack: "other", environment: "demo" });
    });
  });

  describe("secrets", () => {
    let document: PreviewDocument;
    before(async () => {
      document = await simulate(
        () => {
          const secret = pulumi.secret("hidden");
          const fromConfig = new pulumi.Config("iaso").requireSecret("password");
          new aws.ssm.Parameter("plain", { type: "SecureString", value: secret });
          const applied = new aws.sqs.Queue("applied", {
            name: "applied",
            policy: fromConfig.apply((text) => JSON.stringify({ [text]: text })),
            tags: { open: "seen", closed: pulumi.interpolate`also ${secret}` },
          });
          new Part("component", { url: applied.url, list: ["seen", secret] });
        },
        { config: { "iaso:password": "hidden-too" }, secretKeys: ["iaso:password"] },
      );
    });

    it("shows none, neither at the top, nor inside values, nor in texts made of one", () => {
      expect(find(document, PARAMETER).inputs.value).to.equal("[secret]");
      expect(find(document, QUEUE).inputs).to.deep.equal({
        name: "applied",
        policy: "[secret]",
        tags: { open: "seen", closed: "[secret]" },
      });
      expect(JSON.stringify(document)).not.to.include("hidden");
    });

    it("keeps the values next to a secret readable in a component's outputs", () => {
      expect(find(document, "test:index:Part").outputs.list).to.deep.equal(["seen", "[secret]"]);
    });

    it("says at which paths they are", () => {
      expect(find(document, PARAMETER).secretInputs).to.deep.equal(["value"]);
      expect(find(document, QUEUE).secretInputs).to.have.members(["policy", "tags.closed"]);
    });
  });

  describe("with unknown outputs", () => {
    it("knows inputs only, and runs nothing that needs an output", async () => {
      let ran = false;
      const document = await simulate(
        () => {
          const bucket = new aws.s3.Bucket("bucket", { bucket: "named" });
          const queue = new aws.sqs.Queue("queue", {
            name: bucket.bucket,
            tags: {
              arn: bucket.arn.apply((arn) => {
                ran = true;
                return arn;
              }),
            },
          });
          return { url: queue.url, name: queue.name };
        },
        { unknownOutputs: true },
      );
      const queue = find(document, QUEUE);
      expect(ran).to.equal(false);
      expect(queue.inputs.name).to.equal("named");
      expect(at(queue.inputs.tags, "arn") ?? queue.inputs.tags).to.equal("[unknown]");
      expect(queue.propertyDependencies.tags).to.deep.equal([find(document, BUCKET).urn]);
      expect(document.outputs).to.deep.equal({ url: "[unknown]", name: "named" });
    });
  });

  describe("refuses", () => {
    it("a program that throws, with its error", async () => {
      const error = await rejection(
        simulate(() => {
          throw new RangeError("out of range");
        }),
      );
      expect(error).to.be.instanceOf(RangeError).with.property("message", "out of range");
      const promised = await rejection(simulate(() => Promise.reject(new Error("later"))));
      expect(promised.message).to.equal("later");
    });

    it("an apply that throws, even if nothing awaits it", async () => {
      const error = await rejection(
        simulate(() => {
          const bucket = new aws.s3.Bucket("bucket");
          bucket.arn.apply(() => {
            throw new Error("in an apply");
          });
        }),
      );
      expect(error.message).to.equal("in an apply");
    });

    it("a function that is not simulated, and names the file to extend", async () => {
      const error = await rejection(simulate(() => aws.lambda.getFunction({ functionName: "f" })));
      expect(error.message).to.match(/knows no function aws:lambda\/getFunction.*simulated-aws\/lambda\.ts/);
    });

    it("a platform version that Beanstalk does not offer, in AWS's words", async () => {
      const name = "64bit Amazon Linux 2023 v4.13.1 running Docker";
      const error = await rejection(
        simulate(() => {
          new aws.elasticbeanstalk.Environment("web", { application: "iaso", solutionStackName: name });
        }),
      );
      expect(error.message).to.include(`No Solution Stack named '${name}' found.`);
    });

    it("a query for a platform version with no or several results, in the provider's words", async () => {
      const query = (nameRegex: string, mostRecent: boolean) =>
        simulate(() => aws.elasticbeanstalk.getSolutionStack({ nameRegex, mostRecent }));
      await query("running Docker$", false);
      await query("running Python", true);
      expect((await rejection(query("running Cobol$", true))).message).to.include("returned no results");
      expect((await rejection(query("running Python", false))).message).to.include("more than one result");
    });

    it("a resource type that is not simulated, and names the file to extend", async () => {
      const error = await rejection(
        simulate(() => {
          new aws.kinesis.Stream("stream");
        }),
      );
      expect(error.message).to.match(
        /knows no resource type aws:kinesis\/stream:Stream \(resource stream\).*simulated-aws\/kinesis\.ts/,
      );
    });

    it("two resources with one URN", async () => {
      const error = await rejection(
        simulate(() => {
          new aws.s3.Bucket("twice");
          new aws.s3.Bucket("twice");
        }),
      );
      expect(error.message).to.match(/Two resources have the URN .*::twice/);
    });

    it("to read existing resources, because there are none", async () => {
      const error = await rejection(
        simulate(() => {
          aws.s3.Bucket.get("bucket", "some-bucket");
        }),
      );
      expect(error.message).to.match(/there is no aws:s3\/bucket:Bucket some-bucket to read/);
    });
  });

  it("leaves nothing over for the next run, not even after a failure", async () => {
    const listeners = process.listenerCount("unhandledRejection");
    const program = () => {
      new aws.s3.Bucket("bucket");
      return { setting: new pulumi.Config("iaso").get("setting") ?? "none", stack: pulumi.getStack() };
    };
    const first = await simulate(program, { stack: "one", config: { "iaso:setting": "of one" } });
    await rejection(
      simulate(() => {
        new aws.s3.Bucket("bucket");
        throw new Error("failed");
      }),
    );
    const second = await simulate(program, { stack: "two" });
    expect(first.outputs).to.deep.equal({ setting: "of one", stack: "one" });
    expect(second.outputs).to.deep.equal({ setting: "none", stack: "two" });
    expect(second.resources).to.have.lengthOf(2);
    expect(process.listenerCount("unhandledRejection")).to.equal(listeners);
  });

  it("answers the same on every run", async () => {
    const program = () => {
      new aws.ec2.Vpc("vpc", { cidrBlock: "10.0.0.0/16" });
      new aws.sqs.Queue("queue");
    };
    expect(await simulate(program)).to.deep.equal(await simulate(program));
  });
});
