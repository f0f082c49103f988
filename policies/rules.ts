import { Kind, Rule } from "./rule";
import * as application from "./rules/application";
import * as backup from "./rules/backup";
import * as beanstalkHealth from "./rules/beanstalk/health";
import * as beanstalkInstances from "./rules/beanstalk/instances";
import * as beanstalkLoadBalancer from "./rules/beanstalk/loadBalancer";
import * as beanstalkOptions from "./rules/beanstalk/options";
import * as beanstalkVersions from "./rules/beanstalk/versions";
import * as beanstalkWebAcl from "./rules/beanstalk/webAcl";
import * as beanstalkWorker from "./rules/beanstalk/worker";
import * as cloudfront from "./rules/cloudfront";
import * as database from "./rules/database";
import * as encryptionKey from "./rules/encryption/key";
import * as encryptionStores from "./rules/encryption/stores";
import * as alarms from "./rules/evidence/alarms";
import * as keptFiles from "./rules/evidence/lifecycle";
import * as logs from "./rules/evidence/logs";
import * as keptRedis from "./rules/evidence/redis";
import * as alarmTopic from "./rules/evidence/topic";
import * as hygiene from "./rules/hygiene";
import * as iamDuties from "./rules/iam/duties";
import * as iamBoundary from "./rules/iam/boundary";
import * as iamDocuments from "./rules/iam/documents";
import * as iamOtherEnvironment from "./rules/iam/otherEnvironment";
import * as iamPermissions from "./rules/iam/permissions";
import * as iamRoles from "./rules/iam/roles";
import * as iamSecrets from "./rules/iam/secrets";
import * as iamSeparation from "./rules/iam/separation";
import * as iamTrust from "./rules/iam/trust";
import * as network from "./rules/network";
import * as program from "./rules/program";
import * as queue from "./rules/queue";
import * as redis from "./rules/redis";
import * as ownReferences from "./rules/references/own";
import * as strangers from "./rules/references/strangers";
import * as uses from "./rules/references/uses";
import * as secrets from "./rules/secrets";
import * as bucket from "./rules/storage/bucket";
import * as bucketPolicy from "./rules/storage/bucketPolicy";
import * as images from "./rules/storage/images";
import * as lifecycle from "./rules/storage/lifecycle";
import * as writers from "./rules/storage/writers";
import * as reachability from "./rules/topology/reachability";
import * as routes from "./rules/topology/routes";

import * as cloudfrontValues from "./rules/values/cloudfront";
import * as databaseValues from "./rules/values/database";
import * as databaseParameters from "./rules/values/databaseParameters";
import * as certificates from "./rules/values/certificates";
import * as dns from "./rules/values/dns";
import * as environmentValues from "./rules/values/environment";
import * as names from "./rules/values/names";
import * as options from "./rules/values/options";
import * as redisValues from "./rules/values/redis";
import * as stackValues from "./rules/values/stack";

/** The files of rules by what their rules judge. */
const AREAS = {
  program: [program],
  references: [ownReferences, strangers, uses],
  storage: [bucket, bucketPolicy, images, lifecycle, writers],
  network: [network, routes, reachability],
  iam: [
    iamBoundary,
    iamDocuments,
    iamDuties,
    iamOtherEnvironment,
    iamPermissions,
    iamRoles,
    iamSecrets,
    iamSeparation,
    iamTrust,
  ],
  redis: [redis],
  cloudfront: [cloudfront],
  beanstalk: [
    beanstalkOptions,
    beanstalkLoadBalancer,
    beanstalkInstances,
    beanstalkHealth,
    beanstalkVersions,
    beanstalkWebAcl,
    beanstalkWorker,
  ],
  application: [application],
  secrets: [secrets],
  database: [database],
  backup: [backup],
  queue: [queue],
  encryption: [encryptionKey, encryptionStores],
  dns: [dns, certificates],
  evidence: [alarms, alarmTopic, logs, keptFiles, keptRedis],
  values: [
    databaseValues,
    databaseParameters,
    redisValues,
    environmentValues,
    names,
    options,
    cloudfrontValues,
    stackValues,
  ],
  hygiene: [hygiene],
};

/** The kind of judgement that most rules of an area make; "safe value" elsewhere. */
const KINDS: Partial<Record<keyof typeof AREAS, Kind>> = { iam: "role", network: "topology" };

/** A rule of the pack, with what it judges. */
export interface PackRule extends Rule {
  area: keyof typeof AREAS;
  kind: Kind;
}

const isRule = (value: unknown): value is Rule =>
  typeof value === "object" && value !== null && "check" in value;

/** The rules of one area by name: compilers list a module's exports in different orders. */
const rulesOf = (area: keyof typeof AREAS): PackRule[] =>
  AREAS[area]
    .flatMap((file) => Object.values<unknown>(file))
    .filter(isRule)
    .map((rule) => ({ ...rule, area, kind: rule.kind ?? KINDS[area] ?? "safe value" }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));

/** All rules of the pack. */
export const rules: PackRule[] = (Object.keys(AREAS) as (keyof typeof AREAS)[]).flatMap(rulesOf);
