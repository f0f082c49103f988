import { expect } from "chai";
import { restoreEnketo } from "../../database/commands/restoreEnketo";
import { EXIT } from "../../database/run";
import { type Session } from "../../database/session";
import { FAULT_KINDS } from "../deploy/double/aws";
import { type Account, createAccount, type Ended, run } from "./runs";

const DAILY = "automatic.iaso-staging-enketo-main-2026-01-31-03-00";
const COPY = "iaso-staging-enketo-restore-2026-01-31-03-00";

const restoring =
  (snapshot: string | undefined = DAILY) =>
  (session: Session) =>
    restoreEnketo(session, { snapshot });

function prepared(): Account {
  const account = createAccount();
  account.redis.addSnapshot(DAILY, true);
  return account;
}

async function ended(
  account: Account,
  command: ReturnType<typeof restoring>,
  answers: boolean[] = [],
): Promise<Ended> {
  const end = await run(account, command, { answers });
  if (end === "killed") throw new Error("nothing kills this run");
  return end;
}

const namesOf = ({ redis }: Account): string[] => redis.snapshots.map(({ name }) => name);

describe("database restore-enketo", () => {
  it("lists the snapshots", async () => {
    const account = prepared();
    const { code, output } = await ended(account, (session) => restoreEnketo(session, {}));
    expect([code, output]).to.match(
      /^0,Snapshots of Enketo's Redis, for --snapshot:\n {2}automatic\.\S+ {2}\S+Z {2}available$/,
    );
    expect(account.redis.exists).to.equal(true);
  });

  it("keeps a copy of the snapshot, deletes the Redis with a last snapshot, and says what comes next", async () => {
    const account = prepared();
    const { code, output } = await ended(account, restoring());
    expect(code, output).to.equal(EXIT.done);
    expect(account.redis.exists).to.equal(false);
    account.redis.handle("", "DescribeSnapshots", {});
    // ElastiCache has deleted the daily snapshot with the Redis.
    expect(namesOf(account)).to.have.length(2).and.to.include(COPY);
    expect(namesOf(account).join()).to.match(/iaso-staging-enketo-before-\d{14}/);
    expect(output).to.include(`pulumi config set iaso:enketoRedisSnapshot ${COPY} --stack staging`);
  });

  it("changes nothing if the user answers no, or the snapshot does not exist", async () => {
    const account = prepared();
    expect(await ended(account, restoring(), [false])).to.deep.include({ code: EXIT.abandoned });
    const unknown = await ended(account, restoring("iaso-prod-enketo-main-final"));
    expect([unknown.code, unknown.output]).to.match(
      /^2,[^]*has no snapshot iaso-prod-enketo-main-final[^]*automatic\./,
    );
    expect(namesOf(account)).to.deep.equal([DAILY]);
    expect(account.redis.exists).to.equal(true);
  });

  it("waits for no Redis that is being changed", async () => {
    for (const status of ["creating", "modifying", "snapshotting"]) {
      const account = prepared();
      account.redis.status = status;
      const before = account.double.time.now;
      const end = await ended(account, restoring());
      expect([end.code, end.output]).to.match(
        new RegExp(`^6,[^]*is ${status}[^]*restore-enketo staging --snapshot automatic`),
      );
      expect(account.redis.exists).to.equal(true);
      expect(account.double.time.now - before).to.be.lessThan(3_600_000);
    }
  });

  it("ends well when repeated, and never loses the snapshot, with every fault in every call @proof", async () => {
    const undisturbed = prepared();
    await ended(undisturbed, restoring());
    const calls = undisturbed.double.calls.map(({ operation }) => operation);
    const failures: string[] = [];
    let runs = 0;
    for (const place of calls.keys()) {
      if (/^Describe/.test(calls[place]!) && calls[place] === calls[place - 2]) continue;
      for (const kind of FAULT_KINDS) {
        const account = prepared();
        account.double.faults.set(place, kind);
        let end: Ended | "killed" = "killed";
        for (let tries = 0; tries < 4 && (end === "killed" || end.code !== EXIT.done); tries += 1) {
          end = await run(account, restoring());
        }
        runs += 1;
        account.double.time.now += 7_200_000;
        account.double.settle();
        account.redis.handle("", "DescribeSnapshots", {});
        const wrong = [
          ...(end === "killed" || end.code !== EXIT.done ? ["it did not end"] : []),
          ...(account.redis.exists ? ["the Redis is there"] : []),
          ...(namesOf(account).includes(COPY) ? [] : ["the snapshot is lost"]),
          ...(namesOf(account).length === 2 ? [] : [namesOf(account).join()]),
        ];
        if (wrong.length > 0) failures.push(`${kind} at ${place} ${calls[place]!}: ${wrong.join()}`);
      }
    }
    console.log(`      ${runs} runs, ${failures.length} mismatches`);
    expect(failures).to.deep.equal([]);
  });
});
