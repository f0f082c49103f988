import { expect } from "chai";
import { SecurityGroups } from "../../components/securityGroups";
import { PreviewDocument } from "../../graph/document";
import { simulate } from "../../preview/simulate";
import { naming, resourcesOf, textOf } from "../support";

const INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule";

/** Rules as sentences such as `web <- load-balancer 80`. */
function sentences(document: PreviewDocument, type: typeof INGRESS | typeof EGRESS): string[] {
  const names = new Map(document.resources.map(({ urn, name }) => [urn, name]));
  return resourcesOf(document, type).map(({ inputs, propertyDependencies }) => {
    const own = names.get(propertyDependencies.securityGroupId?.[0] ?? "") ?? "";
    const peer = names.get(propertyDependencies.referencedSecurityGroupId?.[0] ?? "");
    expect(inputs.ipProtocol).to.equal("tcp");
    expect(inputs.fromPort).to.equal(inputs.toPort);
    const arrow = type === INGRESS ? "<-" : "->";
    return `${own} ${arrow} ${peer ?? textOf(inputs.cidrIpv4)} ${textOf(inputs.fromPort)}`;
  });
}

describe("components/securityGroups", () => {
  let document: PreviewDocument;
  before(async () => {
    document = await simulate(() => {
      new SecurityGroups("groups", { naming, vpcId: "vpc-1", smtpPort: 2525 });
    });
  });

  it("opens only the ports that the next part needs", () => {
    expect(sentences(document, INGRESS)).to.have.members([
      "load-balancer <- 0.0.0.0/0 443",
      "load-balancer <- 0.0.0.0/0 80",
      "web <- load-balancer 80",
      "database <- web 5432",
      "database <- worker 5432",
      "enketo-load-balancer <- 0.0.0.0/0 443",
      "enketo-load-balancer <- 0.0.0.0/0 80",
      "enketo <- enketo-load-balancer 80",
      "enketo-redis <- enketo 6379",
    ]);
  });

  it("lets nothing reach the workers", () => {
    expect(sentences(document, INGRESS).filter((rule) => rule.startsWith("worker "))).to.deep.equal([]);
  });

  it("allows outgoing connections only to the services that a part calls; database and Redis call none", () => {
    expect(sentences(document, EGRESS)).to.have.members([
      "load-balancer -> web 80",
      "enketo-load-balancer -> enketo 80",
      "web -> 0.0.0.0/0 443",
      "web -> 0.0.0.0/0 80",
      "web -> 0.0.0.0/0 2525",
      "web -> database 5432",
      "worker -> 0.0.0.0/0 443",
      "worker -> 0.0.0.0/0 80",
      "worker -> 0.0.0.0/0 2525",
      "worker -> database 5432",
      "enketo -> 0.0.0.0/0 443",
      "enketo -> enketo-redis 6379",
    ]);
  });

  it("puts all groups into the VPC, with the names and tags of the environment", () => {
    const groups = resourcesOf(document, "aws:ec2/securityGroup:SecurityGroup");
    expect(groups).to.have.lengthOf(7);
    for (const { name, inputs } of groups) {
      expect(inputs).to.include({ vpcId: "vpc-1", name: `iaso-test-${name}` });
      expect(inputs.tags).to.deep.equal(naming.tags({ Name: `iaso-test-${name}` }));
      // Rules inside a group would fight with those of their own resources.
      expect(inputs).not.to.have.any.keys("ingress", "egress");
    }
  });
});
