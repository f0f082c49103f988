import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { planSubnets } from "./common/cidr";
import { withDependencies } from "./common/withDependencies";
import { Naming } from "./common/naming";
import { policyDocument, serviceTrustPolicy } from "./iam/policyDocument";

/** A VPC that exists already and into which the platform is put. */
export interface ExistingVpc {
  vpcId: string;
  /** Subnets with a route to an internet gateway, one per zone, for load balancers. */
  publicSubnetIds: string[];
  /** Subnets with a route to a NAT, one per zone, for instances, database and Redis. */
  privateSubnetIds: string[];
}

export interface NetworkArgs {
  naming: Naming;
  /** An existing VPC; everything below is ignored when it is given. */
  existing?: ExistingVpc;
  /** IPv4 block of the VPC, /16 to /24. Changing it replaces the VPC. */
  cidr: string;
  /** Names of the zones to spread over, such as `eu-central-1a`. Append only: removing one replaces subnets. */
  availabilityZones: string[];
  /**
   * `single`: one NAT gateway for all zones, cheaper, but its zone's failure cuts all instances off from the
   * internet. `perZone`: one in each zone.
   */
  natGateways: "single" | "perZone";
  /** Days for which VPC flow logs are kept in CloudWatch. */
  logRetentionDays: number;
  /** ARN of the permissions boundary of the flow log role. */
  permissionsBoundary: pulumi.Input<string>;
}

/**
 * A VPC with a public and a private subnet in each zone, NAT for the private ones, and an S3 gateway endpoint
 * so that traffic to the buckets neither crosses the NAT nor costs its fee. Or an existing VPC, unchanged.
 *
 * @see https://docs.aws.amazon.com/vpc/latest/userguide/vpc-example-private-subnets-nat.html
 */
export class Network extends pulumi.ComponentResource {
  readonly vpcId: pulumi.Output<string>;
  readonly publicSubnetIds: pulumi.Output<string[]>;
  readonly privateSubnetIds: pulumi.Output<string[]>;
  /**
   * The private subnets once their way to the internet works. An instance that starts before that cannot fetch its
   * packages, and Beanstalk gives it up.
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
      this.instanceSubnetIds = withDependencies(this.privateSubnetIds, [...internet.ways, ...nat.ways]);
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
    // The VPC's own group lets its members talk freely (FSBP EC2.2): emptied, so that nothing gains by it.
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
  ): { gateway: aws.ec2.InternetGateway; table: aws.ec2.RouteTable; ways: pulumi.CustomResource[] } {
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
    return { gateway, table, ways: [route, ...associations] };
  }

  private routeThroughNat(
    name: string,
    { naming, natGateways }: NetworkArgs,
    vpc: aws.ec2.Vpc,
    gateway: aws.ec2.InternetGateway,
    publicSubnets: aws.ec2.Subnet[],
    privateSubnets: aws.ec2.Subnet[],
  ): { tables: aws.ec2.RouteTable[]; ways: pulumi.CustomResource[] } {
    const natSubnets = natGateways === "single" ? publicSubnets.slice(0, 1) : publicSubnets;
    const routes = natSubnets.map((subnet, index) => {
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
        // EC2 refuses a NAT gateway in a VPC that no internet gateway is attached to.
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
    const tables = routes.map(({ table }) => table);
    const associations = associate(
      `${name}-private`,
      privateSubnets,
      (index) => tables[index % tables.length],
    );
    return { tables, ways: [...routes.map(({ route }) => route), ...associations] };
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
    const { naming, logRetentionDays, permissionsBoundary } = args;
    const logGroupName = `/iaso/${naming.env}/vpc-flow-logs`;
    const logGroup = new aws.cloudwatch.LogGroup(
      `${name}-flow-logs`,
      { name: logGroupName, retentionInDays: logRetentionDays, tags: naming.tags() },
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
    const rights = new aws.iam.RolePolicy(
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
            // Asked of all groups at once; without it the flow log ends in the state "Access error".
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
        iamRoleArn: withDependencies(role.arn, [rights]),
        tags: naming.tags({ Name: naming.name() }),
      },
      { parent: vpc },
    );
  }
}

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
