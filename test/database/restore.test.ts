import { COPY_REGION } from "./backupDouble";
import { expect } from "chai";
import { EXIT } from "../../database/run";
import { backups } from "../../database/commands/backups";
import { copyBack } from "../../database/commands/copyBack";
import { restoreEnketo } from "../../database/commands/restoreEnketo";
import { restoreMedia } from "../../database/commands/restoreMedia";
import { deleteReplaced } from "../../database/commands/deleteReplaced";
import { rehearse } from "../../database/commands/rehearse";
import { upgrade } from "../../database/commands/upgrade";
import { resume } from "../../database/commands/restore";
import { majorVersion } from "../../database/settings";
import { repair } from "../../deploy/commands/repair";
import { EXIT as DEPLOY_EXIT } from "../../deploy/exitCodes";
import { exitCode } from "../../deploy/output/report";
import { unusedPermissions } from "../authorization";
import { ARTIFACTS, ENV } from "../deploy/double/aws";
import { runDirect } from "../deploy/double/runs";
import {
  type Account,
  type Ended,
  createAccount,
  GOOD,
  mismatches,
  NAME,
  play,
  restoring,
  run,
} from "./runs";

async function ended(...args: Parameters<typeof run>): Promise<Ended> {
  const end = await run(...args);
  if (end === "killed") throw new Error("nothing kills this run");
  return end;
}

const changes = ({ double }: Account): string[] =>
  double.calls
    .filter(({ service }) => service === "rds" || service === "pulumi")
    .map(({ operation }) => operation)
    .filter((operation) => !operation.startsWith("Describe") && operation !== "export");

/** The name of a snapshot that AWS Backup keeps. */
/** A version whose bundle is empty. */
const VERSION = "1.2.3-e3b0c44298fc1c14";
const AWS_BACKUP = "awsbackup:job-01234567-89ab-cdef-0123-456789abcdef";

/** An account whose database was restored, and written to since. */
async function restored(backupsKeepNames: boolean) {
  const account = createAccount();
  const { double, old } = account;
  double.rds.backupsKeepNames = backupsKeepNames;
  await play(account, restoring(account, "snapshot"));
  const serving = double.rds.named(NAME)!;
  double.rds.write(serving, { iaso_orgunit: 999 });
  double.time.now += 3_600_000;
  return { account, double, old, serving };
}

