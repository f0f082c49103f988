import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { fingerprintOf } from "./ami/fingerprint";
import { recipeWith } from "./ami/recipe";
import { Alarms } from "./components/alarms";
import { applicationEnvironment } from "./components/beanstalk/applicationEnvironment";
import { Backup } from "./components/backup";
import { BeanstalkPair } from "./components/beanstalkPair";
import { BeanstalkServiceRole } from "./components/beanstalk/serviceRole";
import { Certificate } from "./components/certificate";
import { CiAccess } from "./components/ciAccess";
import { Database } from "./components/database";
import { DeployTarget } from "./components/deployTarget";
import { Dns, mailRecordNames } from "./components/dns";
import { EncryptionKey } from "./components/encryptionKey";
import { Enketo } from "./components/enketo";
import { ExternalServices } from "./components/externalServices";
import { GdalAmi } from "./components/gdalAmi";
import { ImageRepository } from "./components/imageRepository";
import { LogsBucket } from "./components/logsBucket";
import { MediaBucket } from "./components/mediaBucket";
import { Naming } from "./components/common/naming";
import { Network } from "./components/network";
import { offeredPlatformVersions } from "./components/platformVersions";
import { PermissionsBoundary } from "./components/iam/permissionsBoundary";
import { SecurityGroups } from "./components/securityGroups";
import { REGIONS } from "./policies/facts/regions";
import { readSettings } from "./settings/settings";
import { StaticBucket } from "./components/staticBucket";
import { TASK_TIMING, TaskQueue } from "./components/taskQueue";
import { WebAcl } from "./components/webAcl";

/*
 * Iaso on AWS, the whole platform of one environment. Each section below creates a part and passes its outputs on.
 *
 *     People --> Dns --> load balancer --> Iaso, web --------> Database
 *                 |      (Certificate)       |    \--------> MediaBucket
 *                 |                          v
 *                 |                      TaskQueue --> Iaso, worker --> Database, MediaBucket
 *                 |
 *                 |----> load balancer --> Enketo --> its two Redis
 *                 \----> StaticBucket, through CloudFront if the settings say so
 *
 *     GitHub Actions --> CiAccess --> `pulumi up` and, with DeployTarget, new versions of Iaso
 *     Alarms --> mail
 *
 * docs/architecture.md has the drawing of all parts.
 */

// Settings
const settings = readSettings(pulumi.runtime.allConfig(), pulumi.getProject(), pulumi.getStack());
const naming = new Naming(settings);
const provider = new aws.Provider("aws", {
  region: settings.region,
  allowedAccountIds: [settings.accountId],
});
const solutionStackNames = [
  ...(settings.platform === "python" ? [settings.pythonSolutionStack] : []),
  settings.dockerSolutionStack,
];
const updateCommand = `npm run platform -- ${pulumi.getStack()} --update`;
const versions = { solutionStackNames, region: settings.region, updateCommand };
// Nothing is registered before AWS has accepted the platform versions.
const opts = { provider, dependsOn: offeredPlatformVersions(versions, { provider }) };
const { zoneId } = aws.route53.getZoneOutput({ name: settings.hostedZone }, { provider });
// The settings accept only regions of this table. The provider's own function knows fewer regions, and some wrongly.
const beanstalkZoneId = REGIONS[settings.region]?.beanstalkHostedZone ?? "";
const { logRetentionDays } = settings;

// Encryption
const encryptionKey =
  settings.encryptionKey === "customer" ? new EncryptionKey("encryption-key", { naming }, opts) : undefined;
const encrypted = encryptionKey !== undefined;

// Network
const boundaries = new PermissionsBoundary("permissions-boundary", { naming, encrypted }, opts);
const network = new Network(
  "network",
  {
    naming,
    ...settings.network,
    logRetentionDays,
    permissionsBoundary: boundaries.serviceArn,
    encryptionKey,
  },
  opts,
);
const { vpcId, publicSubnetIds, privateSubnetIds, instanceSubnetIds } = network;
const groups = new SecurityGroups("security-groups", { naming, vpcId, smtpPort: settings.mail.port }, opts);

// Certificates
const certificate = (name: string, [host = "", ...otherHosts]: string[], region = settings.region) =>
  new Certificate(name, { naming, host, otherHosts, region, zoneId }, opts).arn;
