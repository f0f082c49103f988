import { EC2Client } from "@aws-sdk/client-ec2";
import { ElasticBeanstalkClient } from "@aws-sdk/client-elastic-beanstalk";
import { expect } from "chai";
import { findBaseImage, platformArn } from "../../ami/baseImage";
import { UserError } from "../../cli/userError";
import { Ec2Double } from "./ec2Double";

describe("ami/baseImage", () => {
  let ec2: Ec2Double;
  let endpoint: string;
  beforeEach(async () => {
    ec2 = new Ec2Double();
    endpoint = await ec2.start();
  });
  afterEach(() => {
    ec2.stop();
  });

  function find(name: string) {
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
    const settings = { region: "eu-central-1", endpoint, credentials };
    return findBaseImage(new EC2Client(settings), new ElasticBeanstalkClient(settings), name, "eu-central-1");
  }

  it("makes the platform version's ARN of its name", () => {
    expect(platformArn("64bit Amazon Linux 2023 v4.13.9 running Python 3.13", "eu-central-1")).to.equal(
      "arn:aws:elasticbeanstalk:eu-central-1::platform/Python 3.13 running on 64bit Amazon Linux 2023/4.13.9",
    );
    expect(() => platformArn("Python 3.9", "eu-central-1")).to.throw(
      UserError,
      "is not the name of a platform version",
    );
  });

  it("selects the x86_64 image with its release of Amazon Linux", async () => {
    expect(await find("64bit Amazon Linux 2023 v4.13.9 running Python 3.13")).to.deep.equal({
      id: "ami-0000000000000ba5e",
      rootDevice: "/dev/xvda",
      releaseVersion: "2023.6.20250203",
    });
  });

  for (const [what, name] of [
    ["a superseded version", "64bit Amazon Linux 2023 v4.13.1 running Python 3.13"],
    ["a version of a retired branch", "64bit Amazon Linux 2023 v4.13.5 running Python 3.9"],
    ["a version that never was", "64bit Amazon Linux 2023 v9.9.9 running Python 3.13"],
  ] as const) {
    it(`refuses ${what}, and explains how to choose another one`, async () => {
      const error = await find(name).catch((e: unknown) => e);
      expect(error).to.be.instanceOf(UserError);
      expect((error as UserError).message).to.contain(name);
      expect((error as UserError).remedy)
        .to.contain("npm run platform -- STACK --update")
        .and.to.contain("list-available-solution-stacks");
    });
  }
});
