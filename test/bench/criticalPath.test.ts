import { expect } from "chai";
import { dataMakespan, existenceEdges, makespan } from "./criticalPath";
import { PreviewResource } from "../../graph/document";
import { resource as resourceOf } from "../report/documents";

const resource = (name: string, type: string, dependencies: string[], used: string[] = []): PreviewResource =>
  resourceOf(
    type,
    name,
    {},
    {
      urn: name,
      dependencies,
      propertyDependencies: used.length > 0 ? { property: used } : {},
    },
  );

const resources = [
  resource("database", "aws:rds/instance:Instance", []),
  resource("profile", "aws:iam/instanceProfile:InstanceProfile", []),
  resource("web", "aws:elasticbeanstalk/environment:Environment", ["database", "profile"], ["profile"]),
];

describe("critical path", () => {
  it("counts every wait in the makespan", () => {
    expect(makespan(resources)).to.deep.equal({ seconds: 960, chain: ["database", "web"] });
  });

  it("counts only used outputs in the chain that data needs", () => {
    expect(dataMakespan(resources)).to.deep.equal({ seconds: 600, chain: ["database"] });
  });

  it("names the wait that uses no output", () => {
    expect(existenceEdges(resources).map(({ from, to }) => [from.name, to.name])).to.deep.equal([
      ["web", "database"],
    ]);
  });
});
