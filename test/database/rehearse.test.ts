import { createHash } from "node:crypto";
import { expect } from "chai";
import { deleteReplaced } from "../../database/commands/deleteReplaced";
import { deleteRehearsals, rehearse } from "../../database/commands/rehearse";
import { resume } from "../../database/commands/restore";
import { drillPrefix, parseDrillKey } from "../../components/common/drillKey";
import { type Drill } from "../../database/drill";
import { EXIT } from "../../database/run";
import { type Session } from "../../database/session";
import { roleOf, unusedPermissions } from "../authorization";
import { previewOf } from "../support";
import { ARTIFACTS, ENV, FAULT_KINDS } from "../deploy/double/aws";
import { DEFAULT_GROUP } from "../deploy/double/rds";
import { type Account, createAccount, type Ended, mismatches, NAME, play, restoring, run } from "./runs";

const rehearsing =
  (withoutRowCount = false) =>
  (session: Session) =>
    rehearse(session, { withoutRowCount });

/** Puts the bundle of a version into the artifacts bucket. Returns its label. */
function addVersion({ double }: Account, version: string, content = version): string {
  const digest = createHash("sha256").update(content).digest("hex");
  const label = `${version}-${digest.slice(0, 16)}`;
  double.s3.write(ARTIFACTS, `bundles/${label}.zip`, content);
  return label;
}

const migrating = (migrate: string, to?: string) => (session: Session) =>
  rehearse(session, { withoutRowCount: false, migrate, ...(to !== undefined && { to }) });

/** The only result of a rehearsal, and whether its key says that it succeeded. */
function drillOf({ double }: Account): Drill & { succeeded?: boolean } {
  const [found, ...more] = double.s3.contents(ARTIFACTS, drillPrefix(ENV));
  if (found === undefined || more.length > 0) throw new Error("there is not one result");
  const key = found.Key;
  const drill = double.s3.json(ARTIFACTS, key) as unknown as Drill;
  return { ...drill, succeeded: parseDrillKey(key)?.succeeded };
}

/** Rehearses, and resumes after a death or an unfinished end. */
async function playDrill(
  account: Account,
  command: (session: Session) => Promise<Awaited<ReturnType<typeof rehearse>>> = rehearsing(),
): Promise<(Ended | "killed")[]> {
  const ends = [await run(account, command)];
  const isOver = (end: Ended | "killed" | undefined) =>
    end !== "killed" && end !== undefined && end.code !== EXIT.unfinished;
  while (!isOver(ends.at(-1)) && ends.length < 8) ends.push(await run(account, resume));
  return ends;
}

function steady(): Account {
  const account = createAccount();
  Object.assign(account.double.rds, { startDelay: () => 20_000, duration: () => 40_000, backupChance: 0 });
  return account;
}

