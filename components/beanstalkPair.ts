import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { EnvironmentVariables } from "./beanstalk/applicationEnvironment";
import {
  Capacity,
  commonOptions,
  HostingArgs,
  loadBalancerOptions,
  redirectToHttps,
} from "./beanstalk/options";
import { createInstanceProfile } from "./beanstalk/instanceProfile";
import { Naming } from "./common/naming";
import { canonicalSettings, OptionSettings } from "./beanstalk/optionSettings";
import { PolicyStatement } from "./iam/policyDocument";
import { SecretParameters } from "./secretParameters";
import { TaskQueue, TaskTiming } from "./taskQueue";

/** `python` takes the GDAL image; `docker` runs Iaso's own container image and needs none. */
export type PairPlatform = { kind: "python"; imageId: pulumi.Input<string> } | { kind: "docker" };

export interface BeanstalkPairArgs extends HostingArgs {
  platform: PairPlatform;
  /** Full name of the platform version, such as `64bit Amazon Linux 2023 v4.7.3 running Docker`. */
  solutionStackName: string;
  securityGroups: {
    loadBalancer: pulumi.Input<string>;
    web: pulumi.Input<string>;
    worker: pulumi.Input<string>;
  };
  /** ARN of a validated certificate for the web address. */
  certificateArn: pulumi.Input<string>;
  taskQueue: TaskQueue;
  taskTiming: TaskTiming;
  secrets: SecretParameters;
  variables: { web: EnvironmentVariables; worker: EnvironmentVariables };
  web: Capacity;
  worker: Capacity;
  /** Whether administrators can open a shell on the instances through Session Manager, such as for Django's commands. */
  shellAccess: boolean;
}

/** The path of a task, with the slash without which Django answers by a redirect and the task is never run. */
const TASK_PATH = "/tasks/task/";

/** One task keeps a thread of the application busy: as many as the two processes have threads. */
const TASKS_AT_ONCE = 8;

/**
 * Iaso itself: one Beanstalk application with a web and a worker environment, which share platform, image, code
 * and configuration, and are deployed together by their `env` tag.
 *
 * The code version is the deploy tool's: this component never sets one, and ignores the one it finds.
 */
export class BeanstalkPair extends pulumi.ComponentResource {
  readonly application: string;
  readonly web: aws.elasticbeanstalk.Environment;
  readonly worker: aws.elasticbeanstalk.Environment;
  /** ARN of the load balancer in front of the web instances. */
  readonly loadBalancerArn: pulumi.Output<string>;

  constructor(
    name: string,
    private readonly args: BeanstalkPairArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("iaso:index:BeanstalkPair", name, {}, opts);
    const { naming } = args;
    this.application = naming.name();

    const application = new aws.elasticbeanstalk.Application(
      name,
      { name: this.application, description: "Iaso, web and worker", tags: naming.tags() },
      { parent: this },
    );
    this.web = this.createWeb(application);
    this.worker = this.createWorker(application);
    this.loadBalancerArn = this.web.loadBalancers.apply((arns) => arns[0] ?? "");
    redirectToHttps(this.web, "web", this.loadBalancerArn, naming.tags({ role: "web" }));
    this.registerOutputs({ web: this.web.name, worker: this.worker.name });
  }

  private createWeb(application: aws.elasticbeanstalk.Application): aws.elasticbeanstalk.Environment {
    const { args } = this;
    const { naming } = args;
    return this.createEnvironment(application, "web", naming.name(), {
      cnamePrefix: naming.cnamePrefix("web"),
      securityGroup: args.securityGroups.web,
      statements: [...mediaStatements(naming), sendTasks(naming)],
      settings: loadBalancerOptions(args, {
        healthCheckPath: "/_health/",
        certificateArn: args.certificateArn,
        securityGroup: args.securityGroups.loadBalancer,
        accessLogsPrefix: "web",
      }),
      dependsOn: [args.accessLogs.policy],
    });
  }

