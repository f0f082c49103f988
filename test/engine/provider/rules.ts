import { isDeepStrictEqual } from "node:util";
import { RESOURCE_TYPES } from "../../../policies/facts/resourceTypes";
import { zoneIdOf } from "../../../simulated-aws/route53";
import { Account, AccountResource, AwsError, Properties, Snapshot } from "./account";
import { requireLogKey, requirePrincipals } from "./keys";
import { requireBackupAccess, requireVaults } from "./backup";
import { requireDependencies, requireReferences, requireUnused } from "./requirements";

const BUCKET = "aws:s3/bucket:Bucket";
const PUBLIC_ACCESS_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock";
const ACCOUNT_BLOCK = "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock";
const DATABASE = "aws:rds/instance:Instance";
const RECORD = "aws:route53/record:Record";
const REDIS = "aws:elasticache/replicationGroup:ReplicationGroup";

/** The public policies that S3 refuses after a bucket's public access block was lifted. S3 refuses them for a time. */
const REFUSALS = 2;

/**
 * Refuses the creation of a resource for AWS's reasons.
 *
 * @throws AwsError with AWS's error code.
 */
export function beforeCreate(account: Account, type: string, id: string, inputs: Properties): void {
  refuseExisting(account, type, id, inputs);
  refuseDuplicate(account, type, inputs);
  requireReferences(account, type, inputs);
  requireDependencies(account, type, inputs);
  if (type === DATABASE) requireMasterPassword(inputs);
  requireSnapshot(account, type, inputs);
  beforePut(account, type, inputs);
}

/**
 * Refuses the update of a resource for AWS's reasons.
 *
 * @throws AwsError with AWS's error code.
 */
export function beforeUpdate(account: Account, type: string, old: Properties, inputs: Properties): void {
  requireReferences(account, type, inputs, old);
  if (type === DATABASE) checkDatabaseUpdate(old, inputs);
  if (type === REDIS) checkRedisUpdate(old, inputs);
  beforePut(account, type, inputs);
}

/**
 * Refuses the deletion of a resource for AWS's reasons.
 *
 * @throws AwsError with AWS's error code.
 */
export function beforeDelete(account: Account, resource: AccountResource): void {
  const { type } = resource;
  requireUnused(account, resource);
  if (type === "aws:ec2/internetGateway:InternetGateway") refuseMappedAddresses(account, resource);
  if (type === BUCKET) refuseFullBucket(account, resource);
  if (type === DATABASE) deleteDatabase(account, resource);
  if (type === REDIS) deleteRedis(account, resource);
}

/** Refuses a second resource of the same id. */
function refuseExisting(account: Account, type: string, id: string, inputs: Properties): void {
  const existing = account.find(type, id);
  if (!existing) return;
  const { create, conflict = "ResourceAlreadyExists" } = RESOURCE_TYPES[type] ?? {};
  if (create === "put" || (type === RECORD && inputs.allowOverwrite === true)) return;
  if (create === "idempotent" && isDeepStrictEqual(existing.inputs, inputs)) return;
  throw new AwsError(conflict, `${id} already exists`);
}

/** Refuses a resource that has properties in common with another one of its type that must be unique. */
function refuseDuplicate(account: Account, type: string, inputs: Properties): void {
  for (const { properties, code } of RESOURCE_TYPES[type]?.unique ?? []) {
    if (properties.every((property) => inputs[property] === undefined)) continue;
    const duplicate = account
      .ofType(type)
      .find((other) => properties.every((property) => overlap(other.inputs[property], inputs[property])));
    if (duplicate) throw new AwsError(code, `conflicts with ${duplicate.id}`);
  }
}

