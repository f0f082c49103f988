import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { PreviewResource, UNKNOWN } from "../../simulator/document";
import { simulate } from "../../simulator/simulate";

async function failure(program: () => unknown): Promise<string> {
  try {
    await simulate(program);
  } catch (error) {
    return (error as Error).message;
  }
  return "no failure";
}

async function resource(name: string, program: () => unknown): Promise<PreviewResource> {
  const { resources } = await simulate(program);
  const found = resources.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no resource ${name}`);
  return found;
}

class Part extends pulumi.ComponentResource {
  constructor(name: string, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:test:Part", name, {}, opts);
    new aws.sqs.Queue(`${name}-queue`, { name: `${name}-queue` }, { parent: this });
    this.registerOutputs({});
  }
}

describe("simulate", () => {
  it("forms the URN of a child from the types of its parents", async () => {
    const queue = await resource("p-queue", () => new Part("p"));
    expect(queue.urn).to.equal("urn:pulumi:test::iaso::iaso:test:Part$aws:sqs/queue:Queue::p-queue");
    expect(queue.parent).to.equal("urn:pulumi:test::iaso::iaso:test:Part::p");
  });

  it("nests the types of components in one another", async () => {
    const queue = await resource("inner-queue", () => new Part("inner", { parent: new Part("outer") }));
    expect(queue.urn).to.contain("::iaso:test:Part$iaso:test:Part$aws:sqs/queue:Queue::");
  });

  it("records the options of a resource", async () => {
    const queue = await resource("q", () => {
      const first = new aws.sqs.Queue("first", {});
      new aws.sqs.Queue(
        "q",
        {},
        { protect: true, retainOnDelete: true, ignoreChanges: ["tags"], dependsOn: first },
      );
    });
    expect(queue).to.include({ protect: true, retainOnDelete: true });
    expect(queue.ignoreChanges).to.deep.equal(["tags"]);
    expect(queue.dependencies).to.deep.equal(["urn:pulumi:test::iaso::aws:sqs/queue:Queue::first"]);
    expect(queue.propertyDependencies).to.deep.equal({});
  });

  it("tells which property is made of which resource", async () => {
    const queue = await resource("q", () => {
      const first = new aws.sqs.Queue("first", {});
      new aws.sqs.Queue("q", { tags: { source: first.arn } });
    });
    expect(queue.propertyDependencies).to.deep.equal({
      tags: ["urn:pulumi:test::iaso::aws:sqs/queue:Queue::first"],
    });
  });

  it("shows no secret, nested or inside another text", async () => {
    const document = await simulate(() => {
      const secret = pulumi.secret("hunter2");
      new aws.sqs.Queue("q", {
        tags: { plain: "seen", hidden: secret, text: pulumi.interpolate`a-${secret}-b` },
      });
      return { leaked: secret.apply((value) => `x${value}`), plain: "seen" };
    });
    expect(JSON.stringify(document)).not.to.contain("hunter2");
    const queue = document.resources.find(({ name }) => name === "q");
    expect(JSON.stringify(queue?.inputs)).to.contain("[secret]");
    expect(queue?.secretInputs).not.to.deep.equal([]);
    expect(document.outputs).to.deep.equal({ leaked: "[secret]", plain: "seen" });
  });

  it("keeps configured secrets secret", async () => {
    const document = await simulate(() => ({ key: new pulumi.Config("iaso").requireSecret("key") }), {
      config: { "iaso:key": "hunter2" },
      secretKeys: ["iaso:key"],
    });
    expect(document.outputs).to.deep.equal({ key: "[secret]" });
  });

  it("forms ARNs as AWS does, and leaves them unknown at a first preview", async () => {
    const program = () => ({ arn: new aws.sqs.Queue("q", { name: "tasks" }).arn });
    const { outputs } = await simulate(program);
    expect(outputs.arn).to.equal("arn:aws:sqs:eu-central-1:123456789012:tasks");
    const first = await simulate(program, { unknownOutputs: true });
    expect(first.outputs.arn).to.equal(UNKNOWN);
  });

  it("does not let one run see another", async () => {
    await simulate(() => new aws.sqs.Queue("one", {}), { config: { "iaso:key": "left over" } });
    const { resources, outputs } = await simulate(() => ({
      key: new pulumi.Config("iaso").get("key") ?? "none",
    }));
    expect(resources.map(({ name }) => name)).not.to.include("one");
    expect(outputs.key).to.equal("none");
  });

  it("reports what a program throws, at once or later, and runs the next one", async () => {
    const boom = () => {
      throw new Error("boom");
    };
    expect(await failure(boom)).to.contain("boom");
    expect(await failure(() => Promise.reject(new Error("later")))).to.contain("later");
    expect(await failure(() => void pulumi.output(1).apply(boom))).to.contain("boom");
    expect(await failure(() => ({ fine: true }))).to.equal("no failure");
  });

  it("refuses two resources of one URN", async () => {
    const twice = () => [new aws.sqs.Queue("q", {}), new aws.sqs.Queue("q", {})];
    expect(await failure(twice)).to.contain("::aws:sqs/queue:Queue::q");
  });

  it("refuses types and functions that it does not know, by name", async () => {
    class Nope extends pulumi.CustomResource {}
    expect(await failure(() => new Nope("aws:nope/nope:Nope", "n", {}))).to.contain("aws:nope/nope:Nope");
    expect(await failure(() => pulumi.runtime.invoke("aws:nope/getNope:getNope", {}))).to.contain(
      "aws:nope/getNope:getNope",
    );
  });
});
