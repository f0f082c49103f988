import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { offeredPlatformVersions } from "../../components/platformVersions";
import { simulate } from "../../preview/simulate";
import { previewWith, rejection, resourcesOf } from "../support";

const PYTHON = "64bit Amazon Linux 2023 v4.13.9 running Python 3.13";
const DOCKER = "64bit Amazon Linux 2023 v4.13.9 running Docker";

describe("components/platformVersions", () => {
  const args = { region: "eu-central-1", updateCommand: "npm run platform -- test --update" };
  const preview = (...solutionStackNames: string[]) =>
    simulate(() => {
      const dependsOn = offeredPlatformVersions({ ...args, solutionStackNames }, {});
      new aws.s3.Bucket("bucket", {}, { dependsOn });
    });

  it("lets resources be registered if AWS offers all versions, without a dependency of their own", async () => {
    const [bucket] = resourcesOf(await preview(PYTHON, DOCKER), "aws:s3/bucket:Bucket");
    expect(bucket?.dependencies).to.deep.equal([]);
  });

  it("accepts a superseded version that the account ran lately", async () => {
    await preview(PYTHON.replace("4.13.9", "4.13.8"));
  });

  it("refuses each version that AWS does not offer, with the newest of its branch and the command", async () => {
    const error = await rejection(preview(PYTHON, DOCKER.replace("4.13.9", "4.13.1")));
    expect(error).to.have.property("__pulumiRunError", true);
    expect(error.message).to.equal(
      'Elastic Beanstalk does not offer the platform version "64bit Amazon Linux 2023 v4.13.1 running Docker" to this account in eu-central-1.\n' +
        `The newest version of its branch is "${DOCKER}".\n` +
        "To fix it: npm run platform -- test --update",
    );
  });

  it("compares whole names, character by character", async () => {
    for (const name of [PYTHON.replace("3.13", "3.1"), DOCKER.replace("Docker", "D.cker"), `${DOCKER} `]) {
      const error = await rejection(preview(name));
      expect(error.message).to.include(`the platform version "${name}"`);
    }
  });

  it("says that a branch without versions is retired", async () => {
    const error = await rejection(preview("64bit Amazon Linux 2023 v4.13.5 running Python 3.9"));
    expect(error.message).to.include(
      "It offers no version of Python 3.9 running on 64bit Amazon Linux 2023: the branch is retired.",
    );
  });

  it("judges the settings that the program uses: both with the Python platform, one with Docker", async () => {
    const retired = { "iaso:pythonSolutionStack": "64bit Amazon Linux 2023 v4.13.5 running Python 3.9" };
    const error = await rejection(previewWith(retired));
    expect(error.message).to.include("To fix it: npm run platform -- staging --update");
    await previewWith({ ...retired, "iaso:platform": "docker" });
    const docker = { "iaso:dockerSolutionStack": "64bit Amazon Linux 2023 v4.13.1 running Docker" };
    expect((await rejection(previewWith(docker))).message).to.include("v4.13.1 running Docker");
  });
});
