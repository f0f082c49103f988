import { expect } from "chai";
import { GdalAmi, imageIdOf } from "../../components/gdalAmi";
import { Naming } from "../../components/common/naming";
import { simulate } from "../../preview/simulate";

const naming = new Naming({
  organization: "example",
  env: "staging",
  accountId: "123456789012",
  region: "eu-central-1",
});

describe("components/gdalAmi", () => {
  it("runs the build on create and update, and is replaced when the recipe or the platform changes", async () => {
    const { resources } = await simulate(
      () =>
        new GdalAmi("gdal-ami", {
          naming,
          solutionStackName: "64bit X v1.0.0 running Y",
          drivers: ["GPX", "GML"],
          recipeFingerprint: "f".repeat(64),
        }),
      { unknownOutputs: true },
    );
    const command = resources.find(({ type }) => type === "command:local:Command");
    expect(command?.inputs.triggers).to.deep.equal(["f".repeat(64), "64bit X v1.0.0 running Y"]);
    expect(command?.inputs.create).to.contain("ami -- build").and.to.equal(command?.inputs.update);
    expect(command?.inputs.delete).to.contain("--keep-if-used");
    expect(command?.inputs.environment).to.include({
      AWS_REGION: "eu-central-1",
      IASO_ENV: "staging",
      DRIVERS: "GPX,GML",
    });
  });

  it("takes the image id from the last line of the output", () => {
    expect(imageIdOf('progress\n{"imageId":"ami-0123456789abcdef0"}\n')).to.equal("ami-0123456789abcdef0");
  });
});
