import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { createResource } from "../../../simulated-aws";
import { Account, Properties } from "./account";
import { beforeCreate, beforeUpdate } from "./rules";

const VAULT = "aws:backup/vault:Vault";
const LOCK = "aws:backup/vaultLockConfiguration:VaultLockConfiguration";
const PLAN = "aws:backup/plan:Plan";
const SELECTION = "aws:backup/selection:Selection";
const COPY = "arn:aws:backup:eu-west-3:123456789012:backup-vault:copy";
const ROLE = "arn:aws:iam::123456789012:role/backup";

describe("test/engine/provider/backup, AWS Backup refuses", () => {
  const folder = mkdtempSync(join(tmpdir(), "iaso-backup-"));
  let account: Account;
  let accounts = 0;

  beforeEach(() => {
    accounts += 1;
    account = new Account(join(folder, `${accounts}.json`));
    put(VAULT, "own", { name: "own" }, { name: "own", arn: COPY.replace("eu-west-3", "eu-central-1") });
    put(VAULT, "copy", { name: "copy", region: "eu-west-3" }, { name: "copy", arn: COPY });
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  function put(type: string, id: string, inputs: Properties, state: Properties = {}): void {
    account.put({ type, id, inputs, state });
  }
  const plan = (days: number | undefined, copied?: number, arn = COPY): Properties => ({
    rules: [
      {
        targetVaultName: "own",
        lifecycle: { deleteAfter: days },
        copyActions:
          copied === undefined ? [] : [{ destinationVaultArn: arn, lifecycle: { deleteAfter: copied } }],
      },
    ],
  });
  const creating = (type: string, inputs: Properties) => () => {
    beforeCreate(account, type, "new", inputs);
  };

  it("a plan whose days a lock does not allow, also at a change of the plan", () => {
    put(LOCK, "own", { backupVaultName: "own", minRetentionDays: 7, maxRetentionDays: 3650 });
    put(LOCK, "copy", { backupVaultName: "copy", minRetentionDays: 30 });
    expect(creating(PLAN, plan(7))).not.to.throw();
    expect(creating(PLAN, plan(6))).to.throw("own keeps backups from 7 to 3650 days, not 6");
    expect(creating(PLAN, plan(3651))).to.throw("not 3651");
    expect(creating(PLAN, plan(undefined))).to.throw("not undefined");
    expect(creating(PLAN, plan(7, 30))).not.to.throw();
    expect(creating(PLAN, plan(7, 29))).to.throw("copy keeps backups");
    expect(() => {
      beforeUpdate(account, PLAN, plan(7), plan(6));
    }).to.throw("InvalidParameterValueException");
  });

  it("a plan with a vault that does not exist", () => {
    expect(creating(PLAN, plan(7, 7, COPY.replace("eu-west-3", "eu-west-1")))).to.throw("does not exist");
    expect(creating(PLAN, { rules: [{ targetVaultName: "other" }] })).to.throw("other does not exist");
  });

  it("a bucket without versions, or with a policy that denies the role", () => {
    put("aws:backup/plan:Plan", "plan", {});
    const selection = { planId: "plan", iamRoleArn: ROLE, resources: ["arn:aws:s3:::media"] };
    expect(creating(SELECTION, selection)).to.throw("does not exist");
    put("aws:iam/role:Role", "backup", {}, { arn: ROLE });
    const versioning = "aws:s3/bucketVersioning:BucketVersioning";
    expect(creating(SELECTION, selection)).to.throw("versioning of media is not enabled");
    put(versioning, "media", { versioningConfiguration: { status: "Suspended" } });
    expect(creating(SELECTION, selection)).to.throw("versioning of media is not enabled");
    put(versioning, "media", { versioningConfiguration: { status: "Enabled" } });
    expect(creating(SELECTION, selection)).not.to.throw();
    const excluding = (arns: string[]) =>
      JSON.stringify({
        Statement: [{ Effect: "Deny", Condition: { ArnNotEquals: { "aws:PrincipalArn": arns } } }],
      });
    put("aws:s3/bucketPolicy:BucketPolicy", "media", { policy: excluding(["arn:aws:iam::1:role/web"]) });
    expect(creating(SELECTION, selection)).to.throw(`AccessDenied: the policy of media denies ${ROLE}`);
    put("aws:s3/bucketPolicy:BucketPolicy", "media", { policy: excluding([ROLE]) });
    expect(creating(SELECTION, selection)).not.to.throw();
  });

  it("a copy into the same vault, and a lock with less than three days of grace or impossible retention", () => {
    const simulate = (type: string, inputs: object) => () =>
      createResource(type, {
        name: "a",
        inputs: inputs as never,
        accountId: "123456789012",
        region: "eu-central-1",
      });
    const arn = "arn:aws:backup:eu-central-1:123456789012:backup-vault:own";
    expect(simulate(PLAN, plan(7, 7, arn))).to.throw("InvalidParameterValueException");
    expect(simulate(PLAN, plan(7, 7))).not.to.throw();
    for (const wrong of [
      { changeableForDays: 2 },
      { minRetentionDays: 0 },
      { maxRetentionDays: 40_000 },
      { minRetentionDays: 9, maxRetentionDays: 8 },
    ])
      expect(simulate(LOCK, { backupVaultName: "own", ...wrong })).to.throw("InvalidParameterValueException");
    expect(
      simulate(LOCK, { backupVaultName: "own", minRetentionDays: 7, changeableForDays: 3 }),
    ).not.to.throw();
  });
});
