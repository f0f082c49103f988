import { type BeanstalkCall } from "./beanstalkCalls";
import { type ChangedEnvironment, objectsOf, resourcesOf } from "./beanstalkResources";

/** The environment whose instances make the calls. */
export interface CallingInstance extends ChangedEnvironment {
  /** Iaso in the web or the worker environment, or Enketo. */
  role: "web" | "worker" | "enketo";
  platform: "python" | "docker";
  /** Name of the bucket for media. */
  media: string;
  /** Name of the bucket for Python packages and the list of known migrations. */
  artifacts: string;
  /** Name of the repository for images. */
  repository: string;
  /** Name of the queue of background tasks. */
  queue: string;
  /** ARNs of the parameters whose values Beanstalk sets as environment variables. */
  secrets: readonly string[];
  /** Alias of the KMS key that encrypts secrets, media and tasks; undefined if AWS's own keys do. */
  keyAlias?: string;
  /** True if administrators may open a shell through Session Manager. */
  shellAccess: boolean;
}

/** Calls of an instance with the permissions of its instance profile. */
export interface InstanceCall extends BeanstalkCall {
  /** The program on the instance that makes the calls. */
  caller: string;
  /** Address of the documentation or code that names the calls. */
  source: string;
}

const GUIDE = "https://docs.aws.amazon.com/elasticbeanstalk/latest/dg";
const AGENT = "https://github.com/aws/amazon-cloudwatch-agent/blob/main";
const POLICIES = "https://docs.aws.amazon.com/aws-managed-policy/latest/reference";

/**
 * The calls of an instance, from its start through deployments and requests.
 *
 * AWSElasticBeanstalkWebTier (v9) and AWSElasticBeanstalkWorkerTier (v8, both 2026-04-29) allow Beanstalk's own
 * programs more: X-Ray, which is off, and analysis with Bedrock, which nobody asks for.
 */
export function callsOfInstance(instance: CallingInstance): InstanceCall[] {
  return [
    ...callsOfPlatform(instance),
    ...(instance.role === "enketo" ? [] : callsOfIaso(instance)),
    ...(instance.role === "worker" ? callsOfDaemon(instance) : []),
    ...(instance.keyAlias === undefined ? [] : callsForKey(instance, instance.keyAlias)),
    ...(instance.shellAccess
      ? [
          {
            caller: "agent of Systems Manager",
            actions: [
              "ssm:UpdateInstanceInformation",
              "ssmmessages:CreateControlChannel",
              "ssmmessages:CreateDataChannel",
              "ssmmessages:OpenControlChannel",
              "ssmmessages:OpenDataChannel",
            ],
            resources: ["*"],
            source:
              "https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html",
          },
        ]
      : []),
  ];
}

/** Calls of Beanstalk's programs on every instance. */
function callsOfPlatform(instance: CallingInstance): InstanceCall[] {
  const { accountId, application, environment, environmentId, region, secrets } = instance;
  const own = resourcesOf(instance);
  const manifests = `resources/environments/${environmentId}/_runtime/versions/manifest`;
  return [
    {
      caller: "health agent",
      actions: ["elasticbeanstalk:PutInstanceStatistics"],
      resources: [`application/${application}`, `environment/${application}/${environment}`].map(
        (resource) => `arn:aws:elasticbeanstalk:${region}:${accountId}:${resource}`,
      ),
      source: `${GUIDE}/health-enhanced.html`,
    },
    {
      // eb-engine.log names the keys, see objectsOf.
      caller: "deployment: source bundle",
      actions: ["s3:GetObject"],
      resources: objectsOf(instance).map((key) => `${own.bucket}/${key}`),
      source: `${GUIDE}/concepts-roles-instance.html`,
    },
    {
      caller: "deployment: newest manifest",
      actions: ["s3:ListBucket"],
      resources: [own.bucket],
      context: { "s3:prefix": manifests },
      source: `${GUIDE}/concepts-roles-instance.html`,
    },
    {
      caller: "deployment: secrets",
      actions: ["ssm:GetParameter"],
      resources: secrets,
      source: `${GUIDE}/AWSHowTo.secrets.IAM-permissions.html`,
    },
    {
      caller: "bundles of logs",
      actions: ["s3:PutObject"],
      resources: ["tail", "bundle"].map(
        (kind) =>
          `${own.bucket}/resources/environments/logs/${kind}/${environmentId}/i-0123456789abcdef0/logs.zip`,
      ),
      source: `${GUIDE}/using-features.logging.html`,
    },
    {
      caller: "CloudWatch agent: logs",
      actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
      resources: [`${own.logGroup}:log-stream:i-0123456789abcdef0`],
      source: `${GUIDE}/AWSHowTo.cloudwatchlogs.html`,
    },
  ];
}

