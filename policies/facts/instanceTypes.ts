/**
 * The instance types that AWS has, on the day of {@link INSTANCE_TYPES_READ}. Not every region offers every
 * type. AWS adds types several times a year.
 *
 * A row has families and the sizes of each. Sources:
 * - EC2: the values of `InstanceType` in version 3.1169.0 of `@aws-sdk/client-ec2`, without Graviton's and Apple's
 *   processors: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
 * - RDS: the classes of PostgreSQL, and ElastiCache: the node types, of all commercial regions, as cfn-lint 1.58.0
 *   read them from AWS's price lists: https://github.com/aws-cloudformation/cfn-lint,
 *   `aws_rds_dbinstance/dbinstanceclass_enum.json` and `aws_elasticache_cachecluster/cachenodetype_enum.json`
 */
export const INSTANCE_TYPES_READ = "2026-11-25";

/** Types of EC2 instances with x86_64 processors, such as `t3.large`. */
export const EC2_INSTANCE_TYPES = expand("", {
  c1: "medium xlarge",
  "c3 c4 r3": "large xlarge 2xlarge 4xlarge 8xlarge",
  "c5 c5d": "large xlarge 2xlarge 4xlarge 9xlarge 12xlarge 18xlarge 24xlarge metal",
  "c5a c5ad m5a m5ad r5a r5ad": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge",
  c5n: "large xlarge 2xlarge 4xlarge 9xlarge 18xlarge metal",
  "c6a m6a r6a": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge metal",
  "c6i c6id c6in i4i m6i m6id m6idn m6in r6i r6id r6idn r6in":
    "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge metal",
  "c7a m7a r7a":
    "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge metal-48xl",
  "c7i i7i m7i r7i":
    "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge metal-24xl metal-48xl",
  "c7i-flex c8i-flex m7i-flex m8i-flex r8i-flex": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
  "c8a m8a r8a":
    "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge metal-24xl metal-48xl",
  "c8i c8ib c8id c8in m8i m8ib m8id m8idb m8idn m8in r8i r8ib r8id r8idb r8idn r8in":
    "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge 96xlarge metal-48xl metal-96xl",
  "c8ine m8ine": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge",
  "cc1 cg1 gr6f hi1": "4xlarge",
  "cc2 cr1 hs1": "8xlarge",
  "d2 d3 i2": "xlarge 2xlarge 4xlarge 8xlarge",
  d3en: "xlarge 2xlarge 4xlarge 6xlarge 8xlarge 12xlarge",
  "dl1 dl2q p3dn p4d p4de": "24xlarge",
  f1: "2xlarge 4xlarge 16xlarge",
  f2: "6xlarge 12xlarge 48xlarge",
  g2: "2xlarge 8xlarge",
  g3: "4xlarge 8xlarge 16xlarge",
  g3s: "xlarge",
  g4ad: "xlarge 2xlarge 4xlarge 8xlarge 16xlarge",
  g4dn: "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge metal",
  "g5 g6 g6e": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
  g6f: "large xlarge 2xlarge 4xlarge",
  "g7 g7e": "2xlarge 4xlarge 8xlarge 12xlarge 24xlarge 48xlarge",
  gr6: "4xlarge 8xlarge",
  h1: "2xlarge 4xlarge 8xlarge 16xlarge",
  "hpc6a p5e p5en p6-b200 p6-b300 trn2u": "48xlarge",
  "hpc6id trn1n": "32xlarge",
  hpc7a: "12xlarge 24xlarge 48xlarge 96xlarge",
  hpc8a: "96xlarge",
  i3: "large xlarge 2xlarge 4xlarge 8xlarge 16xlarge metal",
  i3en: "large xlarge 2xlarge 3xlarge 6xlarge 12xlarge 24xlarge metal",
  i7ie: "large xlarge 2xlarge 3xlarge 6xlarge 12xlarge 18xlarge 24xlarge 48xlarge metal-24xl metal-48xl",
  inf1: "xlarge 2xlarge 6xlarge 24xlarge",
  inf2: "xlarge 8xlarge 24xlarge 48xlarge",
  m1: "small medium large xlarge",
  m2: "xlarge 2xlarge 4xlarge",
  m3: "medium large xlarge 2xlarge",
  m4: "large xlarge 2xlarge 4xlarge 10xlarge 16xlarge",
  "m5 m5d m5dn m5n r5 r5b r5d r5dn r5n":
    "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge metal",
  "m5zn z1d": "large xlarge 2xlarge 3xlarge 6xlarge 12xlarge metal",
  m8azn: "medium large xlarge 3xlarge 6xlarge 12xlarge 24xlarge metal-12xl metal-24xl",
  p2: "xlarge 8xlarge 16xlarge",
  p3: "2xlarge 8xlarge 16xlarge",
  p5: "4xlarge 48xlarge",
  r4: "large xlarge 2xlarge 4xlarge 8xlarge 16xlarge",
  r7iz: "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 32xlarge metal-16xl metal-32xl",
  t1: "micro",
  "t2 t3 t3a": "nano micro small medium large xlarge 2xlarge",
  t8i: "nano micro small medium",
  trn1: "2xlarge 32xlarge",
  trn2: "3xlarge 48xlarge",
  "u-12tb1 u-18tb1 u-24tb1 u-9tb1": "112xlarge metal",
  "u-3tb1": "56xlarge",
  "u-6tb1": "56xlarge 112xlarge metal",
  "u7i-12tb u7ib-12tb u7in-16tb u7in-24tb u7in-32tb": "224xlarge",
  "u7i-6tb u7i-8tb": "112xlarge",
  "u7inh-32tb": "480xlarge",
  vt1: "3xlarge 6xlarge 24xlarge",
  x1: "16xlarge 32xlarge",
  x1e: "xlarge 2xlarge 4xlarge 8xlarge 16xlarge 32xlarge",
  x2idn: "16xlarge 24xlarge 32xlarge metal",
  x2iedn: "xlarge 2xlarge 4xlarge 8xlarge 16xlarge 24xlarge 32xlarge metal",
  x2iezn: "2xlarge 4xlarge 6xlarge 8xlarge 12xlarge metal",
  x8aedz: "large xlarge 3xlarge 6xlarge 12xlarge 24xlarge metal-12xl metal-24xl",
  x8i: "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge 64xlarge 96xlarge metal-48xl metal-96xl",
});

