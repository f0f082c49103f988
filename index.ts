import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { fingerprintOf } from "./ami/fingerprint";
import { recipeWith } from "./ami/recipe";
import { Alarms } from "./components/alarms";
import { applicationEnvironment } from "./components/beanstalk/applicationEnvironment";
import { BeanstalkPair } from "./components/beanstalkPair";
import { BeanstalkServiceRole } from "./components/beanstalk/serviceRole";
import { Certificate } from "./components/certificate";
import { CiAccess } from "./components/ciAccess";
import { Database } from "./components/database";
import { DeployTarget } from "./components/deployTarget";
import { Dns } from "./components/dns";
import { Enketo } from "./components/enketo";
import { ExternalServices } from "./components/externalServices";
import { GdalAmi } from "./components/gdalAmi";
import { LogsBucket } from "./components/logsBucket";
import { MediaBucket } from "./components/mediaBucket";
import { Naming } from "./components/common/naming";
import { Network } from "./components/network";
import { PermissionsBoundary } from "./components/iam/permissionsBoundary";
import { SecretParameters } from "./components/secretParameters";
import { SecurityGroups } from "./components/securityGroups";
import { readSettings } from "./settings/settings";
import { StaticBucket } from "./components/staticBucket";
import { TASK_TIMING, TaskQueue } from "./components/taskQueue";

// Settings
const s = readSettings(pulumi.runtime.allConfig(), pulumi.getProject(), pulumi.getStack());
const naming = new Naming(s);
const provider = new aws.Provider("aws", { region: s.region, allowedAccountIds: [s.accountId] });
const opts = { provider };
const { zoneId } = aws.route53.getZoneOutput({ name: s.hostedZone }, opts);
const beanstalkZoneId = aws.elasticbeanstalk.getHostedZoneOutput({ region: s.region }, opts).id;
const logRetentionDays = s.logRetentionDays;

// Network and access
const permissionsBoundary = new PermissionsBoundary("permissions-boundary", { naming }, opts).arn;
const network = new Network("network", { naming, ...s.network, logRetentionDays, permissionsBoundary }, opts);
const { vpcId, publicSubnetIds, privateSubnetIds, instanceSubnetIds } = network;
const groups = new SecurityGroups("security-groups", { naming, vpcId, smtpPort: s.mail.port }, opts);

// Certificates
const certificate = (name: string, host: string, region = s.region) =>
  new Certificate(name, { naming, host, region, zoneId }, opts).arn;
const webCertificate = certificate("web-certificate", s.webHost);
const enketoCertificate = certificate("enketo-certificate", s.enketoHost);
const cloudFront = s.cloudFront
  ? { host: s.staticHost, certificateArn: certificate("static-certificate", s.staticHost, "us-east-1") }
  : undefined;

// Storage
const webUrl = `https://${s.webHost}`;
const enketoUrl = `https://${s.enketoHost}`;
const statics = new StaticBucket("static", { naming, webOrigins: [webUrl, enketoUrl], cloudFront }, opts);
const media = new MediaBucket(
  "media",
  { naming, webOrigin: webUrl, oldVersionDays: s.mediaOldVersionDays },
  opts,
);
const database = new Database(
  "database",
  {
    naming,
    ...s.database,
    password: s.secrets.databasePassword,
    privateSubnetIds,
    securityGroupId: groups.databaseId,
    logRetentionDays,
    permissionsBoundary,
  },
  opts,
);
const taskQueue = new TaskQueue("tasks", { naming, timing: TASK_TIMING }, opts);

// What all Beanstalk environments have in common
const hosting = {
  naming,
  vpcId,
  publicSubnetIds,
  instanceSubnetIds,
  accessLogs: new LogsBucket("logs", { naming, retentionDays: logRetentionDays }, opts),
  serviceRole: new BeanstalkServiceRole("beanstalk-service", { naming, permissionsBoundary }, opts),
  deploymentPolicy: s.deploymentPolicy,
  logRetentionDays,
  permissionsBoundary,
};