/** Calls of Iaso and of the hooks of its bundle (deploy/bundle). */
function callsOfIaso({
  accountId,
  artifacts,
  media,
  platform,
  queue,
  region,
  repository,
}: CallingInstance): InstanceCall[] {
  return [
    {
      // django-storages asks for an object with HeadObject, for which S3 answers 404 only to who may list the bucket.
      caller: "Iaso: media",
      actions: ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
      resources: [`arn:aws:s3:::${media}/forms/photo.jpg`],
      source: "https://github.com/jschneier/django-storages/blob/1.14.2/storages/backends/s3.py",
    },
    {
      caller: "Iaso: media",
      actions: ["s3:ListBucket"],
      resources: [`arn:aws:s3:::${media}`],
      source: "https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html",
    },
    {
      caller: "Iaso: background tasks",
      actions: ["sqs:SendMessage"],
      resources: [`arn:aws:sqs:${region}:${accountId}:${queue}`],
      source: "https://github.com/BLSQ/iaso/blob/main/beanstalk_worker/services.py",
    },
    {
      caller: "CloudWatch agent: memory and disk",
      actions: ["cloudwatch:PutMetricData"],
      resources: ["*"],
      context: { "cloudwatch:namespace": "CWAgent" },
      source: "deploy/bundle/shared/.ebextensions/cloudwatch-agent.config",
    },
    {
      // Only AutoScalingGroupName needs a request. It would need DescribeVolumes too for the dimension VolumeId.
      caller: "CloudWatch agent: dimensions",
      actions: ["ec2:DescribeTags"],
      resources: ["*"],
      source: `${AGENT}/translator/translate/otel/processor/ec2taggerprocessor/translator.go`,
    },
    {
      caller: "04_prepare_database.sh",
      actions: ["s3:GetObject"],
      resources: [`arn:aws:s3:::${artifacts}/wheels/known-migrations.json`],
      source: `deploy/bundle/${platform}/.platform/hooks/predeploy/04_prepare_database.sh`,
    },
    ...(platform === "python"
      ? [
          {
            caller: "02_install_packages.sh",
            actions: ["s3:GetObject"],
            resources: [`arn:aws:s3:::${artifacts}/wheels/0123456789abcdef/Django-4.2.30-py3-none-any.whl`],
            source: "deploy/bundle/python/.platform/hooks/predeploy/02_install_packages.sh",
          },
          {
            caller: "02_install_packages.sh",
            actions: ["s3:ListBucket"],
            resources: [`arn:aws:s3:::${artifacts}`],
            context: { "s3:prefix": "wheels/" },
            source: "deploy/bundle/python/.platform/hooks/predeploy/02_install_packages.sh",
          },
        ]
      : [
          {
            caller: "01_registry_login.sh",
            actions: ["ecr:GetAuthorizationToken"],
            resources: ["*"],
            source: "deploy/bundle/docker/.platform/hooks/prebuild/01_registry_login.sh",
          },
          {
            caller: "02_pull.sh",
            actions: ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            resources: [`arn:aws:ecr:${region}:${accountId}:repository/${repository}`],
            source: `${POLICIES}/AmazonEC2ContainerRegistryPullOnly.html`,
          },
        ]),
  ];
}

/** Calls that services make to KMS in the instance's name. The key of what AWS's own keys encrypt needs none. */
function callsForKey(
  { accountId, region, role, secrets }: CallingInstance,
  keyAlias: string,
): InstanceCall[] {
  const key = `arn:aws:kms:${region}:${accountId}:key/01234567-89ab-cdef-0123-456789abcdef`;
  const through = (service: string, more: object = {}) => ({
    "kms:ViaService": `${service}.${region}.amazonaws.com`,
    "kms:ResourceAliases": keyAlias,
    ...more,
  });
  return [
    ...secrets.map((secret) => ({
      caller: "Parameter Store",
      actions: ["kms:Decrypt"],
      resources: [key],
      context: through("ssm", { "kms:EncryptionContext:PARAMETER_ARN": secret }),
      source: "https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html",
    })),
    ...(role === "enketo"
      ? []
      : [
          {
            // An upload in parts needs both.
            caller: "S3: media",
            actions: ["kms:Decrypt", "kms:GenerateDataKey"],
            resources: [key],
            context: through("s3"),
            source: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
          },
          {
            caller: "SQS: tasks",
            actions: ["kms:Decrypt", "kms:GenerateDataKey"],
            resources: [key],
            context: through("sqs"),
            source:
              "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html",
          },
        ]),
  ];
}

/** Calls of aws-sqsd. The source allows the same actions on all queues of the account and on all leader tables. */
function callsOfDaemon(instance: CallingInstance): InstanceCall[] {
  const { accountId, queue, region } = instance;
  const source = `${POLICIES}/AWSElasticBeanstalkWorkerTier.html`;
  return [
    {
      caller: "aws-sqsd: queue",
      actions: [
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:ReceiveMessage",
        // A periodic task becomes a message of the queue.
        "sqs:SendMessage",
      ],
      resources: [`arn:aws:sqs:${region}:${accountId}:${queue}`],
      source,
    },
    {
      caller: "aws-sqsd: leader for periodic tasks",
      actions: [
        "dynamodb:BatchGetItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
      ],
      resources: [resourcesOf(instance).table],
      source,
    },
    {
      caller: "aws-sqsd: health of the worker",
      actions: ["cloudwatch:PutMetricData"],
      resources: ["*"],
      context: { "cloudwatch:namespace": "AWS/ElasticBeanstalk" },
      source: `${GUIDE}/concepts-roles-instance.html`,
    },
  ];
}
