import { AwsDouble, FAULT_KINDS, type FaultKind, PREVIOUS } from "./aws";
import { type DeploymentEnd } from "./beanstalk";
import { Random } from "./random";
import {
  builtVersion,
  deployment,
  type End,
  mismatches,
  missingWheels,
  repairing,
  type Route,
  runDirect,
} from "./runs";

/** What Beanstalk makes of the new version. */
export interface Plan {
  web: DeploymentEnd;
  worker: DeploymentEnd;
}

export interface Played {
  double: AwsDouble;
  /** How the deployment ended. */
  end: End;
  /** How many calls it made. */
  calls: number;
  /** The runs of repair that followed, where the process was killed or did not finish. */
  repairs: End[];
  mismatches: string[];
}

/** Runs of repair that a scenario takes at most: each of them can be killed too. */
const REPAIRS = 6;

/** Less patience than a person has, so that fewer looks are taken while nothing changes. */
const LIMITS = { update: 12 * 60_000, health: 3 * 60_000 };

const built = builtVersion();

/** The label of the version that scenarios deploy. */
export const NEW = built.label;

/** An account with a pair, in which new versions end as planned. */
export function prepareDouble(plan: Plan, seed = 1): AwsDouble {
  const double = new AwsDouble(seed);
  double.describeTarget();
  double.addPair();
  double.planNew(plan.web, plan.worker);
  double.beanstalk.timing = {
    perInstance: () => 12_000,
    recovery: () => 5_000,
    lag: () => 0,
    earlyLabel: () => true,
  };
  return double;
}

/**
 * A deployment; where its process was killed, what follows is repair, or the next deployment, until one of them
 * comes to an end; then the verdict. A deployment that was not killed has to do without.
 */
export async function play(
  double: AwsDouble,
  recovery: "repair" | "deploy" = "repair",
  route: Route = "sdk",
): Promise<Played> {
  const args = { limits: LIMITS };
  const end = await runDirect(double, deployment(built.build), args, route);
  const calls = double.calls.length;
  const repairs: End[] = [];
  if (end === "killed") {
    const command = recovery === "repair" ? repairing() : deployment(built.build);
    do repairs.push(await runDirect(double, command, args, route));
    while (!isOver(repairs.at(-1)) && repairs.length < REPAIRS);
  }
  return {
    double,
    end,
    calls,
    repairs,
    mismatches: [...mismatches(double, [PREVIOUS, NEW]), ...missingWheels(double, NEW)],
  };
}

const OVER = ["deployed", "unchanged", "repaired", "rolledBack"];

function isOver(end: End | undefined): boolean {
  return end !== undefined && end !== "killed" && OVER.includes(end.outcome);
}

const ENDS: readonly DeploymentEnd[] = ["succeeds", "succeeds", "rolledBack", "mixed", "degrades", "hangs"];

/** A deployment in which several things go wrong, all of them drawn from the seed. */
export function drawDouble(seed: number): AwsDouble {
  const random = new Random(seed);
  const double = prepareDouble({ web: random.pick(ENDS), worker: random.pick(ENDS) }, seed);
  const early = random.chance(0.5);
  const lag = random.chance(0.5) ? 0 : random.between(1000, 20_000);
  const [perInstance, recovery] = [random.between(5000, 60_000), random.between(1000, 60_000)];
  double.beanstalk.timing = {
    perInstance: () => perInstance,
    recovery: () => recovery,
    lag: () => lag,
    earlyLabel: () => early,
  };
  // The way back can fail too, once on each environment, and succeeds when it is tried again.
  for (const name of ["iaso-staging", "iaso-staging-worker"]) {
    if (random.chance(0.15))
      double.beanstalk.plan(name, PREVIOUS, random.pick(["rolledBack", "mixed"]), "succeeds");
  }
  const faults = random.below(5);
  for (let index = 0; index < faults; index += 1) {
    const kind: FaultKind = random.pick(FAULT_KINDS);
    const place = random.below(130);
    const length = kind === "throttle" ? 1 + random.below(3) : 1;
    for (let offset = 0; offset < length; offset += 1) double.faults.set(place + offset, kind);
  }
  return double;
}