/** Refuses what AWS refuses in creations and updates alike. */
function beforePut(account: Account, type: string, inputs: Properties): void {
  switch (type) {
    case "aws:backup/plan:Plan": {
      requireVaults(account, inputs);
      return;
    }
    case "aws:backup/selection:Selection": {
      requireBackupAccess(account, inputs);
      return;
    }
    case "aws:s3/bucketPolicy:BucketPolicy": {
      refusePublicPolicy(account, inputs);
      return;
    }
    case "aws:cloudwatch/logGroup:LogGroup": {
      requireLogKey(account, inputs);
      return;
    }
    case "aws:kms/key:Key": {
      requirePrincipals(account, inputs);
      return;
    }
    case PUBLIC_ACCESS_BLOCK: {
      if (inputs.blockPublicPolicy === false) account.refusePublicPolicies(inputs.bucket as string, REFUSALS);
      return;
    }
    case "aws:acm/certificateValidation:CertificateValidation": {
      requireValidation(account, inputs.certificateArn as string);
      return;
    }
    case "aws:lb/listener:Listener": {
      requireIssued(account, inputs.certificateArn);
      return;
    }
    case "aws:elasticbeanstalk/environment:Environment": {
      requireIssued(account, inputs.settings);
      return;
    }
    case "aws:cloudfront/distribution:Distribution": {
      requireIssued(account, inputs.viewerCertificate);
      return;
    }
  }
}

/**
 * Refuses a new database without a password, or with one that RDS manages too. A restored one has no engine in its inputs.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
 */
function requireMasterPassword({ engine, password, manageMasterUserPassword }: Properties): void {
  if (engine !== undefined && (password === undefined) !== (manageMasterUserPassword === true))
    throw new AwsError("InvalidParameterValue", "give a master password or let RDS manage it, one of both");
}

/**
 * Refuses a major upgrade without permission, and less storage.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html
 */
function checkDatabaseUpdate(old: Properties, inputs: Properties): void {
  const [from, to] = [old, inputs].map(
    ({ engineVersion }) => (engineVersion as string | undefined)?.split(".")[0],
  );
  if (from !== to && inputs.allowMajorVersionUpgrade !== true) {
    throw new AwsError(
      "InvalidParameterCombination",
      "the AllowMajorVersionUpgrade flag must be present when upgrading to a new major version",
    );
  }
  const [was, is] = [old, inputs].map(({ allocatedStorage }) => allocatedStorage as number);
  if (was !== undefined && is !== undefined && is < was) {
    throw new AwsError(
      "InvalidParameterCombination",
      `requested storage size (${is}) cannot be less than the current storage size (${was})`,
    );
  }
}

/**
 * Refuses an empty token, and to turn TLS on in one step: clients move to TLS while Redis accepts both, or they lose their
 * connections.
 *
 * @see https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ModifyReplicationGroup.html
 */
function checkRedisUpdate(old: Properties, inputs: Properties): void {
  // The provider sends an empty token if the program no longer has one.
  if (old.authToken !== undefined && inputs.authToken === undefined)
    throw new AwsError("InvalidParameterValue", "an AUTH token has 16 to 128 characters");
  const turnedOn = old.transitEncryptionEnabled !== true && inputs.transitEncryptionEnabled === true;
  if (turnedOn && inputs.transitEncryptionMode !== "preferred") {
    throw new AwsError(
      "InvalidParameterCombination",
      "transit encryption is turned on with the transit encryption mode preferred first",
    );
  }
}

/** Refuses to delete an internet gateway while its VPC has mapped public addresses. */
function refuseMappedAddresses(account: Account, { id, inputs }: AccountResource): void {
  const subnets = account
    .ofType("aws:ec2/subnet:Subnet")
    .filter((subnet) => subnet.inputs.vpcId === inputs.vpcId)
    .map((subnet) => subnet.id);
  const gateways = account.ofType("aws:ec2/natGateway:NatGateway");
  if (gateways.some((gateway) => subnets.includes(gateway.inputs.subnetId as string))) {
    throw new AwsError("DependencyViolation", `${id}: the VPC has mapped public addresses`);
  }
}

/**
 * Refuses a public policy on a bucket that blocks public policies, for a short time after that has ended, and on every
 * bucket of an account that blocks them.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
 * @see https://github.com/hashicorp/terraform-provider-aws/issues/31363
 */
