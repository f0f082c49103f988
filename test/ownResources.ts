import { ACCOUNT, type Needed, REGION } from "./authorization";

/** The environment on whose resources an action is needed. */
export interface Target {
  env: string;
  /** Name of a DNS record of the environment. */
  record: string;
  /** Load balancer of the environment, such as `app/NAME/ID`. */
  balancer: string;
}

const arn = (service: string, resource: string) => `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`;

/** The part of an ARN that names the environment's resource of a service on which an action is needed. */
const RESOURCES: Record<string, (action: string, env: string, balancer: string) => string> = {
  acm: () => arn("acm", "certificate/0123"),
  cloudfront: (action) =>
    `arn:aws:cloudfront::${ACCOUNT}:${/OriginAccess/.test(action) ? "origin-access-control" : "distribution"}/E1`,
  cloudwatch: (_, env) => arn("cloudwatch", `alarm:iaso-${env}-queue-age`),
  ec2: (action) => {
    if (/Image(Attribute)?$/.test(action)) return `arn:aws:ec2:${REGION}::image/ami-1`;
    if (/Snapshot(Attribute)?$/.test(action)) return `arn:aws:ec2:${REGION}::snapshot/snap-1`;
    if (/Instance(Attribute|Profile)$/.test(action)) return arn("ec2", "instance/i-1");
    return arn("ec2", "security-group/sg-1");
  },
  ecr: (_, env) => arn("ecr", `repository/iaso-${env}`),
  elasticache: (action, env) => {
    if (/ParameterGroup/.test(action)) return arn("elasticache", `parametergroup:iaso-${env}-enketo-cache`);
    if (/SubnetGroup/.test(action)) return arn("elasticache", `subnetgroup:iaso-${env}-enketo`);
    if (/Snapshot$/.test(action)) return arn("elasticache", `snapshot:iaso-${env}-enketo-main-final`);
    return arn("elasticache", `replicationgroup:iaso-${env}-enketo-main`);
  },
  elasticbeanstalk: (action, env) => {
    const application = `iaso-${env}`;
    if (/ApplicationVersion$/.test(action))
      return arn("elasticbeanstalk", `applicationversion/${application}/1.2`);
    if (/Application/.test(action)) return arn("elasticbeanstalk", `application/${application}`);
    return arn("elasticbeanstalk", `environment/${application}/iaso-${env}-worker`);
  },
  elasticloadbalancing: (action, _, balancer) =>
    /(CreateListener|SetWebACL)$/.test(action)
      ? arn("elasticloadbalancing", `loadbalancer/${balancer}`)
      : arn("elasticloadbalancing", `listener/${balancer}/0123`),
  iam: (action, env) =>
    /InstanceProfile$/.test(action)
      ? `arn:aws:iam::${ACCOUNT}:instance-profile/iaso-${env}-web`
      : `arn:aws:iam::${ACCOUNT}:role/iaso-${env}-web`,
  logs: (_, env) => arn("logs", `log-group:/iaso/${env}/vpc-flow-logs`),
  rds: (action, env) => {
    if (/ParameterGroup/.test(action)) return arn("rds", `pg:iaso-${env}-postgres16`);
    if (/SubnetGroup/.test(action)) return arn("rds", `subgrp:iaso-${env}`);
    if (/Snapshot(Attribute)?$/.test(action)) return arn("rds", `snapshot:iaso-${env}-final`);
    return arn("rds", `db:iaso-${env}`);
  },
  route53: () => "arn:aws:route53:::hostedzone/Z1",
  s3: (action, env) =>
    /Object(Tagging|Version)?$/.test(action)
      ? `arn:aws:s3:::example-iaso-${env}-artifacts/pulumi/1.zip`
      : `arn:aws:s3:::example-iaso-${env}-artifacts`,
  sns: (_, env) => arn("sns", `iaso-${env}-alarms`),
  sqs: (_, env) => arn("sqs", `iaso-${env}-tasks`),
  ssm: (_, env) => arn("ssm", `parameter/iaso/${env}/deployment`),
  wafv2: (_, env) => arn("wafv2", `regional/webacl/iaso-${env}/0123`),
};

const CREATES = /:(Allocate|Create(?!Listener)|Request|Run)/;

/**
 * The permission that an action needs on the resource of an environment. Existing resources have the environment's tags,
 * new ones get them with the request.
 */
export function onResourceOf({ balancer, env, record }: Target, action: string): Needed {
  const [service = ""] = action.split(":");
  const tags = { project: "iaso", env };
  const prefix = CREATES.test(action) ? "aws:RequestTag" : "aws:ResourceTag";
  return {
    action,
    resource: RESOURCES[service]?.(action, env, balancer) ?? "*",
    context: {
      ...Object.fromEntries(Object.entries(tags).map(([tag, value]) => [`${prefix}/${tag}`, value])),
      ...(action === "route53:ChangeResourceRecordSets" && {
        "route53:ChangeResourceRecordSetsNormalizedRecordNames": [record],
      }),
      ...(service === "iam" && {
        "iam:PermissionsBoundary": `arn:aws:iam::${ACCOUNT}:policy/iaso-${env}-boundary`,
      }),
    },
  };
}
