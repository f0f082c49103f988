import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runUnsafeSimulation } from "@cloud-copilot/iam-simulate";
import { expect } from "chai";
import type { PreviewDocument } from "../../graph/document";
import { ACCOUNT, balancerOf, type Needed, REGION, type Role, roleOf } from "../authorization";
import { operatorRole } from "../database/operator";
import { onResourceOf } from "../ownResources";
import { previewOf, previewWith } from "../support";

/** The roles of the platform by the ending of their names. The rest of the account is not theirs. */
const CI = ["ci-preview", "ci-up", "ci-deploy", "ci-rehearse"];
const PLATFORM = ["web", "worker", "enketo", "beanstalk-service", "database-monitoring", "flow-logs"];

/** Actions that write, or read secrets or data. */
const ACTIONS = [
  "acm:AddTagsToCertificate",
  "acm:DeleteCertificate",
  "acm:RequestCertificate",
  "cloudfront:CreateDistribution",
  "cloudfront:DeleteDistribution",
  "cloudfront:TagResource",
  "cloudfront:UpdateDistribution",
  "cloudfront:UpdateOriginAccessControl",
  "cloudwatch:DeleteAlarms",
  "ec2:AssociateIamInstanceProfile",
  "ec2:AuthorizeSecurityGroupIngress",
  "ec2:CreateImage",
  "ec2:CreateTags",
  "ec2:DeleteSecurityGroup",
  "ec2:DeleteSnapshot",
  "ec2:DeregisterImage",
  "ec2:ModifyImageAttribute",
  "ec2:ModifyInstanceAttribute",
  "ec2:ModifySnapshotAttribute",
  "ec2:RunInstances",
  "ec2:TerminateInstances",
  "ecr:BatchDeleteImage",
  "ecr:BatchGetImage",
  "ecr:DeleteRepository",
  "ecr:PutImage",
  "ecr:PutLifecyclePolicy",
  "ecr:SetRepositoryPolicy",
  "elasticache:DeleteReplicationGroup",
  "elasticbeanstalk:CreateApplicationVersion",
  "elasticbeanstalk:DescribeConfigurationSettings",
  "elasticbeanstalk:TerminateEnvironment",
  "elasticbeanstalk:UpdateEnvironment",
  "elasticloadbalancing:ModifyListener",
  "iam:AttachRolePolicy",
  "iam:CreateInstanceProfile",
  "iam:CreateRole",
  "iam:PutRolePermissionsBoundary",
  "iam:PutRolePolicy",
  "iam:TagRole",
  "iam:UpdateAssumeRolePolicy",
  "logs:DeleteLogGroup",
  "logs:GetLogEvents",
  "rds:AddTagsToResource",
  "rds:CopyDBSnapshot",
  "rds:CreateDBSnapshot",
  "rds:DeleteDBInstance",
  "rds:DeleteDBSnapshot",
  "rds:ModifyDBInstance",
  "rds:ModifyDBSnapshotAttribute",
  "rds:RebootDBInstance",
  "rds:RestoreDBInstanceFromDBSnapshot",
  "rds:RestoreDBInstanceToPointInTime",
  "route53:ChangeResourceRecordSets",
  "s3:DeleteBucket",
  "s3:DeleteBucketPolicy",
  "s3:DeleteObject",
  "s3:DeleteObjectVersion",
  "s3:GetObject",
  "s3:GetObjectVersion",
  "s3:ListBucket",
  "s3:PutBucketLogging",
  "s3:PutBucketOwnershipControls",
  "s3:PutBucketPolicy",
  "s3:PutBucketPublicAccessBlock",
  "s3:PutBucketVersioning",
  "s3:PutLifecycleConfiguration",
  "s3:PutObject",
  "s3:PutReplicationConfiguration",
  "sns:Publish",
  "sns:SetTopicAttributes",
  "sns:Subscribe",
  "sqs:AddPermission",
  "sqs:DeleteMessage",
  "sqs:DeleteQueue",
  "sqs:PurgeQueue",
  "sqs:ReceiveMessage",
  "sqs:SendMessage",
  "sqs:SetQueueAttributes",
  "ssm:DeleteParameter",
  "ssm:GetParameter",
  "ssm:GetParameters",
  "ssm:GetParametersByPath",
  "ssm:PutParameter",
];

/** The web hosts of the tests' stacks. */
const HOSTS: Record<string, string> = { prod: "iaso.example.org", staging: "iaso-staging.example.org" };

