import * as fc from "fast-check";
import { MORE_DRIVER_NAMES } from "../../ami/recipe";
import {
  EC2_INSTANCE_TYPES,
  ELASTICACHE_NODE_TYPES,
  RDS_INSTANCE_CLASSES,
} from "../../policies/facts/instanceTypes";
import { IASO_PLUGINS } from "../../policies/facts/plugins";
import { SUPPORTED_REGIONS } from "../../settings/rules";

const label = fc.stringMatching(/^[a-z][a-z0-9]{2,8}$/);
const subnetIds = fc.uniqueArray(fc.stringMatching(/^subnet-[0-9a-f]{17}$/), { minLength: 2, maxLength: 3 });
const drivers = fc.subarray([...MORE_DRIVER_NAMES], { maxLength: 3 });
const plugins = fc.subarray([...IASO_PLUGINS]);
const subsetOf = (letters: string[]) => fc.shuffledSubarray(letters, { minLength: 2, maxLength: 4 });

/** A number as people write it, or as Pulumi rewrites it. */
const number = (min: number, max: number) =>
  fc.integer({ min, max }).chain((value) => fc.constantFrom<number | string>(value, String(value)));

/** Settings of a minimum and a maximum. */
const capacity = (role: string) =>
  fc
    .tuple(
      fc.integer({ min: 1, max: 18 }),
      fc.integer({ min: 0, max: 10 }),
      fc.constantFrom(...EC2_INSTANCE_TYPES),
    )
    .map(([min, more, type]) => ({
      [`${role}MinSize`]: min,
      [`${role}MaxSize`]: min + more,
      [`${role}InstanceType`]: type,
    }));

const storage = fc
  .tuple(fc.integer({ min: 20, max: 1000 }), fc.integer({ min: 0, max: 5000 }))
  .map(([size, more]) => ({ databaseStorage: size, databaseMaxStorage: Math.ceil((size * 11) / 10) + more }));

const hosts = fc.tuple(label, label, fc.boolean()).map(([organization, domain, cloudFront]) => ({
  hostedZone: `${domain}.example.org`,
  webHost: `iaso.${organization}.${domain}.example.org`,
  enketoHost: `enketo.${domain}.example.org`,
  cloudFront,
  staticHost: cloudFront ? `static.${domain}.example.org` : "",
}));

const mailgun = fc.boolean().chain((used) =>
  fc.record({
    mailgunDomain: fc.constant(""),
    mailgunDkimRecord: fc.constant(""),
    ...(!used && {
      emailHost: fc.constant("email-smtp.eu-west-1.amazonaws.com"),
      emailPort: fc.constantFrom(587, "2525"),
    }),
  }),
);

const network = fc.oneof(
  fc
    .record({ second: fc.integer({ min: 0, max: 255 }), bits: fc.integer({ min: 16, max: 20 }) })
    .map(({ second, bits }) => ({ vpcCidr: `10.${second}.0.0/${bits}` })),
  fc.record({
    vpcId: fc.stringMatching(/^vpc-[0-9a-f]{17}$/),
    publicSubnetIds: subnetIds,
    privateSubnetIds: subnetIds,
  }),
);

const enketo = fc.constantFrom(
  { enketoRedisTls: false, enketoImage: "enketo/enketo-express:4.1.1" },
  { enketoRedisTls: true, enketoImage: "enketo/enketo-express:7.5.1" },
  { enketoRedisTls: "true", enketoImage: `ghcr.io/enketo/enketo:ours@sha256:${"0a".repeat(32)}` },
);

const backup = fc.constantFrom(
  { backupDays: 0 },
  { backupDays: "7" },
  // The stack is not in this region, where S3 accepts Signature Version 2. The pack accepts copies in Europe only here.
  { backupDays: 3650, backupCopyRegion: "eu-west-1", region: "eu-central-1" },
);

/** The classes that accept the connections of all instances that {@link capacity} gives web and worker. */
const DATABASE_CLASSES = RDS_INSTANCE_CLASSES.filter((name) => !/\.(micro|small)$/.test(name));

const others = fc.record(
  {
    env: label,
    organization: label,
    accountId: fc.stringMatching(/^\d{12}$/),
    region: fc.constantFrom(...SUPPORTED_REGIONS),
    availabilityZones: subsetOf(["a", "b", "c", "d"]),
    natGateways: fc.constantFrom("single", "perZone"),
    logRetentionDays: fc.constantFrom("90", 120, 365, 3653),
    databaseMajorVersion: fc.constantFrom("16", 17, "18"),
    databaseInstanceClass: fc.constantFrom(...DATABASE_CLASSES),
    databaseName: fc.constantFrom("iaso", "ebdb"),
    databaseUser: fc.constantFrom("iaso", "postgres"),
    databaseMultiAz: fc.boolean(),
    databaseBackupDays: number(7, 35),
    databaseConnectionAlarm: number(10, 450),
    backupLock: fc.constantFrom("governance", "compliance"),
    platform: fc.constantFrom("python", "docker"),
    gdalDrivers: drivers,
    gdalImageId: fc.constantFrom("", "ami-0123456789abcdef0"),
    deploymentPolicy: fc.constantFrom("Rolling", "RollingWithAdditionalBatch", "Immutable"),
    shellAccess: fc.boolean(),
    encryptionKey: fc.constantFrom("aws", "customer"),
    webAcl: fc.constantFrom("off", "count", "block"),
    plugins,
    mediaOldVersionDays: number(7, 3650),
    enketoRedisNodeType: fc.constantFrom(...ELASTICACHE_NODE_TYPES),
    enketoRedisReplicas: number(0, 5),
    infrastructureRepository: fc.constantFrom("example/infra.aws", "example/b", "example@12/b@345"),
    createOidcProvider: fc.boolean(),
    stateBucket: fc.constantFrom("", "example-pulumi-state"),
  },
  { requiredKeys: [] },
);

/** Valid settings of a stack, by full key, in the forms that its file may have. */
export const validSettings = fc
  .tuple(
    others,
    network,
    hosts,
    mailgun,
    storage,
    enketo,
    backup,
    capacity("web"),
    capacity("worker"),
    capacity("enketo"),
  )
  .map((groups) => Object.entries(Object.assign({}, ...groups) as Record<string, unknown>))
  .map((entries) => Object.fromEntries(entries.map(([key, value]) => [`iaso:${key}`, value])));
