import { expect } from "chai";
import { BeanstalkPair, BeanstalkPairArgs } from "../../components/beanstalkPair";
import { BeanstalkServiceRole } from "../../components/beanstalk/serviceRole";
import { LogsBucket } from "../../components/logsBucket";
import { TASK_TIMING, TaskQueue } from "../../components/taskQueue";
import { firstVersion } from "../../components/beanstalk/firstVersion";
import { PreviewDocument, PropertyValue } from "../../graph/document";
import { simulate } from "../../preview/simulate";
import {
  at,
  find,
  naming,
  namespaceOf,
  optionsOf,
  PERMISSIONS_BOUNDARY,
  resourcesOf,
  statementsOf,
  textOf,
} from "../support";

const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";
const VARIABLES = "aws:elasticbeanstalk:application:environment";
const SECRETS = "aws:elasticbeanstalk:application:environmentsecrets";
const LAUNCH = "aws:autoscaling:launchconfiguration";

const platforms = {
  python: { kind: "python", imageId: "ami-0123456789abcdef0" },
  docker: { kind: "docker" },
} as const;

function preview(own: Partial<BeanstalkPairArgs> = {}): Promise<PreviewDocument> {
  return simulate(() => {
    new BeanstalkPair("iaso", {
      naming,
      platform: platforms.python,
      solutionStackName: "64bit Amazon Linux 2023 v4.13.9 running Python 3.13",
      vpcId: "vpc-1",
      publicSubnetIds: ["subnet-p2", "subnet-p1"],
      instanceSubnetIds: ["subnet-2", "subnet-1"],
      securityGroups: { loadBalancer: "sg-balancer", web: "sg-web", worker: "sg-worker" },
      certificateArn: "arn:certificate",
      artifactsBucket: "artifacts",
      accessLogs: new LogsBucket("logs", { naming, retentionDays: 90 }),
      taskQueue: new TaskQueue("tasks", { naming, timing: TASK_TIMING }),
      taskTiming: TASK_TIMING,
      secrets: ["SECRET_KEY"],
      variables: {
        web: { USE_S3: "true", WORKER: "false" },
        worker: { USE_S3: "true", WORKER: "true" },
      },
      serviceRole: new BeanstalkServiceRole("service", { naming, permissionsBoundary: PERMISSIONS_BOUNDARY }),
      web: { instanceType: "t3.xlarge", minSize: 2, maxSize: 4 },
      worker: { instanceType: "t3.large", minSize: 1, maxSize: 3 },
      deploymentPolicy: "RollingWithAdditionalBatch",
      logRetentionDays: 90,
      permissionsBoundary: PERMISSIONS_BOUNDARY,
      shellAccess: false,
      ...own,
    });
  });
}

/** All options but those of the given namespaces. */
function without(options: Record<string, PropertyValue>, ...prefixes: string[]) {
  return Object.fromEntries(
    Object.entries(options).filter(([key]) => !prefixes.some((prefix) => key.startsWith(prefix))),
  );
}

const solutionStacks = {
  python: "64bit Amazon Linux 2023 v4.13.9 running Python 3.12",
  docker: "64bit Amazon Linux 2023 v4.13.9 running Docker",
};

