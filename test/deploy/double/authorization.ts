import { Naming } from "../../../components/common/naming";
import { updateStatements } from "../../../components/iam/ci/beanstalk";
import { deployStatements, PAIR } from "../../../components/iam/ci/deploy";
import { imageStatements } from "../../../components/iam/ci/images";
import { type BeanstalkCall, callsOfUpdate } from "../../../policies/facts/beanstalkCalls";
import { ACCOUNT, type Needed, REGION, Role } from "../../authorization";
import type { Beanstalk, SimulatedEnvironment } from "./beanstalk";
import { AwsFault, type DoubleRequest, itemsOf } from "./protocol";

/** The ids of the pair's environments in the double. */
const ENVIRONMENT_IDS = { web: "e-0000000002", worker: "e-0000000004" };

/** The deploy role's policy. A test compares it with the one in the preview document. */
export const deployRole = (
  env: string,
  ids = ENVIRONMENT_IDS,
  platform: "python" | "docker" = "python",
): Role => {
  const naming = new Naming({ organization: "example", env, accountId: ACCOUNT, region: REGION });
  const tags = {
    [naming.environmentIdTag("web")]: ids.web,
    [naming.environmentIdTag("worker")]: ids.worker,
  };
  return new Role(
    [
      ...deployStatements(naming, false),
      ...(platform === "docker" ? imageStatements(naming) : []),
      ...Object.values(updateStatements(naming, PAIR, "")).flat(),
    ],
    undefined,
    tags,
  );
};

const arn = (service: string, resource: string) => `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`;

/** The permissions that calls of Beanstalk in the caller's name need. */
export const neededFor = (calls: readonly BeanstalkCall[]): Needed[] =>
  calls.flatMap(({ actions, resources, context }) =>
    resources.flatMap((resource) =>
      actions.map((action) => ({ action, resource, ...(context && { context: { ...context } }) })),
    ),
  );

/** The permissions that one update of an environment needs, by Beanstalk, in the caller's name. */
function neededForUpdate({ id, settings }: SimulatedEnvironment): Needed[] {
  const { application, name } = settings;
  // The program writes the environment's name in lower case.
  const tags = { ...settings.tags, env: (settings.tags.env ?? "").toLowerCase() };
  const roles = [settings.tags.role ?? "", "beanstalk-service"].map(
    (suffix) => `arn:aws:iam::${ACCOUNT}:role/iaso-${tags.env}-${suffix}`,
  );
  const changed = { region: REGION, accountId: ACCOUNT, environment: name, environmentId: id };
  return neededFor(callsOfUpdate({ ...changed, application, tags, roles }));
}

/**
 * The permissions that a request of the deploy tool needs, except those for S3.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticbeanstalk.html
 */
