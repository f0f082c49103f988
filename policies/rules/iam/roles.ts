import { resourcesWith, Stack } from "../../context";
import { githubSubjects, Statement, strings } from "../../iam/document";
import { actionMatches, judge } from "../../iam/evaluate";
import { SECRETS_PATH } from "../../facts/secretsPath";
import { matches } from "../../iam/wildcard";
import { secretArns } from "../../optionSettings";
import { defineRule } from "../../rule";
import { demand, first, text } from "../../values";
import { grantsOf, isEveryResource, isInstances, ROLE } from "./grants";

/** Actions that only read. All others change something. */
const READS = /^[a-z0-9-]+:(Check|Describe|Get|List|Lookup|Simulate|View)[\w*?]*$/i;

/** Read actions that return contents or secrets, each with a resource that no program has. */
const READS_CONTENTS: Record<string, string> = {
  "cloudformation:GetTemplate": "arn:aws:cloudformation:eu-central-1:123456789012:stack/qz-71/qz-71",
  "dynamodb:GetItem": "arn:aws:dynamodb:eu-central-1:123456789012:table/qz-71",
  "ec2:DescribeInstanceAttribute": "arn:aws:ec2:eu-central-1:123456789012:instance/i-qz71",
  "ec2:DescribeLaunchTemplateVersions": "*",
  "ec2:GetConsoleOutput": "arn:aws:ec2:eu-central-1:123456789012:instance/i-qz71",
  "ecr:BatchGetImage": "arn:aws:ecr:eu-central-1:123456789012:repository/qz-71",
  "ecr:GetDownloadUrlForLayer": "arn:aws:ecr:eu-central-1:123456789012:repository/qz-71",
  "elasticbeanstalk:DescribeConfigurationSettings":
    "arn:aws:elasticbeanstalk:eu-central-1:123456789012:environment/qz-71/qz-71",
  "lambda:GetFunction": "arn:aws:lambda:eu-central-1:123456789012:function:qz-71",
  "logs:FilterLogEvents": "arn:aws:logs:eu-central-1:123456789012:log-group:qz-71:*",
  "logs:GetLogEvents": "arn:aws:logs:eu-central-1:123456789012:log-group:qz-71:*",
  "logs:GetQueryResults": "*",
  "s3:GetObject": "arn:aws:s3:::qz-71/qz-71",
  "s3:GetObjectVersion": "arn:aws:s3:::qz-71/qz-71",
  "secretsmanager:GetSecretValue": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:qz-71",
  "ssm:GetParameter": "arn:aws:ssm:eu-central-1:123456789012:parameter/qz-71",
  "ssm:GetParameterHistory": "arn:aws:ssm:eu-central-1:123456789012:parameter/qz-71",
  "ssm:GetParameters": "arn:aws:ssm:eu-central-1:123456789012:parameter/qz-71",
  "ssm:GetParametersByPath": "arn:aws:ssm:eu-central-1:123456789012:parameter/qz-71",
};

/** True if a statement names objects of other buckets only: Pulumi keeps its state there, and a preview locks it. */
const isPulumiState = ({ NotResource, Resource: resources }: Statement, stack: Stack): boolean =>
  NotResource === undefined &&
  strings(resources).every((arn) => {
    const bucket = /^arn:[\w-]+:s3:::([a-z0-9.-]+)\//.exec(arn)?.[1];
    return (
      bucket !== undefined &&
      // Beanstalk keeps the versions that it runs in a bucket of its own.
      !bucket.startsWith("elasticbeanstalk-") &&
      resourcesWith(stack, "aws:s3/bucket:Bucket", "bucket", bucket).length === 0
    );
  });

/** True if a statement names a secret parameter, or a pattern of parameter names, which may match a secret's. */
const namesSecretParameter = ({ Resource: resources }: Statement, stack: Stack): boolean =>
  strings(resources).some((arn) => {
    const name = /^arn:[^:]*:ssm:.*:parameter(\/.*)$/.exec(arn)?.[1] ?? "";
    return /[*?]/.test(name) || name.startsWith(SECRETS_PATH) || secretArns(stack).has(arn);
  });