function refusePublicPolicy(account: Account, inputs: Properties): void {
  const document = JSON.parse(inputs.policy as string) as {
    Statement: { Effect: string; Principal?: unknown; Condition?: unknown }[];
  };
  const isPublic = document.Statement.some(
    ({ Effect, Principal, Condition }) =>
      Effect === "Allow" && Condition === undefined && (Principal === "*" || mentions(Principal, "*")),
  );
  if (!isPublic) return;
  const bucket = inputs.bucket as string;
  // A new bucket blocks public policies by default.
  const ofBucket = account.find(PUBLIC_ACCESS_BLOCK, bucket)?.inputs.blockPublicPolicy !== false;
  const ofAccount = account.ofType(ACCOUNT_BLOCK).some((block) => block.inputs.blockPublicPolicy === true);
  if (ofBucket || ofAccount || account.takeRefusal(bucket)) {
    throw new AwsError("AccessDenied", `public policies are blocked on ${bucket}`);
  }
}

/** Issues a certificate if the DNS records that validate its names exist, and refuses otherwise. */
function requireValidation(account: Account, certificateArn: string): void {
  const certificate = account.find("aws:acm/certificate:Certificate", certificateArn);
  if (!certificate) throw new AwsError("ResourceNotFoundException", `no certificate ${certificateArn}`);
  const options = certificate.state.domainValidationOptions as Record<string, string>[];
  for (const {
    domainName = "",
    resourceRecordName = "",
    resourceRecordType,
    resourceRecordValue = "",
  } of options) {
    const labels = domainName.split(".");
    const zones = labels.map((_, index) => zoneIdOf(labels.slice(index).join(".")));
    const record = account
      .ofType(RECORD)
      .find(
        ({ inputs }) =>
          inputs.type === resourceRecordType &&
          zones.includes(inputs.zoneId as string) &&
          withoutDot(inputs.name as string) === withoutDot(resourceRecordName) &&
          ((inputs.records as string[] | undefined) ?? [])
            .map(withoutDot)
            .includes(withoutDot(resourceRecordValue)),
      );
    if (!record) {
      throw new AwsError("timeout", `${certificateArn} still waits for its record ${resourceRecordName}`);
    }
  }
  account.put({ ...certificate, state: { ...certificate.state, status: "ISSUED" } });
}

/** Refuses a value that names a certificate that is not issued yet. */
function requireIssued(account: Account, value: unknown): void {
  for (const { id, state } of account.ofType("aws:acm/certificate:Certificate")) {
    if (mentions(value, id) && state.status !== "ISSUED") {
      throw new AwsError("UnsupportedCertificate", `the certificate ${id} is not issued yet`);
    }
  }
}

/** Refuses to delete a bucket with objects, unless `forceDestroy` deletes them too. */
function refuseFullBucket(account: Account, { id, inputs }: AccountResource): void {
  const left = (account.objects[id] ?? []).length;
  const own = account
    .ofType("aws:s3/bucketObjectv2:BucketObjectv2")
    .filter((object) => object.inputs.bucket === id);
  if (left + own.length > 0 && inputs.forceDestroy !== true) {
    throw new AwsError("BucketNotEmpty", `the bucket ${id} is not empty`);
  }
  Reflect.deleteProperty(account.objects, id);
}

/** Refuses to delete a protected database, and keeps its final snapshot. */
function deleteDatabase(account: Account, { inputs }: AccountResource): void {
  const database = inputs.identifier as string;
  if (inputs.deletionProtection === true) {
    throw new AwsError("InvalidParameterCombination", `cannot delete protected DB instance ${database}`);
  }
  if (inputs.skipFinalSnapshot === true) return;
  const identifier = inputs.finalSnapshotIdentifier as string | undefined;
  if (identifier === undefined) {
    throw new AwsError("InvalidParameterCombination", "a final snapshot needs finalSnapshotIdentifier");
  }
  const { dbName, engineVersion, storageEncrypted, username } = inputs;
  const properties = { dbName, engineVersion, storageEncrypted, username };
  const snapshot: Snapshot = { service: "rds", identifier, source: database, properties };
  keepSnapshot(account, snapshot, "DBSnapshotAlreadyExists");
}

