import { expect } from "chai";
import { describeFailure } from "../../ami/failure";
import { UserError } from "../../cli/userError";

function awsError(name: string, message: string, properties = {}): Error {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode: 400 } }, properties);
}

describe("ami/failure", () => {
  it("gives a user's mistake with what mends it", () => {
    expect(describeFailure(new UserError("Which image?", "Run list."))).to.equal("Which image?\nRun list.");
    expect(describeFailure(new UserError("The step geos failed."))).to.equal("The step geos failed.");
  });

  it("tells who asks, what may be done, and what cannot be reached apart", () => {
    expect(describeFailure(awsError("AuthFailure", "bad key"))).to.match(/bad key\nSign in to AWS/);
    expect(describeFailure(awsError("UnauthorizedOperation", "no"))).to.match(/no\nUse a role/);
    const lost = Object.assign(new AggregateError([], ""), { code: "ECONNREFUSED" });
    expect(describeFailure(lost)).to.match(/^AWS cannot be reached: ECONNREFUSED\nCheck the network/);
    expect(describeFailure(awsError("VcpuLimitExceeded", "more than 4"))).to.match(/VcpuLimitExceeded: more/);
  });

  it("leaves out what only AWS can read", () => {
    const message = `You are not authorized. Encoded authorization failure message: ${"x".repeat(800)}`;
    expect(describeFailure(awsError("UnauthorizedOperation", message))).not.to.contain("xxx");
  });

  it("shows no stack, whatever was thrown", () => {
    for (const thrown of [new TypeError("x is not a function"), undefined, "text", null]) {
      expect(describeFailure(thrown))
        .to.match(/^This should not happen: .+\n/)
        .and.not.match(/^\s+at /m);
    }
  });
});
