import { expect } from "chai";
import { Lab } from "./lab";

const SUPERSEDED = "64bit Amazon Linux 2023 v4.13.1 running Docker";

describe("a platform version that AWS does not offer", () => {
  let lab: Lab;
  before(async () => {
    lab = await Lab.open("staging");
    await lab.set("dockerSolutionStack", SUPERSEDED);
  });
  after(() => {
    lab.close();
  });

  it("is refused before anything is created, also without a preview, with the command that fixes it @short", async () => {
    const { code, output } = await lab.run('pulumi up --stack "$STACK" --yes --skip-preview');
    expect(code, output).not.to.equal(0);
    expect(output)
      .to.include(`does not offer the platform version "${SUPERSEDED}"`)
      .and.include("1 errored")
      .and.include('The newest version of its branch is "64bit Amazon Linux 2023 v4.13.9 running Docker".')
      .and.include("To fix it: npm run platform -- staging --update")
      .and.not.match(/\n +at /);
    expect(lab.account.resources).to.deep.equal([]);
  });
});
