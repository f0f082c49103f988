import { paginateListSubscriptionsByTopic, type Subscription } from "@aws-sdk/client-sns";
import { errorName } from "../../cli/awsErrors";
import { type Check, ok } from "../check";

/** @see https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html */
export const alarmSubscription: Check = {
  name: "subscription to alarms",
  phase: "check-up",
  async check({ clients, stack }) {
    const { alarmEmail, alarmTopicArn } = stack;
    const own: Subscription[] = [];
    try {
      const pages = paginateListSubscriptionsByTopic({ client: clients.sns }, { TopicArn: alarmTopicArn });
      for await (const page of pages) {
        own.push(...(page.Subscriptions ?? []).filter(({ Endpoint }) => Endpoint === alarmEmail));
      }
    } catch (error) {
      // Without the topic there is no subscription either.
      if (!/^NotFound(Exception)?$/.test(errorName(error))) throw error;
    }
    if (own.some(({ SubscriptionArn = "" }) => SubscriptionArn.startsWith("arn:"))) return ok(alarmEmail);
    return {
      findings: [
        own.length === 0
          ? {
              wrong: `${alarmEmail} is not subscribed to the alarms.`,
              why: "No alarm reaches anyone.",
              fix: `pulumi up --stack ${stack.name} --refresh`,
            }
          : {
              wrong: `${alarmEmail} has not confirmed the subscription to the alarms.`,
              why: "No alarm reaches anyone.",
              fix:
                "Open the link in the mail from AWS Notifications. Send it again: " +
                `aws sns subscribe --region ${stack.region} --topic-arn ${alarmTopicArn} --protocol email --notification-endpoint ${alarmEmail}`,
            },
      ],
    };
  },
};
