import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import {
  Capacity,
  commonOptions,
  HostingArgs,
  loadBalancerOptions,
  redirectToHttps,
} from "./beanstalk/options";
import { ENKETO_PORT, enketoCompose } from "./beanstalk/enketoCompose";
import { createInstanceProfile } from "./beanstalk/instanceProfile";
import { canonicalSettings } from "./beanstalk/optionSettings";
import { SecretParameters } from "./secretParameters";

export interface EnketoArgs extends HostingArgs {
  /** Full name of a Docker platform version. */
  solutionStackName: string;
  /** Container image, such as `enketo/enketo-express:4.1.1`. */
  image: string;
  host: string;
  /** Host of Iaso, the only form server whose forms this Enketo shows. */
  webHost: string;
  /** Subnets of the two Redis. */
  privateSubnetIds: pulumi.Input<string[]>;
  securityGroups: {
    loadBalancer: pulumi.Input<string>;
    instances: pulumi.Input<string>;
    redis: pulumi.Input<string>;
  };
  /** ARN of a validated certificate for `host`. */
  certificateArn: pulumi.Input<string>;
  /** Bucket that the source bundle is put into. */
  artifactsBucket: pulumi.Input<string>;
  capacity: Capacity;
  redis: {
    nodeType: string;
    /** A replica in a second zone for the persistent one. */
    replicas: number;
    /**
     * TLS and AUTH between Enketo and its Redis. Enketo's image up to 6 reads host, port and password of a Redis
     * address only; from 7 on it takes `rediss://` addresses, and this can be turned on.
     */
    tls: boolean;
    authToken: pulumi.Output<string>;
  };
  secrets: {
    /** The key with which Iaso calls Enketo; Iaso's `ENKETO_API_TOKEN`. */
    apiKey: pulumi.Output<string>;
    /** Key with which Enketo encrypts what it keeps about forms. Changing it loses those. */
    encryptionKey: pulumi.Output<string>;
  };
}

/** Days of Redis snapshots of the persistent store. */
const SNAPSHOT_DAYS = 7;

/**
 * Enketo, the web forms: a Beanstalk application of its own, with two Redis, one that keeps the forms' ids and one
 * that caches transformed forms.
 *
 * @see https://enketo.github.io/enketo-express/
 */
export class Enketo extends pulumi.ComponentResource {
  readonly environment: aws.elasticbeanstalk.Environment;
  readonly url: string;
  readonly loadBalancerArn: pulumi.Output<string>;

  constructor(
    name: string,
    private readonly args: EnketoArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("iaso:index:Enketo", name, {}, opts);
    const { naming, host } = args;
    this.url = `https://${host}`;

    const subnetGroup = new aws.elasticache.SubnetGroup(
      name,
      {
        name: naming.name("enketo"),
        description: `Redis of ${naming.name("enketo")}`,
        subnetIds: args.privateSubnetIds,
        tags: naming.tags({ role: "enketo" }),
      },
      { parent: this },
    );
    const main = this.createRedis("main", subnetGroup, {
      parameterGroupName: "default.redis7",
      snapshotRetentionLimit: SNAPSHOT_DAYS,
      finalSnapshotIdentifier: naming.name("enketo-main-final"),
      replicas: args.redis.replicas,
    });
    const cache = this.createRedis("cache", subnetGroup, {
      parameterGroupName: this.createCacheParameters(name).name,
      replicas: 0,
    });
    this.environment = this.createEnvironment(name, main, cache);
    this.loadBalancerArn = this.environment.loadBalancers.apply((arns) => arns[0] ?? "");
    redirectToHttps(this.environment, "enketo", this.loadBalancerArn, naming.tags({ role: "enketo" }));
    this.registerOutputs({ url: this.url });
  }

