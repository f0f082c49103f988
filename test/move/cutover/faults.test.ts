import { expect } from "chai";
import { FAULT_KINDS, type FaultKind } from "../../deploy/double/aws";
import { Random } from "../../deploy/double/random";
import { createPlatforms, moving, play, type Platforms, type Played } from "./platforms";

/** Seeded runs of the whole test; the seed of a run is its number. */
const RANDOM_RUNS = Number(process.env["FAULT_RUNS"] ?? 200);
/** Of the random faults, those within the calls of a cutover. */
const CALLS = 350;

interface Tally {
  runs: number;
  killed: number;
  /** Runs that ended on the new platform. */
  moved: number;
  failures: string[];
}

const newTally = (): Tally => ({ runs: 0, killed: 0, moved: 0, failures: [] });

function count(tally: Tally, name: string, { iaso }: Platforms, { ends, mismatches, output }: Played): void {
  tally.runs += 1;
  if (ends.includes("killed")) tally.killed += 1;
  if (iaso.isMoved) tally.moved += 1;
  if (mismatches.length > 0) {
    tally.failures.push(`${name}: ${mismatches.join(", ")} (${ends.join(", ")}) ${output.slice(-600)}`);
  }
}

function conclude(what: string, { failures, killed, moved, runs }: Tally): void {
  console.log(
    `      ${what}: ${runs} runs (${killed} killed, ${moved} moved, ${runs - moved} back), ${failures.length} mismatches`,
  );
  expect(failures).to.deep.equal([]);
}

/** The calls to try: of polls that repeat themselves between two changes only the first ones. */
function places({ double }: Platforms): number[] {
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

/** Platforms on which several things go wrong, all of them drawn from the seed. */
function draw(seed: number): Platforms {
  const random = new Random(seed);
  const platforms = createPlatforms(seed);
  const { double, iaso } = platforms;
  const lag = random.chance(0.5) ? 0 : random.between(1000, 20_000);
  double.beanstalk.timing.lag = () => lag;
  double.rds.startDelay = () => random.between(0, 40_000);
  double.rds.duration = () => random.between(20_000, 240_000);
  double.rds.backupChance = 0.3;
  double.balancing.delay = () => random.between(0, 30_000);
  for (const queue of [double.queue, iaso.queue]) queue.delay = () => random.between(0, 60_000);
  const number = random.below(5);
  for (let index = 0; index < number; index += 1) {
    const kind: FaultKind = random.pick(FAULT_KINDS);
    const place = random.below(CALLS);
    const length = kind === "throttle" ? 1 + random.below(3) : 1;
    for (let offset = 0; offset < length; offset += 1) double.faults.set(place + offset, kind);
  }
  return platforms;
}

describe("move cutover under faults: one side serves with all data, and the other one is as before or closed @proof", () => {
  for (const [command, then] of [
    ["cutover", "on"],
    ["cutover", "back"],
    ["rehearsal", "on"],
  ] as const) {
    it(`with every fault in every call of a ${command} that goes ${then}`, async () => {
      const undisturbed = createPlatforms();
      const tally = newTally();
      count(tally, "undisturbed", undisturbed, await play(undisturbed, moving(command), then));
      for (const place of places(undisturbed)) {
        for (const kind of FAULT_KINDS) {
          const platforms = createPlatforms();
          platforms.double.faults.set(place, kind);
          const played = await play(platforms, moving(command), then);
          const { operation } = undisturbed.double.calls[place]!;
          count(tally, `${kind} at ${place} ${operation}`, platforms, played);
        }
      }
      conclude(`${command}, ${then}`, tally);
    });
  }

  it(`in ${RANDOM_RUNS} seeded runs with several faults, delays, backups and deaths of back`, async () => {
    const tally = newTally();
    for (let seed = 1; seed <= RANDOM_RUNS; seed += 1) {
      const platforms = draw(seed);
      const then = new Random(seed + 3).chance(0.5) ? "on" : "back";
      count(tally, `seed ${seed}, ${then}`, platforms, await play(platforms, moving(), then));
    }
    conclude(`seeds 1 to ${RANDOM_RUNS}`, tally);
  });
});