  private createWorker(application: aws.elasticbeanstalk.Application): aws.elasticbeanstalk.Environment {
    const { args } = this;
    const { naming, taskTiming } = args;
    return this.createEnvironment(application, "worker", naming.name("worker"), {
      securityGroup: args.securityGroups.worker,
      statements: [
        ...mediaStatements(naming),
        sendTasks(naming),
        receiveTasks(naming),
        electCronLeader(naming),
      ],
      settings: {
        "aws:elasticbeanstalk:application": { "Application Healthcheck URL": "/_health/" },
        "aws:elasticbeanstalk:sqsd": {
          // Known before the queue exists, so that policies can compare daemon and queue.
          WorkerQueueURL: naming.queueUrl,
          HttpPath: TASK_PATH,
          MimeType: "application/json",
          HttpConnections: TASKS_AT_ONCE,
          ConnectTimeout: 5,
          InactivityTimeout: taskTiming.inactivityTimeout,
          VisibilityTimeout: taskTiming.visibilityTimeout,
          ErrorVisibilityTimeout: 30,
          RetentionPeriod: taskTiming.retentionPeriod,
          MaxRetries: taskTiming.maxReceives,
        },
      },
      dependsOn: [args.taskQueue.queue],
    });
  }

  private createEnvironment(
    application: aws.elasticbeanstalk.Application,
    role: "web" | "worker",
    environmentName: string,
    own: {
      cnamePrefix?: string;
      securityGroup: pulumi.Input<string>;
      statements: PolicyStatement[];
      settings: OptionSettings;
      dependsOn: pulumi.Resource[];
    },
  ): aws.elasticbeanstalk.Environment {
    const { args } = this;
    const { naming, platform, secrets } = args;
    const tier = role === "web" ? "WebServer" : "Worker";
    const profile = createInstanceProfile(this, {
      naming,
      role,
      application: this.application,
      environment: environmentName,
      secretVariables: secrets.variables,
      statements: own.statements,
      permissionsBoundary: args.permissionsBoundary,
      shellAccess: args.shellAccess,
    });
    const common = commonOptions(args, {
      tier,
      capacity: args[role],
      imageId: platform.kind === "python" ? platform.imageId : undefined,
      instanceProfile: profile.name,
      securityGroup: own.securityGroup,
      variables: args.variables[role],
      secretArns: secrets.arns,
    });
    return new aws.elasticbeanstalk.Environment(
      role,
      {
        name: environmentName,
        application: application.name,
        description: `Iaso, ${role}`,
        tier,
        solutionStackName: args.solutionStackName,
        cnamePrefix: own.cnamePrefix,
        settings: canonicalSettings(
          tier,
          common,
          platform.kind === "python" ? pythonOptions : {},
          own.settings,
        ),
        waitForReadyTimeout: "40m",
        tags: naming.tags({ role }),
      },
      {
        parent: this,
        // What instances need when they start, beyond what the settings name by output.
        dependsOn: [...profile.parts, ...args.serviceRole.rights, ...secrets.parameters, ...own.dependsOn],
        ignoreChanges: ["version"],
      },
    );
  }
}

const pythonOptions: OptionSettings = {
  "aws:elasticbeanstalk:container:python": {
    WSGIPath: "hat.wsgi:application",
    NumProcesses: 2,
    NumThreads: 4,
  },
  "aws:elasticbeanstalk:environment:proxy": { ProxyServer: "nginx" },
};

/** Listing is needed so that a missing object is answered by 404 and not by 403. */
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

/** The worker sends too: a periodic task is launched by queueing it. */
function sendTasks(naming: Naming): PolicyStatement {
  return {
    Sid: "SendTasks",
    Effect: "Allow",
    Action: ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"],
    Resource: naming.arn("sqs", naming.queue),
  };
}

function receiveTasks(naming: Naming): PolicyStatement {
  return {
    Sid: "ReceiveTasks",
    Effect: "Allow",
    Action: ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage"],
    Resource: naming.arn("sqs", naming.queue),
  };
}

/**
 * Workers elect through a DynamoDB table of Beanstalk's which of them queues the periodic tasks of cron.yaml.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features-managing-env-tiers.html
 */
function electCronLeader(naming: Naming): PolicyStatement {
  return {
    Sid: "ElectCronLeader",
    Effect: "Allow",
    Action: [
      "dynamodb:BatchGetItem",
      "dynamodb:BatchWriteItem",
      "dynamodb:DeleteItem",
      "dynamodb:DescribeTable",
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "dynamodb:Query",
      "dynamodb:Scan",
      "dynamodb:UpdateItem",
    ],
    Resource: naming.arn("dynamodb", "table/*-stack-AWSEBWorkerCronLeaderRegistry*"),
  };
}
