import { expect } from "chai";
import { Ec2Double } from "../ami/ec2Double";
import { Lab } from "./lab";

const BUILD = "command:local:Command gdal-ami";
const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";
const PAIR = [`update ${ENVIRONMENT} web`, `update ${ENVIRONMENT} worker`];

/** The image tool calls a simulated EC2 over HTTP; the rest of the program uses the simulated account. */
describe("the image, built by the provider for commands", () => {
  const ec2 = new Ec2Double();
  let lab: Lab;
  before(async () => {
    const env = {
      AWS_ENDPOINT_URL: await ec2.start(),
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
    };
    lab = await Lab.open("staging", { image: false, env });
    // This account ran v4.13.8 lately. The runbook's commands move to the newest version.
    lab.edit("Pulumi.staging.yaml", "v4.13.9 running Python", "v4.13.8 running Python");
    lab.edit(
      "ami/cli.ts",
      '"interval between two polls", positive, 15',
      '"interval between two polls", positive, 0.05',
    );
  });
  after(() => {
    lab.close();
    ec2.stop();
  });

  /** The images that web and worker run. */
  const inUse = () =>
    lab.account.ofType(ENVIRONMENT).flatMap(({ inputs }) => {
      const settings = inputs.settings as { name: string; value: string }[];
      return settings.filter(({ name }) => name === "ImageId").map(({ value }) => value);
    });

  it("is built by the first update and not by the preview, and environments start from it", async () => {
    const [preview = "", up = ""] = lab.commands("deploy");
    const previewed = await lab.run(preview);
    expect(previewed.code, previewed.output).to.equal(0);
    expect(ec2.calls).to.deep.equal([]);
    const updated = await lab.run(up);
    expect(updated.code, updated.output).to.equal(0);
    const [image] = ec2.images.keys();
    expect(inUse()).to.deep.equal([image, image]);
    expect(ec2.runningBuilders).to.deep.equal([]);
  });

  it("is not built again when nothing has changed", async () => {
    const before = ec2.calls.length;
    const { code, output, operations } = await lab.follow("deploy");
    expect(code, output).to.equal(0);
    expect(operations).to.deep.equal([[], []]);
    expect(ec2.calls).to.have.length(before);
  });

  it("fails the update with a clear message if the build is refused, and changes nothing", async () => {
    const [old = ""] = ec2.images.keys();
    lab.edit("ami/recipe.ts", '"-DBUILD_BENCHMARKS=OFF"', '"-DBUILD_BENCHMARKS=OFF", "-DCHANGED=ON"');
    ec2.fault = { at: ec2.calls.length + 1, kind: "error" };
    const { code, output } = await lab.follow("retry");
    expect(code, output).not.to.equal(0);
    expect(output)
      .to.include("You are not authorized")
      .and.not.match(/\n +at /);
    expect([...ec2.images.keys()]).to.deep.equal([old]);
    expect(inUse()).to.deep.equal([old, old]);
  });

  it("is replaced when its recipe changes: the new one built, the environments moved, the old one deleted", async () => {
    const [old = ""] = ec2.images.keys();
    const inUseAtDeletion: string[][] = [];
    ec2.onCall = (_number, action) => {
      if (action === "DeregisterImage") inUseAtDeletion.push(inUse());
    };
    const { code, output, operations } = await lab.follow("replace-image");
    expect(code, output).to.equal(0);
    const replaced = [`create-replacement ${BUILD}`, `delete-replaced ${BUILD}`, `replace ${BUILD}`, ...PAIR];
    expect(operations, "of preview and up").to.deep.equal([replaced, replaced]);
    const [image, ...others] = ec2.images.keys();
    expect(image).not.to.equal(old);
    expect(others).to.deep.equal([]);
    expect(inUse()).to.deep.equal([image, image]);
    expect(inUseAtDeletion).to.deep.equal([[image, image]]);
    expect(ec2.orphanSnapshots).to.deep.equal([]);
    const versions = lab.account.ofType(ENVIRONMENT).map(({ inputs }) => inputs.solutionStackName);
    const python = "64bit Amazon Linux 2023 v4.13.9 running Python 3.13";
    expect(versions.filter((name) => name === python)).to.have.length(2);
  });
});
