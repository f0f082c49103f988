import type { Check } from "../check";
import { accountOfItsOwn, identityProvider, serviceLinkedRoles } from "./account";
import { alarmSubscription } from "./alarms";
import { staticFiles, versions } from "./application";
import { awsBackups, backupLocks } from "./backup";
import { caaRecords, certificates } from "./certificates";
import { databaseBackups, databaseKey, databaseRehearsal, databaseStorage } from "./database";
import { databaseCopies } from "./databaseCopies";
import { delegation, hostedZone, recordNames } from "./dns";
import { mailgunRecords, mailServer, senderRecords } from "./mail";
import { beanstalkDomains, builderSubnet, platformUpdates, platformVersions } from "./platform";
import { deadLetters } from "./queue";
import { databaseClass, instanceTypes, zones } from "./offers";
import { elasticIpQuota, loadBalancerQuota, vcpuQuota, vpcQuota } from "./quotas";
import { databasePassword, secretAges, secretsExist } from "./secrets";
import { databaseSnapshot } from "./snapshot";
import { accountPublicAccess, bucketNames, diskEncryption } from "./storage";

/** All checks, in the order of the report. */
export const checks: readonly Check[] = [
  accountOfItsOwn,
  hostedZone,
  delegation,
  recordNames,
  caaRecords,
  platformVersions,
  builderSubnet,
  zones,
  instanceTypes,
  databaseClass,
  databaseSnapshot,
  vcpuQuota,
  elasticIpQuota,
  vpcQuota,
  loadBalancerQuota,
  diskEncryption,
  accountPublicAccess,
  bucketNames,
  beanstalkDomains,
  serviceLinkedRoles,
  identityProvider,
  secretsExist,
  mailServer,
  senderRecords,

  certificates,
  platformUpdates,
  databaseBackups,
  awsBackups,
  backupLocks,
  databaseRehearsal,
  databaseCopies,
  databaseStorage,
  databaseKey,
  databasePassword,
  deadLetters,
  alarmSubscription,
  versions,
  staticFiles,
  mailgunRecords,
  secretAges,
];
