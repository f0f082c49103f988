import { expect } from "chai";
import { Backup, BackupArgs } from "../../components/backup";
import { PreviewDocument } from "../../graph/document";
import { simulate } from "../../preview/simulate";
import { at, find, naming, resourcesOf, statementsOf } from "../support";

const VAULT = "aws:backup/vault:Vault";
const LOCK = "aws:backup/vaultLockConfiguration:VaultLockConfiguration";
const PLAN = "aws:backup/plan:Plan";
const SELECTION = "aws:backup/selection:Selection";

const preview = (args: Partial<BackupArgs> = {}): Promise<PreviewDocument> =>
  simulate(() => {
    new Backup("backup", {
      naming,
      days: 90,
      lock: "governance",
      copyRegion: "eu-west-3",
      databaseIdentifier: "iaso-test",
      encrypted: false,
      requirements: [],
      ...args,
    });
  });

const ruleOf = (document: PreviewDocument) => at(find(document, PLAN).inputs.rules, 0);

describe("components/backup", () => {
  let document: PreviewDocument;
  before(async () => {
    document = await preview();
  });

  it("backs up the database and media every day, outside RDS's own windows", () => {
    expect(find(document, SELECTION).inputs.resources).to.deep.equal([
      "arn:aws:rds:eu-central-1:123456789012:db:iaso-test",
      "arn:aws:s3:::example-iaso-test-media",
    ]);
    expect(at(ruleOf(document), "schedule")).to.equal("cron(0 5 * * ? *)");
    expect(at(ruleOf(document), "enableContinuousBackup")).to.equal(undefined);
  });

  it("keeps backups and copies for the same number of days", () => {
    expect(at(ruleOf(document), "lifecycle")).to.deep.equal({ deleteAfter: 90 });
    expect(at(ruleOf(document), "copyActions")).to.deep.equal([
      {
        destinationVaultArn: "arn:aws:backup:eu-west-3:123456789012:backup-vault:iaso-test-copy",
        lifecycle: { deleteAfter: 90 },
      },
    ]);
    const copy = find(document, VAULT, "backup-copy");
    expect(copy.inputs.region).to.equal("eu-west-3");
    expect(copy.outputs.arn).to.equal(at(ruleOf(document), "copyActions", 0, "destinationVaultArn"));
  });

  it("has one vault and no copies without a second region", async () => {
    const alone = await preview({ copyRegion: undefined });
    expect(resourcesOf(alone, VAULT).map(({ name }) => name)).to.deep.equal(["backup"]);
    expect(at(ruleOf(alone), "copyActions")).to.deep.equal([]);
    expect(JSON.stringify(alone)).not.to.include("eu-west-3");
  });

  it("locks both vaults, in compliance mode after AWS's three days", async () => {
    const days = async (lock: BackupArgs["lock"]) =>
      resourcesOf(await preview({ lock }), LOCK).map(({ inputs }) => [
        inputs.minRetentionDays,
        inputs.maxRetentionDays,
        inputs.changeableForDays,
      ]);
    expect(await days("governance")).to.deep.equal([
      [7, 3650, undefined],
      [7, 3650, undefined],
    ]);
    expect(await days("compliance")).to.deep.equal([
      [7, 3650, 3],
      [7, 3650, 3],
    ]);
  });

  it("keeps vaults and locks when they leave the program", () => {
    const kept = [...resourcesOf(document, VAULT), ...resourcesOf(document, LOCK)];
    expect(kept).to.have.length(4);
    for (const { protect, retainOnDelete, urn } of kept)
      expect({ protect, retainOnDelete }, urn).to.deep.equal({ protect: true, retainOnDelete: true });
  });

  it("has a role for AWS Backup's work in this account, under a boundary of its own, that deletes no backup", () => {
    const role = find(document, "aws:iam/role:Role");
    const trust = statementsOf(role.inputs.assumeRolePolicy).AssumeRole;
    expect(trust).to.deep.include({
      Principal: { Service: "backup.amazonaws.com" },
      Condition: { StringEquals: { "aws:SourceAccount": "123456789012" } },
    });
    const boundary = find(document, "aws:iam/policy:Policy");
    expect(role.inputs.permissionsBoundary).to.equal(boundary.outputs.arn);
    const { policy } = find(document, "aws:iam/rolePolicy:RolePolicy").inputs;
    expect(policy).to.equal(boundary.inputs.policy);
    expect(policy).not.to.match(/DeleteDBSnapshot|DeleteRecoveryPoint|VaultLock|"\w+:\*"/);
  });
});
