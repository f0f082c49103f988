import { expect } from "chai";
import { BeanstalkServiceRole } from "../../components/beanstalk/serviceRole";
import { Enketo, EnketoArgs } from "../../components/enketo";
import { enketoCompose } from "../../components/beanstalk/enketoCompose";
import { LogsBucket } from "../../components/logsBucket";
import { PreviewDocument } from "../../graph/document";
import { simulate } from "../../preview/simulate";
import {
  find,
  naming,
  namespaceOf,
  optionsOf,
  PERMISSIONS_BOUNDARY,
  resourcesOf,
  statementsOf,
  textOf,
} from "../support";

const REDIS = "aws:elasticache/replicationGroup:ReplicationGroup";
const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";
const VARIABLES = "aws:elasticbeanstalk:application:environment";
const SECRETS = "aws:elasticbeanstalk:application:environmentsecrets";
const PREFIX = "arn:aws:ssm:eu-central-1:123456789012:parameter/iaso-secrets/test";
const IMAGE = "enketo/enketo-express:4.1.1";

function preview(redis: Partial<EnketoArgs["redis"]> = {}, own: Partial<EnketoArgs> = {}) {
  return simulate(() => {
    new Enketo("enketo", {
      naming,
      solutionStackName: "64bit Amazon Linux 2023 v4.13.9 running Docker",
      image: IMAGE,
      host: "enketo.example.org",
      webHost: "iaso.example.org",
      vpcId: "vpc-1",
      publicSubnetIds: ["subnet-p1", "subnet-p2"],
      privateSubnetIds: ["subnet-1", "subnet-2"],
      instanceSubnetIds: ["subnet-4", "subnet-3"],
      securityGroups: { loadBalancer: "sg-balancer", instances: "sg-enketo", redis: "sg-redis" },
      certificateArn: "arn:certificate",
      accessLogs: new LogsBucket("logs", { naming, retentionDays: 90 }),
      artifactsBucket: "artifacts",
      serviceRole: new BeanstalkServiceRole("service", { naming, permissionsBoundary: PERMISSIONS_BOUNDARY }),
      capacity: { instanceType: "t3.small", minSize: 1, maxSize: 2 },
      deploymentPolicy: "Rolling",
      logRetentionDays: 90,
      permissionsBoundary: PERMISSIONS_BOUNDARY,
      redis: {
        nodeType: "cache.t4g.micro",
        replicas: 0,
        tls: false,
        ...redis,
      },
      ...own,
    });
  });
}