for (const platform of ["python", "docker"] as const) {
  describe(`components/beanstalkPair, ${platform}`, () => {
    let document: PreviewDocument;
    before(async () => {
      document = await preview({
        platform: platforms[platform],
        solutionStackName: solutionStacks[platform],
      });
    });
    const both = () => [find(document, ENVIRONMENT, "web"), find(document, ENVIRONMENT, "worker")] as const;

    it("is one application with two environments that deploy together", () => {
      const application = find(document, "aws:elasticbeanstalk/application:Application");
      expect(application.inputs.name).to.equal("iaso-test");
      const [web, worker] = both();
      expect(web.inputs).to.include({ name: "iaso-test", tier: "WebServer" });
      expect(worker.inputs).to.include({ name: "iaso-test-worker", tier: "Worker" });
      expect(resourcesOf(document, ENVIRONMENT)).to.have.lengthOf(2);
      for (const [environment, role] of [
        [web, "web"],
        [worker, "worker"],
      ] as const) {
        expect(environment.inputs.tags).to.deep.equal(naming.tags({ role }));
        expect(environment.propertyDependencies.application).to.deep.equal([application.urn]);
        expect(environment.inputs.solutionStackName).to.equal(solutionStacks[platform]);
      }
    });

    it("uses the same image on both, and no custom image with docker", () => {
      const images = both().map((environment) => namespaceOf(environment, LAUNCH).ImageId);
      const expected = platform === "python" ? "ami-0123456789abcdef0" : undefined;
      expect(images).to.deep.equal([expected, expected]);
    });

    it("gives both the same variables except WORKER, and the same secrets by ARN", () => {
      const [web, worker] = both();
      expect(namespaceOf(web, VARIABLES)).to.deep.equal({ USE_S3: "true", WORKER: "false" });
      expect(namespaceOf(worker, VARIABLES)).to.deep.equal({ USE_S3: "true", WORKER: "true" });
      const secrets = {
        SECRET_KEY: "arn:aws:ssm:eu-central-1:123456789012:parameter/iaso-secrets/test/SECRET_KEY",
      };
      expect(namespaceOf(web, SECRETS)).to.deep.equal(secrets);
      expect(namespaceOf(worker, SECRETS)).to.deep.equal(secrets);
      expect(JSON.stringify(document)).not.to.include("hidden");
    });

    it("differs between web and worker only in the options of the role", () => {
      const [web, worker] = both();
      const role = [
        `${VARIABLES} WORKER`,
        "aws:autoscaling:asg ",
        "aws:ec2:instances ",
        "aws:ec2:vpc ELB",
        `${LAUNCH} IamInstanceProfile`,
        `${LAUNCH} SecurityGroups`,
        "aws:elasticbeanstalk:application Application Healthcheck URL",
        "aws:elasticbeanstalk:environment LoadBalancerType",
        "aws:elasticbeanstalk:environment:process:default",
        "aws:elasticbeanstalk:sqsd",
        "aws:elbv2:",
      ];
      expect(without(optionsOf(web), ...role)).to.deep.equal(without(optionsOf(worker), ...role));
    });

    it("starts both with one version of this project, and leaves later ones to the deploy tool", () => {
      const version = find(document, "aws:elasticbeanstalk/applicationVersion:ApplicationVersion");
      const bundle = find(document, "aws:s3/bucketObjectv2:BucketObjectv2");
      expect(version.inputs).to.include({ name: `first-${platform}`, application: "iaso-test" });
      expect(bundle.inputs).to.include({ bucket: "artifacts", key: `pulumi/first/${platform}.zip` });
      expect(at(bundle.inputs.source, "assets")).to.have.all.keys(Object.keys(firstVersion(platform)));
      // Other files under the same label would change what the label means. Older stacks keep the key.
      expect(bundle.ignoreChanges).to.deep.equal(["key", "source"]);
      expect(bundle.urn).to.match(new RegExp(`::first-version-${platform}-bundle$`));
      for (const environment of both()) {
        expect(environment.inputs.version).to.equal(version.inputs.name);
        expect(environment.propertyDependencies.version).to.deep.equal([version.urn]);
        expect(environment.ignoreChanges).to.deep.equal(["version"]);
      }
    });

    it("sets the options of the Python platform only on that platform", () => {
      for (const environment of both()) {
        const options = namespaceOf(environment, "aws:elasticbeanstalk:container:python");
        expect(options).to.deep.equal(
          platform === "python"
            ? { WSGIPath: "hat.wsgi:application", NumProcesses: "2", NumThreads: "4" }
            : {},
        );
      }
    });

    it("serves HTTPS only: a listener with the certificate, Beanstalk's own one off, a redirect on 80", () => {
      const [web, worker] = both();
      expect(namespaceOf(web, "aws:elbv2:listener:443")).to.deep.equal({
        DefaultProcess: "default",
        ListenerEnabled: "true",
        Protocol: "HTTPS",
        SSLCertificateArns: "arn:certificate",
        SSLPolicy: "ELBSecurityPolicy-TLS13-1-2-2021-06",
      });
      expect(namespaceOf(web, "aws:elbv2:listener:default")).to.deep.equal({ ListenerEnabled: "false" });
      const listener = find(document, "aws:lb/listener:Listener");
      expect(listener.inputs).to.deep.include({
        port: 80,
        protocol: "HTTP",
        loadBalancerArn: (web.outputs.loadBalancers as string[])[0],
        defaultActions: [
          { type: "redirect", redirect: { protocol: "HTTPS", port: "443", statusCode: "HTTP_301" } },
        ],
        tags: naming.tags({ role: "web" }),
      });
      expect(listener.propertyDependencies.loadBalancerArn).to.deep.equal([web.urn]);
      const foreign = Object.keys(optionsOf(worker)).filter((key) => /^aws:elbv2|ELBS|process:/.test(key));
      expect(foreign, "load balancer options of the worker").to.deep.equal([]);
    });

    it("checks the health of web instances and lets long requests finish", () => {
      const [web] = both();
      expect(namespaceOf(web, "aws:elasticbeanstalk:environment:process:default")).to.include({
        HealthCheckPath: "/_health/",
        Port: "80",
        Protocol: "HTTP",
        MatcherHTTPCode: "200",
        HealthCheckInterval: "15",
        HealthCheckTimeout: "10",
        HealthyThresholdCount: "3",
        UnhealthyThresholdCount: "5",
        DeregistrationDelay: "60",
      });
      expect(namespaceOf(web, "aws:elbv2:loadbalancer")).to.deep.equal({
        AccessLogsS3Bucket: "example-iaso-test-logs",
        AccessLogsS3Enabled: "true",
        AccessLogsS3Prefix: "web",
        IdleTimeout: "900",
        ManagedSecurityGroup: "sg-balancer",
        SecurityGroups: "sg-balancer",
      });
    });

    it("posts tasks to the worker with the time limits of the queue", () => {
      const [web, worker] = both();
      expect(namespaceOf(worker, "aws:elasticbeanstalk:sqsd")).to.deep.equal({
        WorkerQueueURL: "https://sqs.eu-central-1.amazonaws.com/123456789012/iaso-test-tasks",
        HttpPath: "/tasks/task/",
        MimeType: "application/json",
        HttpConnections: "8",
        ConnectTimeout: "5",
        InactivityTimeout: String(TASK_TIMING.inactivityTimeout),
        VisibilityTimeout: String(TASK_TIMING.visibilityTimeout),
        ErrorVisibilityTimeout: "30",
        RetentionPeriod: String(TASK_TIMING.retentionPeriod),
        MaxRetries: String(TASK_TIMING.maxReceives),
      });
      expect(namespaceOf(web, "aws:elasticbeanstalk:sqsd")).to.deep.equal({});
      // Its URL is built from its name, so the order must be said.
      expect(worker.dependencies).to.include(find(document, "aws:sqs/queue:Queue", "tasks").urn);
    });

    it("scales each by its own numbers, in private subnets, with its own group and profile", () => {
      for (const [environment, sizes, type, group, profile] of [
        [both()[0], { MinSize: "2", MaxSize: "4" }, "t3.xlarge", "sg-web", "iaso-test-web"],
        [both()[1], { MinSize: "1", MaxSize: "3" }, "t3.large", "sg-worker", "iaso-test-worker"],
      ] as const) {
        expect(namespaceOf(environment, "aws:autoscaling:asg")).to.deep.equal(sizes);
        expect(namespaceOf(environment, "aws:ec2:instances")).to.deep.equal({ InstanceTypes: type });
        expect(namespaceOf(environment, LAUNCH)).to.include({
          SecurityGroups: group,
          IamInstanceProfile: profile,
          DisableIMDSv1: "true",
          DisableDefaultEC2SecurityGroup: "true",
          RootVolumeType: "gp3",
        });
        expect(namespaceOf(environment, "aws:ec2:vpc")).to.include({
          VPCId: "vpc-1",
          Subnets: "subnet-1,subnet-2",
          AssociatePublicIpAddress: "false",
        });
        expect(optionsOf(environment)).to.include({
          "aws:elasticbeanstalk:healthreporting:system SystemType": "enhanced",
          // To the letter as Beanstalk reads it back.
          "aws:elasticbeanstalk:healthreporting:system ConfigDocument":
            '{"Version":1,"CloudWatchMetrics":{"Instance":{},"Environment":{}},"Rules":{"Environment":{"ELB":{"ELBRequests4xx":{"Enabled":false}},"Application":{"ApplicationRequests4xx":{"Enabled":false}}}}}',
          "aws:elasticbeanstalk:environment ServiceRole": "iaso-test-beanstalk-service",
          "aws:elasticbeanstalk:environment EnvironmentType": "LoadBalanced",
          "aws:elasticbeanstalk:command DeploymentPolicy": "RollingWithAdditionalBatch",
          "aws:elasticbeanstalk:cloudwatch:logs StreamLogs": "true",
          "aws:elasticbeanstalk:cloudwatch:logs RetentionInDays": "90",
          "aws:elasticbeanstalk:cloudwatch:logs DeleteOnTerminate": "false",
          "aws:elasticbeanstalk:cloudwatch:logs:health HealthStreamingEnabled": "true",
          "aws:elasticbeanstalk:cloudwatch:logs:health RetentionInDays": "90",
          "aws:elasticbeanstalk:cloudwatch:logs:health DeleteOnTerminate": "false",
          // Neither a change of settings nor a platform update may take all instances away at once.
          "aws:autoscaling:updatepolicy:rollingupdate RollingUpdateEnabled": "true",
          "aws:autoscaling:updatepolicy:rollingupdate RollingUpdateType": "Immutable",
          "aws:elasticbeanstalk:managedactions ManagedActionsEnabled": "false",
        });
        expect(namespaceOf(environment, "aws:autoscaling:trigger")).to.deep.equal({
          MeasureName: "CPUUtilization",
          Statistic: "Average",
          Unit: "Percent",
          UpperThreshold: "70",
          UpperBreachScaleIncrement: "1",
          LowerThreshold: "25",
          LowerBreachScaleIncrement: "-1",
          Period: "5",
          BreachDuration: "5",
          EvaluationPeriods: "1",
        });
        expect(Number(namespaceOf(environment, LAUNCH).RootVolumeSize)).to.be.at.least(20);
        // An immutable update of four instances takes longer than the provider waits by itself.
        const commandTimeout = Number(optionsOf(environment)["aws:elasticbeanstalk:command Timeout"]);
        const hours = Number(/^(\d+)h$/.exec(textOf(environment.inputs.waitForReadyTimeout))?.[1]);
        expect(hours * 3600, "waits longer than Beanstalk does").to.be.above(commandTimeout + 240);
      }
      expect(namespaceOf(both()[0], "aws:ec2:vpc")).to.include({ ELBSubnets: "subnet-p1,subnet-p2" });
    });

    it("starts instances only when their permissions exist", () => {
      for (const environment of both()) {
        expect(environment.dependencies).to.include.members([
          find(document, "aws:iam/rolePolicy:RolePolicy", environment.name).urn,
          find(document, "aws:iam/instanceProfile:InstanceProfile", environment.name).urn,
        ]);
      }
    });

    it("waits for the permissions of Beanstalk's role, and the web for the bucket policy of its access logs", () => {
      const attachments = resourcesOf(document, "aws:iam/rolePolicyAttachment:RolePolicyAttachment");
      expect(attachments).not.to.be.empty;
      for (const environment of both()) {
        expect(environment.dependencies).to.include.members(attachments.map(({ urn }) => urn));
      }
      expect(both()[0].dependencies).to.include(
        find(document, "aws:s3/bucketPolicy:BucketPolicy", "logs").urn,
      );
    });

    it("lets only the worker receive tasks and elect a leader for periodic tasks", () => {
      const permissions = (role: string) =>
        statementsOf(find(document, "aws:iam/rolePolicy:RolePolicy", role).inputs.policy);
      for (const role of ["web", "worker"]) {
        expect(permissions(role).SendTasks?.Resource).to.equal(
          "arn:aws:sqs:eu-central-1:123456789012:iaso-test-tasks",
        );
        expect(permissions(role).UseMedia?.Resource).to.equal("arn:aws:s3:::example-iaso-test-media/*");
        expect(permissions(role).UseMedia?.Action).not.to.include("s3:PutObjectAcl");
      }
      const secret = "arn:aws:ssm:eu-central-1:123456789012:parameter/iaso-secrets/test/SECRET_KEY";
      for (const role of ["web", "worker"]) {
        expect(permissions(role).ReadOwnSecrets?.Resource).to.deep.equal([secret]);
      }
      expect(permissions("web")).not.to.have.any.keys("ReceiveTasks", "ElectCronLeader");
      expect(permissions("worker").ElectCronLeader?.Resource).to.equal(
        "arn:aws:dynamodb:eu-central-1:123456789012:table/awseb-e-*-stack-AWSEBWorkerCronLeaderRegistry*",
      );
      expect(permissions("worker")).to.include.all.keys("ReceiveTasks", "ElectCronLeader");
      expect(permissions("worker").ReceiveTasks?.Action).to.have.members([
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:ReceiveMessage",
      ]);
    });
  });
}

