import { expect } from "chai";
import { FAULT_KINDS, type FaultKind } from "./double/aws";
import { drawDouble, type Plan, play, type Played, prepareDouble } from "./double/scenario";

const PLANS: Record<string, Plan> = {
  "neither fails": { web: "succeeds", worker: "succeeds" },
  "web fails": { web: "mixed", worker: "succeeds" },
  "worker fails": { web: "succeeds", worker: "rolledBack" },
  "both fail": { web: "rolledBack", worker: "mixed" },
};

/** Seeded runs of the whole test; the seed of a run is its number. */
const RANDOM_RUNS = Number(process.env["FAULT_RUNS"] ?? 2000);
/** Of calls that repeat themselves between two steps, how many go through the whole of the SDK. */
const ALIKE = 1;

interface Tally {
  runs: number;
  killed: number;
  failures: string[];
}

function count(tally: Tally, name: string, { end, mismatches }: Played): void {
  tally.runs += 1;
  if (end === "killed") tally.killed += 1;
  if (mismatches.length > 0) tally.failures.push(`${name}: ${mismatches.join(", ")}`);
}

function conclude(what: string, { failures, killed, runs }: Tally): void {
  console.log(`      ${what}: ${runs} runs (${killed} killed and repaired), ${failures.length} mismatches`);
  expect(failures).to.deep.equal([]);
}

/** The calls to try: each, but of the looks that repeat themselves while an update runs only the first ones. */
function places(operations: readonly string[]): number[] {
  const seen = new Map<string, number>();
  return operations.flatMap((operation, place) => {
    const key = `${operation} after ${operations.slice(0, place).filter((one) => one === "UpdateEnvironment").length}`;
    const times = (seen.get(key) ?? 0) + 1;
    seen.set(key, times);
    return times <= ALIKE ? [place] : [];
  });
}

describe("deploy under faults: web and worker end on one version, and the lock is free @proof", () => {
  for (const [name, plan] of Object.entries(PLANS)) {
    it(`with any fault in any call if ${name}, through the SDK's protocols and retries`, async () => {
      const undisturbed = prepareDouble(plan);
      const tally: Tally = { runs: 0, killed: 0, failures: [] };
      count(tally, "undisturbed", await play(undisturbed));
      const operations = undisturbed.calls.map(({ operation }) => operation);
      // Late and lost answers, refusals and deaths: the SDK takes part in all of them.
      const kinds: FaultKind[] = ["error", "throttle", "timeoutAfter", "killBefore", "killAfter"];
      for (const place of places(operations)) {
        const kind = kinds[place % kinds.length]!;
        const double = prepareDouble(plan);
        double.faults.set(place, kind);
        count(tally, `${kind} at ${place} ${operations[place]!}`, await play(double));
      }
      conclude(name, tally);
    });

    it(`with every fault in every call if ${name}`, async () => {
      const undisturbed = prepareDouble(plan);
      await play(undisturbed, "repair", "shortcut");
      const calls = undisturbed.calls.length;
      const tally: Tally = { runs: 0, killed: 0, failures: [] };
      for (let place = 0; place < calls; place += 1) {
        for (const kind of FAULT_KINDS) {
          for (const recovery of kind.startsWith("kill")
            ? (["repair", "deploy"] as const)
            : (["repair"] as const)) {
            const double = prepareDouble(plan);
            double.faults.set(place, kind);
            const operation = undisturbed.calls[place]!.operation;
            count(tally, `${kind} at ${place} ${operation}`, await play(double, recovery, "shortcut"));
          }
        }
      }
      conclude(name, tally);
    });
  }

  it(`in ${RANDOM_RUNS} seeded runs with several faults, lags, failing returns and deaths of repair`, async () => {
    const tally: Tally = { runs: 0, killed: 0, failures: [] };
    for (let seed = 1; seed <= RANDOM_RUNS; seed += 1) {
      const recovery = seed % 2 === 0 ? "repair" : "deploy";
      count(tally, `seed ${seed}`, await play(drawDouble(seed), recovery, "shortcut"));
    }
    conclude(`seeds 1 to ${RANDOM_RUNS}`, tally);
  });

  it("by the same calls with and without the SDK's serialisers and retries", async () => {
    const disturbances: [string, FaultKind][] = [
      ["DescribeEvents", "throttle"],
      ["UpdateEnvironment", "timeoutAfter"],
      ["DescribeApplicationVersions", "timeoutBefore"],
      ["CreateApplicationVersion", "error"],
      ["UpdateEnvironment", "killAfter"],
    ];
    for (const [disturbed, kind] of disturbances) {
      const [long, short] = (["sdk", "shortcut"] as const).map((route) => {
        const double = prepareDouble({ web: "succeeds", worker: "mixed" });
        double.faultOn = (operation, before) => (operation === disturbed && before === 0 ? kind : undefined);
        return play(double, "repair", route);
      });
      // Calls that are under way at the same time arrive in either order.
      const operations = ({ double }: Played): string[] =>
        double.calls.map(({ operation }) => operation).sort();
      expect(operations(await short!)).to.deep.equal(operations(await long!), `${kind} of ${disturbed}`);
    }
  });
});
