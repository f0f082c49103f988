import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { EnvironmentVariables } from "./beanstalk/applicationEnvironment";
import { createApplicationVersion } from "./beanstalk/applicationVersion";
import { createWebEnvironment, createWorkerEnvironment } from "./beanstalk/environment";
import { firstVersion } from "./beanstalk/firstVersion";
import { Capacity, HostingArgs } from "./beanstalk/options";
import { OptionSettings } from "./beanstalk/optionSettings";
import { KNOWN_MIGRATIONS } from "./common/artifacts";
import { PYTHON_WORKERS } from "./common/pythonWorkers";
import { Naming } from "./common/naming";
import { KeyUse, keyUse } from "./iam/keyUse";
import { IMAGE_PULL_ACTIONS, PolicyStatement } from "./iam/policyDocument";
import { TaskQueue, TaskTiming } from "./taskQueue";

/** The Beanstalk platform: `python` with the GDAL image, or `docker`, which runs Iaso's own container image. */
export type PairPlatform = { kind: "python"; imageId: pulumi.Input<string> } | { kind: "docker" };

export interface BeanstalkPairArgs extends HostingArgs {
  /**
   * The Beanstalk platform of both environments. Choose it before the first deployment: Beanstalk updates an
   * environment only to other versions of its platform.
   *
   * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.platform.upgrade.html
   * @example { kind: "docker" }
   */
  platform: PairPlatform;
  /**
   * Full name of a version of the platform. Beanstalk updates the environments to another version in place.
   *
   * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/platforms/platforms-supported.html
   * @example "64bit Amazon Linux 2023 v4.13.9 running Docker"
   */
  solutionStackName: string;
  /** Ids of the security groups of the load balancer and of the instances. */
  securityGroups: {
    loadBalancer: pulumi.Input<string>;
    web: pulumi.Input<string>;
    worker: pulumi.Input<string>;
  };
  /** Name of the bucket for source bundles. The bundle of the first version goes there. */
  artifactsBucket: pulumi.Input<string>;
  /** ARN of an issued certificate for the web host, in the region of the load balancer. */
  certificateArn: pulumi.Input<string>;
  /** The queue of background tasks. The web environment sends to it, the worker environment sends and receives. */
  taskQueue: TaskQueue;
  /** Time limits of tasks: the same as those of `taskQueue`. */
  taskTiming: TaskTiming;
  /** Names of the secret environment variables of both environments. */
  secrets: readonly string[];
  /** Plain environment variables of each environment. */
  variables: { web: EnvironmentVariables; worker: EnvironmentVariables };
  /** Instance type and number of web instances. */
  web: Capacity;
  /** Instance type and number of worker instances. */
  worker: Capacity;
  /**
   * Lets people with the IAM permission open a shell on the instances through Session Manager, such as for Django's
   * commands. No port opens.
   */
  shellAccess: boolean;
}

/** Path of Iaso's task endpoint. Without the trailing slash, Django redirects the request and the task never runs. */
const TASK_PATH = "/tasks/task/";

/** Tasks that one instance runs at once. Each task uses a thread; two processes have four threads each. */
const CONCURRENT_TASKS = 8;

/** Path of Iaso's health check. Without the trailing slash, Django redirects the request. */
const HEALTH_CHECK_PATH = "/_health/";

/**
 * Iaso: one Beanstalk application with a web and a worker environment. Both have the same platform, image, code and
 * configuration, and are deployed together.
 *
 * Both environments start with a first version of this project, which shows that Iaso is not deployed yet. From then on
 * Pulumi ignores the application version: only the deploy tool changes it.
 */
export class BeanstalkPair extends pulumi.ComponentResource {
  /** Name of the Beanstalk application. */
  readonly application: string;
  readonly web: aws.elasticbeanstalk.Environment;
  readonly worker: aws.elasticbeanstalk.Environment;
  /** ARN of the load balancer of the web environment. */
  readonly loadBalancerArn: pulumi.Output<string>;

  constructor(
    name: string,
    private readonly args: BeanstalkPairArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("iaso:index:BeanstalkPair", name, {}, opts);
    const { naming } = args;
    this.application = naming.application;

    const application = new aws.elasticbeanstalk.Application(
      name,
      { name: this.application, description: "Iaso, web and worker", tags: naming.tags() },
      { parent: this },
    );
    const { name: version } = this.createFirstVersion(application);
    const web = this.createWeb(application, version);
    this.web = web.environment;
    this.loadBalancerArn = web.loadBalancerArn;
    this.worker = this.createWorker(application, version);
    this.registerOutputs({ web: this.web.name, worker: this.worker.name });
  }