/** Keeps the final snapshot of a deleted Redis. */
function deleteRedis(account: Account, { id, inputs }: AccountResource): void {
  const identifier = inputs.finalSnapshotIdentifier as string | undefined;
  if (identifier === undefined) return;
  const properties = { engineVersion: inputs.engineVersion };
  const snapshot: Snapshot = { service: "elasticache", identifier, source: id, properties };
  keepSnapshot(account, snapshot, "SnapshotAlreadyExistsFault");
}

/** The property that names a snapshot, its service, and the error for one that does not exist. */
const SNAPSHOTS: Record<string, [property: string, service: Snapshot["service"], missing: string]> = {
  [DATABASE]: ["snapshotIdentifier", "rds", "DBSnapshotNotFound"],
  [REDIS]: ["snapshotName", "elasticache", "SnapshotNotFoundFault"],
};

/** The snapshot from which a resource is created; undefined if it starts empty. */
function snapshotOf(account: Account, type: string, inputs: Properties): Snapshot | undefined {
  const [property = "", service, missing = ""] = SNAPSHOTS[type] ?? [];
  const name = inputs[property] as string | undefined;
  if (name === undefined) return undefined;
  const identifier = name.split(":").at(-1);
  const found = account.snapshots.find((one) => one.service === service && one.identifier === identifier);
  if (found === undefined) throw new AwsError(missing, `${name} does not exist`);
  return found;
}

/**
 * Refuses a snapshot that does not exist or that a newer version has written. RDS restores a snapshot with its own version,
 * and the provider then changes that to the program's, for which RDS demands `allowMajorVersionUpgrade`.
 */
function requireSnapshot(account: Account, type: string, inputs: Properties): void {
  const engineVersion = snapshotOf(account, type, inputs)?.properties.engineVersion as string | undefined;
  if (engineVersion === undefined) return;
  const requested = inputs.engineVersion as string;
  const [of, wanted] = [engineVersion, requested].map((version) => parseFloat(version));
  if (of === undefined || wanted === undefined) return;
  if (
    type === DATABASE
      ? Math.floor(of) !== Math.floor(wanted) && inputs.allowMajorVersionUpgrade !== true
      : of > wanted
  ) {
    throw new AwsError(
      "InvalidParameterCombination",
      `the snapshot is of version ${engineVersion}, and ${requested} is requested`,
    );
  }
}

/**
 * Returns the properties that a resource takes from its snapshot, whatever the program says. RDS accepts an unencrypted
 * snapshot for an encrypted database, and creates one without encryption.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RestoreDBInstanceFromDBSnapshot.html
 */
export function restoredProperties(account: Account, type: string, inputs: Properties): Properties {
  const { dbName, storageEncrypted, username } = snapshotOf(account, type, inputs)?.properties ?? {};
  return type === DATABASE && dbName !== undefined ? { dbName, storageEncrypted, username } : {};
}

function keepSnapshot(account: Account, snapshot: Snapshot, code: string): void {
  const { service, identifier } = snapshot;
  if (account.snapshots.some((other) => other.service === service && other.identifier === identifier)) {
    throw new AwsError(code, `the snapshot ${identifier} already exists`);
  }
  account.snapshots.push(snapshot);
}

/** True if the value is the text or contains it, in a comma-separated list, an array or an object. */
function mentions(value: unknown, text: string): boolean {
  if (typeof value === "string") return value.split(",").includes(text);
  if (Array.isArray(value)) return value.some((part) => mentions(part, text));
  if (typeof value === "object" && value !== null)
    return Object.values(value).some((part) => mentions(part, text));
  return false;
}

/** True if both values are equal, or if both are lists with a common entry. */
function overlap(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.some((part) => b.includes(part));
  return JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
}

function withoutDot(name: string): string {
  return name.replace(/\.$/, "");
}
