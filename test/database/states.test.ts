import { expect } from "chai";
import { abandon, resume } from "../../database/commands/restore";
import { rehearse } from "../../database/commands/rehearse";
import { upgrade } from "../../database/commands/upgrade";
import { EXIT } from "../../database/run";
import {
  type Account,
  createAccount,
  type Ended,
  mismatches,
  NAME,
  play,
  restoring,
  run,
  settings,
} from "./runs";

/** Statuses in which RDS does not rename an instance, and whether a command repairs it. */
const STATUSES: readonly [status: string, canBeRepaired: boolean][] = [
  ["failed", false],
  ["inaccessible-encryption-credentials", false],
  ["inaccessible-encryption-credentials-recoverable", true],
  ["incompatible-network", false],
  ["incompatible-parameters", true],
  ["stopped", true],
  ["storage-full", true],
];

/** Statuses of a restored instance that RDS only deletes. */
const UNUSABLE = [
  "failed",
  "incompatible-network",
  "incompatible-restore",
  "insufficient-capacity",
  "storage-full",
];

async function ended(...args: Parameters<typeof run>): Promise<Ended> {
  const end = await run(...args);
  if (end === "killed") throw new Error("nothing kills this run");
  return end;
}

/** Lets something happen to the account when the restored instance is being created. */
function duringRestore(account: Account, happen: () => void): void {
  account.double.faultOn = (operation, before) => {
    if (operation === "DescribeDBInstances" && before === 4) happen();
    return undefined;
  };
}

/** An account whose database has grown up to almost its maximum of 200 GiB. */
function grown(): Account {
  const account = createAccount();
  account.old.attributes["AllocatedStorage"] = 190;
  account.double.rds.snapshots[0]!.storage = 190;
  const attributes = { ...account.old.attributes };
  delete attributes["MaxAllocatedStorage"];
  account.before = settings({ ...account.old, attributes });
  return account;
}

describe("database restore, whatever the state of the old instance", () => {
  for (const [status, canBeRepaired] of STATUSES) {
    for (const when of ["before the restore", "during the restore"]) {
      for (const isBeyondRepair of canBeRepaired ? [false, true] : [true]) {
        it(`ends if it is ${status} ${when}, and ${isBeyondRepair ? "only deleted" : "repaired"} as the message says`, async () => {
          const account = createAccount();
          const { old } = account;
          account.isBeyondRepair = isBeyondRepair;
          if (when === "before the restore") old.status = status;
          else duringRestore(account, () => (old.status = status));
          const played = await play(account, restoring(account, "snapshot"));
          expect([played.ends, played.mismatches], played.output).to.deep.equal([
            [EXIT.unfinished, EXIT.done],
            [],
          ]);
          if (when === "before the restore") {
            expect(played.output).to.match(new RegExp(`Before step 3, .*${NAME} is ${status}\\.`));
          }
        });
      }
    }
  }

  for (const when of ["before the swap", "in the middle of the swap"]) {
    it(`goes on without it if somebody deletes it ${when}`, async () => {
      const account = createAccount();
      const { double, old } = account;
      double.faultOn = (operation, before) => {
        // The first change is the password of the new instance, and the second one the old one's name.
        if (operation === "ModifyDBInstance" && before === (when === "before the swap" ? 0 : 1)) {
          old.deleted = true;
          account.isGone = true;
        }
        return undefined;
      };
      const played = await play(account, restoring(account, "snapshot"));
      expect([played.ends, played.mismatches], played.output).to.deep.equal([[EXIT.done], []]);
      expect(played.output).not.to.match(/old database stays|delete-replaced/);
    });
  }

  it("waits for its deletion if somebody has requested it", async () => {
    const account = createAccount();
    const { old } = account;
    old.status = "deleting";
    account.isGone = true;
    account.double.faultOn = (operation, before) => {
      if (operation === "DescribeDBInstances" && before === 150) old.deleted = true;
      return undefined;
    };
    const played = await play(account, restoring(account, "snapshot"));
    expect([played.ends, played.mismatches], played.output).to.deep.equal([[EXIT.done], []]);
  });

  it("renames one whose storage is full, if RDS does", async () => {
    const account = createAccount();
    account.double.rds.changesFull = true;
    account.old.status = "storage-full";
    const played = await play(account, restoring(account, "snapshot"));
    expect([played.ends, played.mismatches], played.output).to.deep.equal([[EXIT.done], []]);
  });
});

