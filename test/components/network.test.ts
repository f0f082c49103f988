import { expect } from "chai";
import { Network, NetworkArgs } from "../../components/network";
import { PreviewDocument } from "../../graph/document";
import { simulate } from "../../preview/simulate";
import { at, find, naming, PERMISSIONS_BOUNDARY, resourcesOf, statementsOf } from "../support";

const SUBNET = "aws:ec2/subnet:Subnet";
const ROUTE = "aws:ec2/route:Route";
const ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation";

function preview(own: Partial<NetworkArgs> = {}): Promise<PreviewDocument> {
  return simulate(() => {
    new Network("network", {
      naming,
      cidr: "10.20.0.0/16",
      availabilityZones: ["eu-central-1a", "eu-central-1b"],
      natGateways: "single",
      logRetentionDays: 90,
      permissionsBoundary: PERMISSIONS_BOUNDARY,
      ...own,
    });
  });
}

/** For each private subnet, the name of the NAT gateway through which its traffic leaves. */
function natOfPrivateSubnets(document: PreviewDocument): (string | undefined)[] {
  const nats = new Map(
    resourcesOf(document, "aws:ec2/natGateway:NatGateway").map(({ urn, name }) => [urn, name]),
  );
  return resourcesOf(document, SUBNET)
    .filter(({ name }) => name.includes("private"))
    .map((subnet) => {
      const association = resourcesOf(document, ASSOCIATION).find(
        ({ propertyDependencies }) => propertyDependencies.subnetId?.[0] === subnet.urn,
      );
      const table = association?.propertyDependencies.routeTableId?.[0];
      const route = resourcesOf(document, ROUTE).find(
        ({ propertyDependencies }) => propertyDependencies.routeTableId?.[0] === table,
      );
      return nats.get(route?.propertyDependencies.natGatewayId?.[0] ?? "");
    });
}

