import { expect } from "chai";
import { PreviewDocument, PropertyValue, UNKNOWN } from "../graph/document";
import { secretNames } from "../settings/secrets";
import { at, find, namespaceOf, optionsOf, previewOf, previewWith, resourcesOf, textOf } from "./support";

const STACKS = ["staging", "prod"];
const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";
const VARIABLES = "aws:elasticbeanstalk:application:environment";

/** The components that each of the twelve parts consists of. */
const PARTS: Record<string, string[]> = {
  network: ["Network", "SecurityGroups"],
  "static bucket": ["StaticBucket"],
  "media bucket": ["MediaBucket"],
  database: ["Database"],
  "task queue": ["TaskQueue"],
  "Beanstalk pair": ["BeanstalkPair", "BeanstalkServiceRole"],
  "GDAL image": ["GdalAmi"],
  Enketo: ["Enketo"],
  "DNS and certificates": ["Dns", "Certificate"],
  "external services": ["ExternalServices"],
  alarms: ["Alarms"],
  "CI access": ["CiAccess", "PermissionsBoundary", "DeployTarget", "LogsBucket"],
};

/** The parts that only prod has. */
const PARTS_OF_PROD: Record<string, string[]> = { backups: ["Backup"], "KMS key": ["EncryptionKey"] };

/** Resources that wait for others whose outputs they do not use, by the kinds of both, and why. */
const EXISTENCE_EDGES: Record<string, string> = {
  "BucketLifecycleConfiguration -> BucketVersioning":
    "S3 applies rules for old versions late where versioning comes after them",
  "BucketLogging -> BucketPolicy": "S3 drops access logs that it may not write into the bucket for logs",
  "BucketPolicy -> BucketPublicAccessBlock": "S3 refuses a public policy while public policies are blocked",
  "Environment -> BucketPolicy":
    "a load balancer tries to write into the bucket for its logs when that is set",
  "Environment -> Queue": "the worker's daemon polls when it starts; the URL is built from the name",
  "Environment -> RolePolicy": "instances need their rights when they start",
  "Environment -> RolePolicyAttachment": "Beanstalk needs its rights when it makes an environment",
  "NatGateway -> InternetGateway": "EC2 refuses a NAT gateway in a VPC without an attached internet gateway",
  "Instance -> LogGroup": "RDS makes missing log groups itself, without a retention",
  "Plan -> Vault": "AWS Backup refuses a plan that names no existing vault; the names are built",
  "Selection -> BucketPolicy": "the first backup needs AWS Backup's way into the media bucket",
  "Selection -> BucketVersioning": "AWS Backup backs up only buckets with versions",
  "Selection -> Instance": "the first backup needs the database; the ARN is built from the name",
  "Queue -> Queue":
    "SQS refuses a redrive policy that names no existing queue; the ARN is built from the name",
  "Role -> OpenIdConnectProvider": "IAM refuses a trust policy that names no existing provider",
};

const shortType = (type: string) => type.split(":").at(-1) ?? "";

/** All texts in a value. */
function textsIn(value: PropertyValue | undefined): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}