/** The memory in GiB of the size `large`, by the first letter of a family. */
const MEMORY_OF_LARGE: Record<string, number> = { m: 8, r: 16, t: 8, x: 32 };

/** The sizes that are not a number of `xlarge`, in parts of `large`. */
const PARTS_OF_LARGE: Record<string, number> = { micro: 1 / 8, small: 1 / 4, medium: 1 / 2, large: 1 };

/**
 * Returns the memory of an instance class of RDS in GiB, such as 4 for `db.t4g.medium`; undefined for an unknown class.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Summary.html
 */
function memoryOf(instanceClass: string): number | undefined {
  const [, family = "", size = ""] = /^db\.([a-z])\w*\.(\w+)$/.exec(instanceClass) ?? [];
  const large = MEMORY_OF_LARGE[family];
  const xlarge = /^(\d*)xlarge$/.exec(size)?.[1];
  const parts = xlarge === undefined ? PARTS_OF_LARGE[size] : 2 * Number(xlarge || 1);
  return large === undefined || parts === undefined ? undefined : large * parts;
}

/** The bytes of memory for each of which RDS accepts one connection by default, and its most connections. */
const [BYTES_PER_CONNECTION, MOST_CONNECTIONS] = [9_531_392, 5000];

/**
 * Returns the number of connections that RDS for PostgreSQL accepts by default, such as 450 for `db.t4g.medium`.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html#RDS_Limits.MaxConnections
 */
export function defaultConnectionsOf(instanceClass: string): number {
  const memory = memoryOf(instanceClass) ?? Infinity;
  return Math.min(MOST_CONNECTIONS, Math.floor((memory * 2 ** 30) / BYTES_PER_CONNECTION));
}

/**
 * Instance classes of RDS for PostgreSQL, such as `db.t4g.medium`, without older generations, which have no supported
 * version of PostgreSQL.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Support.html
 */
export const RDS_INSTANCE_CLASSES = expand("db.", {
  "m5 m5d r5 r5b r5d": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge",
  "m6g m6gd m7g r6g r6gd r7g x2g": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
  "m6i m6id m6idn m6in r6i r6id r6idn r6in":
    "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge",
  "m7i m8a m8g m8gd m9g r7i r8a r8g r8gd":
    "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
  "t3 t4g": "micro small medium large xlarge 2xlarge",
  x2idn: "16xlarge 24xlarge 32xlarge",
  x2iedn: "xlarge 2xlarge 4xlarge 8xlarge 16xlarge 24xlarge 32xlarge",
});

/** Node types of ElastiCache, such as `cache.t4g.micro`. */
export const ELASTICACHE_NODE_TYPES = expand("cache.", {
  "c7gn c8gn m6g m7g m8g r6g r7g r8g": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
  m4: "large xlarge 2xlarge 4xlarge 10xlarge",
  "m5 r5": "large xlarge 2xlarge 4xlarge 12xlarge 24xlarge",
  r4: "large xlarge 2xlarge 4xlarge 8xlarge 16xlarge",
  r6gd: "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
  "t2 t3 t4g": "micro small medium",
});

function expand(prefix: string, rows: Record<string, string>): readonly string[] {
  return Object.entries(rows).flatMap(([families, sizes]) =>
    families.split(" ").flatMap((family) => sizes.split(" ").map((size) => `${prefix}${family}.${size}`)),
  );
}