describe("components/beanstalkPair", () => {
  it("lets administrators open shells only if the setting allows it", async () => {
    for (const shellAccess of [true, false]) {
      const document = await preview({ shellAccess });
      for (const role of ["web", "worker"]) {
        const { TakeSessions } = statementsOf(
          find(document, "aws:iam/rolePolicy:RolePolicy", role).inputs.policy,
        );
        if (shellAccess) expect(TakeSessions?.Action).to.include("ssmmessages:OpenDataChannel");
        else expect(TakeSessions).to.equal(undefined);
      }
    }
  });

  it("sets a batch size for updates in batches and none for immutable updates", async () => {
    for (const [deploymentPolicy, batch] of [
      ["Rolling", { BatchSizeType: "Fixed", BatchSize: "1" }],
      ["Immutable", {}],
    ] as const) {
      const document = await preview({ deploymentPolicy });
      for (const role of ["web", "worker"]) {
        const { DeploymentPolicy, Timeout, ...rest } = namespaceOf(
          find(document, ENVIRONMENT, role),
          "aws:elasticbeanstalk:command",
        );
        expect(DeploymentPolicy).to.equal(deploymentPolicy);
        expect(Number(Timeout)).to.be.within(600, 3600);
        expect(rest).to.deep.equal(batch);
      }
    }
  });
});
