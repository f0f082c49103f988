import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { EnvironmentVariables } from "./beanstalk/applicationEnvironment";
import { createApplicationVersion } from "./beanstalk/applicationVersion";
import { createWebEnvironment } from "./beanstalk/environment";
import { ENKETO_PORT, enketoCompose } from "./beanstalk/enketoCompose";
import { Capacity, HostingArgs } from "./beanstalk/options";

export interface EnketoArgs extends HostingArgs {
  /**
   * Full name of a version of Beanstalk's Docker platform.
   *
   * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/platforms/platforms-supported.html
   * @example "64bit Amazon Linux 2023 v4.13.9 running Docker"
   */
  solutionStackName: string;
  /**
   * Container image with a tag. A change deploys a new application version.
   *
   * @example "enketo/enketo-express:4.1.1"
   */
  image: string;
  /**
   * Host name of Enketo.
   *
   * @example "enketo.example.org"
   */
  host: string;
  /** Host name of Iaso. Enketo shows the forms of this server only. */
  webHost: string;
  /** Ids of the subnets of the two Redis, one for each zone. */
  privateSubnetIds: pulumi.Input<string[]>;
  /** Ids of the security groups of the load balancer, the instances and the two Redis. */
  securityGroups: {
    loadBalancer: pulumi.Input<string>;
    instances: pulumi.Input<string>;
    redis: pulumi.Input<string>;
  };
  /** ARN of an issued certificate for `host`, in the region of the load balancer. */
  certificateArn: pulumi.Input<string>;
  /** Name of the bucket for the source bundle. */
  artifactsBucket: pulumi.Input<string>;
  /** Instance type and number of instances. */
  capacity: Capacity;
  redis: {
    /**
     * Node type of both Redis.
     *
     * @example "cache.t4g.micro"
     */
    nodeType: string;
    /** Replicas of the persistent Redis, 0 to 5, in other zones. With 0 there is no failover. */
    replicas: number;
    /**
     * Uses TLS and AUTH between Enketo and its Redis. Needs an Enketo image of version 7 or later, which reads
     * `rediss://` addresses; earlier ones read only host, port and password. `npm run init-stack` sets the password.
     */
    tls: boolean;
    /**
     * Name of a snapshot from which the persistent Redis is created. A change after the creation has no effect.
     *
     * @default An empty Redis.
     * @see https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/backups-restoring.html
     */
    snapshot?: string;
  };
}

/** Days for which ElastiCache keeps the daily snapshots of the persistent Redis. */
const SNAPSHOT_DAYS = 7;

/**
 * Enketo, which shows forms in the browser: a Beanstalk application of its own with two Redis. One stores the forms'
 * ids, the other caches transformed forms.
 *
 * @see https://enketo.github.io/enketo-express/
 */
export class Enketo extends pulumi.ComponentResource {
  readonly environment: aws.elasticbeanstalk.Environment;
  /** Address of Enketo, without a trailing slash. */
  readonly url: string;
  /** ARN of the load balancer. */
  readonly loadBalancerArn: pulumi.Output<string>;

  constructor(
    name: string,
    private readonly args: EnketoArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("iaso:index:Enketo", name, {}, opts);
    const { naming, redis } = args;
    this.url = `https://${args.host}`;

    const subnetGroup = this.createSubnetGroup(name);
    const main = this.createRedis("main", subnetGroup, {
      parameterGroupName: "default.redis7",
      snapshotRetentionLimit: SNAPSHOT_DAYS,
      finalSnapshotIdentifier: naming.name("enketo-main-final"),
      replicas: redis.replicas,
      snapshotName: redis.snapshot,
    });
    const cache = this.createRedis("cache", subnetGroup, {
      parameterGroupName: this.createCacheParameters(name).name,
      replicas: 0,
    });
    const address = (group: aws.elasticache.ReplicationGroup) =>
      pulumi.interpolate`${redis.tls ? "rediss" : "redis"}://${group.primaryEndpointAddress}:6379`;
    const { environment, loadBalancerArn } = this.createEnvironment(name, {
      ENKETO_REDIS_CACHE_URL: address(cache),
      ENKETO_REDIS_MAIN_URL: address(main),
    });
    this.environment = environment;
    this.loadBalancerArn = loadBalancerArn;
    this.registerOutputs({ url: this.url });
  }

  private createSubnetGroup(name: string): aws.elasticache.SubnetGroup {
    const { naming, privateSubnetIds } = this.args;
    return new aws.elasticache.SubnetGroup(
      name,
      {
        name: naming.name("enketo"),
        description: `Redis of ${naming.name("enketo")}`,
        subnetIds: privateSubnetIds,
        tags: naming.tags({ role: "enketo" }),
      },
      { parent: this },
    );
  }

