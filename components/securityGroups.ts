import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { withDependencies } from "./common/withDependencies";
import { Naming } from "./common/naming";

export interface SecurityGroupsArgs {
  naming: Naming;
  /** Id of the VPC. **Changing it replaces all security groups.** */
  vpcId: pulumi.Input<string>;
  /**
   * TCP port of the mail server that Iaso sends through.
   *
   * @example 587
   */
  smtpPort: number;
}

/** The other end of a connection: any IPv4 address, or the members of a security group. */
type Peer = "internet" | aws.ec2.SecurityGroup;

const POSTGRES_PORT = 5432;
const REDIS_PORT = 6379;

/**
 * The security groups, which decide what can connect to what:
 *
 *     internet -> load balancers (443, 80) -> instances (80) -> database (5432), Redis (6379)
 *
 * Worker instances accept no connection, because Iaso's task endpoints have no authentication.
 *
 * @see https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
 */
export class SecurityGroups extends pulumi.ComponentResource {
  readonly loadBalancerId: pulumi.Output<string>;
  readonly webId: pulumi.Output<string>;
  readonly workerId: pulumi.Output<string>;
  readonly databaseId: pulumi.Output<string>;
  readonly enketoLoadBalancerId: pulumi.Output<string>;
  readonly enketoId: pulumi.Output<string>;
  readonly enketoRedisId: pulumi.Output<string>;

  constructor(
    name: string,
    private readonly args: SecurityGroupsArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("iaso:index:SecurityGroups", name, {}, opts);

    const loadBalancer = this.createGroup("load-balancer", "Load balancer of the web environment");
    const web = this.createGroup("web", "Web instances");
    const worker = this.createGroup("worker", "Worker instances, nothing may reach them");
    const database = this.createGroup("database", "PostgreSQL");
    const enketoLoadBalancer = this.createGroup("enketo-load-balancer", "Load balancer of Enketo");
    const enketo = this.createGroup("enketo", "Enketo instances");
    const enketoRedis = this.createGroup("enketo-redis", "The two Redis of Enketo");

    for (const [front, back] of [
      [loadBalancer, web],
      [enketoLoadBalancer, enketo],
    ] as const) {
      this.allowIn(front, "internet", 443, "HTTPS");
      this.allowIn(front, "internet", 80, "HTTP, answered by a redirect to HTTPS");
      this.allowThrough(front, back, 80, "Requests");
      this.allowOut(back, "internet", 443, "HTTPS: AWS, container registry, external services");
    }
    this.allowOut(worker, "internet", 443, "HTTPS: AWS, container registry, external services");
    for (const instances of [web, worker]) {
      this.allowOut(
        instances,
        "internet",
        80,
        "HTTP: DuckDB fetches its signed extensions by it, for exports",
      );
      this.allowOut(instances, "internet", args.smtpPort, "Mail by SMTP with TLS");
      this.allowThrough(instances, database, POSTGRES_PORT, "PostgreSQL");
    }
    this.allowThrough(enketo, enketoRedis, REDIS_PORT, "Redis");

    this.loadBalancerId = this.idWithRules(loadBalancer);
    this.webId = this.idWithRules(web);
    this.workerId = this.idWithRules(worker);
    this.databaseId = database.group.id;
    this.enketoLoadBalancerId = this.idWithRules(enketoLoadBalancer);
    this.enketoId = this.idWithRules(enketo);
    this.enketoRedisId = enketoRedis.group.id;
    this.registerOutputs({ loadBalancerId: this.loadBalancerId, webId: this.webId, workerId: this.workerId });
  }

  /**
   * Returns the id of a group, with its rules as dependencies. An instance that starts before the rules exist has no
   * network, and its launch fails.
   */
  private idWithRules({ group, rules }: NamedGroup): pulumi.Output<string> {
    return withDependencies(group.id, rules);
  }

  private createGroup(key: string, description: string): NamedGroup {
    const { naming, vpcId } = this.args;
    const groupName = naming.name(key);
    const group = new aws.ec2.SecurityGroup(
      key,
      { name: groupName, description, vpcId, tags: naming.tags({ Name: groupName }) },
      { parent: this },
    );
    return { key, group, rules: [] };
  }

  /** Allows connections from `front` to `back`: a rule on each side. */
  private allowThrough(front: NamedGroup, back: NamedGroup, port: number, description: string): void {
    this.allowOut(front, back.group, port, description, back.key);
    this.allowIn(back, front.group, port, description, front.key);
  }

  private allowIn(to: NamedGroup, from: Peer, port: number, description: string, fromKey = "internet"): void {
    const ingress = new aws.vpc.SecurityGroupIngressRule(
      `${to.key}-from-${fromKey}-${port}`,
      { securityGroupId: to.group.id, ...rule(from, port), description, tags: this.args.naming.tags() },
      { parent: to.group },
    );
    to.rules.push(ingress);
  }

  private allowOut(from: NamedGroup, to: Peer, port: number, description: string, toKey = "internet"): void {
    const egress = new aws.vpc.SecurityGroupEgressRule(
      `${from.key}-to-${toKey}-${port}`,
      { securityGroupId: from.group.id, ...rule(to, port), description, tags: this.args.naming.tags() },
      { parent: from.group },
    );
    from.rules.push(egress);
  }
}

/** A security group with its rules. `key` is its name in the program. */
interface NamedGroup {
  key: string;
  group: aws.ec2.SecurityGroup;
  rules: pulumi.CustomResource[];
}

/** Returns the properties that an ingress and an egress rule have in common. */
function rule(peer: Peer, port: number) {
  return {
    ipProtocol: "tcp",
    fromPort: port,
    toPort: port,
    ...(peer === "internet" ? { cidrIpv4: "0.0.0.0/0" } : { referencedSecurityGroupId: peer.id }),
  };
}