describe("components/enketo", () => {
  it("has a persistent Redis with snapshots and a cache that evicts, both private and encrypted", async () => {
    const document = await preview();
    for (const kind of ["main", "cache"]) {
      expect(find(document, REDIS, `enketo-${kind}`).inputs).to.deep.include({
        replicationGroupId: `iaso-test-enketo-${kind}`,
        engine: "redis",
        // As the families of the parameter groups, default.redis7 and redis7.
        engineVersion: "7.1",
        nodeType: "cache.t4g.micro",
        securityGroupIds: ["sg-redis"],
        atRestEncryptionEnabled: true,
        numCacheClusters: 1,
        automaticFailoverEnabled: false,
        tags: naming.tags({ role: "enketo" }),
      });
    }
    const main = find(document, REDIS, "enketo-main").inputs;
    expect(main).to.include({
      snapshotRetentionLimit: 7,
      finalSnapshotIdentifier: "iaso-test-enketo-main-final",
    });
    const parameters = find(document, "aws:elasticache/parameterGroup:ParameterGroup");
    expect(parameters.inputs.family).to.equal("redis7");
    expect(main.parameterGroupName).to.equal("default.redis7");
    expect(parameters.inputs.parameters).to.deep.equal([{ name: "maxmemory-policy", value: "allkeys-lru" }]);
    const cache = find(document, REDIS, "enketo-cache");
    expect(cache.propertyDependencies.parameterGroupName).to.deep.equal([parameters.urn]);
    expect(cache.inputs).not.to.have.property("snapshotRetentionLimit");
  });

  it("starts the persistent Redis from a snapshot, and another one is no reason to replace it", async () => {
    const document = await preview({ snapshot: "old-main" });
    const main = find(document, REDIS, "enketo-main");
    expect(main.inputs.snapshotName).to.equal("old-main");
    expect(main.ignoreChanges).to.include("snapshotName");
    expect(find(document, REDIS, "enketo-cache").inputs).not.to.have.property("snapshotName");
  });

  it("gives the persistent Redis its replicas, and the cache none", async () => {
    const document = await preview({ replicas: 2 });
    expect(find(document, REDIS, "enketo-main").inputs).to.include({
      numCacheClusters: 3,
      automaticFailoverEnabled: true,
      multiAzEnabled: true,
    });
    expect(find(document, REDIS, "enketo-cache").inputs.numCacheClusters).to.equal(1);
  });

  for (const tls of [false, true]) {
    it(`finds its Redis by their addresses, ${tls ? "with" : "without"} TLS, and no password is an input`, async () => {
      const document = await preview({ tls });
      const environment = find(document, ENVIRONMENT);
      for (const kind of ["main", "cache"]) {
        const redis = find(document, REDIS, `enketo-${kind}`);
        expect(redis.inputs.transitEncryptionEnabled).to.equal(tls);
        expect(redis.secretInputs).to.deep.equal([]);
        expect(redis.inputs).not.to.have.any.keys("authToken", "authTokenWo");
        expect(namespaceOf(environment, VARIABLES)[`ENKETO_REDIS_${kind.toUpperCase()}_URL`]).to.equal(
          `${tls ? "rediss" : "redis"}://${textOf(redis.outputs.primaryEndpointAddress)}:6379`,
        );
      }
      const secrets = [
        "ENKETO_API_TOKEN",
        "ENKETO_ENCRYPTION_KEY",
        ...(tls ? ["ENKETO_REDIS_AUTH_TOKEN"] : []),
      ];
      expect(namespaceOf(environment, SECRETS)).to.deep.equal(
        Object.fromEntries(secrets.map((name) => [name, `${PREFIX}/${name}`])),
      );
      expect(resourcesOf(document, "aws:ssm/parameter:Parameter")).to.deep.equal([]);
    });
  }

  it("may read its own secrets and none of Iaso's", async () => {
    const document = await preview({ tls: true });
    const secrets = Object.values(namespaceOf(find(document, ENVIRONMENT), SECRETS));
    expect(secrets).to.have.lengthOf(3);
    const { ReadOwnSecrets } = statementsOf(
      find(document, "aws:iam/rolePolicy:RolePolicy", "enketo").inputs.policy,
    );
    expect(ReadOwnSecrets?.Resource).to.have.members(secrets);
  });

  it("is a separate environment, linked to Iaso, behind HTTPS", async () => {
    const document = await preview();
    const environment = find(document, ENVIRONMENT);
    expect(environment.inputs).to.deep.include({
      name: "iaso-test-enketo",
      application: "iaso-test-enketo",
      tier: "WebServer",
      solutionStackName: "64bit Amazon Linux 2023 v4.13.9 running Docker",
      cnamePrefix: "example-iaso-test-enketo",
      tags: naming.tags({ role: "enketo" }),
    });
    expect(optionsOf(environment)).to.include({
      [`${VARIABLES} ENKETO_LINKED_FORM_AND_DATA_SERVER_SERVER_URL`]: "iaso.example.org",
      [`${VARIABLES} PORT`]: "8005",
      "aws:elbv2:listener:443 SSLCertificateArns": "arn:certificate",
      "aws:elbv2:listener:default ListenerEnabled": "false",
      "aws:elbv2:loadbalancer AccessLogsS3Prefix": "enketo",
      // Enketo has no path of its own for health.
      "aws:elasticbeanstalk:environment:process:default HealthCheckPath": "/",
      "aws:ec2:vpc Subnets": "subnet-3,subnet-4",
      "aws:autoscaling:launchconfiguration DisableIMDSv1": "true",
      "aws:autoscaling:launchconfiguration IamInstanceProfile": "iaso-test-enketo",
    });
    const listener = find(document, "aws:lb/listener:Listener");
    expect(listener.propertyDependencies.loadBalancerArn).to.deep.equal([environment.urn]);
    expect(listener.inputs.port).to.equal(80);
    expect(find(document, "iaso:index:Enketo").outputs.url).to.equal("https://enketo.example.org");
  });

  it("starts when its permissions, Beanstalk's permissions and the bucket policy for access logs exist", async () => {
    const document = await preview();
    const { dependencies } = find(document, ENVIRONMENT);
    for (const type of [
      "aws:iam/rolePolicy:RolePolicy",
      "aws:iam/instanceProfile:InstanceProfile",
      "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
      "aws:s3/bucketPolicy:BucketPolicy",
    ]) {
      const needed = resourcesOf(document, type).map(({ urn }) => urn);
      expect(needed, type).not.to.be.empty;
      expect(dependencies, type).to.include.members(needed);
    }
  });

  it("runs the configured image, and a new version after the image changes", async () => {
    const versionOf = (document: PreviewDocument) =>
      find(document, "aws:elasticbeanstalk/applicationVersion:ApplicationVersion");
    const document = await preview();
    const version = versionOf(document);
    const { fingerprint } = enketoCompose(IMAGE);
    expect(version.inputs).to.include({
      name: `enketo-${fingerprint}`,
      bucket: "artifacts",
      key: `pulumi/enketo/${fingerprint}.zip`,
      description: IMAGE,
    });
    const environment = find(document, ENVIRONMENT);
    expect(environment.inputs.version).to.equal(`enketo-${fingerprint}`);
    expect(environment.propertyDependencies.version).to.deep.equal([version.urn]);
    const other = versionOf(await preview({}, { image: "enketo/enketo-express:7.0.0" }));
    expect(other.inputs.name).not.to.equal(version.inputs.name);
    expect(resourcesOf(document, "aws:s3/bucketObjectv2:BucketObjectv2")).to.have.lengthOf(1);
  });
});
