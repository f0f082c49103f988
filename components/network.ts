import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { planSubnets } from "./common/cidr";
import { withDependencies } from "./common/withDependencies";
import { Naming } from "./common/naming";
import { EncryptionKey } from "./encryptionKey";
import { policyDocument, serviceTrustPolicy } from "./iam/policyDocument";

/** A VPC that this program does not manage. */
export interface ExistingVpc {
  /** @example "vpc-0123456789abcdef0" */
  vpcId: string;
  /** Ids of subnets with a route to an internet gateway, one for each zone, for load balancers. */
  publicSubnetIds: string[];
  /** Ids of subnets with a route to a NAT gateway, one for each zone, for instances, database and Redis. */
  privateSubnetIds: string[];
}

export interface NetworkArgs {
  naming: Naming;
  /**
   * A VPC to use as it is. With it, the component creates nothing and ignores the arguments below. **Setting it later
   * fails: AWS does not move the database to another VPC.**
   *
   * @default A new VPC.
   */
  existing?: ExistingVpc;
  /**
   * IPv4 block of the VPC, from /16 to /22. **Changing it replaces the VPC and fails: AWS does not move the database to
   * another VPC.**
   *
   * @example "10.20.0.0/16"
   */
  cidr: string;
  /**
   * Names of at least two zones. Only append: **removing or reordering zones replaces subnets.**
   *
   * @example ["eu-central-1a", "eu-central-1b"]
   */
  availabilityZones: string[];
  /**
   * `single`: one NAT gateway for all zones. It costs less, but if its zone fails, no instance reaches the internet.
   * `perZone`: a NAT gateway in each zone.
   */
  natGateways: "single" | "perZone";
  /** Days for which CloudWatch keeps the VPC flow logs. */
  logRetentionDays: number;
  /** ARN of the permissions boundary of the flow log role. */
  permissionsBoundary: pulumi.Input<string>;
  /**
   * Encrypts the flow logs.
   *
   * @default AWS's own keys.
   */
  encryptionKey?: EncryptionKey;
}

/**
 * A VPC with a public and a private subnet in each zone, and NAT gateways for the private ones. A gateway endpoint for
 * S3 keeps the traffic of the buckets off the NAT gateways and their charges. Or an existing VPC, unchanged.
 *
 * @see https://docs.aws.amazon.com/vpc/latest/userguide/vpc-example-private-subnets-nat.html
 */
export class Network extends pulumi.ComponentResource {
  readonly vpcId: pulumi.Output<string>;
  readonly publicSubnetIds: pulumi.Output<string[]>;
  readonly privateSubnetIds: pulumi.Output<string[]>;
  /**
   * The private subnets, with their routes to the internet as dependencies. An instance that starts before the routes
   * exist cannot install its packages, and its launch fails.
   */
  readonly instanceSubnetIds: pulumi.Output<string[]>;

  constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:Network", name, {}, opts);