describe("index", () => {
  for (const stack of STACKS) {
    describe(`the stack ${stack}`, () => {
      let document: PreviewDocument;
      let first: PreviewDocument;
      before(async () => {
        document = await previewOf(stack);
        first = await previewOf(stack, { unknownOutputs: true });
      });

      it("has all its parts, and no component that belongs to none", () => {
        const components = document.resources
          .filter(({ type }) => type.startsWith("iaso:index:"))
          .map(({ type }) => shortType(type));
        const parts = [PARTS, ...(stack === "prod" ? [PARTS_OF_PROD] : [])].flatMap((all) =>
          Object.values(all).flat(),
        );
        expect(new Set(components)).to.deep.equal(new Set(parts));
        expect(document.environment).to.equal(stack);
      });

      it("puts every resource of AWS into a component", () => {
        const stackUrn = find(document, "pulumi:pulumi:Stack").urn;
        const outside = document.resources.filter(({ custom, parent }) => custom && parent === stackUrn);
        expect(outside.map(({ type }) => type)).to.deep.equal(["pulumi:providers:aws"]);
      });

      it("registers the same resources at the first preview, when outputs are unknown", () => {
        expect(first.resources.map(({ urn }) => urn)).to.have.members(
          document.resources.map(({ urn }) => urn),
        );
      });

      it("takes no secret and creates none: environments name SSM parameters that init-stack creates", () => {
        for (const { urn, secretInputs } of [...document.resources, ...first.resources])
          expect(secretInputs, urn).to.deep.equal([]);
        const parameters = resourcesOf(document, "aws:ssm/parameter:Parameter");
        expect(parameters.map(({ inputs }) => inputs.name)).to.deep.equal([`/iaso/${stack}/deployment`]);
        const named = resourcesOf(document, "aws:elasticbeanstalk/environment:Environment").flatMap(
          (environment) => Object.entries(namespaceOf(environment, `${VARIABLES}secrets`)),
        );
        for (const [name, arn] of named)
          expect(arn).to.equal(
            `arn:aws:ssm:eu-central-1:123456789012:parameter/iaso-secrets/${stack}/${name}`,
          );
        // Without TLS, Redis has no token.
        expect([...new Set(named.map(([name]) => name)), "ENKETO_REDIS_AUTH_TOKEN"]).to.have.members(
          secretNames,
        );
      });

      it("knows every policy document at the first preview", () => {
        const documents = first.resources.flatMap(({ urn, inputs }) =>
          ["policy", "assumeRolePolicy", "redrivePolicy", "redriveAllowPolicy"].flatMap((property) =>
            property in inputs ? [[`${urn} ${property}`, inputs[property]] as const] : [],
          ),
        );
        expect(documents.length).to.be.greaterThan(20);
        for (const [where, policy] of documents) {
          expect(policy, where).to.be.a("string").and.not.include(UNKNOWN);
          expect(() => JSON.parse(textOf(policy)) as unknown, where).not.to.throw();
        }
      });

      it("knows every name and every tag at the first preview", () => {
        const properties = ["name", "bucket", "identifier", "replicationGroupId", "cnamePrefix", "tags"];
        for (const { urn, type, inputs } of first.resources) {
          // What ACM asks for as a proof is known when it asks.
          if (type === "aws:route53/record:Record") continue;
          for (const property of properties) {
            const unknown = Object.entries(inputs.tags ?? {}).filter(([, value]) => value === UNKNOWN);
            // Only AWS knows these ids, and only CI roles have them.
            for (const [tag] of property === "tags" ? unknown : []) {
              expect(tag).to.match(/-(environment|load-balancer)-id$/);
              expect(inputs.name).to.match(/-ci-(up|deploy)$/);
            }
            if (property === "tags") continue;
            expect(textsIn(inputs[property]), `${urn} ${property}`).not.to.include(UNKNOWN);
          }
        }
        const named = first.resources.filter(({ type }) =>
          /:(Bucket|Environment|Queue|Role|InstanceProfile|Application|Topic)$/.test(type),
        );
        for (const { urn, type, inputs } of named) {
          expect(inputs, urn).to.have.property(type.endsWith(":Bucket") ? "bucket" : "name");
        }
      });

      it("tags every resource that takes tags", () => {
        const tags = { project: "iaso", env: stack, "managed-by": "pulumi" };
        const tagged = document.resources.filter(({ inputs }) => "tags" in inputs);
        for (const { urn, inputs } of tagged) expect(inputs.tags, urn).to.include(tags);
        const types = new Set(tagged.map(({ type }) => type));
        const short = new Set(tagged.map(({ type }) => shortType(type)));
        for (const type of [
          "Vpc",
          "Bucket",
          "Instance",
          "Queue",
          "Environment",
          "Role",
          "ReplicationGroup",
        ]) {
          expect(short).to.include(type);
        }
        for (const { type, urn } of document.resources) {
          if (types.has(type)) expect(tagged.map((other) => other.urn)).to.include(urn);
        }
      });

      it("has no dependency without a use, except for known reasons", () => {
        const typeOf = new Map(document.resources.map(({ urn, type }) => [urn, shortType(type)]));
        const edges = document.resources.flatMap(({ type, dependencies, propertyDependencies }) => {
          const data = new Set(Object.values(propertyDependencies).flat());
          return dependencies
            .filter((urn) => !data.has(urn))
            .map((urn) => `${shortType(type)} -> ${typeOf.get(urn) ?? urn}`);
        });
        expect([...new Set(edges)].filter((edge) => !(edge in EXISTENCE_EDGES))).to.deep.equal([]);
      });

      it("starts instances only after their routes, the NAT's routes and their security group rules", () => {
        const routes = [
          ...resourcesOf(document, "aws:ec2/route:Route"),
          ...resourcesOf(document, "aws:ec2/routeTableAssociation:RouteTableAssociation"),
        ];
        expect(routes.length).to.be.greaterThan(4);
        for (const name of ["web", "worker", "enketo"]) {
          const { settings } = find(document, ENVIRONMENT, name).propertyDependencies;
          const group = find(document, "aws:ec2/securityGroup:SecurityGroup", name).urn;
          const rules = document.resources.filter(
            ({ type, parent }) => parent === group && type.startsWith("aws:vpc/securityGroup"),
          );
          expect(rules).not.to.be.empty;
          expect(settings).to.include.members([...routes, ...rules].map(({ urn }) => urn));
        }
      });

      it("leads Iaso to Enketo and Enketo to Iaso", () => {
        const web = find(document, ENVIRONMENT, "web");
        const enketo = find(document, ENVIRONMENT, "enketo");
        const hosts = {
          iaso: find(document, "aws:route53/record:Record", "web").inputs.name,
          enketo: find(document, "aws:route53/record:Record", "enketo").inputs.name,
        };
        expect(namespaceOf(web, VARIABLES).ENKETO_URL).to.equal(`https://${textOf(hosts.enketo)}`);
        expect(namespaceOf(enketo, VARIABLES).ENKETO_LINKED_FORM_AND_DATA_SERVER_SERVER_URL).to.equal(
          hosts.iaso,
        );
      });

      it("lets pages of Iaso and Enketo load static files, and only pages of Iaso load media", () => {
        const origins = (bucket: string) =>
          at(
            find(document, "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration", bucket).inputs,
            "corsRules",
            0,
            "allowedOrigins",
          );
        expect(origins("static")).to.deep.equal([document.outputs.url, document.outputs.enketoAddress]);
        expect(origins("media")).to.deep.equal([document.outputs.url]);
      });

      it("serves each host with its own certificate", () => {
        for (const name of ["web", "enketo"]) {
          const { settings } = find(document, ENVIRONMENT, name).propertyDependencies;
          const used = resourcesOf(document, "aws:acm/certificateValidation:CertificateValidation")
            .filter(({ urn }) => settings?.includes(urn))
            .map((validation) => validation.name);
          expect(used).to.deep.equal([`${name}-certificate`]);
        }
        for (const distribution of resourcesOf(document, "aws:cloudfront/distribution:Distribution")) {
          // CloudFront reads certificates of us-east-1 only.
          expect(at(distribution.inputs, "viewerCertificate", "acmCertificateArn")).to.match(
            /^arn:aws:acm:us-east-1:/,
          );
        }
      });

      it("watches the health of all three environments and the errors of both addresses", () => {
        const alarms = resourcesOf(document, "aws:cloudwatch/metricAlarm:MetricAlarm").map(
          ({ name }) => name,
        );
        expect(alarms).to.include.members([
          "web-health",
          "worker-health",
          "enketo-health",
          "web-5xx",
          "enketo-5xx",
        ]);
      });

      it("gives the instances of each environment the security group of their own kind", () => {
        for (const name of ["web", "worker", "enketo"]) {
          const used = find(document, ENVIRONMENT, name).propertyDependencies.settings ?? [];
          const groups = resourcesOf(document, "aws:ec2/securityGroup:SecurityGroup")
            .filter(({ urn }) => used.includes(urn))
            .map((group) => group.name);
          const balancer =
            { web: ["load-balancer"], worker: [], enketo: ["enketo-load-balancer"] }[name] ?? [];
          expect(groups).to.have.members([name, ...balancer]);
        }
      });
    });
  }

  it("differs between the stacks by settings only: zones, NAT, standby and CloudFront", async () => {
    const staging = await previewOf("staging");
    const prod = await previewOf("prod");
    const count = (document: PreviewDocument, type: string) => resourcesOf(document, type).length;
    for (const [document, zones, nats, standby, distributions] of [
      [staging, 2, 1, false, 0],
      [prod, 3, 3, true, 1],
    ] as const) {
      expect(count(document, "aws:ec2/subnet:Subnet")).to.equal(2 * zones);
      expect(count(document, "aws:ec2/natGateway:NatGateway")).to.equal(nats);
      expect(find(document, "aws:rds/instance:Instance").inputs.multiAz).to.equal(standby);
      expect(count(document, "aws:cloudfront/distribution:Distribution")).to.equal(distributions);
    }
    expect(prod.outputs.staticUrl).to.equal("https://static.iaso.example.org/static/");
    expect(staging.outputs.staticUrl).to.equal(
      "https://example-iaso-staging-static.s3.eu-central-1.amazonaws.com/static/",
    );
  });

  it("runs web and worker on the docker platform without a custom image", async () => {
    const document = await previewWith({ "iaso:platform": "docker" });
    expect(resourcesOf(document, "iaso:index:GdalAmi")).to.deep.equal([]);
    expect(resourcesOf(document, "command:local:Command")).to.deep.equal([]);
    for (const role of ["web", "worker"]) {
      const environment = find(document, ENVIRONMENT, role);
      expect(environment.inputs.solutionStackName).to.match(/running Docker$/);
      const options = optionsOf(environment);
      expect(options).not.to.have.any.keys("aws:autoscaling:launchconfiguration ImageId");
      expect(Object.keys(options).filter((key) => key.includes("container:python"))).to.deep.equal([]);
      expect(options).not.to.have.property("aws:elasticbeanstalk:application:environment PYTHONPATH");
    }
    const deployment = find(document, "aws:ssm/parameter:Parameter", "deployment");
    expect(JSON.parse(textOf(deployment.inputs.insecureValue))).to.include({ platform: "docker" });
  });

  it("gives each part the settings that are its own", async () => {
    const document = await previewWith({
      "iaso:webInstanceType": "m7i.large",
      "iaso:webMinSize": 3,
      "iaso:webMaxSize": 9,
      "iaso:workerInstanceType": "c7i.xlarge",
      "iaso:workerMinSize": 2,
      "iaso:workerMaxSize": 5,
      "iaso:enketoInstanceType": "t3.micro",
      "iaso:enketoMinSize": 4,
      "iaso:enketoMaxSize": 7,
      "iaso:emailPort": 2525,
      "iaso:mailgunRegion": "us",
      "iaso:databaseConnectionAlarm": 123,
    });
    for (const [name, type, MinSize, MaxSize] of [
      ["web", "m7i.large", "3", "9"],
      ["worker", "c7i.xlarge", "2", "5"],
      ["enketo", "t3.micro", "4", "7"],
    ] as const) {
      const environment = find(document, ENVIRONMENT, name);
      expect(namespaceOf(environment, "aws:ec2:instances").InstanceTypes).to.equal(type);
      expect(namespaceOf(environment, "aws:autoscaling:asg")).to.deep.equal({ MinSize, MaxSize });
    }
    const ports = resourcesOf(document, "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")
      .filter(({ parent }) => /::(web|worker)$/.test(parent))
      .map(({ inputs }) => inputs.toPort);
    expect(ports.filter((port) => port === 2525)).to.have.lengthOf(2);
    expect(namespaceOf(find(document, ENVIRONMENT, "web"), VARIABLES).EMAIL_PORT).to.equal("2525");
    expect(find(document, "aws:route53/record:Record", "mail-tracking").inputs.records).to.deep.equal([
      "mailgun.org",
    ]);
    const alarm = find(document, "aws:cloudwatch/metricAlarm:MetricAlarm", "database-connections");
    expect(alarm.inputs.threshold).to.equal(123);
  });

  it("takes an image that was built before, and builds none", async () => {
    const document = await previewWith({ "iaso:gdalImageId": "ami-0fedcba9876543210" });
    expect(resourcesOf(document, "command:local:Command")).to.deep.equal([]);
    for (const role of ["web", "worker"]) {
      expect(optionsOf(find(document, ENVIRONMENT, role))).to.include({
        "aws:autoscaling:launchconfiguration ImageId": "ami-0fedcba9876543210",
      });
    }
  });

  it("builds one image for both environments if no image is set", async () => {
    const document = await previewOf("staging");
    const build = find(document, "command:local:Command");
    for (const role of ["web", "worker"]) {
      expect(find(document, ENVIRONMENT, role).propertyDependencies.settings).to.include(build.urn);
    }
  });

  it("goes into an existing VPC and makes no network", async () => {
    const document = await previewWith({
      "iaso:vpcId": "vpc-0123456789abcdef0",
      "iaso:publicSubnetIds": ["subnet-00000001", "subnet-00000002"],
      "iaso:privateSubnetIds": ["subnet-00000003", "subnet-00000004"],
    });
    for (const type of ["vpc:Vpc", "subnet:Subnet", "natGateway:NatGateway", "routeTable:RouteTable"]) {
      expect(resourcesOf(document, `aws:ec2/${type}`)).to.deep.equal([]);
    }
    for (const { inputs } of resourcesOf(document, "aws:ec2/securityGroup:SecurityGroup")) {
      expect(inputs.vpcId).to.equal("vpc-0123456789abcdef0");
    }
    expect(find(document, "aws:rds/subnetGroup:SubnetGroup").inputs.subnetIds).to.deep.equal([
      "subnet-00000003",
      "subnet-00000004",
    ]);
    expect(namespaceOf(find(document, ENVIRONMENT, "web"), "aws:ec2:vpc")).to.include({
      VPCId: "vpc-0123456789abcdef0",
      ELBSubnets: "subnet-00000001,subnet-00000002",
      Subnets: "subnet-00000003,subnet-00000004",
    });
  });

  it("stays within AWS's limits for names, with the longest settings, and gives no name twice", async () => {
    const document = await previewWith(
      { "iaso:organization": "o".repeat(24), "iaso:env": "e".repeat(12) },
      { unknownOutputs: true },
    );
    for (const [type, property, limit] of [
      [ENVIRONMENT, "name", 40],
      [ENVIRONMENT, "cnamePrefix", 63],
      ["aws:elasticbeanstalk/application:Application", "name", 100],
      ["aws:elasticache/replicationGroup:ReplicationGroup", "replicationGroupId", 40],
      ["aws:elasticache/replicationGroup:ReplicationGroup", "finalSnapshotIdentifier", 255],
      ["aws:elasticache/subnetGroup:SubnetGroup", "name", 50],
      ["aws:iam/role:Role", "name", 64],
      ["aws:iam/instanceProfile:InstanceProfile", "name", 128],
      ["aws:s3/bucket:Bucket", "bucket", 63],
      ["aws:sqs/queue:Queue", "name", 80],
      ["aws:rds/instance:Instance", "identifier", 63],
      ["aws:rds/instance:Instance", "finalSnapshotIdentifier", 255],
      ["aws:rds/parameterGroup:ParameterGroup", "name", 255],
    ] as const) {
      const names = resourcesOf(document, type).flatMap(({ inputs }) => at(inputs, property) ?? []);
      expect(names, `${type} ${property}`).not.to.be.empty;
      expect(new Set(names).size, `${type} ${property}`).to.equal(names.length);
      for (const name of names) {
        expect(name, `${type} ${property}`).to.be.a("string").and.to.have.lengthOf.within(4, limit);
      }
    }
  });
});