describe("database rehearse", () => {
  it("restores the latest state into a copy, counts, measures and deletes it", async () => {
    const account = createAccount();
    const [end] = await playDrill(account);
    if (end === "killed" || end === undefined) throw new Error("nothing kills this run");
    expect(end.code, end.output).to.equal(EXIT.done);
    expect(end.output).to.match(/The backup can be restored: \d+ min/);
    const drill = drillOf(account);
    expect(drill.rows).to.deep.equal({ copy: 3, database: 3 });
    expect(drill.steps["restore"]).to.be.greaterThan(300);
    expect(drill).to.include({ succeeded: true }).and.not.have.property("problem");
    expect(mismatches(account)).to.deep.equal([]);
  });

  it("migrates the copy with a given version, checks it again, and never reaches the database", async () => {
    const account = createAccount();
    const label = addVersion(account, "1.2.3");
    const before = account.double.rds.rowsOf(account.old);
    const [end] = await playDrill(account, migrating("1.2.3"));
    if (end === "killed" || end === undefined) throw new Error("nothing kills this run");
    expect(end.code, end.output).to.equal(EXIT.done);
    expect(end.output).to.include(`3. Migrate the copy with ${label} on the instance i-0000000000000web`);
    expect(end.output).to.match(/until the copy was restored and migrated\./);
    const drill = drillOf(account);
    expect(drill.migrated).to.deep.equal({ version: label, migrations: 1 });
    expect(drill.rows).to.deep.equal({ copy: 3, database: 3, migrated: 3 });
    expect(drill.steps).to.include({ "install the version": 95, migrate: 130 });
    expect(account.double.commands.migrated).to.deep.equal([
      account.double.rds.address(`${NAME}-rehearsal-1`),
    ]);
    expect(account.double.rds.rowsOf(account.old)).to.equal(before);
    expect(mismatches(account)).to.deep.equal([]);
  });

  it("deletes the copy of a killed rehearsal by a command that touches no restore", async () => {
    const account = steady();
    const { double } = account;
    double.faultOn = (operation, before) =>
      operation === "RestoreDBInstanceToPointInTime" && before === 0 ? "killAfter" : undefined;
    expect(await run(account, (session) => rehearse(session, { withoutRowCount: true }))).to.equal("killed");
    double.faultOn = () => undefined;
    const end = await run(account, deleteRehearsals);
    expect(end).to.deep.include({ code: EXIT.done });
    expect(double.rds.existing().map(({ name }) => name)).to.deep.equal([NAME]);
    double.faultOn = (operation, before) =>
      operation === "ModifyDBInstance" && before === 0 ? "killBefore" : undefined;
    expect(await run(account, restoring(account, "snapshot"))).to.equal("killed");
    double.faultOn = () => undefined;
    expect(await run(account, deleteRehearsals)).to.deep.include({ code: EXIT.refused });
    expect(double.rds.existing()).to.have.lengthOf(2);
  });

  it("deletes a copy that RDS cannot use", async () => {
    const account = steady();
    const { double } = account;
    double.faultOn = (operation, before) => {
      const copy = double.rds.named(`${NAME}-rehearsal-1`);
      if (operation === "ModifyDBInstance" && before === 0 && copy !== undefined)
        copy.status = "incompatible-parameters";
      return undefined;
    };
    const [end] = await playDrill(account);
    if (end === "killed" || end === undefined) throw new Error("nothing kills this run");
    expect(end.output).to.include("is incompatible-parameters.");
    expect(end.code).to.equal(EXIT.failedDrill);
    expect(mismatches(account)).to.deep.equal([]);
  });

  it("migrates the state of an earlier time", async () => {
    const account = createAccount();
    const label = addVersion(account, "1.2.3");
    const [end] = await playDrill(account, migrating(label, account.goodTime));
    if (end === "killed" || end === undefined) throw new Error("nothing kills this run");
    expect(end.code, end.output).to.equal(EXIT.done);
    expect(drillOf(account).rows).to.deep.equal({ copy: 14, database: 3, migrated: 14 });
  });

  it("refuses an unknown version, one with two builds, and one without an instance that could migrate", async () => {
    const account = createAccount();
    addVersion(account, "1.2.3");
    addVersion(account, "1.2.4", "one");
    addVersion(account, "1.2.4", "two");
    const refusal = async (command: ReturnType<typeof migrating>): Promise<string> => {
      const end = await run(account, command);
      if (end === "killed") throw new Error("nothing kills this run");
      expect(end.code).to.equal(EXIT.refused);
      return end.output;
    };
    expect(await refusal(migrating("1.2"))).to.include("has no bundle of a version 1.2.");
    expect(await refusal(migrating("1.2.4"))).to.include("There are 2 builds of 1.2.4: ");
    const without = (session: Session) => rehearse(session, { withoutRowCount: true, migrate: "1.2.3" });
    expect(await refusal(without)).to.include("Only an instance of Iaso reaches the copy");
    expect(mismatches(account)).to.deep.equal([]);
  });

  it("reports migrations that fail, and a bundle that changed since its deployment", async () => {
    const changed = createAccount();
    const label = addVersion(changed, "1.2.3");
    const key = `bundles/${label}.zip`;
    const get = changed.double.s3.get.bind(changed.double.s3);
    changed.double.s3.get = (bucket, one) => {
      const found = get(bucket, one);
      return one === key && found !== undefined ? { ...found, body: Buffer.from("other code") } : found;
    };
    const [end] = await playDrill(changed, migrating("1.2.3"));
    if (end === "killed" || end === undefined) throw new Error("nothing kills this run");
    expect(end.code).to.equal(EXIT.failedDrill);
    expect(end.output).to.include("another digest than the label of the version");
    expect(changed.double.commands.migrated).to.deep.equal([]);
    expect(drillOf(changed).succeeded).to.equal(false);
    expect(mismatches(changed)).to.deep.equal([]);
  });

  it("lets no connection reach the copy if no rows are counted", async () => {
    const account = createAccount();
    account.double.commands.online = [];
    const groups = new Set<string>();
    const handle = account.double.rds.handle.bind(account.double.rds);
    account.double.rds.handle = (operation, form) => {
      const copy = account.double.rds.existing().find(({ name }) => name.includes("rehearsal"));
      for (const { id } of copy?.groups ?? []) groups.add(id);
      return handle(operation, form);
    };
    await playDrill(account, rehearsing(true));
    expect([...groups]).to.deep.equal([DEFAULT_GROUP]);
    expect(drillOf(account)).not.to.have.property("problem");
    expect(mismatches(account)).to.deep.equal([]);
  });

  it("needs all permissions of GitHub's role for monthly rehearsals, and no others", async () => {
    const account = createAccount();
    const role = roleOf(await previewOf(ENV), "ci-rehearse");
    account.double.role = role;
    account.double.commands.online = [];
    const [end] = await playDrill(account, rehearsing(true));
    if (end === "killed" || end === undefined) throw new Error("nothing kills this run");
    expect(end.code, end.output).to.equal(EXIT.done);
    expect(mismatches(account)).to.deep.equal([]);
    // A run that died leaves a record to look at; RDS names parameters of another version by default.
    const unused = unusedPermissions(role).filter((one) => !/^LookAtRuns: |:pg:/.test(one));
    expect(unused).to.deep.equal([]);
    const refused = createAccount();
    refused.double.role = role;
    const [stopped] = await playDrill(refused, rehearsing());
    if (stopped === "killed" || stopped === undefined) throw new Error("nothing kills this run");
    expect(stopped.output).to.include("ssm:");
    expect(mismatches(refused)).to.deep.equal([]);
  });

  it("reports and stores a failure, and deletes the copy", async () => {
    const account = createAccount();
    account.double.commands.password = "another";
    const [end] = await playDrill(account);
    if (end === "killed" || end === undefined) throw new Error("nothing kills this run");
    expect(end.code).to.equal(EXIT.failedDrill);
    expect(drillOf(account).succeeded).to.equal(false);
    expect(drillOf(account).problem).to.include("password authentication failed");
    expect(mismatches(account)).to.deep.equal([]);
  });

  it("fails if PostGIS does not work in the copy", async () => {
    const account = createAccount();
    account.old.postgisError = "could not load library";
    const [end] = await playDrill(account);
    if (end === "killed" || end === undefined) throw new Error("nothing kills this run");
    expect(end.code).to.equal(EXIT.failedDrill);
    expect(drillOf(account).problem).to.equal("PostGIS does not work in the copy: could not load library");
    expect(mismatches(account)).to.deep.equal([]);
  });

  it("leaves no copy with every fault in every call, and migrates at most once @proof", async () => {
    const prepared = (): Account => {
      const account = steady();
      addVersion(account, "1.2.3");
      return account;
    };
    const undisturbed = prepared();
    await playDrill(undisturbed, migrating("1.2.3"));
    const operations = undisturbed.double.calls.map(({ operation }) => operation);
    const failures: string[] = [];
    let runs = 0;
    let seen = "";
    for (const [place, operation] of operations.entries()) {
      // Of polls that repeat themselves, only the first ones.
      if (operation === seen && operation.startsWith("Describe")) continue;
      seen = operation;
      for (const kind of FAULT_KINDS) {
        const account = prepared();
        account.double.faults.set(place, kind);
        const ends = await playDrill(account, migrating("1.2.3"));
        runs += 1;
        const problems = mismatches(account);
        if (account.double.commands.migrated.length > 1) problems.push("migrated twice");
        const how = ends.map((end) => (end === "killed" ? end : `${end.code} ${end.output.slice(-200)}`));
        if (problems.length > 0)
          failures.push(`${kind} at ${place} ${operation}: ${problems.join()} (${how.join()})`);
      }
    }
    console.log(`      ${runs} runs, ${failures.length} mismatches`);
    expect(failures).to.deep.equal([]);
  });
});

