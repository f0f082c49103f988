import { AwsDouble, FAULT_KINDS, type FaultKind, PREVIOUS } from "./aws";
import { type DeploymentEnd } from "./beanstalk";
import { Random } from "./random";
import {
  builtVersion,
  deployment,
  type End,
  mismatches,
  missingImages,
  missingWheels,
  repairing,
  type Route,
  runDirect,
} from "./runs";

/** How the deployment of the new version to each environment ends. */
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
  /** The repairs that followed, if the process was killed or did not finish. */
  repairs: End[];
  mismatches: string[];
}

/** The most repairs of one scenario: each of them can be killed too. */
const REPAIRS = 6;

/** Shorter than the defaults, so that a scenario polls less often while nothing changes. */
const LIMITS = { update: 12 * 60_000, health: 3 * 60_000 };

/** Updates that always take the same time, and a Beanstalk whose answers are up to date. */
export const STEADY = {
  perInstance: () => 12_000,
  recovery: () => 5_000,
  lag: () => 0,
  earlyLabel: () => true,
};

const VERSIONS = { python: builtVersion(), docker: builtVersion(undefined, undefined, "docker") };

/** The label of the version that scenarios deploy. */
export const NEW = VERSIONS.python.label;

/** An account with a pair, in which new versions end as planned. */
export function prepareDouble(plan: Plan, seed = 1, platform: keyof typeof VERSIONS = "python"): AwsDouble {
  const double = new AwsDouble(seed);
  double.describeTarget(undefined, platform);
  double.addPair();
  double.planNew(plan.web, plan.worker);
  double.beanstalk.timing = { ...STEADY };
  return double;
}

/**
 * Runs a deployment and returns the verdict. If its process is killed, repairs or deployments follow until one of them
 * ends. A deployment that was not killed must succeed without them.
 */
export async function play(
  double: AwsDouble,
  recovery: "repair" | "deploy" = "repair",
  route: Route = "sdk",
  platform: keyof typeof VERSIONS = "python",
): Promise<Played> {
  const built = VERSIONS[platform];
  const missing = platform === "docker" ? missingImages : missingWheels;
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
    mismatches: [...mismatches(double, [PREVIOUS, built.label]), ...missing(double, built.label)],
  };
}

const OVER = ["deployed", "unchanged", "repaired", "rolledBack"];

function isOver(end: End | undefined): boolean {
  return end !== undefined && end !== "killed" && OVER.includes(end.outcome);
}

const ENDS: readonly DeploymentEnd[] = ["succeeds", "succeeds", "rolledBack", "mixed", "degrades", "hangs"];

/** The health that an environment has at best, for reasons that no version changes. */
const BEST_HEALTH: readonly string[] = ["Ok", "Ok", "Ok", "Warning", "Degraded"];

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
  // The rollback can fail too, once on each environment. It succeeds on the next attempt.
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
  for (const environment of [double.web, double.worker]) {
    const best = random.pick(BEST_HEALTH);
    environment.bestHealth = () => best;
  }
  return double;
}
