import { expect } from "chai";
import { FAULT_KINDS, type FaultKind } from "../deploy/double/aws";
import { Random } from "../deploy/double/random";
import { type Account, createAccount, play, type Played, restoring } from "./runs";

/** Seeded runs of the whole test; the seed of a run is its number. */
const RANDOM_RUNS = Number(process.env["FAULT_RUNS"] ?? 500);

interface Tally {
  runs: number;
  killed: number;
  failures: string[];
}

function count(tally: Tally, name: string, { ends, mismatches, output }: Played): void {
  tally.runs += 1;
  if (ends.includes("killed")) tally.killed += 1;
  if (mismatches.length > 0) {
    tally.failures.push(`${name}: ${mismatches.join(", ")} (${ends.join(", ")}) ${output.slice(-600)}`);
  }
}

function conclude(what: string, { failures, killed, runs }: Tally): void {
  console.log(`      ${what}: ${runs} runs (${killed} killed and resumed), ${failures.length} mismatches`);
  expect(failures).to.deep.equal([]);
}

/** An account whose delays do not depend on the seed, so that a fault always meets the same call. */
function steady(): Account {
  const account = createAccount();
  const { rds } = account.double;
  rds.startDelay = () => 20_000;
  rds.duration = () => 40_000;
  rds.backupChance = 0;
  return account;
}

/** The calls to try: of polls that repeat themselves between two changes only the first ones. */
function places(operations: readonly string[]): number[] {
  const isPoll = (operation: string) => /^(Describe|Get)/.test(operation);
  const seen = new Set<string>();
  let changes = 0;
  return operations.flatMap((operation, place) => {
    if (!isPoll(operation) && operation !== "PutObject") changes += 1;
    const key = `${operation} after ${changes}`;
    if (isPoll(operation) && seen.has(key)) return [];
    seen.add(key);
    return [place];
  });
}

describe("database restore under faults: the restored database serves, or nothing has changed @proof", () => {
  for (const how of ["time", "snapshot"] as const) {
    it(`with every fault in every call, restoring a ${how}`, async () => {
      const undisturbed = steady();
      const tally: Tally = { runs: 0, killed: 0, failures: [] };
      count(tally, "undisturbed", await play(undisturbed, restoring(undisturbed, how)));
      const operations = undisturbed.double.calls.map(({ operation }) => operation);
      for (const place of places(operations)) {
        for (const kind of FAULT_KINDS) {
          const account = steady();
          account.double.faults.set(place, kind);
          const played = await play(account, restoring(account, how));
          count(tally, `${kind} at ${place} ${operations[place]!}`, played);
        }
      }
      conclude(how, tally);
    });
  }

  for (const status of ["failed", "stopped", "storage-full"]) {
    for (const isBeyondRepair of status === "failed" ? [true] : [false, true]) {
      it(`with every kill if the old instance is ${status} and ${isBeyondRepair ? "only deleted" : "repaired"}`, async () => {
        const prepared = (): Account => {
          const account = steady();
          account.old.status = account.oldStatus = status;
          account.isBeyondRepair = isBeyondRepair;
          return account;
        };
        const undisturbed = prepared();
        const tally: Tally = { runs: 0, killed: 0, failures: [] };
        count(tally, "undisturbed", await play(undisturbed, restoring(undisturbed, "snapshot")));
        const operations = undisturbed.double.calls.map(({ operation }) => operation);
        for (const place of places(operations)) {
          for (const kind of ["killBefore", "killAfter", "timeoutAfter"] as const) {
            const account = prepared();
            account.double.faults.set(place, kind);
            const played = await play(account, restoring(account, "snapshot"));
            count(tally, `${kind} at ${place} ${operations[place]!}`, played);
          }
        }
        conclude(status, tally);
      });
    }
  }

  it("with every kill if the user answers no to the second question", async () => {
    const answers = { answers: [true, false] };
    const undisturbed = steady();
    const tally: Tally = { runs: 0, killed: 0, failures: [] };
    count(tally, "undisturbed", await play(undisturbed, restoring(undisturbed, "snapshot"), answers));
    const operations = undisturbed.double.calls.map(({ operation }) => operation);
    for (const place of places(operations)) {
      for (const kind of ["killBefore", "killAfter", "timeoutAfter"] as const) {
        const account = steady();
        account.double.faults.set(place, kind);
        count(
          tally,
          `${kind} at ${place} ${operations[place]!}`,
          await play(account, restoring(account, "snapshot"), answers),
        );
      }
    }
    conclude("answered no", tally);
  });

  it(`in ${RANDOM_RUNS} seeded runs with several faults, delays, backups and deaths of resume`, async () => {
    const tally: Tally = { runs: 0, killed: 0, failures: [] };
    for (let seed = 1; seed <= RANDOM_RUNS; seed += 1) {
      const random = new Random(seed);
      const account = createAccount(seed);
      const faults = random.below(5);
      for (let index = 0; index < faults; index += 1) {
        const kind: FaultKind = random.pick(FAULT_KINDS);
        account.double.faults.set(random.below(300), kind);
      }
      const how = random.pick(["time", "snapshot"] as const);
      const answers = random.chance(0.2) ? [true, false] : [];
      count(tally, `seed ${seed}`, await play(account, restoring(account, how), { answers }));
    }
    conclude(`seeds 1 to ${RANDOM_RUNS}`, tally);
  });
});