  /** Creates parameters with which a full cache evicts the least recently used keys. By default it refuses writes. */
  private createCacheParameters(name: string): aws.elasticache.ParameterGroup {
    const { naming } = this.args;
    return new aws.elasticache.ParameterGroup(
      `${name}-cache`,
      {
        name: naming.name("enketo-cache"),
        family: "redis7",
        description: "Evicts what was used longest ago",
        parameters: [{ name: "maxmemory-policy", value: "allkeys-lru" }],
        tags: naming.tags({ role: "enketo" }),
      },
      { parent: this },
    );
  }

  private createRedis(
    kind: "main" | "cache",
    subnetGroup: aws.elasticache.SubnetGroup,
    own: {
      parameterGroupName: pulumi.Input<string>;
      snapshotRetentionLimit?: number;
      finalSnapshotIdentifier?: string;
      replicas: number;
      snapshotName?: string;
    },
  ): aws.elasticache.ReplicationGroup {
    const { naming, redis, securityGroups, encryptionKey } = this.args;
    const { replicas, ...specific } = own;
    return new aws.elasticache.ReplicationGroup(
      `enketo-${kind}`,
      {
        replicationGroupId: naming.name(`enketo-${kind}`),
        description: `Enketo's ${kind === "main" ? "persistent store" : "cache"}`,
        engine: "redis",
        engineVersion: "7.1",
        // Redis's own port, written so that the first preview knows it.
        port: 6379,
        nodeType: redis.nodeType,
        // ElastiCache demands it for these node types, and refuses it for others.
        dataTieringEnabled: /^cache\.r6gd\./.test(redis.nodeType) ? true : undefined,
        numCacheClusters: 1 + replicas,
        automaticFailoverEnabled: replicas > 0,
        multiAzEnabled: replicas > 0,
        subnetGroupName: subnetGroup.name,
        securityGroupIds: [securityGroups.redis],
        atRestEncryptionEnabled: true,
        kmsKeyId: encryptionKey?.arn,
        transitEncryptionEnabled: redis.tls,
        autoMinorVersionUpgrade: true,
        maintenanceWindow: "sun:04:30-sun:05:30",
        tags: naming.tags({ role: "enketo" }),
        ...specific,
      },
      // Another key or snapshot would replace an existing Redis, and Enketo's links to forms would be gone.
      { parent: this, ignoreChanges: ["kmsKeyId", "snapshotName"] },
    );
  }

  private createEnvironment(name: string, redisUrls: EnvironmentVariables) {
    const { args } = this;
    const { naming, redis, securityGroups } = args;
    const applicationName = naming.applicationOf("enketo");
    const application = new aws.elasticbeanstalk.Application(
      name,
      { name: applicationName, description: "Enketo web forms", tags: naming.tags({ role: "enketo" }) },
      { parent: this },
    );
    return createWebEnvironment(this, args, {
      role: "enketo",
      application,
      applicationName,
      description: "Enketo web forms",
      solutionStackName: args.solutionStackName,
      version: this.createVersion(application).name,
      deployedByTool: false,
      capacity: args.capacity,
      securityGroup: securityGroups.instances,
      variables: {
        ENKETO_APP_NAME: "Enketo for Iaso",
        ENKETO_DEFAULT_THEME: "grid",
        ENKETO_LINKED_FORM_AND_DATA_SERVER_NAME: "Iaso",
        ENKETO_LINKED_FORM_AND_DATA_SERVER_SERVER_URL: args.webHost,
        PORT: String(ENKETO_PORT),
        ...redisUrls,
      },
      secrets: [
        "ENKETO_API_TOKEN",
        "ENKETO_ENCRYPTION_KEY",
        ...(redis.tls ? ["ENKETO_REDIS_AUTH_TOKEN"] : []),
      ],
      statements: [],
      // Enketo has no commands for administrators.
      shellAccess: false,
      loadBalancer: {
        // Enketo has no health check of its own.
        healthCheckPath: "/",
        certificateArn: args.certificateArn,
        securityGroup: securityGroups.loadBalancer,
      },
      optionSettings: [],
      dependsOn: [],
    });
  }

  /** Creates the application version. Enketo's code is an image and a compose file, so Pulumi deploys it. */
  private createVersion(
    application: aws.elasticbeanstalk.Application,
  ): aws.elasticbeanstalk.ApplicationVersion {
    const { naming, image, artifactsBucket } = this.args;
    const { yaml, fingerprint } = enketoCompose(image);
    return createApplicationVersion("enketo", {
      application,
      artifactsBucket,
      role: "enketo",
      description: image,
      files: { "docker-compose.yml": yaml },
      suffix: fingerprint,
      tags: naming.tags({ role: "enketo" }),
    });
  }
}