  private createFirstVersion(
    application: aws.elasticbeanstalk.Application,
  ): aws.elasticbeanstalk.ApplicationVersion {
    const { naming, platform, artifactsBucket } = this.args;
    return createApplicationVersion("first-version", {
      application,
      artifactsBucket,
      role: "first",
      description: "Shows that Iaso is not deployed yet",
      files: firstVersion(platform.kind),
      suffix: platform.kind,
      tags: naming.tags(),
      createdOnce: { formerName: "first-version-bundle" },
    });
  }

  private createWeb(application: aws.elasticbeanstalk.Application, version: pulumi.Input<string>) {
    const { args } = this;
    const { securityGroups } = args;
    return createWebEnvironment(this, args, {
      ...this.commonArgs("web", application, version),
      securityGroup: securityGroups.web,
      statements: this.statements(["CWAgent"]),
      loadBalancer: {
        healthCheckPath: HEALTH_CHECK_PATH,
        certificateArn: args.certificateArn,
        securityGroup: securityGroups.loadBalancer,
      },
      optionSettings: [this.platformOptions()],
      dependsOn: [],
    });
  }

  private createWorker(
    application: aws.elasticbeanstalk.Application,
    version: pulumi.Input<string>,
  ): aws.elasticbeanstalk.Environment {
    const { args } = this;
    const { naming, taskQueue, taskTiming } = args;
    return createWorkerEnvironment(this, args, {
      ...this.commonArgs("worker", application, version),
      securityGroup: args.securityGroups.worker,
      statements: [
        ...this.statements(["AWS/ElasticBeanstalk", "CWAgent"]),
        receiveTasksStatement(naming),
        cronLeaderStatement(naming),
      ],
      optionSettings: [this.platformOptions(), daemonOptions(naming.queueUrl, taskTiming)],
      // The settings contain the queue's URL as text, not as an output.
      dependsOn: [taskQueue.queue],
    });
  }

  /** Returns the arguments that follow from the role in the same way for both environments. */
  private commonArgs<Role extends "web" | "worker">(
    role: Role,
    application: aws.elasticbeanstalk.Application,
    version: pulumi.Input<string>,
  ) {
    const { args } = this;
    return {
      role,
      application,
      applicationName: this.application,
      version,
      deployedByTool: true,
      description: `Iaso, ${role}`,
      solutionStackName: args.solutionStackName,
      imageId: args.platform.kind === "python" ? args.platform.imageId : undefined,
      capacity: args[role],
      variables: args.variables[role],
      secrets: args.secrets,
      shellAccess: args.shellAccess,
    };
  }

  /**
   * Returns the permissions of both environments' instances.
   *
   * @param namespaces Namespaces of CloudWatch to which the instances publish metrics.
   */
  private statements(namespaces: string[]): PolicyStatement[] {
    const { naming, platform, encryptionKey } = this.args;
    return [
      ...mediaStatements(naming),
      sendTasksStatement(naming),
      ...(encryptionKey === undefined ? [] : [keyUse(naming, DATA_USE)]),
      ...metricsStatements(namespaces),
      ...(platform.kind === "python" ? packagesStatements(naming) : dockerStatements(naming)),
    ];
  }

  private platformOptions(): OptionSettings {
    return this.args.platform.kind === "python" ? PYTHON_OPTIONS : {};
  }
}

/** S3 and SQS ask KMS for data keys to write with, and for the keys of what is read. */
const DATA_USE: KeyUse = {
  Sid: "EncryptMediaAndTasks",
  Action: ["kms:Decrypt", "kms:GenerateDataKey"],
  services: ["s3", "sqs"],
};

const PYTHON_OPTIONS: OptionSettings = {
  "aws:elasticbeanstalk:container:python": { WSGIPath: "hat.wsgi:application", ...PYTHON_WORKERS },
  "aws:elasticbeanstalk:environment:proxy": { ProxyServer: "nginx" },
};

/**
 * Returns the options of the worker's daemon, which receives messages and posts them to Iaso.
 *
 * @param queueUrl URL of the queue, as plain text: the policy pack compares the queue with the daemon's options.
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/command-options-general.html#command-options-general-elasticbeanstalksqsd
 */
function daemonOptions(queueUrl: string, timing: TaskTiming): OptionSettings {
  return {
    "aws:elasticbeanstalk:application": { "Application Healthcheck URL": HEALTH_CHECK_PATH },
    "aws:elasticbeanstalk:sqsd": {
      WorkerQueueURL: queueUrl,
      HttpPath: TASK_PATH,
      MimeType: "application/json",
      HttpConnections: CONCURRENT_TASKS,
      ConnectTimeout: 5,
      InactivityTimeout: timing.inactivityTimeout,
      VisibilityTimeout: timing.visibilityTimeout,
      ErrorVisibilityTimeout: 30,
      RetentionPeriod: timing.retentionPeriod,
      MaxRetries: timing.maxReceives,
    },
  };
}