describe("database restore, whatever the state of the restored instance", () => {
  for (const status of UNUSABLE) {
    it(`restores once more if it is ${status}`, async () => {
      const account = createAccount();
      const states = [status, "available"];
      account.double.rds.restoredStatus = () => states.shift() ?? "available";
      const played = await play(account, restoring(account, "snapshot"));
      expect([played.ends, played.mismatches], played.output).to.deep.equal([[EXIT.done], []]);
    });

    it(`ends with the old database if it is ${status} twice`, async () => {
      const account = createAccount();
      account.double.rds.restoredStatus = () => status;
      const played = await play(account, restoring(account, "snapshot"));
      expect([played.ends, played.mismatches], played.output).to.deep.equal([[EXIT.abandoned], []]);
      expect(played.output).to.include(`into an instance that was ${status} in the end`);
      expect(account.double.rds.named(NAME)).to.equal(account.old);
    });
  }
});

describe("a database that has grown up to almost its maximum", () => {
  for (const how of ["time", "snapshot"] as const) {
    it(`is restored from a ${how} without a maximum, and the commands that give it one are named`, async () => {
      const account = grown();
      const played = await play(account, restoring(account, how));
      expect([played.ends, played.mismatches], played.output).to.deep.equal([[EXIT.done], []]);
      expect(played.output.match(/pulumi config set iaso:databaseMaxStorage 285/g)).to.have.lengthOf(2);
    });
  }

  it("is rehearsed and upgraded", async () => {
    const rehearsal = await ended(grown(), (session) => rehearse(session, { withoutRowCount: false }));
    expect(rehearsal.code, rehearsal.output).to.equal(EXIT.done);
    const upgraded = await ended(grown(), (session) =>
      upgrade(session, { to: "17", withoutRowCount: false }),
    );
    expect(upgraded.code, upgraded.output).to.equal(EXIT.done);
  });
});

