import { expect } from "chai";
import { Account, Properties } from "./account";
import { requireLogKey, requirePrincipals } from "./keys";

const ARN = "arn:aws:kms:eu-central-1:123456789012:key/0123";
const LOGS = {
  Effect: "Allow",
  Principal: { Service: "logs.eu-central-1.amazonaws.com" },
  Action: ["kms:Decrypt*", "kms:Encrypt*", "kms:GenerateDataKey*"],
  Resource: "*",
  Condition: {
    ArnLike: {
      "kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:eu-central-1:123456789012:log-group:/iaso/test/*",
    },
  },
};

/** An account in memory with one key. */
function accountWith(statements: object[], ...roles: string[]): Account {
  const account = new Account("/dev/null/none");
  account.save = () => undefined;
  const policy = JSON.stringify({ Version: "2012-10-17", Statement: statements });
  account.put({ type: "aws:kms/key:Key", id: "0123", inputs: { policy }, state: { arn: ARN } });
  for (const id of roles) account.put({ type: "aws:iam/role:Role", id, inputs: {}, state: {} });
  return account;
}

const refusal = (judge: () => void): string => {
  try {
    judge();
    return "";
  } catch (error) {
    return (error as Error).message;
  }
};

describe("test/engine/provider/keys", () => {
  const group = (statement: object, inputs: Properties = {}) =>
    refusal(() => {
      requireLogKey(accountWith([statement]), { name: "/iaso/test/vpc-flow-logs", kmsKeyId: ARN, ...inputs });
    });

  it("refuses a log group whose key does not exist, or does not let CloudWatch Logs encrypt this group", () => {
    expect(group(LOGS)).to.equal("");
    expect(group({}, { kmsKeyId: undefined })).to.equal("");
    const says =
      "InvalidParameterException: The specified KMS key does not exist or is not allowed to be used";
    expect(group(LOGS, { kmsKeyId: `${ARN}4` })).to.include(says);
    expect(group(LOGS, { name: "/iaso/other/vpc-flow-logs" })).to.include(says);
    expect(group({ ...LOGS, Action: "kms:Decrypt" })).to.include(says);
    expect(group({ ...LOGS, Principal: { Service: "logs.amazonaws.com" } })).to.include(says);
    expect(group({ ...LOGS, Effect: "Deny" })).to.include(says);
  });

  it("refuses a key policy with a role that does not exist as principal, not as condition", () => {
    const arn = "arn:aws:iam::123456789012:role/iaso-test-web";
    const policy = (statement: object) => ({ policy: JSON.stringify({ Statement: [statement] }) });
    const key = (statement: object, ...roles: string[]) =>
      refusal(() => {
        requirePrincipals(accountWith([LOGS], ...roles), policy(statement));
      });
    expect(key({ ...LOGS, Principal: { AWS: [arn] } })).to.include("MalformedPolicyDocumentException");
    expect(key({ ...LOGS, Principal: { AWS: arn } }, "iaso-test-web")).to.equal("");
    expect(key({ ...LOGS, Condition: { ArnEquals: { "aws:PrincipalArn": arn } } })).to.equal("");
  });
});