describe("database delete-replaced under faults", () => {
  it("deletes the old database only with its last snapshot, and can be repeated", async () => {
    const deletion = (session: Session) => deleteReplaced(session, { withoutRowCount: false });
    const failures: string[] = [];
    let runs = 0;
    for (const operation of ["DeleteDBInstance", "ModifyDBInstance", "DescribeDBInstances", "PutObject"]) {
      for (const before of [0, 1, 2, 3, 4]) {
        for (const kind of FAULT_KINDS) {
          const account = steady();
          await play(account, restoring(account, "snapshot"));
          let seen = 0;
          account.double.faultOn = (called) => {
            if (called !== operation) return undefined;
            seen += 1;
            return seen === before + 1 ? kind : undefined;
          };
          let end = await run(account, deletion);
          for (let more = 0; more < 4 && (end === "killed" || end.code !== EXIT.done); more += 1) {
            end = await run(account, deletion);
          }
          runs += 1;
          account.double.time.now += 3_600_000;
          const names = account.double.rds.existing().map(({ name }) => name);
          const isSaved = account.double.rds.snapshots.some(({ id }) => id === `${NAME}-replaced-1-final`);
          if (names.join() !== NAME || !isSaved) {
            failures.push(`${kind} of ${operation} ${before}: ${names.join()}, snapshot ${isSaved}`);
          }
        }
      }
    }
    console.log(`      ${runs} runs, ${failures.length} mismatches`);
    expect(failures).to.deep.equal([]);
  });
});