describe("database abandon", () => {
  const begun = async (
    operation: string,
    before: number,
    kind: "killBefore" | "killAfter" = "killAfter",
  ): Promise<Account> => {
    const account = createAccount();
    const { double } = account;
    double.faultOn = (found, count) => (found === operation && count === before ? kind : undefined);
    expect(await run(account, restoring(account, "snapshot"))).to.equal("killed");
    double.faultOn = () => undefined;
    double.time.now += 400_000;
    return account;
  };

  const places: readonly [string, string, number][] = [
    ["while the backup is restored", "RestoreDBInstanceFromDBSnapshot", 0],
    ["before the swap", "ModifyDBInstance", 0],
    ["when the old instance has lost its name", "ModifyDBInstance", 1],
  ];
  for (const [when, operation, before] of places) {
    it(`keeps the old database ${when}, also if it is killed at any call`, async () => {
      const undisturbed = await begun(operation, before);
      const from = undisturbed.double.calls.length;
      const { code, output } = await ended(undisturbed, abandon);
      expect(code, output).to.equal(EXIT.abandoned);
      expect(output).to.include(`${NAME} is unchanged.`);
      expect(mismatches(undisturbed)).to.deep.equal([]);
      expect(undisturbed.double.rds.named(NAME)).to.equal(undisturbed.old);
      const changes = undisturbed.double.calls
        .map((call, place) => ({ ...call, place }))
        .slice(from)
        .filter((call) => !/^(Describe|Get)/.test(call.operation));
      for (const { operation: killed, place } of changes) {
        const account = await begun(operation, before);
        account.double.faults.set(place, "killAfter");
        await run(account, abandon);
        account.double.time.now += 400_000;
        await run(account, abandon);
        expect(mismatches(account), `${killed} at ${place}`).to.deep.equal([]);
        expect(account.double.rds.named(NAME), `${killed} at ${place}`).to.equal(account.old);
      }
    });
  }

  it("is refused when the restored database has the name", async () => {
    const account = await begun("ModifyDBInstance", 2);
    const { code, output } = await ended(account, abandon);
    expect(code, output).to.equal(EXIT.refused);
    expect(output).to.include("npm run database -- resume staging");
    expect((await ended(account, resume)).code).to.equal(EXIT.done);
    expect(mismatches(account)).to.deep.equal([]);
  });

  it("changes nothing if the user answers no, or nothing is unfinished", async () => {
    const account = await begun("ModifyDBInstance", 0);
    expect((await ended(account, abandon, { answers: [false] })).code).to.equal(EXIT.refused);
    expect((await ended(account, resume)).code).to.equal(EXIT.done);
    expect(mismatches(account)).to.deep.equal([]);
    const nothing = await ended(createAccount(), abandon);
    expect(nothing.code).to.equal(EXIT.done);
    expect(nothing.output).to.include("No restore of staging is unfinished.");
  });

  for (const [what, lose] of [
    ["is gone", (account: Account) => (account.old.deleted = account.isGone = true)],
    ["failed", ({ old }: Account) => (old.status = "failed")],
  ] as const) {
    it(`keeps the restored database if the old one ${what}, and resume uses it`, async () => {
      const account = await begun("ModifyDBInstance", 1, "killBefore");
      lose(account);
      account.isBeyondRepair = true;
      const { code, output } = await ended(account, abandon);
      expect(code, output).to.equal(EXIT.refused);
      expect(output)
        .to.match(/iaso-staging-restored-1 may be the only database that works, and is not deleted/)
        .and.include("npm run database -- resume staging");
      const played = await play(account, resume);
      expect([played.ends.at(-1), played.mismatches], played.output).to.deep.equal([EXIT.done, []]);
    });
  }

  it("ends if the old database, which has its name, breaks after the restored one is deleted", async () => {
    const account = await begun("ModifyDBInstance", 1, "killBefore");
    const { double, old } = account;
    double.faultOn = (operation) => (operation === "DeleteDBInstance" ? "killAfter" : undefined);
    expect(await run(account, abandon)).to.equal("killed");
    double.faultOn = () => undefined;
    double.time.now += 400_000;
    old.status = "failed";
    const { code, output } = await ended(account, resume);
    expect(code, output).to.equal(EXIT.abandoned);
    expect(output).to.include(`${NAME} is unchanged.`);
  });

  it("deletes an instance that was requested just before, and is not visible yet", async () => {
    const account = createAccount();
    const { double } = account;
    double.faultOn = (operation) =>
      operation === "RestoreDBInstanceFromDBSnapshot" ? "killAfter" : undefined;
    expect(await run(account, restoring(account, "snapshot"))).to.equal("killed");
    double.faultOn = () => undefined;
    const [restored] = double.rds.existing().filter(({ name }) => name === `${NAME}-restored-1`);
    // Until the lock of the killed run expires, and some polls longer.
    double.time.now += 400_000;
    restored!.visibleAt = double.time.now + 60_000;
    const { code, output } = await ended(account, abandon);
    expect([code, mismatches(account)], output).to.deep.equal([EXIT.abandoned, []]);
  });

  it("deletes the restored instances that earlier runs left, after it has asked", async () => {
    const account = createAccount();
    const { rds } = account.double;
    rds.addInstance(`${NAME}-restored-7`);
    expect((await ended(account, abandon, { answers: [false] })).code).to.equal(EXIT.abandoned);
    expect(rds.existing()).to.have.lengthOf(2);
    const { code, output } = await ended(account, abandon);
    expect([code, rds.existing()], output).to.deep.equal([EXIT.done, [account.old]]);
    rds.addInstance(`${NAME}-restored-8`);
    account.old.deleted = true;
    const refused = await ended(account, abandon);
    expect(refused.code, refused.output).to.equal(EXIT.refused);
    expect(refused.output).to.include(`${NAME}-restored-8 may be the only one that works`);
  });

  it("says that no database is left if both are gone", async () => {
    const account = await begun("ModifyDBInstance", 0);
    account.old.deleted = true;
    account.double.rds.named(`${NAME}-restored-1`)!.deleted = true;
    const { code, output } = await ended(account, abandon);
    expect(code, output).to.equal(EXIT.abandoned);
    expect(output)
      .to.include("There is no database iaso-staging.")
      .and.include("database -- backups staging");
    expect(account.double.rds.existing()).to.deep.equal([]);
  });
});