    if (args.existing !== undefined) {
      this.vpcId = pulumi.output(args.existing.vpcId);
      this.publicSubnetIds = pulumi.output(args.existing.publicSubnetIds);
      this.privateSubnetIds = pulumi.output(args.existing.privateSubnetIds);
      this.instanceSubnetIds = this.privateSubnetIds;
    } else {
      const vpc = this.createVpc(name, args);
      const { publicSubnets, privateSubnets } = this.createSubnets(name, args, vpc);
      const internet = this.routeToInternet(name, args, vpc, publicSubnets);
      const nat = this.routeThroughNat(name, args, vpc, internet.gateway, publicSubnets, privateSubnets);
      this.createS3Endpoint(name, args, vpc, [internet.table, ...nat.tables]);
      this.createFlowLog(name, args, vpc);
      this.vpcId = vpc.id;
      this.publicSubnetIds = pulumi.all(publicSubnets.map((subnet) => subnet.id));
      this.privateSubnetIds = pulumi.all(privateSubnets.map((subnet) => subnet.id));
      this.instanceSubnetIds = withDependencies(this.privateSubnetIds, [...internet.routes, ...nat.routes]);
    }
    this.registerOutputs({
      vpcId: this.vpcId,
      publicSubnetIds: this.publicSubnetIds,
      privateSubnetIds: this.privateSubnetIds,
    });
  }

  private createVpc(name: string, { naming, cidr }: NetworkArgs): aws.ec2.Vpc {
    const vpc = new aws.ec2.Vpc(
      name,
      {
        cidrBlock: cidr,
        enableDnsHostnames: true,
        enableDnsSupport: true,
        tags: naming.tags({ Name: naming.name() }),
      },
      { parent: this },
    );
    // AWS lets members of a VPC's default group connect to each other. Adopting it removes its rules (FSBP EC2.2).
    new aws.ec2.DefaultSecurityGroup(
      name,
      { vpcId: vpc.id, tags: naming.tags({ Name: naming.name("default-unused") }) },
      { parent: vpc },
    );
    return vpc;
  }

  private createSubnets(
    name: string,
    { naming, cidr, availabilityZones }: NetworkArgs,
    vpc: aws.ec2.Vpc,
  ): { publicSubnets: aws.ec2.Subnet[]; privateSubnets: aws.ec2.Subnet[] } {
    const plan = planSubnets(cidr, availabilityZones.length);
    const create = (kind: "public" | "private", cidrs: string[]) =>
      cidrs.map(
        (cidrBlock, index) =>
          new aws.ec2.Subnet(
            `${name}-${kind}-${index}`,
            {
              vpcId: vpc.id,
              availabilityZone: availabilityZones[index],
              cidrBlock,
              mapPublicIpOnLaunch: false,
              tags: naming.tags({ Name: naming.name(`${kind}-${index}`), network: kind }),
            },
            { parent: vpc },
          ),
      );
    return {
      publicSubnets: create("public", plan.publicCidrs),
      privateSubnets: create("private", plan.privateCidrs),
    };
  }

  private routeToInternet(
    name: string,
    { naming }: NetworkArgs,
    vpc: aws.ec2.Vpc,
    publicSubnets: aws.ec2.Subnet[],
  ): { gateway: aws.ec2.InternetGateway; table: aws.ec2.RouteTable; routes: pulumi.CustomResource[] } {
    const gateway = new aws.ec2.InternetGateway(
      name,
      { vpcId: vpc.id, tags: naming.tags({ Name: naming.name() }) },
      { parent: vpc },
    );
    const table = new aws.ec2.RouteTable(
      `${name}-public`,
      { vpcId: vpc.id, tags: naming.tags({ Name: naming.name("public") }) },
      { parent: vpc },
    );
    const route = new aws.ec2.Route(
      `${name}-public-internet`,
      { routeTableId: table.id, destinationCidrBlock: "0.0.0.0/0", gatewayId: gateway.id },
      { parent: table },
    );
    const associations = associate(`${name}-public`, publicSubnets, () => table);
    return { gateway, table, routes: [route, ...associations] };
  }

  private routeThroughNat(
    name: string,
    { naming, natGateways }: NetworkArgs,
    vpc: aws.ec2.Vpc,
    gateway: aws.ec2.InternetGateway,
    publicSubnets: aws.ec2.Subnet[],
    privateSubnets: aws.ec2.Subnet[],
  ): { tables: aws.ec2.RouteTable[]; routes: pulumi.CustomResource[] } {
    const natSubnets = natGateways === "single" ? publicSubnets.slice(0, 1) : publicSubnets;
    const perGateway = natSubnets.map((subnet, index) => {
      const address = new aws.ec2.Eip(
        `${name}-nat-${index}`,
        { domain: "vpc", tags: naming.tags({ Name: naming.name(`nat-${index}`) }) },
        { parent: vpc },
      );
      const nat = new aws.ec2.NatGateway(
        `${name}-${index}`,
        {
          subnetId: subnet.id,
          allocationId: address.id,
          tags: naming.tags({ Name: naming.name(`nat-${index}`) }),
        },
        // EC2 refuses a NAT gateway in a VPC without an attached internet gateway.
        { parent: vpc, dependsOn: [gateway] },
      );
      const table = new aws.ec2.RouteTable(
        `${name}-private-${index}`,
        { vpcId: vpc.id, tags: naming.tags({ Name: naming.name(`private-${index}`) }) },
        { parent: vpc },
      );
      const route = new aws.ec2.Route(
        `${name}-private-${index}-nat`,
        { routeTableId: table.id, destinationCidrBlock: "0.0.0.0/0", natGatewayId: nat.id },
        { parent: table },
      );
      return { table, route };
    });
    const tables = perGateway.map(({ table }) => table);
    const associations = associate(
      `${name}-private`,
      privateSubnets,
      (index) => tables[index % tables.length],
    );
    return { tables, routes: [...perGateway.map(({ route }) => route), ...associations] };
  }

  private createS3Endpoint(
    name: string,
    { naming }: NetworkArgs,
    vpc: aws.ec2.Vpc,
    routeTables: aws.ec2.RouteTable[],
  ): void {
    new aws.ec2.VpcEndpoint(
      `${name}-s3`,
      {
        vpcId: vpc.id,
        vpcEndpointType: "Gateway",
        serviceName: `com.amazonaws.${naming.region}.s3`,
        routeTableIds: routeTables.map((table) => table.id),
        tags: naming.tags({ Name: naming.name("s3") }),
      },
      { parent: vpc },
    );
  }

  private createFlowLog(name: string, args: NetworkArgs, vpc: aws.ec2.Vpc): void {
    const { naming, logRetentionDays, permissionsBoundary, encryptionKey } = args;
    const logGroupName = `/iaso/${naming.env}/vpc-flow-logs`;
    const logGroup = new aws.cloudwatch.LogGroup(
      `${name}-flow-logs`,
      {
        name: logGroupName,
        retentionInDays: logRetentionDays,
        kmsKeyId: encryptionKey?.arn,
        tags: naming.tags(),
      },
      { parent: vpc },
    );
    const role = new aws.iam.Role(
      `${name}-flow-logs`,
      {
        name: naming.name("flow-logs"),
        assumeRolePolicy: serviceTrustPolicy("vpc-flow-logs.amazonaws.com", naming.accountId),
        permissionsBoundary,
        tags: naming.tags(),
      },
      { parent: vpc },
    );
    const policy = new aws.iam.RolePolicy(
      `${name}-flow-logs`,
      {
        name: "write-flow-logs",
        role: role.name,
        policy: policyDocument([
          {
            Sid: "WriteFlowLogs",
            Effect: "Allow",
            Action: ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            Resource: naming.arn("logs", `log-group:${logGroupName}:*`),
          },
          {
            // The call covers all log groups. Without it, the flow log fails with "Access error".
            Sid: "FindLogGroup",
            Effect: "Allow",
            Action: "logs:DescribeLogGroups",
            Resource: naming.arn("logs", "log-group:*"),
          },
        ]),
      },
      { parent: role },
    );
    new aws.ec2.FlowLog(
      name,
      {
        vpcId: vpc.id,
        trafficType: "ALL",
        logDestination: logGroup.arn,
        iamRoleArn: withDependencies(role.arn, [policy]),
        tags: naming.tags({ Name: naming.name() }),
      },
      { parent: vpc },
    );
  }
}

/** Associates each subnet with the route table of its index. */
function associate(
  name: string,
  subnets: aws.ec2.Subnet[],
  tableOf: (index: number) => aws.ec2.RouteTable | undefined,
): aws.ec2.RouteTableAssociation[] {
  return subnets.flatMap((subnet, index) => {
    const table = tableOf(index);
    if (table === undefined) return [];
    return new aws.ec2.RouteTableAssociation(
      `${name}-${index}`,
      { subnetId: subnet.id, routeTableId: table.id },
      { parent: subnet },
    );
  });
}
