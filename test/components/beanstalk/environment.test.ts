import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import {
  createWebEnvironment,
  createWorkerEnvironment,
  EnvironmentArgs,
  WebEnvironmentArgs,
} from "../../../components/beanstalk/environment";
import { HostingArgs } from "../../../components/beanstalk/options";
import { BeanstalkServiceRole } from "../../../components/beanstalk/serviceRole";
import { LogsBucket } from "../../../components/logsBucket";
import { PreviewDocument } from "../../../graph/document";
import { simulate } from "../../../preview/simulate";
import {
  find,
  naming,
  namespaceOf,
  optionsOf,
  PERMISSIONS_BOUNDARY,
  resourcesOf,
  statementsOf,
} from "../../support";

const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";

type Create = (parent: pulumi.Resource, hosting: HostingArgs, args: EnvironmentArgs) => void;

function preview(role: EnvironmentArgs["role"], create: Create): Promise<PreviewDocument> {
  return simulate(() => {
    const parent = new pulumi.ComponentResource("test:index:Parent", "parent");
    const hosting: HostingArgs = {
      naming,
      vpcId: "vpc-1",
      publicSubnetIds: ["subnet-p1"],
      instanceSubnetIds: ["subnet-1"],
      accessLogs: new LogsBucket("logs", { naming, retentionDays: 90 }),
      serviceRole: new BeanstalkServiceRole("service", { naming, permissionsBoundary: PERMISSIONS_BOUNDARY }),
      deploymentPolicy: "Rolling",
      logRetentionDays: 90,
      permissionsBoundary: PERMISSIONS_BOUNDARY,
    };
    create(parent, hosting, {
      role,
      application: new aws.elasticbeanstalk.Application("application", { name: "iaso-test" }),
      applicationName: "iaso-test",
      description: "An environment",
      solutionStackName: "64bit Amazon Linux 2023 v4.13.9 running Docker",
      capacity: { instanceType: "t3.large", minSize: 1, maxSize: 2 },
      securityGroup: "sg-instances",
      variables: { PLAIN: "1" },
      secrets: ["SECRET"],
      version: "1",
      deployedByTool: true,
      statements: [{ Sid: "Own", Effect: "Allow", Action: "s3:GetObject", Resource: "*" }],
      shellAccess: false,
      optionSettings: [{ "aws:elasticbeanstalk:environment:proxy": { ProxyServer: "nginx" } }],
      dependsOn: [new aws.sns.Topic("needed")],
    });
  });
}

const web = (own: Partial<WebEnvironmentArgs> = {}) =>
  preview("enketo", (parent, hosting, args) => {
    const loadBalancer = {
      healthCheckPath: "/ready",
      certificateArn: "arn:certificate",
      securityGroup: "sg-balancer",
    };
    createWebEnvironment(parent, hosting, { ...args, loadBalancer, ...own });
  });

const worker = () => preview("worker", createWorkerEnvironment);

describe("components/beanstalk/environment", () => {
  it("names a web environment by its role and puts it behind a load balancer with its own logs", async () => {
    const environment = find(await web(), ENVIRONMENT);
    expect(environment).to.include({ name: "enketo" });
    expect(environment.inputs).to.deep.include({
      name: "iaso-test-enketo",
      tier: "WebServer",
      cnamePrefix: "example-iaso-test-enketo",
      tags: naming.tags({ role: "enketo" }),
    });
    expect(optionsOf(environment)).to.include({
      "aws:elasticbeanstalk:environment:process:default HealthCheckPath": "/ready",
      "aws:elbv2:loadbalancer AccessLogsS3Prefix": "enketo",
      "aws:elbv2:loadbalancer SecurityGroups": "sg-balancer",
      "aws:autoscaling:launchconfiguration SecurityGroups": "sg-instances",
      "aws:elasticbeanstalk:environment:proxy ProxyServer": "nginx",
    });
  });

  it("redirects HTTP to HTTPS on the environment's own load balancer", async () => {
    const document = await web();
    const environment = find(document, ENVIRONMENT);
    const listener = find(document, "aws:lb/listener:Listener", "enketo-redirect-to-https");
    expect(listener.parent).to.equal(environment.urn);
    expect(listener.propertyDependencies.loadBalancerArn).to.deep.equal([environment.urn]);
    expect(listener.inputs.port).to.equal(80);
  });

  it("gives a worker environment neither a domain nor a load balancer", async () => {
    const document = await worker();
    const environment = find(document, ENVIRONMENT);
    expect(environment.inputs).to.include({ name: "iaso-test-worker", tier: "Worker" });
    expect(environment.inputs).not.to.have.property("cnamePrefix");
    expect(Object.keys(optionsOf(environment)).filter((key) => /^aws:elbv2|ELBS|process:/.test(key))).to.be
      .empty;
    expect(resourcesOf(document, "aws:lb/listener:Listener")).to.deep.equal([]);
  });

  it("uses the version only to create an environment, because the deploy tool deploys later versions", async () => {
    const deployed = find(await web(), ENVIRONMENT);
    expect(deployed.inputs.version).to.equal("1");
    expect(deployed.ignoreChanges).to.deep.equal(["version"]);
    const own = find(await web({ version: "2", deployedByTool: false }), ENVIRONMENT);
    expect(own.inputs.version).to.equal("2");
    expect(own.ignoreChanges).to.deep.equal([]);
  });

  it("creates no instance before its permissions and other needs exist", async () => {
    for (const [document, types] of [
      [await web(), ["aws:s3/bucketPolicy:BucketPolicy"]],
      [await worker(), []],
    ] as const) {
      const { dependencies } = find(document, ENVIRONMENT);
      for (const type of [
        ...types,
        "aws:iam/instanceProfile:InstanceProfile",
        "aws:iam/rolePolicy:RolePolicy",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "aws:sns/topic:Topic",
      ]) {
        const needed = resourcesOf(document, type).map(({ urn }) => urn);
        expect(needed, type).not.to.be.empty;
        expect(dependencies, type).to.include.members(needed);
      }
    }
  });

  it("gives the instances their own statements, and the ARNs of their secrets", async () => {
    const document = await worker();
    const statements = statementsOf(find(document, "aws:iam/rolePolicy:RolePolicy", "worker").inputs.policy);
    const arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/iaso-secrets/test/SECRET";
    expect(statements.Own?.Action).to.equal("s3:GetObject");
    expect(statements.ReadOwnSecrets?.Resource).to.deep.equal([arn]);
    const environment = find(document, ENVIRONMENT);
    expect(namespaceOf(environment, "aws:elasticbeanstalk:application:environmentsecrets")).to.deep.equal({
      SECRET: arn,
    });
    expect(namespaceOf(environment, "aws:elasticbeanstalk:application:environment")).to.deep.equal({
      PLAIN: "1",
    });
  });
});
