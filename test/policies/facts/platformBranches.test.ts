import { expect } from "chai";
import { evaluate, warnings } from "../../../policies/evaluate";
import {
  newestVersion,
  PLATFORM_BRANCHES,
  PLATFORM_BRANCHES_READ,
  platformVersionOf,
} from "../../../policies/facts/platformBranches";
import { Resource } from "../../../policies/resource";
import { SOLUTION_STACKS } from "../../../simulated-aws/elasticbeanstalk";

const PYTHON_3_9 = "64bit Amazon Linux 2023 v4.13.5 running Python 3.9";

/** The messages of the rule for an environment on a platform, on a day. */
function judge(solutionStackName: string, today: string): string[] {
  const type = "aws:elasticbeanstalk/environment:Environment";
  const environment: Resource = {
    urn: `urn::${type}::web`,
    type,
    name: "web",
    inputs: { solutionStackName },
  };
  const { violations } = evaluate([environment], { today: new Date(today) });
  return violations.flatMap(({ policy, message }) => (policy === "supported-platform" ? [message] : []));
}

describe("policies/facts/platformBranches", () => {
  it("reads names of solution stacks and ARNs of platforms, and nothing else", () => {
    const version = { branch: "Python 3.13 running on 64bit Amazon Linux 2023", version: "4.13.9" };
    expect(platformVersionOf("64bit Amazon Linux 2023 v4.13.9 running Python 3.13")).to.deep.equal(version);
    expect(
      platformVersionOf(
        "arn:aws:elasticbeanstalk:eu-central-1::platform/Python 3.13 running on 64bit Amazon Linux 2023/4.13.9",
      ),
    ).to.deep.equal(version);
    for (const other of [
      "",
      "Python 3.13",
      "64bit Amazon Linux 2023 running Docker",
      "64bit X v4.1 running Docker",
    ])
      expect(platformVersionOf(other), other).to.equal(undefined);
  });

  it("finds the newest version of a branch by its numbers", () => {
    const versions = ["4.13.9", "4.13.10", "4.9.99", "3.99.1"].map(
      (version) => `64bit Amazon Linux 2023 v${version} running Docker`,
    );
    const others = [
      "64bit Amazon Linux 2 v5.0.0 running Docker",
      "64bit Amazon Linux 2023 v9.0.0 running Python 3.13",
    ];
    const branch = "Docker running on 64bit Amazon Linux 2023";
    expect(newestVersion([...versions, ...others], branch)).to.equal(versions[1]);
    expect(newestVersion(others, branch)).to.equal(undefined);
  });

  it("has every branch that the simulated AWS offers, and none of them retires", () => {
    const branches = SOLUTION_STACKS.map((name) => platformVersionOf(name)?.branch ?? "");
    for (const branch of branches) expect(PLATFORM_BRANCHES[branch], branch).to.deep.equal({});
  });

  it("refuses a branch from 90 days before its retirement, with the date", () => {
    expect(judge(PYTHON_3_9, "2026-05-02")).to.deep.equal([]);
    const [message, ...others] = judge(PYTHON_3_9, "2026-05-03");
    expect(message).to.include("Python 3.9 running on 64bit Amazon Linux 2023 retires on 2026-07-31");
    expect(others).to.deep.equal([]);
    expect(judge(PYTHON_3_9, "2026-11-25")).to.have.length(1);
  });

  it("shows the date of the table if it is older than half a year", () => {
    const unknown = "64bit Amazon Linux 2023 v5.0.0 running Python 3.15";
    const date = `is of ${PLATFORM_BRANCHES_READ}`;
    expect(judge(unknown, "2027-05-27")[0]).not.to.include(date);
    expect(judge(unknown, "2027-05-28")[0]).to.include(date);
    expect(warnings(new Date("2027-05-27"))).to.deep.equal([]);
    expect(warnings(new Date("2027-05-28"))).to.have.length(1);
    expect(warnings(new Date("2027-05-28"))[0]).to.include(date);
  });
});