const webCertificate = certificate("web-certificate", settings.webHosts);
const enketoCertificate = certificate("enketo-certificate", settings.enketoHosts);
const cloudFront = settings.cloudFront
  ? {
      host: settings.staticHost,
      certificateArn: certificate("static-certificate", [settings.staticHost], "us-east-1"),
    }
  : undefined;

// Storage
const deployers = [naming.roleArn(naming.ciRole("deploy")), ...settings.deployers];
const webUrl = `https://${settings.webHost}`;
const enketoUrl = `https://${settings.enketoHost}`;
const originsOf = (hosts: string[]) => hosts.map((host) => `https://${host}`);
const webOrigins = originsOf(settings.webHosts);
const statics = new StaticBucket(
  "static",
  { naming, webOrigins: [...webOrigins, ...originsOf(settings.enketoHosts)], deployers, cloudFront },
  opts,
);
const logs = new LogsBucket("logs", { naming, retentionDays: logRetentionDays }, opts);
const media = new MediaBucket(
  "media",
  {
    naming,
    webOrigins,
    oldVersionDays: settings.mediaOldVersionDays,
    // An existing VPC may have no endpoint.
    throughVpcEndpoint: settings.network.existing === undefined,
    backedUp: settings.backup !== undefined,
    copyPrincipal: settings.mediaCopyPrincipal,
    accessLogs: settings.mediaAccessLogs ? logs : undefined,
    encryptionKey,
  },
  opts,
);
const database = new Database(
  "database",
  {
    naming,
    ...settings.database,
    privateSubnetIds,
    securityGroupId: groups.databaseId,
    logRetentionDays,
    permissionsBoundary: boundaries.serviceArn,
    encryptionKey,
  },
  opts,
);
if (settings.backup !== undefined)
  new Backup(
    "backup",
    {
      naming,
      ...settings.backup,
      databaseIdentifier: database.identifier,
      encrypted,
      requirements: [database.instance, ...media.backupRequirements],
    },
    opts,
  );
const taskQueue = new TaskQueue("tasks", { naming, timing: TASK_TIMING, encryptionKey }, opts);

// Beanstalk: what all environments share
const hosting = {
  naming,
  vpcId,
  publicSubnetIds,
  instanceSubnetIds,
  accessLogs: logs,
  serviceRole: new BeanstalkServiceRole(
    "beanstalk-service",
    { naming, permissionsBoundary: boundaries.serviceArn },
    opts,
  ),
  deploymentPolicy: settings.deploymentPolicy,
  logRetentionDays,
  permissionsBoundary: boundaries.arn,
  encryptionKey,
};

// Deployment
const { application } = naming;
const deployTarget = new DeployTarget(
  "deployment",
  {
    naming,
    application,
    platform: settings.platform,
    staticBucket: naming.bucket("static"),
    staticUrl: statics.url,
    webUrl,
    databaseIdentifier: database.identifier,
    deployers,
  },
  opts,
);
const hasImages = settings.platform === "docker";
if (hasImages) new ImageRepository("images", { naming }, opts);

// Iaso
const external = new ExternalServices(
  "external-services",
  {
    mail: settings.mail,
    mailgun: settings.mailgun,
  },
  opts,
);
// The program knows names of secrets only. `npm run init-stack` keeps the values in SSM's Parameter Store.
const secrets = [
  ...external.secrets,
  "ENCRYPTED_TEXT_FIELD_KEY",
  "ENKETO_API_TOKEN",
  "ENKETO_SIGNING_SECRET",
  "RDS_PASSWORD",
  "SECRET_KEY",
  "SECRET_KEY_FALLBACKS",
];
const variables = applicationEnvironment({
  env: settings.env,
  region: settings.region,
  platform: settings.platform,
  webHost: settings.webHost,
  database,
  artifactsBucket: naming.bucket("artifacts"),
  imageRepositoryUrl: naming.imageRepositoryUrl,
  mediaBucket: naming.bucket("media"),
  staticBucket: naming.bucket("static"),
  staticUrl: statics.url,
  queueUrl: naming.queueUrl,
  email: external.email,
  enketoUrl,
  plugins: settings.plugins,
});
const pair = new BeanstalkPair(
  "iaso",
  {
    ...hosting,
    platform: settings.platform === "docker" ? { kind: "docker" } : { kind: "python", imageId: gdalImage() },
    solutionStackName:
      settings.platform === "docker" ? settings.dockerSolutionStack : settings.pythonSolutionStack,
    securityGroups: { loadBalancer: groups.loadBalancerId, web: groups.webId, worker: groups.workerId },
    certificateArn: webCertificate,
    artifactsBucket: deployTarget.artifactsBucket,
    taskQueue,
    taskTiming: TASK_TIMING,
    secrets,
    variables,
    web: settings.web,
    worker: settings.worker,
    shellAccess: settings.shellAccess,
  },
  opts,
);