const BUCKETS = ["artifacts", "media", "static"];
/** Objects of the buckets, by who writes them. */
const OBJECTS: Record<string, (env: string) => string> = {
  "artifacts/bundles": () => "artifacts/bundles/1.zip",
  "artifacts/drills": (env) => `artifacts/drills/${env}/latest.json`,
  "artifacts/journal": (env) => `artifacts/journal/${env}/1.json`,
  "artifacts/locks": (env) => `artifacts/locks/${env}.json`,
  "artifacts/pulumi": () => "artifacts/pulumi/1.zip",
  "artifacts/restores": (env) => `artifacts/restores/${env}/1.json`,
  media: () => "media/1.jpg",
  static: () => "static/1.js",
};

/** Databases and backups by how the tools use them. RDS chooses the names of automated backups, AWS Backup those of its own. */
const DATABASES: Record<string, (env: string) => string> = {
  database: (env) => `db:iaso-${env}`,
  rehearsal: (env) => `db:iaso-${env}-rehearsal-1`,
  "automated backup": () => "auto-backup:ab-1",
  "restore point": (env) => `snapshot:iaso-${env}-before-1-202601010000`,
  "AWS Backup's snapshot": () => "snapshot:awsbackup:job-1",
};
/** Actions that change, copy or share databases and their backups. */
const ON_DATABASES =
  /^rds:(AddTags|CopyDBSnapshot|CreateDBSnapshot|Delete|ModifyDB(Instance|Snapshot)|Restore)/;

/**
 * The requests of one action on the resources of an environment: one for each bucket or folder, if it is about S3, and one
 * for each kind of parameter, database and backup.
 */
function requests(action: string, env: string, ofOwn: boolean): Record<string, Needed> {
  const record = ofOwn ? (HOSTS[env] ?? "") : "iaso-other.example.org";
  const needed = onResourceOf({ env, record, balancer: balancerOf(ofOwn ? "web" : "other") }, action);
  if (action.startsWith("ssm:")) {
    const secret = needed.resource.replace(/parameter.*/, `parameter/iaso-secrets/${env}/SECRET_KEY`);
    return { [`${action} deployment`]: needed, [`${action} secret`]: { ...needed, resource: secret } };
  }
  if (ON_DATABASES.test(action)) {
    const tags = { "aws:ResourceTag/project": "iaso", "aws:ResourceTag/env": env };
    return Object.fromEntries(
      Object.entries(DATABASES).map(([kind, resource]): [string, Needed] => [
        `${action} ${kind}`,
        { action, resource: arn("rds", resource(env)), context: tags },
      ]),
    );
  }
  if (!action.startsWith("s3:")) return { [action]: needed };
  const places = needed.resource.includes("/")
    ? mapped(OBJECTS, (key) => needed.resource.replace(/artifacts\/.*/, key(env)))
    : Object.fromEntries(BUCKETS.map((name) => [name, needed.resource.replace("artifacts", name)]));
  return Object.fromEntries(
    Object.entries(places).map(([place, resource]) => [`${action} ${place}`, { ...needed, resource }]),
  );
}

/**
 * The targets of requests: the environment's own resources, another environment's, resources without tags, and another
 * account's. The buckets of the other account have the names of the environment's own, which anybody can create after
 * those are deleted.
 */
const PLACES: Record<string, (action: string, env: string) => Record<string, Needed>> = {
  own: (action, env) => requests(action, env, true),
  second: (action) => requests(action, "other", false),
  stranger: (action) => mapped(requests(action, "stranger", false), (one) => ({ ...one, context: {} })),
  account: (action, env) =>
    mapped(requests(action, env, true), (one) => ({
      ...one,
      resource: one.resource.replace(ACCOUNT, "999999999999"),
      context: { "aws:ResourceAccount": "999999999999" },
    })),
};

