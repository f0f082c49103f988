import { expect } from "chai";
import { EXIT } from "../../deploy/exitCodes";
import { ARTIFACTS, AwsDouble, ENV } from "../deploy/double/aws";
import { runCli } from "../deploy/double/cli";
import { ScaledTime } from "../deploy/double/clocks";
import { serve } from "../deploy/double/server";

describe("security: a bucket that another account created under the name of a deleted one", () => {
  it("gets no lock, no journal and no code from the deploy tool", async () => {
    const time = new ScaledTime(60);
    const double = new AwsDouble(1, time);
    double.addPair();
    const running = await serve(double);
    try {
      double.describeTarget(running.url);
      const own = await runCli(running, time, ["repair", ENV]);
      expect(own.code, own.stderr).to.equal(EXIT.done);
      double.s3.strangers.set(ARTIFACTS, "999999999999");
      const before = double.s3.keys(ARTIFACTS);
      const result = await runCli(running, time, ["repair", ENV]);
      expect(result.code, result.stdout).to.equal(EXIT.failed);
      expect(result.stderr).to.contain("AWS denied access");
      expect(double.s3.keys(ARTIFACTS)).to.deep.equal(before);
    } finally {
      await running.stop();
    }
  });
});
