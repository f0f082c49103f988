import { expect } from "chai";
import { evaluate } from "../../policies/evaluate";
import { policyConfigOf, previewWith } from "../support";

/** The parts of a policy config that a variant needs. */
const CONFIGS: Record<string, Record<string, object>> = {
  "the hosts of an existing Iaso": {
    "certificates-fit": {
      alsoAllowed: ["old.example.org", "old-enketo.example.org"],
      reason: "They move in",
    },
  },
};

/** Settings that organisations may choose. */
const VARIANTS: Record<string, Record<string, unknown>> = {
  "Iaso's container image": { platform: "docker" },
  "a GDAL image that exists": { gdalImageId: "ami-0fedcba9876543210" },
  "a network that exists": {
    vpcId: "vpc-0123456789abcdef0",
    publicSubnetIds: ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    privateSubnetIds: ["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"],
  },
  "a NAT gateway in each of three zones": { natGateways: "perZone", availabilityZones: ["a", "b", "c"] },
  "the hosts of an existing Iaso": {
    existingWebHost: "old.example.org",
    existingEnketoHost: "old-enketo.example.org",
  },
  CloudFront: { cloudFront: true, staticHost: "static.example.org" },
  "Redis with TLS and replicas": {
    enketoRedisTls: true,
    enketoRedisReplicas: 2,
    enketoImage: `enketo/enketo-express:7.5.1@sha256:${"0".repeat(64)}`,
  },
  "a web ACL that counts": { webAcl: "count" },
  "a web ACL that blocks, in front of Iaso's container image": { webAcl: "block", platform: "docker" },
  "a KMS key of its own": { encryptionKey: "customer" },
  "backups in one vault": { backupDays: 7 },
  "backups with copies in another region, which nobody can delete": {
    backupDays: 3650,
    backupCopyRegion: "eu-north-1",
    backupLock: "compliance",
  },
  plugins: { plugins: ["polio", "test_plugin"] },
  "another mail server, without Mailgun": {
    mailgunDomain: "",
    mailgunDkimRecord: "",
    emailHost: "email-smtp.eu-west-3.amazonaws.com",
    emailPort: 2587,
    emailUser: "AQIDAHgExampleSmtpUser",
  },
  "state in S3, the identity provider elsewhere": {
    stateBucket: "example-pulumi-state",
    createOidcProvider: false,
  },
  "another name, region and organisation": {
    env: "q",
    region: "eu-west-3",
    organization: "a-health-ministry",
    accountId: "210987654321",
    infrastructureRepository: "Ministry-1@12/infra.aws@34",
    applicationRepository: "Ministry-1@12/iaso@56",
  },
  "a newer database, kept for longer": {
    databaseMajorVersion: "18",
    databaseMultiAz: true,
    databaseBackupDays: 35,
    databaseInstanceClass: "db.r8g.large",
  },
  "the longest and the shortest times": { logRetentionDays: 3653, mediaOldVersionDays: 7 },
  "people who deploy": { deployers: ["arn:aws:iam::123456789012:role/Deployment"] },
  "another way to deploy": { deploymentPolicy: "Rolling", webMinSize: 1, webMaxSize: 1, workerMaxSize: 10 },
};

/** The variants that change which values are known at the first preview. */
const FIRST_PREVIEWS = [
  "a web ACL that counts",
  "a KMS key of its own",
  "backups with copies in another region, which nobody can delete",
  "Iaso's container image",
  "a GDAL image that exists",
  "a network that exists",
  "CloudFront",
  "the hosts of an existing Iaso",
];

describe("policy pack on other settings @proof", () => {
  const find = async (what: string, unknownOutputs: boolean) => {
    const settings = Object.entries(VARIANTS[what] ?? {}).map(([name, value]) => [`iaso:${name}`, value]);
    const { resources } = await previewWith(Object.fromEntries(settings) as Record<string, unknown>, {
      unknownOutputs,
    });
    expect(resources.length).to.be.greaterThan(100);
    return evaluate(resources, { config: { ...policyConfigOf("staging"), ...CONFIGS[what] } }).violations;
  };

  for (const what of Object.keys(VARIANTS))
    it(`finds nothing with ${what}`, async () => {
      expect(await find(what, false)).to.deep.equal([]);
    });

  for (const what of FIRST_PREVIEWS)
    it(`finds nothing with ${what} at the first preview`, async () => {
      expect(await find(what, true)).to.deep.equal([]);
    });
});
