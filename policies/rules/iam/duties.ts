import { every, ownAccounts, regionsOf, Stack, tagOf } from "../../context";
import data from "../../facts/duties.json";
import { beyond, Duty, filled } from "../../iam/duties";
import { Statement, statementsOf, strings } from "../../iam/document";
import { ENVIRONMENT, LAUNCH_CONFIGURATION, optionOf } from "../../optionSettings";
import { targetsOf } from "../../references";
import { Resource } from "../../resource";
import { defineRule } from "../../rule";
import { first, groupBy, hasUnknown, isUnknown, text } from "../../values";
import { grantsOf, POLICY, ROLE } from "./grants";
import { unattached } from "./boundary";

/** The duties: of roles and of boundaries by the end of their names, of buckets by their class. */
const { roles, boundaries, buckets, topics } = data as {
  roles: Record<string, Duty[]>;
  boundaries: Record<string, Duty[]>;
  buckets: Record<string, Duty[]>;
  topics: Duty[];
};

const known = (values: unknown[]): string[] =>
  [...new Set(values.filter((value) => !isUnknown(value)).map(text))].filter((value) => value !== "");

/** The resources of a type that have an environment's tag. */
const ofEnv = (type: string, env: string, stack: Stack): Resource[] =>
  stack
    .once(`${type} by environment`, () => groupBy(every(stack, type), (one) => tagOf(one, "env")))
    .get(env) ?? [];

/** The values of the placeholders of facts/duties.json in an environment. */
const valuesIn = (env: string, stack: Stack) =>
  stack.once(`values of duties in ${env}`, () => {
    const ofClass = (bucketClass: string) =>
      known(
        ofEnv("aws:s3/bucket:Bucket", env, stack)
          .filter((bucket) => tagOf(bucket, "class") === bucketClass)
          .map(({ inputs }) => inputs.bucket),
      );
    const arns = ofEnv(ROLE, env, stack)
      .flatMap((role) => grantsOf(role as Parameters<typeof grantsOf>[0], stack).statements)
      .flatMap(({ Resource: resources }) => strings(resources));
    return {
      env: [env],
      // The name of the stack in Pulumi, which may be another one: a URN is urn:pulumi:STACK::PROJECT::….
      stack: [...new Set(ofEnv(ROLE, env, stack).map(({ urn }) => urn.split(":")[2] ?? ""))],
      account: ownAccounts(stack),
      region: regionsOf(stack),
      copies: known(ofEnv("aws:backup/vault:Vault", env, stack).map(({ inputs }) => inputs.region)),
      static: ofClass("static"),
      media: ofClass("media"),
      logs: ofClass("logs"),
      artifacts: ofClass("artifacts"),
      records: stack.once("names of records", () =>
        known(stack.ofType("aws:route53/record:Record").map(({ inputs }) => inputs.name)),
      ),
      image: known(
        ofEnv(ENVIRONMENT, env, stack).map((one) => optionOf(one, LAUNCH_CONFIGURATION, "ImageId")),
      ),
      // The settings name the bucket with Pulumi's state, the program does not create it.
      state: known(arns.map((arn) => /^arn:aws:s3:::([a-z0-9.-]+)\/\.pulumi\//.exec(arn)?.[1])),
    };
  });

/** The permissions of statements that are beyond the duties. */
const permissionsBeyond = (
  statements: Statement[],
  duties: Duty[],
  holder: Resource | undefined,
  stack: Stack,
): string[] => {
  const values = valuesIn(holder === undefined ? "" : tagOf(holder, "env"), stack);
  const own = filled(duties, values);
  return [...new Set(statements.flatMap((statement) => beyond(statement, own)))];
};

/** The duties of a resource with a name such as `iaso-ENV-web`; undefined if there are none. */
function ofName(all: Record<string, Duty[]>, resource: Resource): Duty[] | undefined {
  const prefix = `iaso-${tagOf(resource, "env")}-`;
  const name = text(resource.inputs.name);
  const ending = name.slice(prefix.length);
  return name.startsWith(prefix) && Object.hasOwn(all, ending) ? all[ending] : undefined;
}

const ADD = "or add it to facts/duties.json";

export const roleDuties = defineRule({
  name: "role-duties",
  types: [ROLE],
  description:
    "Every role is one of the platform's, and its policies allow no more than its duty in facts/duties.json",
  why: "a permission that no duty needs serves only whoever takes over the role",
  severity: "critical",
  neighbours: true,
  check: (role, stack) => {
    if (isUnknown(role.inputs.name)) return [];
    const duties = ofName(roles, role);
    if (duties === undefined) return [`${text(role.inputs.name)} has no duty. Remove the role, ${ADD}.`];
    const permissions = permissionsBeyond(grantsOf(role, stack).statements, duties, role, stack);
    return permissions.length === 0
      ? []
      : [`The role may ${first(permissions)}: this is not its duty. Remove it, ${ADD}.`];
  },
});

export const boundaryDuties = defineRule({
  name: "boundary-duties",
  types: [POLICY],
  description: "Every policy belongs to a role, or is a boundary that allows no more than facts/duties.json",
  why: "a boundary that allows more limits nothing",
  severity: "critical",
  neighbours: true,
  check: (policy, stack) => {
    if (!unattached(stack).includes(policy) || hasUnknown(policy.inputs.policy)) return [];
    const duties = ofName(boundaries, policy);
    if (duties === undefined) return ["No role has the policy. Remove it, or attach it to a role."];
    const permissions = permissionsBeyond(statementsOf(policy.inputs.policy), duties, policy, stack);
    return permissions.length === 0 ? [] : [`The boundary allows ${first(permissions)}. Remove it, ${ADD}.`];
  },
});

const BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy";
const TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy";
const QUEUE_POLICY = "aws:sqs/queuePolicy:QueuePolicy";

/** The resource that a policy belongs to. */
function holderOf(resource: Resource, stack: Stack): Resource | undefined {
  if (resource.type === BUCKET_POLICY) return targetsOf(resource, "bucket", "aws:s3/bucket:Bucket", stack)[0];
  if (resource.type === TOPIC_POLICY) return targetsOf(resource, "arn", "aws:sns/topic:Topic", stack)[0];
  return resource;
}

export const accessDuties = defineRule({
  name: "access-duties",
  types: [BUCKET_POLICY, TOPIC_POLICY, QUEUE_POLICY],
  description:
    "The policies of buckets, topics and queues let in only the services in facts/duties.json, for what they do",
  why: "the policy of a resource lets in whoever it names, whatever the policies of roles say",
  severity: "critical",
  neighbours: true,
  check: (resource, stack) => {
    const { type, inputs } = resource;
    if (inputs.policy === undefined || hasUnknown(inputs.policy)) return [];
    const holder = holderOf(resource, stack);
    const bucketClass = holder === undefined ? "" : tagOf(holder, "class");
    // No service sends tasks: the queues' policies only deny.
    const duties =
      { [BUCKET_POLICY]: buckets[bucketClass], [TOPIC_POLICY]: topics, [QUEUE_POLICY]: [] }[type] ?? [];
    const permissions = permissionsBeyond(statementsOf(inputs.policy), duties, holder, stack);
    return permissions.length === 0 ? [] : [`The policy allows ${first(permissions)}. Remove it, ${ADD}.`];
  },
});
