import { awsId, digest, ResourceTypes, withGeneratedId } from "./model";

export const resourceTypes: ResourceTypes = {
  "aws:ec2/vpc:Vpc": (creation) => {
    const created = withGeneratedId("vpc", "ec2", "vpc")(creation);
    return {
      ...created,
      outputs: { ...created.outputs, defaultSecurityGroupId: awsId("sg", creation) },
    };
  },
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": withGeneratedId("sg", "ec2", "security-group"),
  "aws:ec2/securityGroup:SecurityGroup": withGeneratedId("sg", "ec2", "security-group"),
  "aws:ec2/subnet:Subnet": withGeneratedId("subnet", "ec2", "subnet"),
  "aws:ec2/internetGateway:InternetGateway": withGeneratedId("igw", "ec2", "internet-gateway"),
  "aws:ec2/routeTable:RouteTable": withGeneratedId("rtb", "ec2", "route-table"),
  "aws:ec2/route:Route": (creation) => ({ id: awsId("r-rtb", creation), outputs: { state: "active" } }),
  "aws:ec2/routeTableAssociation:RouteTableAssociation": (creation) => ({
    id: awsId("rtbassoc", creation),
    outputs: {},
  }),
  "aws:ec2/eip:Eip": (creation) => {
    const id = awsId("eipalloc", creation);
    const lastOctet = Number.parseInt(digest(id, 2), 16);
    return { id, outputs: { allocationId: id, publicIp: `198.51.100.${lastOctet}` } };
  },
  "aws:ec2/natGateway:NatGateway": (creation) => ({ id: awsId("nat", creation), outputs: {} }),
  "aws:ec2/vpcEndpoint:VpcEndpoint": withGeneratedId("vpce", "ec2", "vpc-endpoint"),
  "aws:ec2/flowLog:FlowLog": withGeneratedId("fl", "ec2", "vpc-flow-log"),
};