/** The actions of a role beyond reading the configuration of the infrastructure. */
function actionsBeyondReading(statements: Statement[], stack: Stack): string[] {
  const allows = (action: string, resource: string) =>
    judge(statements, { requester: {}, action, resource, account: "", context: {} }, false).decision ===
    "allow";
  const allowed = statements.filter(({ Effect }) => Effect === "Allow");
  const readsSecret = (action: string) =>
    action.startsWith("ssm:") &&
    allowed.some((one) => actionMatches(one, action) && namesSecretParameter(one, stack));
  const readsObjects = (action: string) =>
    action.startsWith("s3:") &&
    allowed.some((one) => actionMatches(one, action) && !isPulumiState(one, stack));
  const changes = allowed.flatMap((statement) =>
    statement.NotAction !== undefined
      ? ["all but some actions"]
      : strings(statement.Action).filter(
          (action) =>
            !READS.test(action) &&
            !(/^s3:(Put|Delete)Object$/i.test(action) && isPulumiState(statement, stack)),
        ),
  );
  const contents = Object.entries(READS_CONTENTS)
    .filter(([action, resource]) => allows(action, resource) || readsSecret(action) || readsObjects(action))
    .map(([action]) => action);
  return [...changes, ...contents];
}

export const pullRequestsReadOnly = defineRule({
  name: "pull-requests-read-only",
  types: [ROLE],
  description: "A role for pull requests changes nothing, and reads no secret and no contents",
  why: "the author of a pull request chooses the code that uses the role",
  severity: "critical",
  neighbours: true,
  check: (role, stack) => {
    const subjects = githubSubjects(role.inputs.assumeRolePolicy);
    if (!subjects.some((subject) => subject.includes(":pull_request"))) return [];
    const { statements, unseen } = grantsOf(role, stack);
    const actions = actionsBeyondReading(statements, stack);
    return [
      ...(actions.length === 0
        ? []
        : [
            `Pull requests may ${first(actions)}. Remove it, or trust this role to a ref or an environment instead.`,
          ]),
      ...unseen.map(
        (policy) => `Pull requests have ${policy}, and no rule can see what it allows. Write a RolePolicy.`,
      ),
    ];
  },
});

export const roleValues = defineRule({
  name: "role-values",
  kind: "values together",
  types: [ROLE],
  description: "A role has no path, and sessions of 1 to 3 hours",
  why: "the ARNs in policies have no path and would not match, and stolen credentials are valid for as long as the session",
  severity: "high",
  check: ({ inputs: { path, maxSessionDuration } }) => [
    ...demand(path, ["", "/"].includes(text(path)), "path", "/"),
    ...demand(
      maxSessionDuration,
      maxSessionDuration === undefined ||
        (Number(maxSessionDuration) >= 3600 && Number(maxSessionDuration) <= 10_800),
      "maxSessionDuration",
      "a number of seconds from 3600 to 10800: no update takes longer",
    ),
  ],
});

export const instanceRolesNarrow = defineRule({
  name: "instance-roles-narrow",
  types: [ROLE],
  description:
    "Roles of instances read contents and secrets by name only, and have no wildcard on every resource",
  why: "whoever controls an instance could read unrelated data and change the code that the instances run",
  severity: "high",
  neighbours: true,
  check: (role, stack) => {
    if (!isInstances(role)) return [];
    const allowed = grantsOf(role, stack).statements.filter(({ Effect }) => Effect === "Allow");
    const wildcards = allowed
      .filter(isEveryResource)
      .flatMap(({ Action, NotAction }) =>
        NotAction === undefined
          ? strings(Action).filter((action) => action.endsWith("*"))
          : ["all but some actions"],
      );
    const contents = Object.entries(READS_CONTENTS)
      .filter(([action, resource]) =>
        allowed.some(
          (one) =>
            actionMatches(one, action) &&
            (isEveryResource(one) ||
              strings(one.Resource).some((pattern) => matches(pattern, resource, false))),
        ),
      )
      .map(([action]) => action);
    const actions = [...new Set([...wildcards, ...contents])];
    return actions.length === 0
      ? []
      : [`The role may ${first(actions)} on any resource. Write the actions and resources that it needs.`];
  },
});
