import { expect } from "chai";
import { TASK_TIMING, TaskQueue } from "../../components/taskQueue";
import { PreviewDocument } from "../../graph/document";
import { simulate } from "../../preview/simulate";
import { find, naming, statementsOf, textOf } from "../support";

const QUEUE = "aws:sqs/queue:Queue";
const ARN = "arn:aws:sqs:eu-central-1:123456789012:iaso-test-tasks";

describe("components/taskQueue", () => {
  let document: PreviewDocument;
  before(async () => {
    document = await simulate(() => {
      new TaskQueue("tasks", { naming, timing: { ...TASK_TIMING, maxReceives: 7, visibilityTimeout: 1234 } });
    });
  });

  it("polls long, encrypts, and takes its times from the timing it is given", () => {
    expect(find(document, QUEUE, "tasks").inputs).to.deep.include({
      name: "iaso-test-tasks",
      sqsManagedSseEnabled: true,
      receiveWaitTimeSeconds: 20,
      visibilityTimeoutSeconds: 1234,
      messageRetentionSeconds: TASK_TIMING.retentionPeriod,
      tags: naming.tags(),
    });
  });

  it("moves messages that failed too often to the dead letter queue, which accepts no other queue", () => {
    const queue = find(document, QUEUE, "tasks");
    const deadLetters = find(document, QUEUE, "tasks-dead-letters");
    expect(JSON.parse(textOf(queue.inputs.redrivePolicy))).to.deep.equal({
      deadLetterTargetArn: `${ARN}-dead-letters`,
      maxReceiveCount: 7,
    });
    expect(deadLetters.inputs).to.include({
      name: "iaso-test-tasks-dead-letters",
      sqsManagedSseEnabled: true,
      messageRetentionSeconds: TASK_TIMING.deadLetterRetentionPeriod,
    });
    expect(JSON.parse(textOf(deadLetters.inputs.redriveAllowPolicy))).to.deep.equal({
      redrivePermission: "byQueue",
      sourceQueueArns: [ARN],
    });
    // The policy names it by an ARN that was built, so the order must be said.
    expect(queue.dependencies).to.include(deadLetters.urn);
  });

  it("refuses plain HTTP on both queues", () => {
    for (const [name, resource] of [
      ["tasks", ARN],
      ["tasks-dead-letters", `${ARN}-dead-letters`],
    ] as const) {
      const policy = find(document, "aws:sqs/queuePolicy:QueuePolicy", name);
      expect(policy.propertyDependencies.queueUrl).to.deep.equal([find(document, QUEUE, name).urn]);
      expect(Object.values(statementsOf(policy.inputs.policy))).to.deep.equal([
        {
          Sid: "DenyPlainHttp",
          Effect: "Deny",
          Principal: "*",
          Action: "sqs:*",
          Resource: resource,
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
      ]);
    }
  });

  it("hides a message for longer than the daemon waits, and keeps dead letters as long as SQS can", () => {
    expect(TASK_TIMING.visibilityTimeout).to.be.greaterThan(TASK_TIMING.inactivityTimeout);
    // The proxy on the instances ends a request after this time.
    expect(TASK_TIMING.inactivityTimeout).to.be.at.least(900);
    expect(TASK_TIMING.retentionPeriod).to.be.at.least(
      TASK_TIMING.maxReceives * TASK_TIMING.visibilityTimeout,
    );
    // A dead letter's age counts from when it was first sent.
    expect(TASK_TIMING.deadLetterRetentionPeriod).to.be.greaterThan(TASK_TIMING.retentionPeriod);
    expect(TASK_TIMING.deadLetterRetentionPeriod).to.be.at.most(1_209_600);
  });
});
