import { expect } from "chai";
import { EncryptionKey } from "../../components/encryptionKey";
import { PreviewDocument } from "../../graph/document";
import { isReplacing } from "../../policies/facts/replacement";
import { statementsOf } from "../../policies/iam/document";
import { judge, Requester } from "../../policies/iam/evaluate";
import { simulate } from "../../preview/simulate";
import { find, naming, previewOf } from "../support";

const KEY = "aws:kms/key:Key";
const ALIAS = "aws:kms/alias:Alias";
const ACCOUNT = "123456789012";
const roleArn = (name: string) => `arn:aws:iam::${ACCOUNT}:role/${name}`;

describe("components/encryptionKey", () => {
  let document: PreviewDocument;
  before(async () => {
    document = await simulate(() => {
      new EncryptionKey("encryption-key", { naming });
    });
  });

  const decide = (requester: Requester, action: string, context: Record<string, string> = {}) =>
    judge(
      statementsOf(find(document, KEY).inputs.policy),
      { requester, action, resource: "*", account: ACCOUNT, context },
      true,
    );
  const decisionOf = (...request: Parameters<typeof decide>) => decide(...request).decision;

  it("is renewed, waits as long as KMS can before its deletion, and stays when the stack is destroyed", () => {
    const key = find(document, KEY);
    expect(key.inputs).to.deep.include({ enableKeyRotation: true, deletionWindowInDays: 30 });
    for (const resource of [key, find(document, ALIAS)])
      expect(resource).to.include({ protect: true, retainOnDelete: true });
  });

  it("has an alias that is known before the key", async () => {
    const first = await simulate(() => new EncryptionKey("encryption-key", { naming }), {
      unknownOutputs: true,
    });
    expect(find(first, ALIAS).inputs.name).to.equal("alias/iaso-test");
    expect(find(first, KEY).inputs.policy).to.be.a("string").that.includes("AccountDelegatesToIam");
  });

  it("leaves to IAM what people and roles of the account do, and administers nothing itself", () => {
    const admin = { arn: `arn:aws:iam::${ACCOUNT}:user/admin` };
    expect(decide(admin, "kms:PutKeyPolicy")).to.deep.equal({ decision: "allow", by: "account" });
    expect(decide({ arn: roleArn("iaso-test-web") }, "kms:Decrypt").by).to.equal("account");
    expect(decisionOf({ arn: "arn:aws:iam::210987654321:user/x" }, "kms:Decrypt")).to.equal("implicit-deny");
  });

  it("encrypts every store of a stack, and neither static files nor logs of load balancers", async () => {
    const { resources } = await previewOf("prod");
    const keys = resources.filter(({ type }) => type === KEY || type === ALIAS).map(({ urn }) => urn);
    const users = resources
      .filter(({ propertyDependencies }) =>
        Object.values(propertyDependencies)
          .flat()
          .some((one) => keys.includes(one)),
      )
      .map(({ type, name }) => `${type.split("/")[1]?.split(":")[0] ?? ""} ${name}`);
    expect(users).to.have.members([
      "alias encryption-key",
      "bucketServerSideEncryptionConfiguration media",
      "instance database",
      "logGroup database-postgresql",
      "logGroup database-upgrade",
      "logGroup network-flow-logs",
      "queue tasks",
      "queue tasks-dead-letters",
      "replicationGroup enketo-cache",
      "replicationGroup enketo-main",
      "topic alarms",
    ]);
  });

  it("replaces no store that exists", async () => {
    const { resources } = await previewOf("prod");
    const stores = resources.filter(({ inputs }) => inputs.kmsKeyId !== undefined);
    const replaced = stores.filter(
      ({ type, ignoreChanges }) =>
        isReplacing(type, "kmsKeyId", {}, { kmsKeyId: "new" }) && !ignoreChanges.includes("kmsKeyId"),
    );
    expect(stores).to.have.length(6);
    expect(replaced.map(({ name }) => name)).to.deep.equal([]);
  });

  it("denies every role of GitHub its administration", () => {
    for (const name of ["iaso-test-ci-up", "iaso-test-ci-deploy", "iaso-test-ci-preview"]) {
      const arn = roleArn(name);
      for (const action of [
        "PutKeyPolicy",
        "ScheduleKeyDeletion",
        "DisableKey",
        "DisableKeyRotation",
        "UpdateAlias",
      ])
        expect(decisionOf({ arn }, `kms:${action}`, { "aws:PrincipalArn": arn }), action).to.equal("deny");
    }
  });

  it("lets RDS and ElastiCache use it for callers of this account, and give grants to themselves only", () => {
    const arn = roleArn("anybody");
    const through = { "kms:CallerAccount": ACCOUNT, "kms:ViaService": "rds.eu-central-1.amazonaws.com" };
    expect(decide({ arn }, "kms:GenerateDataKeyWithoutPlaintext", through).by).to.equal("itself");
    expect(
      decide({ arn }, "kms:CreateGrant", { ...through, "kms:GrantIsForAWSResource": "true" }).by,
    ).to.equal("itself");
    expect(decide({ arn }, "kms:CreateGrant", through).by).to.equal("account");
    const outside = { arn: "arn:aws:iam::210987654321:role/x" };
    expect(decisionOf(outside, "kms:Decrypt", { ...through, "kms:CallerAccount": "210987654321" })).to.equal(
      "implicit-deny",
    );
    const s3 = { ...through, "kms:ViaService": "s3.eu-central-1.amazonaws.com" };
    expect(decide({ arn }, "kms:Decrypt", s3).by).to.equal("account");
  });

  it("lets CloudWatch publish this environment's alarms and write its log groups, and nothing for others", () => {
    const alarm = (name: string, account = ACCOUNT) => ({
      "aws:SourceAccount": account,
      "aws:SourceArn": `arn:aws:cloudwatch:eu-central-1:${account}:alarm:${name}`,
    });
    const cloudWatch = { service: "cloudwatch.amazonaws.com" };
    expect(decisionOf(cloudWatch, "kms:GenerateDataKey", alarm("iaso-test-dead-letters"))).to.equal("allow");
    expect(decisionOf(cloudWatch, "kms:GenerateDataKey", alarm("other"))).to.equal("implicit-deny");
    expect(decisionOf(cloudWatch, "kms:GenerateDataKey", alarm("iaso-test-x", "210987654321"))).to.equal(
      "implicit-deny",
    );
    const logs = { service: "logs.eu-central-1.amazonaws.com" };
    const group = (name: string) => ({
      "kms:EncryptionContext:aws:logs:arn": `arn:aws:logs:eu-central-1:${ACCOUNT}:log-group:${name}`,
    });
    for (const name of ["/iaso/test/vpc-flow-logs", "/aws/rds/instance/iaso-test/postgresql"])
      expect(decisionOf(logs, "kms:Encrypt", group(name)), name).to.equal("allow");
    expect(decisionOf(logs, "kms:Encrypt", group("/iaso/other/vpc-flow-logs"))).to.equal("implicit-deny");
  });
});