describe("database restore", () => {
  for (const how of ["time", "snapshot"] as const) {
    it(`replaces the database by the state of a ${how}, with all its settings`, async () => {
      const account = createAccount();
      const {
        ends,
        mismatches: problems,
        output,
      } = await play(account, restoring(account, how), {
        route: "sdk",
      });
      expect(ends, output).to.deep.equal([EXIT.done]);
      expect(problems).to.deep.equal([]);
      expect(account.double.rds.named(NAME)).not.to.equal(account.old);
      expect(output).to.include("iaso_orgunit: 3 -> 10").and.include("The old database is not deleted.");
      expect(output).to.match(
        /also applies what waits for .* of iaso-staging: DBInstanceClass "db\.t4g\.large"/,
      );
      expect(account.old.attributes["DBInstanceClass"]).to.equal("db.t4g.large");
      expect(output).not.to.include("rotated-password");
    });
  }

  it("restores the latest restorable time", async () => {
    const account = createAccount();
    const { code, output } = await ended(
      account,
      restoring(account, "time", { to: "latest", snapshot: undefined }),
    );
    expect(code, output).to.equal(EXIT.done);
    const serving = account.double.rds.named(NAME)!;
    expect(account.double.rds.rowsOf(serving)).to.deep.equal({ iaso_orgunit: 3 });
  });

  for (const how of ["time", "snapshot"] as const) {
    it(`restores a ${how} of an instance that is gone, with the settings in Pulumi's state`, async () => {
      const account = createAccount();
      account.old.deleted = true;
      account.isGone = true;
      const played = await play(account, restoring(account, how));
      expect(played.ends, played.output).to.deep.equal([EXIT.done]);
      expect(played.mismatches).to.deep.equal([]);
      expect(played.output).to.include("Iaso works with it").and.not.include("delete-replaced");
    });
  }

  for (const backupsKeepNames of [false, true]) {
    it(`asks for the instance if several have backups of a time, ${backupsKeepNames ? "whose backups keep their first name" : "whose backups have their new name"}`, async () => {
      const { account, double, old, serving } = await restored(backupsKeepNames);
      const to = new Date(double.time.now - 600_000).toISOString();
      const listed = await ended(account, backups);
      expect(listed.output)
        .to.include(`${NAME}-replaced-1, PostgreSQL 16.9, ${old.id}`)
        .and.include(serving.id);
      const refused = await ended(account, restoring(account, "time", { to }));
      expect(refused.code, refused.output).to.equal(EXIT.refused);
      expect(refused.output).to.include(`--from ${old.id}`).and.include(`--from ${serving.id}`);
      for (const [from, rows] of [
        [serving.id, "no table differs"],
        [`${NAME}-replaced-1`, "iaso_orgunit: 999 -> 3"],
      ] as const) {
        const chosen = await ended(account, restoring(account, "time", { to, from }), {
          answers: [true, false],
        });
        expect(chosen.output).to.include(rows);
      }
      const latest = await ended(account, restoring(account, "time", { to: "latest" }), {
        answers: [true, false],
      });
      expect(latest.output).to.include(`the latest restorable time of ${NAME}`);
    });
  }

  for (const backupsKeepNames of [false, true]) {
    it(`restores the latest time of the instance that served last, if all are gone and backups ${backupsKeepNames ? "keep their first name: it asks" : "have their new name"}`, async () => {
      const { account, double, old, serving } = await restored(backupsKeepNames);
      old.deleted = account.isGone = true;
      serving.deleted = true;
      const latest = restoring(account, "time", { to: "latest" });
      if (backupsKeepNames) {
        const refused = await ended(account, latest);
        expect([refused.code, refused.output])
          .to.match(/^2,/)
          .and.match(new RegExp(`--from ${serving.id}`))
          .and.match(new RegExp(`--from ${old.id}`));
      }
      const from = backupsKeepNames ? serving.id : undefined;
      const { code, output } = await ended(account, restoring(account, "time", { to: "latest", from }));
      expect(code, output).to.equal(EXIT.done);
      expect(double.rds.rowsOf(double.rds.named(NAME)!)).to.deep.equal({ iaso_orgunit: 999 });
    });
  }

  it("changes nothing if the user does not want the plan", async () => {
    const account = createAccount();
    const { code } = await ended(account, restoring(account, "snapshot"), { answers: [false] });
    expect(code).to.equal(EXIT.abandoned);
    expect(changes(account)).to.deep.equal([]);
    expect(mismatches(account)).to.deep.equal([]);
  });

  it("deletes the restored instance if the user does not want it after the rows", async () => {
    const account = createAccount();
    const played = await play(account, restoring(account, "snapshot"), { answers: [true, false] });
    expect(played.ends).to.deep.equal([EXIT.abandoned]);
    expect(played.mismatches).to.deep.equal([]);
    expect(account.double.rds.named(NAME)).to.equal(account.old);
  });

  const refusals: [string, (account: Account) => void, RegExp][] = [
    ["an unknown snapshot", ({ double }) => (double.rds.snapshots.length = 0), /no available snapshot/],
    ["instances without shell access", ({ double }) => (double.commands.online = []), /--without-row-count/],
    [
      "a default security group with rules",
      ({ double }) => (double.defaultGroupRules = [{ IpProtocol: "-1" }]),
      /default security group/,
    ],
    [
      "a state with another instance",
      (account) => (account.state = account.state.replaceAll(account.old.id, "db-OTHER")),
      /pulumi refresh --stack staging/,
    ],
    [
      "an interrupted update",
      (account) =>
        (account.state = account.state.replace(
          '"resources"',
          '"pending_operations":[{"type":"creating"}],"resources"',
        )),
      /Interrupted update/,
    ],
  ];
  for (const [what, change, message] of refusals) {
    it(`refuses ${what} before it changes anything`, async () => {
      const account = createAccount();
      change(account);
      const { code, output } = await ended(account, restoring(account, "snapshot"));
      expect(code, output).to.equal(EXIT.refused);
      expect(output).to.match(message);
      expect(changes(account)).to.deep.equal([]);
      expect(account.double.s3.json(ARTIFACTS, `locks/${ENV}.json`)).to.deep.include({
        holder: null,
        openJournal: null,
      });
    });
  }

  it("refuses a time that no backup has, and lists the backups", async () => {
    const account = createAccount();
    const { code, output } = await ended(account, restoring(account, "time", { to: "2020-01-01T00:00:00Z" }));
    expect(code).to.equal(EXIT.refused);
    expect(output).to.match(
      /Automated backups, for --to:\n {2}2026-01-04T\S+ to 2026-01-05T\S+ {2}iaso-staging/,
    );
    const local = await ended(account, restoring(account, "time", { to: "2026-01-05T09:00:00" }));
    expect(local.output).to.include("is not a time with a time zone");
  });

  it("reports what RDS refuses, and leaves nothing", async () => {
    const account = createAccount();
    account.double.rds.instanceQuota = 1;
    const played = await play(account, restoring(account, "snapshot"));
    expect(played.ends).to.deep.equal([EXIT.abandoned]);
    expect(played.output).to.include("InstanceQuotaExceeded");
    expect(played.mismatches).to.deep.equal([]);
  });

  it("restores a snapshot of another major version with RDS's parameters, and says what comes next", async () => {
    const account = createAccount();
    account.double.rds.snapshots[0]!.version = "15.4";
    const { code, output } = await ended(account, restoring(account, "snapshot"));
    expect(code, output).to.equal(EXIT.done);
    expect(account.double.rds.named(NAME)!.parameterGroup.name).to.equal("default.postgres15");
    expect(output).to.include("pulumi config set iaso:databaseMajorVersion 15 --stack staging");
  });

  it("lists the snapshots of AWS Backup too, and restores one", async () => {
    const account = createAccount();
    account.double.rds.snapshots[0]!.id = AWS_BACKUP;
    const { output } = await ended(account, backups);
    expect(output).to.include(`  ${AWS_BACKUP}  `);
    const played = await play(account, restoring(account, "snapshot", { snapshot: AWS_BACKUP }));
    expect(played.ends, played.output).to.deep.equal([EXIT.done]);
    expect(played.mismatches).to.deep.equal([]);
  });

  it("shows the migrations that the backup lacks, and does not say that Iaso works with it", async () => {
    const account = createAccount();
    const { double, old } = account;
    double.rds.write(old, { iaso_orgunit: 3, django_migrations: 13 });
    const declined = await ended(account, restoring(account, "snapshot"), { answers: [true, false] });
    expect(declined.output).to.match(
      /older than 12 migrations: iaso\.0002_change, .*0011_change and 2 more\. The running version/,
    );
    const { code, output } = await ended(account, restoring(account, "snapshot"));
    expect(code, output).to.equal(EXIT.unhealthy);
    expect(output)
      .to.include("older than 12 migrations")
      .and.include("npm run deploy -- rollback staging --to <version>")
      .and.include("npm run deploy -- redeploy staging")
      .and.not.include("restored database, and Iaso works");
    expect(mismatches(account)).to.deep.equal([]);
  });

  for (const [what, lose] of [
    ["refuses connections", ({ old }: Account) => (old.status = "failed")],
    ["is gone", (account: Account) => (account.old.deleted = account.isGone = true)],
  ] as const) {
    it(`shows the migrations that the backup lacks if the old database ${what}`, async () => {
      const account = createAccount();
      account.double.commands.versionMigrations = 3;
      lose(account);
      account.isBeyondRepair = true;
      const played = await play(account, restoring(account, "snapshot"));
      expect([played.ends.at(-1), played.mismatches], played.output).to.deep.equal([EXIT.unhealthy, []]);
      expect(played.output)
        .to.match(
          /older than 2 migrations: iaso\.0002_change, iaso\.0003_change\. .*npm run deploy -- redeploy/s,
        )
        .and.not.include("restored database, and Iaso works");
      expect(played.output.split("List the migrations of  failed")).to.have.lengthOf(1);
    });
  }

  it("says that the backup has migrations which the database lacks", async () => {
    const account = createAccount();
    account.double.rds.snapshots[0]!.rows = { ...GOOD, django_migrations: 2 };
    const { code, output } = await ended(account, restoring(account, "snapshot"));
    expect(code).to.equal(EXIT.unhealthy);
    expect(output).to.include("The backup has 1 more migrations: iaso.0002_change");
  });

  it("restores without a count of the rows if the user says so, and does not say that Iaso works with it", async () => {
    const account = createAccount();
    account.double.commands.online = [];
    const played = await play(account, restoring(account, "snapshot", { withoutRowCount: true }));
    expect([played.ends, played.mismatches], played.output).to.deep.equal([[EXIT.unhealthy], []]);
    expect(played.output.match(/migrations of the backup are unknown/g)).to.have.lengthOf(2);
    expect(played.output)
      .to.include("npm run deploy -- redeploy staging")
      .and.not.match(/Rows, now -> restored|restored database, and Iaso works/);
  });

  it("reports an Iaso that does not work with the restored database, and keeps the old one", async () => {
    const account = createAccount();
    const { double, old } = account;
    const answer = double.answerHealth.bind(double);
    double.answerHealth = () =>
      double.rds.named(NAME) === old ? answer() : { ...answer(), body: '{"up":true,"error":"db_fail"}' };
    const { code, output } = await ended(account, restoring(account, "snapshot"));
    expect(code).to.equal(EXIT.unhealthy);
    expect(output).to.include("db_fail").and.include("npm run deploy -- rollback staging");
    const deletion = await ended(account, (session) => deleteReplaced(session, { withoutRowCount: false }));
    expect(deletion.code).to.equal(EXIT.refused);
    expect(old.deleted).to.equal(false);
  });

  it("refuses deployments and other restores until it is complete", async () => {
    const account = createAccount();
    const { double } = account;
    double.faultOn = (operation, before) =>
      operation === "ModifyDBInstance" && before === 1 ? "killAfter" : undefined;
    expect(await run(account, restoring(account, "snapshot"))).to.equal("killed");
    double.addPair();
    const role = double.role;
    double.role = Object.assign(Object.create(role) as typeof role, { missing: () => [] });
    const report = await runDirect(double, (session) => repair(session), {}, "shortcut");
    if (report === "killed") throw new Error("nothing kills this run");
    expect(exitCode(report), report.summary).to.equal(DEPLOY_EXIT.refused);
    expect(report.remedy).to.equal("npm run database -- resume staging");
    expect((await ended(account, restoring(account, "snapshot"))).output).to.include(
      "npm run database -- resume staging",
    );
    // An error before the record is read does not make the tool forget the restore.
    const reads = double.calls.filter((call) => call.operation === "GetObject").length;
    double.faultOn = (operation, before) =>
      operation === "GetObject" && before === reads + 1 ? "error" : undefined;
    expect((await ended(account, resume)).code).to.equal(EXIT.failed);
    expect((await ended(account, resume)).code).to.equal(EXIT.done);
    expect(mismatches(account)).to.deep.equal([]);
  });

  it("resumes no record that names other databases than its run has", async () => {
    const account = createAccount();
    const { double } = account;
    double.faultOn = (operation, before) =>
      operation === "ModifyDBInstance" && before === 1 ? "killAfter" : undefined;
    expect(await run(account, restoring(account, "snapshot"))).to.equal("killed");
    double.faultOn = () => undefined;
    const key = `restores/${ENV}/00000001.json`;
    const record = double.s3.json(ARTIFACTS, key);
    double.s3.write(ARTIFACTS, key, JSON.stringify({ ...record, phase: "abandoned", restored: NAME }));
    const { code, output } = await ended(account, resume);
    expect(code).to.equal(EXIT.refused);
    expect(output).to.include("names other databases than this run has").and.include("CloudTrail");
    expect(account.old.deleted).to.equal(false);
  });

  it("offers no backups of copies, which may have any earlier state", async () => {
    const account = createAccount();
    const { double } = account;
    double.rds.addInstance(`${NAME}-rehearsal-1`);
    double.rds.addInstance(`${NAME}-restored-2`);
    double.time.now += 3_600_000;
    const { output } = await ended(account, backups);
    expect(output)
      .to.include(`${NAME}, PostgreSQL`)
      .and.not.match(/rehearsal|restored/);
  });

  it("asks again before a swap that did not begin: the lock may point to an old record", async () => {
    const account = createAccount();
    const { double, old } = account;
    // The first change is the password of the new instance.
    double.faultOn = (operation, before) =>
      operation === "ModifyDBInstance" && before === 1 ? "killBefore" : undefined;
    expect(await run(account, restoring(account, "snapshot"))).to.equal("killed");
    double.faultOn = () => undefined;
    const before = changes(account).length;
    const refused = await run(account, resume, { answers: [false] });
    if (refused === "killed") throw new Error("nothing kills this run");
    expect(refused.code).to.equal(EXIT.unfinished);
    expect(refused.output).to.include("is unchanged").and.include("CloudTrail");
    expect([changes(account).length, old.name]).to.deep.equal([before, NAME]);
    expect((await ended(account, resume)).code).to.equal(EXIT.done);
    expect(mismatches(account)).to.deep.equal([]);
  });

  it("renames no instance but those of its run, whatever ids a record names", async () => {
    for (const key of ["oldId", "newId"]) {
      const account = createAccount();
      const { double } = account;
      const other = double.rds.addInstance("iaso-prod");
      double.faultOn = (operation, before) =>
        operation === "ModifyDBInstance" && before === 1 ? "killBefore" : undefined;
      expect(await run(account, restoring(account, "snapshot"))).to.equal("killed");
      double.faultOn = () => undefined;
      const file = `restores/${ENV}/00000001.json`;
      const record = double.s3.json(ARTIFACTS, file);
      double.s3.write(ARTIFACTS, file, JSON.stringify({ ...record, [key]: other.id }));
      const before = changes(account).length;
      const { code, output } = await ended(account, resume);
      expect([code, output], key).to.match(/of the restore is iaso-prod, and not iaso-staging/);
      expect([changes(account).length, other.name], key).to.deep.equal([before, "iaso-prod"]);
    }
  });

  // The role with which CI deploys writes the lock and the journal of deployments, and no records of restores.
  for (const phase of ["abandoned", "restoring", "swapping"]) {
    it(`does not act as a record says that a deployment could have forged, in phase ${phase}`, async () => {
      const account = createAccount();
      const { double, old } = account;
      const write = (key: string, body: object) => {
        double.s3.write(ARTIFACTS, key, JSON.stringify(body));
      };
      const forged = {
        number: 7,
        env: ENV,
        command: "restore",
        by: "alice",
        phase,
        startedAt: "",
        history: [],
      };
      const plan = { restored: NAME, replaced: "x", name: NAME, oldId: old.id, newId: old.id };
      write(`journal/${ENV}/00000007.json`, { ...forged, ...plan, withoutRowCount: true, settings: {} });
      write(`locks/${ENV}.json`, {
        env: ENV,
        token: 7,
        holder: null,
        expiresAt: null,
        openJournal: 7,
        version: null,
        previous: null,
      });
      const { code, output } = await ended(account, resume);
      expect(code).to.equal(EXIT.refused);
      expect(output).to.include("npm run deploy -- repair staging");
      expect(changes(account)).to.deep.equal([]);
      expect(old.deleted).to.equal(false);
    });
  }

  it("resumes nothing if nothing is unfinished", async () => {
    const { code, output } = await ended(createAccount(), resume);
    expect(code).to.equal(EXIT.done);
    expect(output).to.include("No run on the database of staging is unfinished.");
  });
});

