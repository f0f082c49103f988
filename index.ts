import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { recipeFingerprint } from "./ami/recipe";
import { Alarms } from "./components/alarms";
import { applicationEnvironment } from "./components/applicationEnvironment";
import { BeanstalkPair } from "./components/beanstalkPair";
import { BeanstalkServiceRole } from "./components/beanstalkServiceRole";
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
import { Naming } from "./components/naming";
import { Network } from "./components/network";
import { PermissionsBoundary } from "./components/permissionsBoundary";
import { SecretParameters } from "./components/secretParameters";
import { SecurityGroups } from "./components/securityGroups";
import { readSettings } from "./components/settings/settings";
import { StaticBucket } from "./components/staticBucket";
import { TASK_TIMING, TaskQueue } from "./components/taskQueue";

// Settings
const s = readSettings(pulumi.runtime.allConfig(), pulumi.getProject(), pulumi.getStack());
const naming = new Naming(s);
const provider = new aws.Provider("aws", { region: s.region, allowedAccountIds: [s.accountId] });
const opts = { provider };
const zone = aws.route53.getZoneOutput({ name: s.hostedZone }, opts);

// Foundations
const boundary = new PermissionsBoundary("permissions-boundary", { naming }, opts);
const permissionsBoundary = boundary.arn;
const network = new Network("network", { naming, ...s.network, permissionsBoundary }, opts);
const groups = new SecurityGroups("security-groups", { naming, vpcId: network.vpcId, smtpPort: s.emailPort }, opts);
const certificate = (name: string, host: string, region = s.region) =>
  new Certificate(name, { naming, host, region, zoneId: zone.zoneId }, opts).arn;

// Storage
const logs = new LogsBucket("logs", { naming, retentionDays: s.logRetentionDays }, opts);
const media = new MediaBucket("media", { naming, webOrigin: s.webOrigin, oldVersionDays: s.mediaOldVersionDays }, opts);
const cloudFront = s.cloudFront
  ? { host: s.staticHost, certificateArn: certificate("static-certificate", s.staticHost, "us-east-1") }
  : undefined;
const statics = new StaticBucket("static", { naming, webOrigins: [s.webOrigin, s.enketoOrigin], cloudFront }, opts);