describe("components/network", () => {
  it("makes a public and a private subnet in each zone", async () => {
    const document = await preview({
      availabilityZones: ["eu-central-1a", "eu-central-1b", "eu-central-1c"],
    });
    for (const kind of ["public", "private"]) {
      const subnets = resourcesOf(document, SUBNET).filter(({ name }) => name.includes(kind));
      expect(subnets.map(({ inputs }) => inputs.availabilityZone)).to.deep.equal([
        "eu-central-1a",
        "eu-central-1b",
        "eu-central-1c",
      ]);
      for (const { inputs } of subnets) {
        expect(inputs.mapPublicIpOnLaunch).to.equal(false);
        expect(at(inputs.tags, "network")).to.equal(kind);
      }
    }
    const { outputs } = find(document, "iaso:index:Network");
    expect(outputs.publicSubnetIds).to.have.lengthOf(3);
    expect(outputs.privateSubnetIds).to.have.lengthOf(3);
    expect(outputs.privateSubnetIds).not.to.deep.equal(outputs.publicSubnetIds);
  });

  it("sends all private subnets through the one NAT gateway", async () => {
    const document = await preview();
    expect(natOfPrivateSubnets(document)).to.deep.equal(["network-0", "network-0"]);
  });

  it("sends each private subnet through the NAT gateway of its own zone", async () => {
    const document = await preview({ natGateways: "perZone" });
    expect(natOfPrivateSubnets(document)).to.deep.equal(["network-0", "network-1"]);
    for (const index of [0, 1]) {
      const nat = find(document, "aws:ec2/natGateway:NatGateway", `network-${index}`);
      const subnet = find(document, SUBNET, `network-public-${index}`);
      expect(nat.propertyDependencies.subnetId).to.deep.equal([subnet.urn]);
    }
  });

  it("makes NAT gateways once the internet gateway is attached: EC2 refuses them before", async () => {
    const document = await preview({ natGateways: "perZone" });
    const gateway = find(document, "aws:ec2/internetGateway:InternetGateway").urn;
    const nats = resourcesOf(document, "aws:ec2/natGateway:NatGateway");
    expect(nats).to.have.lengthOf(2);
    for (const { dependencies } of nats) expect(dependencies).to.include(gateway);
  });

  it("sends public subnets to the internet gateway", async () => {
    const document = await preview();
    const route = find(document, ROUTE, "network-public-internet");
    expect(route.inputs.destinationCidrBlock).to.equal("0.0.0.0/0");
    expect(route.propertyDependencies.gatewayId).to.deep.equal([
      find(document, "aws:ec2/internetGateway:InternetGateway").urn,
    ]);
    const table = find(document, "aws:ec2/routeTable:RouteTable", "network-public").urn;
    const subnets = resourcesOf(document, ASSOCIATION)
      .filter(({ propertyDependencies }) => propertyDependencies.routeTableId?.[0] === table)
      .flatMap(({ propertyDependencies }) => propertyDependencies.subnetId);
    expect(subnets).to.deep.equal([
      find(document, SUBNET, "network-public-0").urn,
      find(document, SUBNET, "network-public-1").urn,
    ]);
  });

  it("reaches S3 from every route table without the NAT", async () => {
    const document = await preview({ natGateways: "perZone" });
    const endpoint = find(document, "aws:ec2/vpcEndpoint:VpcEndpoint");
    expect(endpoint.inputs.vpcEndpointType).to.equal("Gateway");
    expect(endpoint.inputs.serviceName).to.equal("com.amazonaws.eu-central-1.s3");
    expect(endpoint.propertyDependencies.routeTableIds).to.have.members(
      resourcesOf(document, "aws:ec2/routeTable:RouteTable").map(({ urn }) => urn),
    );
  });

  it("resolves names in the VPC: the database is known by one", async () => {
    const document = await preview();
    expect(find(document, "aws:ec2/vpc:Vpc").inputs).to.deep.include({
      cidrBlock: "10.20.0.0/16",
      enableDnsHostnames: true,
      enableDnsSupport: true,
      tags: naming.tags({ Name: "iaso-test" }),
    });
  });

  it("empties the default security group and logs all traffic", async () => {
    const document = await preview();
    const group = find(document, "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup");
    expect(group.inputs).not.to.have.any.keys("ingress", "egress");
    expect(find(document, "aws:ec2/flowLog:FlowLog").inputs.trafficType).to.equal("ALL");
    expect(find(document, "aws:cloudwatch/logGroup:LogGroup").inputs).to.include({
      name: "/iaso/test/vpc-flow-logs",
      retentionInDays: 90,
    });
    const role = find(document, "aws:iam/role:Role");
    expect(role.inputs.permissionsBoundary).to.equal(PERMISSIONS_BOUNDARY);
    const permissions = find(document, "aws:iam/rolePolicy:RolePolicy");
    const { WriteFlowLogs, FindLogGroup } = statementsOf(permissions.inputs.policy);
    expect(WriteFlowLogs?.Resource).to.equal(
      "arn:aws:logs:eu-central-1:123456789012:log-group:/iaso/test/vpc-flow-logs:*",
    );
    expect(FindLogGroup?.Action).to.equal("logs:DescribeLogGroups");
    expect(find(document, "aws:ec2/flowLog:FlowLog").propertyDependencies.iamRoleArn).to.have.members([
      role.urn,
      permissions.urn,
    ]);
  });

  it("uses an existing VPC and creates nothing", async () => {
    const existing = {
      vpcId: "vpc-0123456789abcdef0",
      publicSubnetIds: ["subnet-00000001", "subnet-00000002"],
      privateSubnetIds: ["subnet-00000003", "subnet-00000004"],
    };
    const document = await preview({ existing });
    expect(document.resources.filter(({ custom }) => custom)).to.deep.equal([]);
    expect(find(document, "iaso:index:Network").outputs).to.deep.equal(existing);
  });
});