describe("database delete-replaced", () => {
  it("deletes the old database with a last snapshot, after the rows are shown", async () => {
    const account = createAccount();
    await play(account, restoring(account, "snapshot"));
    const deletion = (session: Parameters<typeof deleteReplaced>[0]) =>
      deleteReplaced(session, { withoutRowCount: false });
    const declined = await ended(account, deletion, { answers: [false] });
    expect(declined.code).to.equal(EXIT.abandoned);
    expect(account.old.deleted).to.equal(false);
    const { code, output } = await ended(account, deletion);
    expect(code, output).to.equal(EXIT.done);
    expect(output).to.include("iaso_orgunit: 10");
    account.double.time.now += 3_600_000;
    expect(account.double.rds.existing().map(({ name }) => name)).to.deep.equal([NAME]);
    expect(account.double.rds.snapshots.map(({ id }) => id)).to.include("iaso-staging-replaced-1-final");
    // The automated backups of the old instance stay, for restores.
    const list = await ended(account, backups);
    expect(list.output).to.match(/iaso-staging-replaced-1, PostgreSQL 16.9/);
  });
});

describe("database delete-replaced of an instance that RDS cannot use", () => {
  const replaced = async (): Promise<Account> => {
    const account = createAccount();
    await play(account, restoring(account, "snapshot"));
    account.old.status = "failed";
    return account;
  };
  const deletion = (session: Parameters<typeof deleteReplaced>[0]) =>
    deleteReplaced(session, { withoutRowCount: false });

  it("deletes it without a snapshot, and keeps its automated backups", async () => {
    const account = await replaced();
    account.old.attributes["DeletionProtection"] = false;
    const { code, output } = await ended(account, deletion);
    expect(code, output).to.equal(EXIT.done);
    expect(output).to.include("which is failed, without a last snapshot");
    account.double.time.now += 3_600_000;
    expect(account.double.rds.existing().map(({ name }) => name)).to.deep.equal([NAME]);
    const list = await ended(account, backups);
    expect(list.output).to.include(account.old.id);
  });

  it("takes a last snapshot of one whose storage is full, or names its repair if RDS does not change it", async () => {
    for (const changesFull of [true, false]) {
      const account = await replaced();
      const { double, old } = account;
      old.status = "storage-full";
      double.rds.changesFull = changesFull;
      const { code, output } = await ended(account, deletion);
      expect(code, output).to.equal(changesFull ? EXIT.done : EXIT.unfinished);
      expect(output).not.to.include("without a last snapshot");
      if (!changesFull) {
        expect(output).to.include("To repair it: aws rds modify-db-instance");
        old.status = "available";
        expect((await ended(account, deletion)).code).to.equal(EXIT.done);
      }
      double.time.now += 3_600_000;
      expect(double.rds.snapshots.map(({ id }) => id)).to.include("iaso-staging-replaced-1-final");
      expect(old.deleted).to.equal(true);
    }
  });

  it("names the commands at once if RDS does not remove its protection", async () => {
    const account = await replaced();
    const before = account.double.time.now;
    const { code, output } = await ended(account, deletion);
    expect(code).to.equal(EXIT.unfinished);
    expect(output).to.include("--no-deletion-protection").and.include("database -- delete-replaced staging");
    expect(account.double.time.now - before).to.be.lessThan(600_000);
  });
});

