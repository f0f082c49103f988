import { expect } from "chai";
import { Lab } from "./lab";

describe("a version of the Pulumi CLI that is too old", () => {
  let lab: Lab;
  before(async () => {
    lab = await Lab.open("staging");
    lab.edit("Pulumi.yaml", 'requiredPulumiVersion: ">=3.244.0"', 'requiredPulumiVersion: ">=3.999.0"');
  });
  after(() => {
    lab.close();
  });

  it("is refused before anything is created, with the versions that the program accepts @short", async () => {
    for (const command of ["preview", "up --yes --skip-preview"]) {
      const { code, output } = await lab.run(`pulumi ${command} --stack "$STACK"`);
      expect(code, output).not.to.equal(0);
      expect(output)
        .to.match(/Pulumi CLI version 3\.\d+\.\d+ does not satisfy the version range ">=3\.999\.0"/)
        .and.not.match(/\n +at /);
    }
    expect(lab.account.resources).to.deep.equal([]);
  });
});