// Iaso
const external = new ExternalServices(
  "external-services",
  {
    sentry: { dsn: s.secrets.sentryDsn },
    mail: { ...s.mail, password: s.secrets.emailPassword },
    mailgun: s.mailgun,
  },
  opts,
);
const secrets = new SecretParameters(
  "secrets",
  {
    naming,
    values: {
      ...external.secrets,
      ENCRYPTED_TEXT_FIELD_KEY: s.secrets.encryptedTextFieldKey,
      ENKETO_API_TOKEN: s.secrets.enketoApiToken,
      ENKETO_SIGNING_SECRET: s.secrets.enketoSigningSecret,
      RDS_PASSWORD: s.secrets.databasePassword,
      SECRET_KEY: s.secrets.secretKey,
      ...(s.rotatesSecretKey && { SECRET_KEY_FALLBACKS: s.secrets.secretKeyFallbacks }),
    },
  },
  opts,
);
const variables = applicationEnvironment({
  env: s.env,
  region: s.region,
  platform: s.platform,
  webHost: s.webHost,
  database,
  mediaBucket: naming.bucket("media"),
  staticBucket: naming.bucket("static"),
  staticUrl: statics.url,
  queueUrl: naming.queueUrl,
  email: external.email,
  enketoUrl,
  plugins: s.plugins,
});
const pair = new BeanstalkPair(
  "iaso",
  {
    ...hosting,
    platform: s.platform === "docker" ? { kind: "docker" } : { kind: "python", imageId: gdalImage() },
    solutionStackName: s.platform === "docker" ? s.dockerSolutionStack : s.pythonSolutionStack,
    securityGroups: { loadBalancer: groups.loadBalancerId, web: groups.webId, worker: groups.workerId },
    certificateArn: webCertificate,
    taskQueue,
    taskTiming: TASK_TIMING,
    secrets,
    variables,
    web: s.web,
    worker: s.worker,
    shellAccess: s.shellAccess,
  },
  opts,
);

/** The image that was named, or one that is built. */
function gdalImage(): pulumi.Input<string> {
  if (s.gdalImageId !== "") return s.gdalImageId;
  return new GdalAmi(
    "gdal-ami",
    {
      naming,
      solutionStackName: s.pythonSolutionStack,
      drivers: s.gdalDrivers,
      recipeFingerprint: fingerprintOf(recipeWith(s.gdalDrivers)),
    },
    opts,
  ).imageId;
}

// Deployments
const { application } = pair;
const deployTarget = new DeployTarget(
  "deployment",
  {
    naming,
    application,
    platform: s.platform,
    staticBucket: naming.bucket("static"),
    staticUrl: statics.url,
    webUrl,
    databaseIdentifier: database.identifier,
  },
  opts,
);
const ci = new CiAccess("ci", { naming, application, ...s.github }, opts);

// Enketo
const enketo = new Enketo(
  "enketo",
  {
    ...hosting,
    solutionStackName: s.dockerSolutionStack,
    image: s.enketo.image,
    host: s.enketoHost,
    webHost: s.webHost,
    privateSubnetIds,
    securityGroups: {
      loadBalancer: groups.enketoLoadBalancerId,
      instances: groups.enketoId,
      redis: groups.enketoRedisId,
    },
    certificateArn: enketoCertificate,
    artifactsBucket: deployTarget.artifactsBucket,
    capacity: s.enketo.capacity,
    redis: { ...s.enketo.redis, authToken: s.secrets.enketoRedisAuthToken },
    secrets: { apiKey: s.secrets.enketoApiToken, encryptionKey: s.secrets.enketoEncryptionKey },
  },
  opts,
);

// Addresses and alarms
new Dns(
  "dns",
  {
    zoneId,
    beanstalkZoneId,
    web: { host: s.webHost, cname: pair.web.cname },
    enketo: { host: s.enketoHost, cname: enketo.environment.cname },
    staticHost: statics.distribution && { host: s.staticHost, distribution: statics.distribution },
    mail: external.dnsRecords,
  },
  opts,
);
new Alarms(
  "alarms",
  {
    naming,
    email: s.alarmEmail,
    queueName: taskQueue.queueName,
    deadLetterQueueName: taskQueue.deadLetterQueueName,
    databaseIdentifier: database.identifier,
    minimumFreeStorage: 10,
    maximumConnections: s.databaseConnectionAlarm,
    environments: { web: naming.name(), worker: naming.name("worker"), enketo: naming.name("enketo") },
    loadBalancers: { web: pair.loadBalancerArn, enketo: enketo.loadBalancerArn },
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