/** Allows Iaso to use media. With `s3:ListBucket`, S3 answers 404 and not 403 for an object that does not exist. */
function mediaStatements(naming: Naming): PolicyStatement[] {
  const bucketArn = naming.bucketArn("media");
  return [
    {
      Sid: "UseMedia",
      Effect: "Allow",
      Action: ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
      Resource: `${bucketArn}/*`,
    },
    { Sid: "ListMedia", Effect: "Allow", Action: "s3:ListBucket", Resource: bucketArn },
  ];
}

/**
 * Allows publishing metrics, and the CloudWatch agent to read the name of its Auto Scaling group from the instance's
 * tags. DescribeTags takes no resource.
 */
function metricsStatements(namespaces: string[]): PolicyStatement[] {
  return [
    {
      Sid: "PublishMetrics",
      Effect: "Allow",
      Action: "cloudwatch:PutMetricData",
      Resource: "*",
      Condition: { StringEquals: { "cloudwatch:namespace": namespaces } },
    },
    { Sid: "DescribeOwnInstance", Effect: "Allow", Action: "ec2:DescribeTags", Resource: "*" },
  ];
}

/**
 * Allows fetching the Python packages of a version, and the list of known migrations beside them. The AWS CLI lists the
 * packages to fetch many in one run.
 */
function packagesStatements(naming: Naming): PolicyStatement[] {
  const bucketArn = naming.bucketArn("artifacts");
  return [
    { Sid: "FetchPackages", Effect: "Allow", Action: "s3:GetObject", Resource: `${bucketArn}/wheels/*` },
    {
      Sid: "ListPackages",
      Effect: "Allow",
      Action: "s3:ListBucket",
      Resource: bucketArn,
      Condition: { StringLike: { "s3:prefix": "wheels/*" } },
    },
  ];
}

/**
 * Allows pulling images from the environment's own repository in Amazon ECR, and fetching the list of known migrations.
 * GetAuthorizationToken takes no resource.
 *
 * @see https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonEC2ContainerRegistryPullOnly.html
 */
function dockerStatements(naming: Naming): PolicyStatement[] {
  return [
    { Sid: "LogInToRegistry", Effect: "Allow", Action: "ecr:GetAuthorizationToken", Resource: "*" },
    {
      Sid: "PullImages",
      Effect: "Allow",
      Action: IMAGE_PULL_ACTIONS,
      Resource: naming.imageRepositoryArn,
    },
    {
      Sid: "FetchKnownMigrations",
      Effect: "Allow",
      Action: "s3:GetObject",
      Resource: `${naming.bucketArn("artifacts")}/${KNOWN_MIGRATIONS}`,
    },
  ];
}

/** Allows sending tasks. The worker sends too: it starts a periodic task by queueing it. */
function sendTasksStatement(naming: Naming): PolicyStatement {
  return {
    Sid: "SendTasks",
    Effect: "Allow",
    Action: "sqs:SendMessage",
    Resource: naming.arn("sqs", naming.queue),
  };
}

function receiveTasksStatement(naming: Naming): PolicyStatement {
  return {
    Sid: "ReceiveTasks",
    Effect: "Allow",
    Action: ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage"],
    Resource: naming.arn("sqs", naming.queue),
  };
}

/**
 * Allows worker instances to elect a leader, which queues the periodic tasks of cron.yaml. They use a DynamoDB table
 * that Beanstalk creates.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features-managing-env-tiers.html
 */
function cronLeaderStatement(naming: Naming): PolicyStatement {
  return {
    Sid: "ElectCronLeader",
    Effect: "Allow",
    Action: [
      "dynamodb:BatchGetItem",
      "dynamodb:BatchWriteItem",
      "dynamodb:DeleteItem",
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "dynamodb:Query",
      "dynamodb:Scan",
      "dynamodb:UpdateItem",
    ],
    Resource: naming.arn("dynamodb", "table/awseb-e-*-stack-AWSEBWorkerCronLeaderRegistry*"),
    // Tables have the environment's tags, but DynamoDB compares them only in accounts that have turned that on:
    // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/abac-enable-ddb.html
    Condition: {
      StringEqualsIfExists: { "aws:ResourceTag/project": "iaso", "aws:ResourceTag/env": naming.env },
    },
  };
}