export function neededPermissions(
  service: string,
  operation: string,
  form: URLSearchParams,
  beanstalk: Beanstalk,
): Needed[] {
  const action = `${service === "monitoring" ? "cloudwatch" : service}:${operation}`;
  const one = (resource: string) => [{ action, resource }];
  switch (action) {
    case "elasticbeanstalk:CreateApplicationVersion":
      return [
        ...one(arn("elasticbeanstalk", `application/${form.get("ApplicationName") ?? ""}`)),
        ...one(versionArn(form)),
        ...([...form.keys()].some((key) => key.startsWith("Tags."))
          ? [{ action: "elasticbeanstalk:AddTags", resource: versionArn(form) }]
          : []),
        // Beanstalk reads the source bundle in the caller's name.
        {
          action: "s3:GetObject",
          resource: `arn:aws:s3:::${form.get("SourceBundle.S3Bucket") ?? ""}/${form.get("SourceBundle.S3Key") ?? ""}`,
        },
      ];
    case "elasticbeanstalk:DeleteApplicationVersion":
      return [
        ...one(versionArn(form)),
        ...sourceBundle(beanstalk.versions.get(form.get("VersionLabel") ?? "")),
      ];
    case "elasticbeanstalk:UpdateEnvironment":
    case "elasticbeanstalk:AbortEnvironmentUpdate": {
      const found = beanstalk.environments.find(({ id }) => id === form.get("EnvironmentId"));
      if (found === undefined) return [];
      return [...one(found.arn), ...neededForUpdate(found)];
    }
    case "elasticbeanstalk:DescribeConfigurationSettings":
      return one(
        arn(
          "elasticbeanstalk",
          `environment/${form.get("ApplicationName") ?? ""}/${form.get("EnvironmentName") ?? ""}`,
        ),
      );
    case "elasticbeanstalk:ListTagsForResource":
      return one(form.get("ResourceArn") ?? "");
    case "rds:CreateDBSnapshot":
      return [
        ...one(arn("rds", `db:${form.get("DBInstanceIdentifier") ?? ""}`)),
        ...["rds:CreateDBSnapshot", "rds:AddTagsToResource"].map((needed) => ({
          action: needed,
          resource: arn("rds", `snapshot:${form.get("DBSnapshotIdentifier") ?? ""}`),
        })),
      ];
    case "rds:CopyDBSnapshot":
      return [
        ...one(arn("rds", `snapshot:${form.get("SourceDBSnapshotIdentifier") ?? ""}`)),
        ...["rds:CopyDBSnapshot", "rds:AddTagsToResource"].map((needed) => ({
          action: needed,
          resource: arn("rds", `snapshot:${form.get("TargetDBSnapshotIdentifier") ?? ""}`),
        })),
      ];
    case "rds:DeleteDBInstance":
    case "rds:ModifyDBInstance":
    case "rds:RebootDBInstance":
    case "rds:RestoreDBInstanceFromDBSnapshot":
    case "rds:RestoreDBInstanceToPointInTime":
      return neededOnDatabase(action, form);
    case "ssm:SendCommand":
      return [
        ...one(`arn:aws:ssm:${REGION}::document/${form.get("DocumentName") ?? ""}`),
        {
          action,
          resource: arn("ec2", `instance/${itemsOf(form, "InstanceIds")[0] ?? ""}`),
          context: tagsOfInstance(itemsOf(form, "InstanceIds")[0]),
        },
      ];
    case "ssm:GetParameter":
      return one(arn("ssm", `parameter${form.get("Name") ?? ""}`));
    case "elasticloadbalancing:CreateRule":
      return one(form.get("ListenerArn") ?? "");
    case "elasticloadbalancing:DeleteRule":
      return one(form.get("RuleArn") ?? "");
    case "sqs:GetQueueAttributes":
    case "sqs:SetQueueAttributes":
    case "sqs:GetQueueUrl":
      return one(arn("sqs", (form.get("QueueUrl") ?? form.get("QueueName") ?? "").split("/").at(-1) ?? ""));
    default: {
      const repository = form.get("repositoryName");
      // The tool's other requests read, and take no resource.
      return one(repository === null ? "*" : arn("ecr", `repository/${repository}`));
    }
  }
}

/** The tags of an instance: the program's, or only those that Beanstalk gives. */
function tagsOfInstance(id = ""): Record<string, string> {
  return id.includes("existing")
    ? { "ssm:resourceTag/elasticbeanstalk:environment-name": "iaso-old" }
    : {
        "ssm:resourceTag/project": "iaso",
        "ssm:resourceTag/env": "staging",
        "ssm:resourceTag/role": "web",
      };
}

/**
 * The permissions that a change of a database needs.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonrds.html
 */
function neededOnDatabase(action: string, form: URLSearchParams): Needed[] {
  const named: [type: string, parameter: string][] = [
    ["db", "DBInstanceIdentifier"],
    ["db", "NewDBInstanceIdentifier"],
    ["db", "TargetDBInstanceIdentifier"],
    ["auto-backup", "SourceDbiResourceId"],
    ["pg", "DBParameterGroupName"],
    ["snapshot", "DBSnapshotIdentifier"],
    ["subgrp", "DBSubnetGroupName"],
  ];
  const resources = named.flatMap(([type, parameter]) => {
    const name = form.get(parameter);
    return name === null ? [] : [arn("rds", `${type}:${name}`)];
  });
  const created = form.get("TargetDBInstanceIdentifier") ?? form.get("DBInstanceIdentifier") ?? "";
  const finalSnapshot = form.get("FinalDBSnapshotIdentifier");
  const monitoringRole = form.get("MonitoringRoleArn");
  return [
    ...resources.map((resource) => ({
      action,
      resource,
      // AWS Backup chooses the names of its snapshots, and gives them the tags of the database.
      ...(resource.includes(":snapshot:awsbackup:") && { context: { "aws:ResourceTag/env": "staging" } }),
    })),
    ...(action.startsWith("rds:Restore")
      ? [
          { action, resource: arn("rds", "og:default:postgres-16") },
          { action: "rds:AddTagsToResource", resource: arn("rds", `db:${created}`) },
        ]
      : []),
    ...(finalSnapshot === null
      ? []
      : ["rds:CreateDBSnapshot", "rds:AddTagsToResource"].map((one) => ({
          action: one,
          resource: arn("rds", `snapshot:${finalSnapshot}`),
        }))),
    ...(monitoringRole === null
      ? []
      : [
          {
            action: "iam:PassRole",
            resource: monitoringRole,
            context: { "iam:PassedToService": "monitoring.rds.amazonaws.com" },
          },
        ]),
  ];
}

