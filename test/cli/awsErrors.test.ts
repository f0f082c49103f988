import { expect } from "chai";
import { describeError, isRefusal, remedyFor } from "../../cli/awsErrors";
import { UserError } from "../../cli/userError";

function awsError(name: string, httpStatusCode?: number): Error {
  return Object.assign(new Error("the message"), { name, $metadata: { httpStatusCode } });
}

describe("cli/awsErrors", () => {
  it("takes only an answer that refuses for certain", () => {
    expect(isRefusal(awsError("InvalidParameterValue", 400))).to.equal(true);
    expect(isRefusal(awsError("InternalFailure", 500))).to.equal(false);
    expect(isRefusal(awsError("TimeoutError"))).to.equal(false);
    expect(isRefusal("text")).to.equal(false);
  });

  it("says what to do about credentials and permissions", () => {
    expect(remedyFor(awsError("ExpiredToken", 403), "prod")).to.contain("aws sso login");
    expect(remedyFor(awsError("AccessDenied", 403), "prod")).to.contain("iaso-prod-ci-deploy");
    expect(remedyFor(awsError("InternalFailure", 500), "prod")).to.equal(undefined);
  });

  it("describes an error in one line", () => {
    expect(describeError(awsError("Throttling", 400))).to.equal("Throttling: the message");
    expect(describeError(new UserError("what is wrong", "the remedy"))).to.equal("what is wrong");
    expect(describeError(new Error("plain"))).to.equal("plain");
  });
});
