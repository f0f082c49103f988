import { AwsDouble, ENV } from "../deploy/double/aws";
import { ScaledTime, scaledClock } from "../deploy/double/clocks";
import { builtVersion, deployment, runWith, silentProgress } from "../deploy/double/runs";
import { serve } from "../deploy/double/server";
import { play, prepare } from "../deploy/maintenance/scenario";
import { createClients } from "../../coordination/clients";
import { SETTLING } from "../../deploy/maintenance/maintain";
import { type Session } from "../../deploy/session";
import { UpdateEnvironmentCommand } from "@aws-sdk/client-elastic-beanstalk";
import { describePair } from "../../deploy/pair/state";
import { findPair, type Role, ROLES } from "../../deploy/pair/find";
import { type Report } from "../../deploy/output/report";
import type { Bench, Measurement } from "./bench";

/** Seconds on the double in one real second: the ratios between all its times stay as they are. */
const FACTOR = 20;
/** Milliseconds an instance takes; web has two instances, worker has two in this comparison. */
const PER_INSTANCE = 200_000;

/**
 * Today's way: `eb deploy` on one environment, then on the other. Each is looked at as often as the tool looks, and
 * is done when it is Ready and healthy.
 */
async function oneAfterTheOther(session: Session, label: string): Promise<Report> {
  const { clients, clock, env, limits, target } = session;
  const pair = await findPair(clients.beanstalk, env, target);
  for (const role of ROLES) {
    await clients.beanstalk.send(
      new UpdateEnvironmentCommand({ EnvironmentId: pair[role].id, VersionLabel: label }),
    );
    while (!(await isDone(session, role, label))) await clock.sleep(limits.poll);
  }
  return { env, outcome: "deployed", summary: "" };
}

async function isDone(session: Session, role: Role, label: string): Promise<boolean> {
  const pair = await findPair(session.clients.beanstalk, session.env, session.target);
  const look = (await describePair(session.clients.beanstalk, pair))[role];
  return look.status === "Ready" && look.version === label && look.health === "Ok";
}

/** Real milliseconds that a command takes on a fresh account served over HTTP. */
async function measure(
  command: (double: AwsDouble) => (session: Session) => Promise<Report>,
): Promise<number> {
  const time = new ScaledTime(FACTOR);
  const double = new AwsDouble(1, time);
  double.addPair();
  double.worker.truth.instances.push({ ...double.web.truth.instances[0]!, id: "i-more" });
  double.beanstalk.timing.perInstance = () => PER_INSTANCE;
  const running = await serve(double);
  double.describeTarget(running.url);
  for (const [name, value] of Object.entries(running.environment)) process.env[name] = value;
  try {
    const clients = createClients({ region: "eu-central-1", pathStyle: true });
    const clock = scaledClock(time);
    const began = performance.now();
    const report = await runWith({ clients, clock, progress: silentProgress(clock) }, command(double));
    if (report.outcome !== "deployed") throw new Error(`${ENV}: ${report.summary}`);
    return performance.now() - began;
  } finally {
    for (const name of Object.keys(running.environment)) Reflect.deleteProperty(process.env, name);
    await running.stop();
  }
}

/** Milliseconds of RDS's snapshot, and from Ready to healthy, on the double. */
const SNAPSHOT = 60_000;
const RECOVERY = 15_000;

/** Milliseconds for which users see the maintenance page, and the least that the same steps can take. */
async function measureOutage(): Promise<{ outage: number; least: number }> {
  const double = prepare({ web: "succeeds", worker: "succeeds" });
  double.beanstalk.timing = {
    ...double.beanstalk.timing,
    perInstance: () => PER_INSTANCE,
    recovery: () => RECOVERY,
  };
  const { mismatches } = await play(double);
  if (mismatches.length > 0) throw new Error(mismatches.join("; "));
  const page = double.balancing.rules.find(({ action }) => action.type === "fixed-response");
  if (page === undefined) throw new Error("there was no maintenance page");
  const instances = double.web.truth.instances.length;
  return {
    outage: page.until - page.from,
    least: SETTLING + SNAPSHOT + instances * PER_INSTANCE + RECOVERY,
  };
}

export const bench: Bench = {
  name: "Deployment of the pair",
  async run(): Promise<Measurement[]> {
    const { build, label } = builtVersion();
    const together = await measure(() => deployment(build));
    const apart = await measure((double) => (session) => {
      double.beanstalk.addVersion(label, "bucket", "key");
      double.beanstalk.versions.get(label)!.processedAt = 0;
      return oneAfterTheOther(session, label);
    });
    const minutes = (milliseconds: number): string => ((milliseconds * FACTOR) / 60_000).toFixed(1);
    const { least, outage } = await measureOutage();
    return [
      {
        name: "closed site of a maintenance / wait, snapshot and update alone",
        value: outage / least,
        limit: 1.05,
        unit: "x",
        detail: `${(outage / 60_000).toFixed(1)} min on the double's clock, at least ${(least / 60_000).toFixed(1)} min`,
      },
      {
        name: "pair with the tool / one environment after the other",
        value: together / apart,
        limit: 0.55,
        unit: "x",
        detail: `${minutes(together)} min with all checks, static files and upload, against ${minutes(apart)} min for the two updates alone; double at ${FACTOR} times real time`,
      },
    ];
  },
};
