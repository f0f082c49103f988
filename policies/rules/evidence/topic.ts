import { ownAccounts } from "../../context";
import { conditionsHold } from "../../iam/conditions";
import { Statement, statementsOf } from "../../iam/document";
import { judge } from "../../iam/evaluate";
import { identitiesOf } from "../../identity";
import { defineRule } from "../../rule";
import { targetsOf } from "../../references";
import { letsServiceUseKey } from "../encryption/stores";
import { usersOfResource } from "../../topology";
import { demand, hasUnknown, notEvaluated, text } from "../../values";

const TOPIC = "aws:sns/topic:Topic";

/** True if CloudWatch may publish to a topic for alarms of this account. */
function letsCloudWatchPublish(statements: Statement[], arn: string, account: string): boolean {
  const context = {
    "aws:PrincipalIsAWSService": "true",
    "aws:PrincipalServiceName": "cloudwatch.amazonaws.com",
    "aws:SecureTransport": "true",
    "aws:SourceAccount": account,
    "aws:SourceArn": arn.replace(":sns:", ":cloudwatch:"),
    "aws:ViaAWSService": "false",
  };
  const request = {
    requester: { service: "cloudwatch.amazonaws.com" },
    action: "sns:Publish",
    resource: arn,
    account,
    context,
  };
  const relevant = statements.filter(
    (one) => one.Effect === "Deny" || conditionsHold(one.Condition, context),
  );
  return judge(relevant, request, true).decision === "allow";
}

/** The alarms of the stack publish with the key of an encrypted topic. */
const letsCloudWatchUse = (policy: unknown, arn: string, account: string): boolean =>
  letsServiceUseKey(
    statementsOf(policy),
    "cloudwatch.amazonaws.com",
    ["kms:Decrypt", "kms:GenerateDataKey"],
    {
      "aws:SourceAccount": account,
      "aws:SourceArn": arn.replace(":sns:", ":cloudwatch:").replace(/:([^:]+)$/, ":alarm:$1"),
    },
    account,
  );

/** The endpoints of the protocols that reach people: mail addresses, and telephone numbers in E.164. */
const PROTOCOLS: Partial<Record<string, RegExp>> = {
  email: /^[^@\s]+@[^@\s.]+\.[^@\s]+$/,
  sms: /^\+[1-9]\d{6,14}$/,
};

export const alarmsReachPeople = defineRule({
  name: "alarms-reach-people",
  kind: "evidence",
  types: [TOPIC],
  description:
    "CloudWatch may publish to the topic of alarms, and the topic sends everything to a mail address",
  why: "an alarm that nobody hears is none",
  severity: "high",
  neighbours: true,
  check: (topic, stack) => {
    const toTopic = (type: string, property: string) => usersOfResource(topic, type, property, stack);
    const policies = toTopic("aws:sns/topicPolicy:TopicPolicy", "arn");
    if (policies.some(({ inputs }) => hasUnknown(inputs.policy))) return notEvaluated("the topic's policy");
    const account = ownAccounts(stack)[0] ?? "";
    const arn = identitiesOf(topic, stack).find((one) => one.startsWith("arn:")) ?? "";
    const statements = policies.flatMap(({ inputs }) => statementsOf(inputs.policy));
    const mails = toTopic("aws:sns/topicSubscription:TopicSubscription", "topic").filter(
      ({ inputs: { protocol, endpoint } }) =>
        protocol === "email" && PROTOCOLS.email?.test(text(endpoint)) === true,
    );
    const { kmsMasterKeyId: key, fifoTopic } = topic.inputs;
    return [
      ...(policies.length === 1 && letsCloudWatchPublish(statements, arn, account)
        ? []
        : ["CloudWatch may not publish. Write one TopicPolicy that allows it sns:Publish for this account."]),
      ...(!["", "false"].includes(text(fifoTopic))
        ? ["The topic is FIFO, and sends no mail. Remove fifoTopic."]
        : []),
      ...(mails.length > 0
        ? []
        : ["No mail address subscribes. Write a TopicSubscription with protocol email."]),
      ...targetsOf(topic, "kmsMasterKeyId", "aws:kms/key:Key", stack)
        .filter(({ inputs }) => !hasUnknown(inputs.policy) && !letsCloudWatchUse(inputs.policy, arn, account))
        .map(
          ({ name }) =>
            `Key ${name} does not let CloudWatch publish. Write an Allow of kms:Decrypt and kms:GenerateDataKey* for cloudwatch.amazonaws.com.`,
        ),
      ...(/alias\/aws\/sns$/.test(text(key))
        ? ["CloudWatch may not use AWS's own key. Write no kmsMasterKeyId, or a key of this program."]
        : []),
    ];
  },
});

export const subscriptionsWhole = defineRule({
  name: "subscriptions-whole",
  kind: "evidence",
  types: ["aws:sns/topicSubscription:TopicSubscription"],
  description: "A subscription is a mail address or a telephone number that gets every message",
  why: "messages would go somewhere else, or be filtered out",
  severity: "high",
  check: ({ inputs: { protocol, endpoint, filterPolicy, deliveryPolicy, redrivePolicy } }) => [
    ...demand(protocol, PROTOCOLS[text(protocol)] !== undefined, "protocol", "email or sms"),
    ...demand(
      endpoint,
      PROTOCOLS[text(protocol)]?.test(text(endpoint)) ?? true,
      "endpoint",
      "a mail address, or a number such as +243810000000 for sms",
    ),
    ...(filterPolicy === undefined || text(filterPolicy) === "" ? [] : ["filterPolicy is set. Remove it."]),
    ...([deliveryPolicy, redrivePolicy].every((one) => text(one) === "")
      ? []
      : ["A policy of delivery is set. Remove it."]),
  ],
});