if (settings.webAcl !== "off") {
  const { webAcl: mode } = settings;
  new WebAcl("web-acl", { naming, mode, loadBalancerArn: pair.loadBalancerArn }, opts);
}

/** Returns the id of the image in the settings, or of one that this stack builds. */
function gdalImage(): pulumi.Input<string> {
  if (settings.gdalImageId !== "") return settings.gdalImageId;
  return new GdalAmi(
    "gdal-ami",
    {
      naming,
      solutionStackName: settings.pythonSolutionStack,
      drivers: settings.gdalDrivers,
      recipeFingerprint: fingerprintOf(recipeWith(settings.gdalDrivers)),
    },
    opts,
  ).imageId;
}

// Enketo
const enketo = new Enketo(
  "enketo",
  {
    ...hosting,
    solutionStackName: settings.dockerSolutionStack,
    image: settings.enketo.image,
    host: settings.enketoHost,
    webHost: settings.webHost,
    privateSubnetIds,
    securityGroups: {
      loadBalancer: groups.enketoLoadBalancerId,
      instances: groups.enketoId,
      redis: groups.enketoRedisId,
    },
    certificateArn: enketoCertificate,
    artifactsBucket: deployTarget.artifactsBucket,
    capacity: settings.enketo.capacity,
    redis: settings.enketo.redis,
  },
  opts,
);

// GitHub Actions
const recordNames = [
  settings.webHost,
  settings.enketoHost,
  ...(settings.cloudFront ? [settings.staticHost] : []),
  ...(external.dnsRecords === undefined ? [] : mailRecordNames(external.dnsRecords)),
];
const ci = new CiAccess(
  "ci",
  {
    naming,
    ...settings.github,
    project: pulumi.getProject(),
    stack: pulumi.getStack(),
    recordNames,
    gdalImageId: hasImages ? "" : settings.gdalImageId,
    imageRepository: hasImages,
    webAcl: settings.webAcl !== "off",
    encrypted,
    loadBalancerArns: { web: pair.loadBalancerArn, enketo: enketo.loadBalancerArn },
    environmentIds: { web: pair.web.id, worker: pair.worker.id, enketo: enketo.environment.id },
  },
  opts,
);

// Host names and alarms
new Dns(
  "dns",
  {
    zoneId,
    beanstalkZoneId,
    web: { host: settings.webHost, cname: pair.web.cname },
    enketo: { host: settings.enketoHost, cname: enketo.environment.cname },
    staticHost: statics.distribution && { host: settings.staticHost, distribution: statics.distribution },
    mail: external.dnsRecords,
  },
  opts,
);
new Alarms(
  "alarms",
  {
    naming,
    email: settings.alarmEmail,
    queueName: taskQueue.queueName,
    deadLetterQueueName: taskQueue.deadLetterQueueName,
    databaseIdentifier: database.identifier,
    minimumFreeStorage: 10,
    maximumConnections: settings.databaseConnectionAlarm,
    environments: {
      web: naming.environment("web"),
      worker: naming.environment("worker"),
      enketo: naming.environment("enketo"),
    },
    loadBalancers: { web: pair.loadBalancerArn, enketo: enketo.loadBalancerArn },
    encryptionKey,
    backups: settings.backup && {
      vaultName: naming.backupVault,
      copied: settings.backup.copyRegion !== undefined,
    },
  },
  opts,
);

// Outputs
export const url = webUrl;
export const enketoAddress = enketoUrl;
export const staticUrl = statics.url;
export const webEnvironment = pair.web.name;
export const workerEnvironment = pair.worker.name;
export const databaseHost = database.host;
export const mediaBucket = media.bucketName;
export const staticBucket = statics.bucketName;
export const artifactsBucket = deployTarget.artifactsBucket;
export const taskQueueUrl = taskQueue.queue.url;
export const ciRoles = ci.roleArns;