  /** A cache that is full drops what was used longest ago, instead of refusing writes. */
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
    },
  ): aws.elasticache.ReplicationGroup {
    const { naming, redis, securityGroups } = this.args;
    const { replicas, ...specific } = own;
    return new aws.elasticache.ReplicationGroup(
      `enketo-${kind}`,
      {
        replicationGroupId: naming.name(`enketo-${kind}`),
        description: `Enketo's ${kind === "main" ? "persistent store" : "cache"}`,
        engine: "redis",
        engineVersion: "7.1",
        nodeType: redis.nodeType,
        numCacheClusters: 1 + replicas,
        automaticFailoverEnabled: replicas > 0,
        multiAzEnabled: replicas > 0,
        subnetGroupName: subnetGroup.name,
        securityGroupIds: [securityGroups.redis],
        atRestEncryptionEnabled: true,
        transitEncryptionEnabled: redis.tls,
        ...(redis.tls && { authToken: redis.authToken }),
        autoMinorVersionUpgrade: true,
        maintenanceWindow: "sun:04:30-sun:05:30",
        tags: naming.tags({ role: "enketo" }),
        ...specific,
      },
      { parent: this },
    );
  }

  private createEnvironment(
    name: string,
    main: aws.elasticache.ReplicationGroup,
    cache: aws.elasticache.ReplicationGroup,
  ): aws.elasticbeanstalk.Environment {
    const { args } = this;
    const { naming, redis } = args;
    const environmentName = naming.name("enketo");
    const tags = naming.tags({ role: "enketo" });
    const secrets = new SecretParameters(
      "enketo-secrets",
      {
        naming,
        values: {
          ENKETO_API_KEY: args.secrets.apiKey,
          ENKETO_ENCRYPTION_KEY: args.secrets.encryptionKey,
          ENKETO_LINKED_FORM_AND_DATA_SERVER_API_KEY: args.secrets.apiKey,
          // With AUTH the addresses hold the password and are secrets themselves.
          ...(redis.tls && {
            ENKETO_REDIS_CACHE_URL: redisUrl(cache, redis.authToken),
            ENKETO_REDIS_MAIN_URL: redisUrl(main, redis.authToken),
          }),
        },
      },
      { parent: this },
    );
    const profile = createInstanceProfile(this, {
      naming,
      role: "enketo",
      application: environmentName,
      environment: environmentName,
      secretVariables: secrets.variables,
      statements: [],
      permissionsBoundary: args.permissionsBoundary,
      // There is nothing to do by hand in Enketo.
      shellAccess: false,
    });
    const application = new aws.elasticbeanstalk.Application(
      name,
      { name: environmentName, description: "Enketo web forms", tags },
      { parent: this },
    );
    const common = commonOptions(args, {
      tier: "WebServer",
      capacity: args.capacity,
      instanceProfile: profile.name,
      securityGroup: args.securityGroups.instances,
      variables: {
        ENKETO_APP_NAME: "Enketo for Iaso",
        ENKETO_DEFAULT_THEME: "grid",
        ENKETO_LINKED_FORM_AND_DATA_SERVER_NAME: "Iaso",
        ENKETO_LINKED_FORM_AND_DATA_SERVER_SERVER_URL: args.webHost,
        PORT: String(ENKETO_PORT),
        ...(!redis.tls && { ENKETO_REDIS_CACHE_URL: redisUrl(cache), ENKETO_REDIS_MAIN_URL: redisUrl(main) }),
      },
      secretArns: secrets.arns,
    });
    const web = loadBalancerOptions(args, {
      healthCheckPath: "/",
      certificateArn: args.certificateArn,
      securityGroup: args.securityGroups.loadBalancer,
      accessLogsPrefix: "enketo",
    });
    return new aws.elasticbeanstalk.Environment(
      "enketo",
      {
        name: environmentName,
        application: application.name,
        description: "Enketo web forms",
        tier: "WebServer",
        solutionStackName: args.solutionStackName,
        cnamePrefix: naming.cnamePrefix("enketo"),
        version: this.createVersion(application).name,
        settings: canonicalSettings("WebServer", common, web),
        waitForReadyTimeout: "40m",
        tags,
      },
      {
        parent: this,
        dependsOn: [
          ...profile.parts,
          ...args.serviceRole.rights,
          ...secrets.parameters,
          args.accessLogs.policy,
        ],
      },
    );
  }

  /** Enketo's code is an image and a compose file, so it is infrastructure, unlike Iaso's. */
  private createVersion(
    application: aws.elasticbeanstalk.Application,
  ): aws.elasticbeanstalk.ApplicationVersion {
    const { naming, image, artifactsBucket } = this.args;
    const compose = enketoCompose(image);
    // The provider deletes first what has an explicit name, and Pulumi before it what is made from it. But Beanstalk
    // deletes no version that an environment runs. With a name for each image, old and new can be there together.
    const keepsOld = { parent: application, deleteBeforeReplace: false };
    const bundle = new aws.s3.BucketObjectv2(
      "enketo-bundle",
      {
        bucket: artifactsBucket,
        key: `bundles/enketo/${compose.fingerprint}.zip`,
        source: new pulumi.asset.AssetArchive({
          "docker-compose.yml": new pulumi.asset.StringAsset(compose.yaml),
        }),
        tags: naming.tags({ role: "enketo" }),
      },
      keepsOld,
    );
    return new aws.elasticbeanstalk.ApplicationVersion(
      "enketo",
      {
        name: `enketo-${compose.fingerprint}`,
        application: application.name,
        description: image,
        bucket: bundle.bucket,
        key: bundle.key,
        tags: naming.tags({ role: "enketo" }),
      },
      keepsOld,
    );
  }
}

function redisUrl(
  group: aws.elasticache.ReplicationGroup,
  authToken?: pulumi.Output<string>,
): pulumi.Output<string> {
  return authToken === undefined
    ? pulumi.interpolate`redis://${group.primaryEndpointAddress}:6379`
    : pulumi.interpolate`rediss://:${authToken}@${group.primaryEndpointAddress}:6379`;
}