const mapped = <T, U>(all: Readonly<Record<string, T>>, change: (one: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(all).map(([name, one]) => [name, change(one)]));

/** Decides with an evaluator that others wrote. */
function oracleAllows(
  { statements, boundary, tags }: Role,
  { action, resource, context = {} }: Needed,
): boolean {
  const policy = (name: string, Statement: unknown[]) => ({
    name,
    policy: { Version: "2012-10-17", Statement },
  });
  const result = runUnsafeSimulation(
    {
      request: {
        principal: `arn:aws:iam::${ACCOUNT}:role/example`,
        action,
        resource: { resource, accountId: ACCOUNT },
        contextVariables: {
          "aws:RequestedRegion": REGION,
          "aws:SecureTransport": "true",
          "aws:ResourceAccount": ACCOUNT,
          ...Object.fromEntries(
            Object.entries(tags).map(([tag, value]) => [`aws:PrincipalTag/${tag}`, value]),
          ),
          ...context,
        },
      },
      identityPolicies: [policy("identity", statements)],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(boundary && { permissionBoundaryPolicies: [policy("boundary", boundary)] }),
    },
    {},
  );
  return result === "Allowed";
}

/** The places where a role may make each request; requests that it may make nowhere are left out. */
function matrixOf(role: Role, env: string, actions = ACTIONS): Record<string, string> {
  const places = new Map<string, string[]>();
  for (const action of actions)
    for (const [place, requestsAt] of Object.entries(PLACES))
      for (const [name, needed] of Object.entries(requestsAt(action, env))) {
        const allowed = role.allows(needed);
        expect(oracleAllows(role, needed), `${name} on ${needed.resource}, by the oracle`).to.equal(allowed);
        if (allowed) places.set(name, [...(places.get(name) ?? []), place]);
      }
  return Object.fromEntries([...places].map(([name, all]) => [name, all.join(" ")]));
}

/** Ways to run code as another role, or to give it more permissions, that need no further permission of that role. */
const PATHS: Record<string, (role: string) => Needed[]> = {
  "assume the role": (role) => [{ action: "sts:AssumeRole", resource: role }],
  "change its trust": (role) => [{ action: "iam:UpdateAssumeRolePolicy", resource: role }],
  "remove its boundary": (role) => [{ action: "iam:DeleteRolePermissionsBoundary", resource: role }],
  "write its policy without a boundary": (role) => [{ action: "iam:PutRolePolicy", resource: role }],
  "attach a policy without a boundary": (role) => [{ action: "iam:AttachRolePolicy", resource: role }],
  "start an instance": (role) => [passed(role, "ec2"), { action: "ec2:RunInstances", resource: INSTANCE }],
  "create a function": (role) => [passed(role, "lambda"), { action: "lambda:CreateFunction", resource: "*" }],
  "run a task": (role) => [passed(role, "ecs-tasks"), { action: "ecs:RunTask", resource: "*" }],
  "create a stack": (role) => [
    passed(role, "cloudformation"),
    { action: "cloudformation:CreateStack", resource: STACK },
  ],
  "run a build": (role) => [passed(role, "codebuild"), { action: "codebuild:CreateProject", resource: "*" }],
};

const INSTANCE = `arn:aws:ec2:${REGION}:${ACCOUNT}:instance/*`;
const STACK = `arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/awseb-e-qz71000000-immutable-stack/0`;
const arn = (service: string, resource: string) => `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`;
const GROUP = arn("autoscaling", "autoScalingGroup:0:autoScalingGroupName/awseb-e-1-stack-A");
const passed = (role: string, service: string): Needed => ({
  action: "iam:PassRole",
  resource: role,
  context: { "iam:PassedToService": `${service}.amazonaws.com` },
});

/** The roles that a role can become, with the path. */
function escalations(role: Role, targets: string[]): string[] {
  return targets.flatMap((target) =>
    Object.entries(PATHS)
      .filter(([, needed]) => role.missing(needed(`arn:aws:iam::${ACCOUNT}:role/${target}`)).length === 0)
      .map(([path]) => `${path}: ${target}`),
  );
}

describe("the separation of roles", () => {
  it("lets only deployments change images, and only Iaso's instances pull them, on the Docker platform", async () => {
    const document = await previewWith({ "iaso:platform": "docker" });
    const actions = ACTIONS.filter((action) => action.startsWith("ecr:"));
    const matrix = [...CI, ...PLATFORM].map((name) => {
      const role = roleOf(document, name === "flow-logs" ? "network-flow-logs" : name);
      return [name, matrixOf(role, "staging", actions)];
    });
    const pulls = { "ecr:BatchGetImage": "own" };
    expect(Object.fromEntries(matrix)).to.deep.equal({
      ...Object.fromEntries([...CI, ...PLATFORM].map((name) => [name, {}])),
      "ci-up": { "ecr:PutLifecyclePolicy": "own" },
      "ci-deploy": { ...pulls, "ecr:BatchDeleteImage": "own", "ecr:PutImage": "own" },
      web: pulls,
      worker: pulls,
    });
  });

  for (const env of ["staging", "prod"]) {
    describe(`of ${env}`, () => {
      let document: PreviewDocument;
      before(async () => {
        document = await previewOf(env);
      });

      // The second evaluator takes its time. One stack in npm test, the other in the proofs.
      it(`is the one in roles.json, by two evaluators: a widened permission is a difference${env === "staging" ? " @proof" : ""}`, () => {
        const matrix = Object.fromEntries(
          [...CI, ...PLATFORM].map((name) => [
            name,
            matrixOf(roleOf(document, name === "flow-logs" ? "network-flow-logs" : name), env),
          ]),
        );
        const expected: unknown = JSON.parse(readFileSync(join(__dirname, "roles.json"), "utf8"));
        expect(matrix, JSON.stringify(matrix, undefined, 2)).to.deep.equal(expected);
      });

      it("lets no role become one with more permissions, but instances of the own environment for up", () => {
        const targets = [
          ...[...CI, ...PLATFORM].map((name) => `iaso-${env}-${name}`),
          "iaso-other-web",
          "iaso-other-ci-up",
          "Administrator",
        ];
        const found = Object.fromEntries(
          [...CI, ...PLATFORM].map((name) => [
            name,
            escalations(roleOf(document, name === "flow-logs" ? "network-flow-logs" : name), targets),
          ]),
        );
        const own = PLATFORM.map((name) => `start an instance: iaso-${env}-${name}`);
        expect(found).to.deep.equal({
          ...Object.fromEntries([...CI, ...PLATFORM].map((name) => [name, []])),
          "ci-up": own,
        });
      });

      it("makes nothing of a stranger its own by tagging it, but a security group: AWS's default one has no tags", () => {
        const untagged = [
          "image",
          "instance",
          "launch-template",
          "network-interface",
          "security-group",
          "snapshot",
        ]
          .concat(["subnet", "volume", "vpc"])
          .map((type): [string, string] => ["ec2:CreateTags", arn("ec2", `${type}/0123`)]);
        const ofBeanstalk: [string, string][] = [
          ["autoscaling:CreateOrUpdateTags", GROUP],
          ["cloudformation:TagResource", STACK],
          ["dynamodb:TagResource", arn("dynamodb", "table/awseb-e-1-stack-Leaders")],
          ["elasticloadbalancing:AddTags", arn("elasticloadbalancing", "loadbalancer/app/awseb-1/0")],
          ["elasticloadbalancing:AddTags", arn("elasticloadbalancing", "targetgroup/awseb-1/0")],
        ];
        const requestTags = { "aws:RequestTag/project": "iaso", "aws:RequestTag/env": env };
        const name = { "aws:ResourceTag/elasticbeanstalk:environment-name": "strangers" };
        const calls: Needed[] = [
          ...untagged,
          ["acm:AddTagsToCertificate", arn("acm", "certificate/0123")] as const,
          ["cloudfront:TagResource", `arn:aws:cloudfront::${ACCOUNT}:distribution/E1`] as const,
          ...ofBeanstalk,
        ].map(([action, resource]) => ({
          ...{ action, resource },
          context: { ...requestTags, ...(/awseb/.test(resource) && name) },
        }));
        const found = [...CI, ...PLATFORM].flatMap((one) => {
          const role = roleOf(document, one === "flow-logs" ? "network-flow-logs" : one);
          return calls.filter((call) => role.allows(call)).map(({ resource }) => `${one}: ${resource}`);
        });
        expect(found).to.deep.equal([`ci-up: ${arn("ec2", "security-group/0123")}`]);
      });

      it("deletes no stack and no table of a stranger's Beanstalk environment", () => {
        const context = { "aws:ResourceTag/elasticbeanstalk:environment-name": "strangers" };
        const calls = [
          {
            action: "cloudformation:DeleteStack",
            resource: STACK.replace("-immutable-stack", "-stack"),
            context,
          },
          { action: "cloudformation:DeleteStack", resource: STACK, context },
          {
            action: "dynamodb:DeleteTable",
            resource: arn("dynamodb", "table/awseb-e-1-stack-Leaders"),
            context,
          },
          {
            action: "cloudwatch:DeleteAlarms",
            resource: arn("cloudwatch", "alarm:awseb-e-1-stack-A"),
            context,
          },
        ];
        for (const name of CI)
          expect(calls.filter((one) => roleOf(document, name).allows(one))).to.deep.equal([]);
      });

      it("gives databases and snapshots no tags of another environment, by which its operators may restore them", () => {
        const foreign = { "aws:RequestTag/project": "iaso", "aws:RequestTag/env": "other" };
        const calls = Object.values(DATABASES).flatMap((resource): Needed[] => [
          { action: "rds:AddTagsToResource", resource: arn("rds", resource(env)), context: foreign },
          {
            action: "rds:RemoveTagsFromResource",
            resource: arn("rds", resource(env)),
            context: { "aws:TagKeys": ["env"] },
          },
        ]);
        for (const name of CI)
          expect(
            calls.filter((one) => roleOf(document, name).allows(one)),
            name,
          ).to.deep.equal([]);
      });

      it("lets operators restore no backup of AWS Backup with another environment's tags", () => {
        const operator = operatorRole(env);
        for (const [resource, tag] of [
          ["recovery-point:1", env],
          ["recovery-point:1", "other"],
        ] as const)
          for (const action of ["backup:StartCopyJob", "backup:StartRestoreJob"])
            expect(
              operator.allows({
                action,
                resource: arn("backup", resource),
                context: { "aws:ResourceTag/project": "iaso", "aws:ResourceTag/env": tag },
              }),
              `${action} of ${tag}`,
            ).to.equal(tag === env);
      });

      it("copies no disk of a stranger or another environment, by an image, of an image or from a snapshot", () => {
        const tagsOf = (owner: string) => ({
          "aws:ResourceTag/project": "iaso",
          "aws:ResourceTag/env": owner,
        });
        const copy = { action: "ec2:CreateImage", resource: INSTANCE };
        const mount = { action: "ec2:RunInstances", resource: `arn:aws:ec2:${REGION}::snapshot/snap-1` };
        const start = { action: "ec2:RunInstances", resource: `arn:aws:ec2:${REGION}::image/ami-1` };
        const from = { "ec2:LaunchTemplate": arn("ec2", "launch-template/lt-1"), "ec2:Public": "false" };
        for (const name of [...CI, ...PLATFORM]) {
          const role = roleOf(document, name === "flow-logs" ? "network-flow-logs" : name);
          for (const needed of [copy, mount]) {
            expect(role.allows(needed), `${name} ${needed.action}`).to.equal(false);
            expect(role.allows({ ...needed, context: tagsOf("other") }), name).to.equal(false);
          }
          expect(role.allows({ ...copy, context: tagsOf(env) }), name).to.equal(name === "ci-up");
          for (const tags of [{}, tagsOf("other")])
            expect(role.allows({ ...start, context: { ...from, ...tags } }), name).to.equal(false);
          const starts = ["ci-deploy", "ci-up"].includes(name);
          expect(role.allows({ ...start, context: { ...from, ...tagsOf(env) } }), name).to.equal(starts);
          expect(role.allows({ ...start, context: { ...from, "ec2:Public": "true" } }), name).to.equal(
            starts,
          );
        }
      });

      it("starts no instance through a group with an unnumbered template version or a launch configuration", () => {
        for (const name of ["ci-deploy", "ci-up"]) {
          const role = roleOf(document, name);
          const tags = { project: "iaso", env, role: "web" };
          const on = (action: string, prefix: string, context: Record<string, string>) =>
            role.allows({
              action: `autoscaling:${action}`,
              resource: GROUP,
              context: {
                ...Object.fromEntries(
                  Object.entries(tags).map(([tag, value]) => [`${prefix}/${tag}`, value]),
                ),
                ...context,
              },
            });
          const version = "autoscaling:LaunchTemplateVersionSpecified";
          expect(on("CreateAutoScalingGroup", "aws:RequestTag", { [version]: "true" }), name).to.equal(true);
          expect(on("CreateAutoScalingGroup", "aws:RequestTag", { [version]: "false" }), name).to.equal(
            false,
          );
          expect(on("CreateAutoScalingGroup", "aws:RequestTag", {}), name).to.equal(false);
          expect(on("UpdateAutoScalingGroup", "aws:ResourceTag", {}), name).to.equal(true);
          expect(on("UpdateAutoScalingGroup", "aws:ResourceTag", { [version]: "false" }), name).to.equal(
            false,
          );
          const configuration = { "autoscaling:LaunchConfigurationName": "strangers" };
          expect(on("UpdateAutoScalingGroup", "aws:ResourceTag", configuration), name).to.equal(false);
        }
      });
    });
  }
});