describe("Pulumi's state", () => {
  for (const [what, change, message] of [
    [
      "an update has begun",
      (state: string) =>
        state.replace('"resources"', '"pending_operations":[{"type":"creating"}],"resources"'),
      /Interrupted update/,
    ],
    [
      "somebody has changed it",
      (state: string) => state.replace("media", "other-media"),
      /changed meanwhile/,
    ],
  ] as const) {
    it(`is not overwritten if ${what} since it was read`, async () => {
      const account = createAccount();
      const before = account.state;
      account.double.faultOn = (operation, count) => {
        // The first export is that of the plan.
        if (operation === "export" && count === (what === "an update has begun" ? 1 : 2)) {
          account.state = change(account.state);
        }
        return undefined;
      };
      const { code, output } = await ended(account, restoring(account, "snapshot"));
      expect([code, output]).to.match(message).and.match(/^6,/);
      expect(account.state).to.equal(change(before));
      account.double.faultOn = () => undefined;
      if (what === "an update has begun") account.state = before;
      expect((await ended(account, resume)).code).to.equal(EXIT.done);
      expect(mismatches(account)).to.deep.equal([]);
    });
  }
});

describe("the permissions of an operator", () => {
  it("are enough for every command, and are all needed", async () => {
    const account = createAccount();
    // After a run that died before its record, the next one looks whether it was a deployment.
    account.double.faultOn = (operation) => (operation === "DescribeDBInstances" ? "killAfter" : undefined);
    await run(account, restoring(account, "time"));
    account.double.faultOn = () => undefined;
    account.double.time.now += 3_600_000;
    // The user sees the rows, and does not want the restored instance.
    await ended(account, restoring(account, "time"), { answers: [true, false] });
    account.double.time.now += 3_600_000;
    await play(account, restoring(account, "time"));
    account.double.time.now += 3_600_000;
    await play(account, restoring(account, "snapshot"));
    account.double.time.now += 3_600_000;
    const [first] = account.double.rds.snapshots;
    account.double.rds.snapshots.push({ ...first!, id: AWS_BACKUP });
    await play(account, restoring(account, "snapshot", { snapshot: AWS_BACKUP }));
    await ended(account, (session) => deleteReplaced(session, { withoutRowCount: false }));
    await ended(account, backups);
    account.double.s3.write(ARTIFACTS, `bundles/${VERSION}.zip`, "");
    await ended(account, (session) => rehearse(session, { withoutRowCount: false, migrate: VERSION }));
    account.double.time.now += 3_600_000;
    await ended(account, (session) => upgrade(session, { to: "17", withoutRowCount: false }));
    account.backup.addPoint({ type: "S3", region: COPY_REGION });
    account.backup.addPoint({ type: "RDS", region: COPY_REGION });
    await ended(account, (session) => copyBack(session, { from: COPY_REGION }));
    // A run that is repeated reads what the job restores that the first one started.
    account.double.faultOn = (operation) => (operation === "DescribeRestoreJob" ? "killAfter" : undefined);
    await run(account, (session) => restoreMedia(session, {}));
    account.double.faultOn = () => undefined;
    await ended(account, (session) => restoreMedia(session, {}));
    for (const snapshot of ["automatic.iaso-staging-enketo-main-2026", "iaso-staging-enketo-before-2026"]) {
      account.redis.addSnapshot(snapshot, snapshot.startsWith("automatic."));
      await ended(account, (session) => rehearse(session, { withoutRowCount: true, enketo: true }));
    }
    await ended(account, (session) =>
      restoreEnketo(session, { snapshot: "automatic.iaso-staging-enketo-main-2026" }),
    );
    // A restart is needed only if parameters wait for it.
    expect(unusedPermissions(account.double.role)).to.deep.equal(["RestoreAndReplace: rds:RebootDBInstance"]);
  });
});

describe("database/settings", () => {
  it("reads the major version", () => {
    expect(["16.9", "17", undefined].map(majorVersion)).to.deep.equal(["16", "17", ""]);
  });
});
