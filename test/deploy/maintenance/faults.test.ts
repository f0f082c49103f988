import { expect } from "chai";
import { type AwsDouble, FAULT_KINDS, type FaultKind, PREVIOUS } from "../double/aws";
import { type DeploymentEnd } from "../double/beanstalk";
import { Random } from "../double/random";
import { type End, repairing, runDirect } from "../double/runs";
import {
  isOpenJournal,
  maintaining,
  NAME,
  NEW,
  openByHand,
  type Plan,
  play,
  type Played,
  prepare,
  problemsOf,
  REPAIRS,
} from "./scenario";

const PLANS: Record<string, Plan> = {
  "neither fails": { web: "succeeds", worker: "succeeds" },
  "web fails": { web: "mixed", worker: "succeeds" },
};

/** Seeded runs of the whole test; the seed of a run is its number. */
const RANDOM_RUNS = Number(process.env["FAULT_RUNS"] ?? 300);
/** Of the random faults, those within the calls of a maintenance that fails. */
const CALLS = 450;

interface Tally {
  runs: number;
  killed: number;
  restored: number;
  failures: string[];
}

const newTally = (): Tally => ({ runs: 0, killed: 0, restored: 0, failures: [] });

function count(tally: Tally, name: string, { double, ends, mismatches }: Played): void {
  tally.runs += 1;
  if (ends.includes("killed")) tally.killed += 1;
  if (double.rds.existing().length > 1) tally.restored += 1;
  const shown = ends.map((end) => (end === "killed" ? end : `${end.outcome}: ${end.summary}`));
  if (mismatches.length > 0) tally.failures.push(`${name}: ${mismatches.join(", ")} (${shown.join("; ")})`);
}

function conclude(what: string, { failures, killed, restored, runs }: Tally): void {
  console.log(
    `      ${what}: ${runs} runs (${killed} killed and repaired, ${restored} restored), ${failures.length} mismatches`,
  );
  expect(failures).to.deep.equal([]);
}

/** The calls to try: of polls that repeat themselves between two changes only the first ones. */
function places(double: AwsDouble): number[] {
  const seen = new Set<string>();
  let changes = 0;
  return double.calls.flatMap(({ operation }, place) => {
    const isPoll = /^(Describe|Get|List)/.test(operation);
    if (!isPoll && operation !== "PutObject") changes += 1;
    const key = `${operation} after ${changes}`;
    if (isPoll && seen.has(key)) return [];
    seen.add(key);
    return [place];
  });
}

const ENDS: readonly DeploymentEnd[] = [
  "succeeds",
  "succeeds",
  "succeeds",
  "rolledBack",
  "mixed",
  "degrades",
  "hangs",
];

/** A maintenance in which several things go wrong, all of them drawn from the seed. */
function draw(seed: number): AwsDouble {
  const random = new Random(seed);
  const double = prepare({ web: random.pick(ENDS), worker: random.pick(ENDS) }, seed);
  const { balancing, beanstalk, faults, queue, rds } = double;
  const lag = random.chance(0.5) ? 0 : random.between(1000, 20_000);
  const [perInstance, recovery] = [random.between(5000, 60_000), random.between(1000, 60_000)];
  const early = random.chance(0.5);
  beanstalk.timing = {
    perInstance: () => perInstance,
    recovery: () => recovery,
    lag: () => lag,
    earlyLabel: () => early,
  };
  rds.startDelay = () => random.between(0, 40_000);
  rds.duration = () => random.between(20_000, 240_000);
  rds.backupChance = 0.3;
  balancing.delay = () => random.between(0, 30_000);
  queue.delay = () => random.between(0, 60_000);
  const number = random.below(5);
  for (let index = 0; index < number; index += 1) {
    const kind: FaultKind = random.pick(FAULT_KINDS);
    const place = random.below(CALLS);
    const length = kind === "throttle" ? 1 + random.below(3) : 1;
    for (let offset = 0; offset < length; offset += 1) faults.set(place + offset, kind);
  }
  return double;
}

/** Runs a maintenance, and repairs until the journal is closed, with or without --to as the messages say. */
async function keepData(double: AwsDouble): Promise<Played> {
  const ends: End[] = [];
  let to: string | undefined;
  do {
    const end = await runDirect(double, ends.length === 0 ? maintaining() : repairing(to), {}, "shortcut");
    ends.push(end);
    if (end === "killed") continue;
    if (end.summary.includes("users may have written")) to = PREVIOUS;
    else if (end.remedy?.endsWith("without --to") === true) to = undefined;
  } while (isOpenJournal(double) && ends.length <= REPAIRS);
  return { double, ends, mismatches: problemsOf(double) };
}

const KILLS = ["killBefore", "killAfter"] as const;

/** Runs a maintenance undisturbed, and with each fault in each call. */
async function everyFault(
  prepared: () => AwsDouble,
  kinds: readonly FaultKind[],
  run: (double: AwsDouble) => Promise<Played>,
): Promise<Tally> {
  const undisturbed = prepared();
  const tally = newTally();
  count(tally, "undisturbed", await run(undisturbed));
  for (const place of places(undisturbed)) {
    for (const kind of kinds) {
      const double = prepared();
      double.faults.set(place, kind);
      count(tally, `${kind} at ${place} ${undisturbed.calls[place]!.operation}`, await run(double));
    }
  }
  return tally;
}

describe("deploy --maintenance under faults: one version with its tables and all data, and an open site @proof", () => {
  for (const [name, plan] of Object.entries(PLANS)) {
    it(`with every fault in every call if ${name}`, async () => {
      conclude(name, await everyFault(() => prepare(plan), FAULT_KINDS, play));
    });
  }

  for (const status of ["failed", "storage-full"]) {
    it(`with every kill if web fails and the database is ${status} then`, async () => {
      const prepared = (): AwsDouble => {
        const double = prepare(PLANS["web fails"]!);
        const old = double.rds.named(NAME)!;
        const migrate = double.beanstalk.onDeploy.bind(double.beanstalk);
        double.beanstalk.onDeploy = (label) => {
          migrate(label);
          if (label === NEW && old.name === NAME) old.status = status;
        };
        return double;
      };
      conclude(status, await everyFault(prepared, KILLS, play));
    });
  }

  it("with every kill if somebody opens the site during the restore, and keeps the data as the message says", async () => {
    const prepared = (): AwsDouble => {
      const double = prepare(PLANS["web fails"]!);
      double.users!.compatible = true;
      let opened = false;
      double.faultOn = (operation) => {
        if (!opened && operation === "RestoreDBInstanceFromDBSnapshot") {
          opened = true;
          openByHand(double, "site");
        }
        return undefined;
      };
      return double;
    };
    conclude("opened during the restore", await everyFault(prepared, KILLS, keepData));
  });

  it(`in ${RANDOM_RUNS} seeded runs with several faults, lags, backups and deaths of repair`, async () => {
    const tally = newTally();
    for (let seed = 1; seed <= RANDOM_RUNS; seed += 1) count(tally, `seed ${seed}`, await play(draw(seed)));
    conclude(`seeds 1 to ${RANDOM_RUNS}`, tally);
  });
});