/** Beanstalk deletes the source bundle together with the version, in the caller's name. */
const sourceBundle = (version: { bucket: string; key: string } | undefined): Needed[] =>
  version === undefined
    ? []
    : [{ action: "s3:DeleteObject", resource: `arn:aws:s3:::${version.bucket}/${version.key}` }];

const versionArn = (form: URLSearchParams) =>
  arn(
    "elasticbeanstalk",
    `applicationversion/${form.get("ApplicationName") ?? ""}/${form.get("VersionLabel") ?? ""}`,
  );

/**
 * The permissions that a request to S3 needs.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
 */
export function neededForS3(operation: string, { body, headers, path, query }: DoubleRequest): Needed[] {
  const [, bucket = "", ...rest] = path.split("/");
  const bucketArn = `arn:aws:s3:::${bucket}`;
  const object = `${bucketArn}/${rest.join("/")}`;
  switch (operation) {
    case "PutObject":
      return [{ action: "s3:PutObject", resource: object }];
    case "CopyObject": {
      const [source = "", version] = decodeURIComponent(headers["x-amz-copy-source"] ?? "").split(
        "?versionId=",
      );
      return [
        { action: "s3:PutObject", resource: object },
        {
          action: version === undefined ? "s3:GetObject" : "s3:GetObjectVersion",
          resource: `arn:aws:s3:::${source.replace(/^\//, "")}`,
        },
      ];
    }
    case "GetObject":
    case "HeadObject":
      if (query.has("versionId")) return [{ action: "s3:GetObjectVersion", resource: object }];
      // Without the second permission a missing object is reported as access denied, not as missing.
      return [
        { action: "s3:GetObject", resource: object },
        { action: "s3:ListBucket", resource: bucketArn },
      ];
    case "DeleteObject":
      return [{ action: "s3:DeleteObject", resource: object }];
    case "DeleteObjects":
      return [...body.toString().matchAll(/<Object>(.*?)<\/Object>/gs)].map(([, entry = ""]) => ({
        action: entry.includes("<VersionId>") ? "s3:DeleteObjectVersion" : "s3:DeleteObject",
        resource: `${bucketArn}/${/<Key>(.*?)<\/Key>/.exec(entry)?.[1] ?? ""}`,
      }));
    case "GetBucketEncryption":
      return [{ action: "s3:GetEncryptionConfiguration", resource: bucketArn }];
    case "GetBucketVersioning":
      return [{ action: "s3:GetBucketVersioning", resource: bucketArn }];
    case "ListObjectVersions":
      return [{ action: "s3:ListBucketVersions", resource: bucketArn }];
    default:
      return [{ action: "s3:ListBucket", resource: bucketArn }];
  }
}

/** @throws AwsFault as AWS does, with the permissions that are missing. */
export function authorize(role: Role, service: string, needed: readonly Needed[]): void {
  const missing = role.missing(needed);
  if (missing.length === 0) return;
  const message = `User is not authorized to perform: ${missing.join(", ")}`;
  throw service === "s3"
    ? new AwsFault("AccessDenied", message, 403)
    : new AwsFault(
        service === "ssm" || service === "ecr" ? "AccessDeniedException" : "AccessDenied",
        message,
        ["ecr", "sqs", "ssm"].includes(service) ? 400 : 403,
      );
}
