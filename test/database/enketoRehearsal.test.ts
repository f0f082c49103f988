import { expect } from "chai";
import { rehearse } from "../../database/commands/rehearse";
import { EXIT } from "../../database/run";
import { type Session } from "../../database/session";
import { FAULT_KINDS } from "../deploy/double/aws";
import { type Account, createAccount, type Ended, run } from "./runs";

const DAILY = "automatic.iaso-staging-enketo-main-2026-01-31-03-00";

const rehearsing = (session: Session) => rehearse(session, { withoutRowCount: true, enketo: true });

function prepared(): Account {
  const account = createAccount();
  account.redis.addSnapshot(DAILY, true);
  return account;
}

async function played(account: Account): Promise<Ended> {
  const end = await run(account, rehearsing);
  if (end === "killed") throw new Error("nothing kills this run");
  return end;
}

/** The ids of the copies that exist, hours later. */
function left({ double, redis }: Account): string[] {
  double.time.now += 4 * 3_600_000;
  double.settle();
  return redis.copies.filter(({ deletedAt }) => deletedAt === Infinity).map(({ id }) => id);
}

describe("database rehearse --enketo", () => {
  it("restores the newest snapshot of the Redis into a copy without connections, and deletes the copy", async () => {
    const account = prepared();
    const { code, output } = await played(account);
    expect(code, output).to.equal(EXIT.done);
    expect(output).to.include(`Enketo's Redis was restored from the snapshot ${DAILY} of `);
    expect(output).to.match(/^ {2}Enketo: 1[0-9] min/m);
    expect(account.redis.copies).to.have.length(1);
    expect(account.redis.copies[0]?.id).to.match(/^iaso-staging-enketo-rehearsal-[a-z0-9]+$/);
    expect(left(account)).to.deep.equal([]);
    expect(account.redis.exists).to.equal(true);
  });

  it("fails without a snapshot, or with one that ElastiCache cannot restore", async () => {
    const none = createAccount();
    const { code, output } = await played(none);
    expect(code).to.equal(EXIT.failedDrill);
    expect(output).to.include("The rehearsal failed: iaso-staging-enketo-main has no snapshot.");

    const broken = prepared();
    broken.redis.created = "create-failed";
    expect((await played(broken)).output).to.include(`ElastiCache could not restore ${DAILY}.`);
    expect(left(broken)).to.deep.equal([]);
  });

  it("leaves no copy behind, with every fault in every call, when repeated @proof", async () => {
    const undisturbed = prepared();
    await played(undisturbed);
    const calls = undisturbed.double.calls;
    const places = [...calls.keys()].filter((place) => calls[place]?.service === "elasticache");
    expect(places.length).to.be.greaterThan(6);
    const failures: string[] = [];
    let runs = 0;
    for (const place of places) {
      for (const kind of FAULT_KINDS) {
        const account = prepared();
        account.double.faults.set(place, kind);
        let end: Ended | "killed" = await run(account, rehearsing);
        const first = end;
        const leaks = end !== "killed" && !end.output.includes("is not deleted") ? left(account) : [];
        if (end === "killed" || end.code !== EXIT.done) {
          // The lock of a killed run has a time limit.
          account.double.time.now += 3_600_000;
          end = await run(account, rehearsing);
        }
        runs += 1;
        const wrong = [
          ...(end === "killed" || end.code !== EXIT.done ? [JSON.stringify([first, end])] : []),
          ...leaks,
          ...left(account),
        ];
        if (wrong.length > 0) failures.push(`${kind} at ${place}: ${wrong.join()}`);
      }
    }
    console.log(`      ${runs} runs, ${failures.length} mismatches`);
    expect(failures).to.deep.equal([]);
  });
});
