import { expect } from "chai";
import { describeError, explainAwsError, isRefusal } from "../../cli/awsErrors";
import { UserError } from "../../cli/userError";

const ROLE = "the role iaso-prod-ci-deploy";

function awsError(name: string, httpStatusCode?: number, message = "the message"): Error {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode } });
}

function explain(error: unknown): string | undefined {
  const explained = explainAwsError(error, ROLE);
  return explained && `${explained.message}\n${explained.remedy}`;
}

describe("cli/awsErrors", () => {
  it("counts only an answer of AWS that refuses as a refusal", () => {
    expect(isRefusal(awsError("InvalidParameterValue", 400))).to.equal(true);
    expect(isRefusal(awsError("InternalFailure", 500))).to.equal(false);
    expect(isRefusal(awsError("TimeoutError"))).to.equal(false);
    expect(isRefusal("text")).to.equal(false);
  });

  it("distinguishes credentials, permissions, the network and other refusals, each with its fix", () => {
    for (const name of ["ExpiredToken", "AuthFailure"]) {
      expect(explain(awsError(name, 403, "bad key"))).to.match(/bad key\nSign in to AWS.*aws sso login/);
    }
    for (const name of ["AccessDenied", "UnauthorizedOperation"]) {
      expect(explain(awsError(name, 403, "no"))).to.match(/no\nUse the role iaso-prod-ci-deploy/);
    }
    const refused = Object.assign(new AggregateError([], ""), { code: "ECONNREFUSED" });
    expect(explain(refused)).to.match(/^AWS cannot be reached: ECONNREFUSED\nCheck the network/);
    expect(explain(awsError("TimeoutError"))).to.match(/^AWS cannot be reached: TimeoutError: the message\n/);
    expect(explain(awsError("VcpuLimitExceeded", 400, "more than 4"))).to.match(
      /VcpuLimitExceeded: more than 4\nFix what the message names/,
    );
    expect(explain(awsError("InternalFailure", 500))).to.match(/InternalFailure: the message\n/);
  });

  it("explains a missing region and an invalid endpoint", () => {
    expect(explain(new Error("Region is missing"))).to.match(/\nRun: export AWS_REGION=/);
    expect(explain(new TypeError("Invalid URL"))).to.match(/\nRun: unset AWS_ENDPOINT_URL/);
  });

  it("does not explain an error that has nothing to do with AWS", () => {
    for (const thrown of [new TypeError("x is not a function"), undefined, "text", null]) {
      expect(explain(thrown)).to.equal(undefined);
    }
  });

  it("omits the parts that only AWS can read", () => {
    const message = `You are not authorized. Encoded authorization failure message: ${"x".repeat(800)}`;
    expect(explain(awsError("UnauthorizedOperation", 403, message))).not.to.contain("xxx");
  });

  it("describes an error in one line", () => {
    expect(describeError(awsError("Throttling", 400))).to.equal("Throttling: the message");
    expect(describeError(new UserError("what is wrong", "the remedy"))).to.equal("what is wrong");
    expect(describeError(new Error("plain"))).to.equal("plain");
  });
});
