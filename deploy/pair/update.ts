import { UpdateEnvironmentCommand } from "@aws-sdk/client-elastic-beanstalk";
import { describeError, isRefusal } from "../../cli/awsErrors";
import { formatDuration } from "../clock";
import { type LockedSession } from "../session";
import { EventStream } from "./events";
import { type Pair, type Role, ROLES } from "./find";
import { deviations, type EnvironmentLook, lookAtPair, type PairLook } from "./state";

/** A request to move one environment, and how AWS answered. */
export interface UpdateRequest {
  role: Role;
  /** When it was sent for the first time. */
  asked: number;
  /** When its answer came. */
  at: number;
  /** Absent where AWS accepted. */
  error?: string;
  /** There was no clear answer: the update may have begun, or may still begin. */
  unclear: boolean;
}

/** Asks Beanstalk to move the given environments to a version, all at the same time. */
export async function requestUpdates(
  session: LockedSession,
  pair: Pair,
  roles: readonly Role[],
  version: string,
): Promise<UpdateRequest[]> {
  await session.lease.hold();
  return Promise.all(
    roles.map(async (role): Promise<UpdateRequest> => {
      const asked = session.clock.now();
      try {
        const { $metadata } = await session.clients.beanstalk.send(
          new UpdateEnvironmentCommand({ EnvironmentId: pair[role].id, VersionLabel: version }),
        );
        // Of two attempts, the one without an answer may still arrive.
        return { role, asked, at: session.clock.now(), unclear: ($metadata.attempts ?? 1) > 1 };
      } catch (error) {
        // A refusal can follow an attempt whose answer was lost, so it is not taken as final either: what the
        // environment does next decides.
        const unclear = !isRefusal(error) || retried(error);
        return { role, asked, at: session.clock.now(), error: describeError(error), unclear };
      }
    }),
  );
}

function retried(error: unknown): boolean {
  const attempts = (error as { $metadata?: { attempts?: number } }).$metadata?.attempts;
  return attempts === undefined || attempts > 1;
}

export interface WatchArgs {
  version: string;
  requests: readonly UpdateRequest[];
  /** Whether instances have to be healthy as well as on the version. */
  healthy: boolean;
  /** Whether a request to stop ends the watch. */
  interruptible: boolean;
}

export type Verdict = { ok: true; look: PairLook } | { ok: false; causes: string[] };

/** Looks at both environments in a row that have to be good: the first can still show what was before. */
const GOOD_LOOKS = 2;

/**
 * Watches the pair until both environments run the version, or one of them certainly does not. An answer that AWS
 * fails to give decides nothing: the next look may tell.
 */
export async function watchUpdates(session: LockedSession, pair: Pair, args: WatchArgs): Promise<Verdict> {
  const { clock, limits, progress } = session;
  const began = clock.now();
  const judges = ROLES.map((role) => new Judge(role, session, args, began));
  const asked = Math.min(began, ...args.requests.map((request) => request.asked));
  const events = new EventStream(session.clients.beanstalk, session.target, pair, asked - 1000);
  let goodLooks = 0;
  for (;;) {
    session.lease.requireNotLost();
    if (args.interruptible && session.interrupted())
      return { ok: false, causes: ["the run was interrupted"] };
    await streamEvents(session, events, judges);
    let look: PairLook | undefined;
    try {
      look = await lookAtPair(session.clients.beanstalk, pair);
    } catch (error) {
      progress.warn(`The environments could not be looked at: ${describeError(error)}`);
    }
    const latest = look;
    if (latest !== undefined) {
      const causes = judges.flatMap((judge) => judge.failure(latest[judge.role]) ?? []);
      if (causes.length > 0) return { ok: false, causes };
      goodLooks = judges.every((judge) => judge.isGood) ? goodLooks + 1 : 0;
      if (goodLooks === GOOD_LOOKS) return { ok: true, look: latest };
    } else if (clock.now() > began + limits.update + limits.health) {
      return { ok: false, causes: ["the environments could not be looked at in time"] };
    }
    await clock.sleep(limits.poll);
  }
}

async function streamEvents(session: LockedSession, events: EventStream, judges: Judge[]): Promise<void> {
  try {
    for (const { role, severity, message } of await events.next()) {
      session.progress.line(`${role}: ${severity === "INFO" ? "" : `${severity} `}${message}`);
      if (severity === "ERROR" || severity === "FATAL") {
        judges.find((judge) => judge.role === role)?.lastErrors.push(message);
      }
    }
  } catch (error) {
    session.progress.warn(`Beanstalk's events could not be read: ${describeError(error)}`);
  }
}

/** Follows one environment from look to look. */
class Judge {
  readonly lastErrors: string[] = [];
  isGood = false;
  private seenUpdating = false;
  private readySince: number | undefined;
  private readonly request: UpdateRequest | undefined;

  constructor(
    readonly role: Role,
    private readonly session: LockedSession,
    private readonly args: WatchArgs,
    private readonly began: number,
  ) {
    this.request = args.requests.find((request) => request.role === role);
  }

  /** Why the environment has failed; undefined while it is fine or may still become so. */
  failure(look: EnvironmentLook): string | undefined {
    const cause = this.judge(look);
    if (cause === undefined) return undefined;
    const events =
      this.lastErrors.length === 0 ? "" : ` Beanstalk said: ${this.lastErrors.slice(-3).join(" ")}`;
    return `${this.role} (${look.name}) ${cause}.${events}`;
  }

  private judge(look: EnvironmentLook): string | undefined {
    const { clock, limits } = this.session;
    const { version } = this.args;
    const now = clock.now();
    this.isGood = false;
    if (look.status === "Terminated" || look.status === "Terminating") return `is ${look.status}`;
    if (look.status !== "Ready") {
      this.seenUpdating = true;
      this.readySince = undefined;
      if (now <= this.began + limits.update) return undefined;
      return `was still ${look.status} after ${formatDuration(limits.update)}`;
    }
    if (look.version !== version) {
      // Just after the request AWS can still answer with the state before it.
      const answered = this.seenUpdating || now >= (this.request?.at ?? this.began) + limits.settle;
      if (!answered) return undefined;
      if (this.request?.error !== undefined && !this.seenUpdating) {
        return `could not be updated: ${this.request.error}`;
      }
      return `was brought back to ${look.version ?? "no version"} by Beanstalk`;
    }
    this.readySince ??= now;
    const off = deviations(look, version);
    const unhealthy = this.args.healthy && look.health !== "Ok";
    this.isGood = off.length === 0 && !unhealthy;
    if (this.isGood || now <= this.readySince + limits.health) return undefined;
    const causes = look.instances.flatMap((instance) => instance.causes);
    if (off.length > 0) return `does not run ${version} on every instance: ${off.join(", ")}`;
    return `is not healthy (${look.health})${causes.length === 0 ? "" : `: ${[...new Set(causes)].join(" ")}`}`;
  }
}
