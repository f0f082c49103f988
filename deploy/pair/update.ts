import { UpdateEnvironmentCommand } from "@aws-sdk/client-elastic-beanstalk";
import { describeError, isRefusal } from "../../cli/awsErrors";
import { type StepTime } from "../../cli/progress";
import { formatDuration } from "../../coordination/clock";
import { type LockedSession } from "../session";
import { EventStream, type PairEvent } from "./events";
import { type Pair, type Role, ROLES } from "./find";
import { isWorse, type PairHealth } from "./health";
import { describePair, deviations, type EnvironmentState, type PairState } from "./state";

/** A request to update one environment, and AWS's answer. */
export interface UpdateRequest {
  role: Role;
  /** When the request was sent first, in milliseconds since 1970. */
  sentAt: number;
  /** When the answer came, in milliseconds since 1970. */
  answeredAt: number;
  /** Absent if AWS accepted. */
  error?: string;
  /** True if there was no clear answer: the update may have begun, or may still begin. */
  unclear: boolean;
}

/** Asks Beanstalk to update the given environments to a version, all at the same time. */
export async function requestUpdates(
  session: LockedSession,
  pair: Pair,
  roles: readonly Role[],
  version: string,
): Promise<UpdateRequest[]> {
  const { clients, clock, lock } = session;
  await lock.renew();
  return Promise.all(
    roles.map(async (role): Promise<UpdateRequest> => {
      const sentAt = clock.now();
      try {
        const { $metadata } = await clients.beanstalk.send(
          new UpdateEnvironmentCommand({ EnvironmentId: pair[role].id, VersionLabel: version }),
        );
        // If the SDK tried twice, the attempt without an answer may still arrive.
        return { role, sentAt, answeredAt: clock.now(), unclear: ($metadata.attempts ?? 1) > 1 };
      } catch (error) {
        // A refusal can follow an attempt whose answer was lost, so it is not final either: what the environment
        // does next decides.
        const unclear = !isRefusal(error) || wasRetried(error);
        return { role, sentAt, answeredAt: clock.now(), error: describeError(error), unclear };
      }
    }),
  );
}

function wasRetried(error: unknown): boolean {
  const attempts = (error as { $metadata?: { attempts?: number } }).$metadata?.attempts;
  return attempts === undefined || attempts > 1;
}

export interface WatchArgs {
  version: string;
  requests: readonly UpdateRequest[];
  /**
   * Health before the update. The update fails if it makes the health of an environment worse.
   *
   * @default Health does not matter.
   */
  healthBefore?: PairHealth;
  /** Stops watching when the user asks the command to stop. */
  interruptible: boolean;
}

export type WatchResult = { ok: true; state: PairState } | { ok: false; causes: string[] };

/** Polls in a row in which both environments have to be done: the first can still show stale state. */
const MATCHES_IN_A_ROW = 2;

/**
 * Polls until both environments run the version, or one of them has certainly failed. A poll that AWS does not answer
 * decides nothing.
 */
export async function watchUpdates(
  session: LockedSession,
  pair: Pair,
  args: WatchArgs,
): Promise<WatchResult> {
  const { clock, limits, progress } = session;
  const began = clock.now();
  const watchers = ROLES.map((role) => new EnvironmentWatcher(role, session, args, began));
  const since = Math.min(began, ...args.requests.map(({ sentAt }) => sentAt));
  const events = new EventStream(session.clients.beanstalk, session.target, pair, since - 1000);
  let matches = 0;
  for (;;) {
    session.lock.requireHeld();
    if (args.interruptible && session.interrupted())
      return { ok: false, causes: ["the run was interrupted"] };
    await printEvents(session, events, watchers);
    let state: PairState | undefined;
    try {
      state = await describePair(session.clients.beanstalk, pair);
    } catch (error) {
      progress.warn(`Could not describe the environments: ${describeError(error)}`);
    }
    const latest = state;
    if (latest !== undefined) {
      const causes = watchers.flatMap((watcher) => watcher.failure(latest[watcher.role]) ?? []);
      if (causes.length > 0) return { ok: false, causes };
      matches = watchers.every(({ isDone }) => isDone) ? matches + 1 : 0;
      if (matches === MATCHES_IN_A_ROW) {
        for (const part of watchers.flatMap((watcher) => watcher.times)) progress.measured(part);
        return { ok: true, state: latest };
      }
    } else if (clock.now() > began + limits.update + limits.health) {
      return { ok: false, causes: ["the environments could not be described in time"] };
    }
    await clock.sleep(limits.poll);
  }
}

async function printEvents(
  session: LockedSession,
  events: EventStream,
  watchers: EnvironmentWatcher[],
): Promise<void> {
  try {
    for (const event of await events.next()) {
      const { role, severity, message } = event;
      session.progress.line(`${role}: ${severity === "INFO" ? "" : `${severity} `}${message}`);
      watchers.find((watcher) => watcher.role === role)?.see(event);
    }
  } catch (error) {
    session.progress.warn(`Could not read Beanstalk's events: ${describeError(error)}`);
  }
}

/** Judges the successive states of one environment during its update. */
class EnvironmentWatcher {
  /** Beanstalk's events for this environment. */
  private readonly events: PairEvent[] = [];
  /** True if the environment runs the version, and its health is not worse than before, if that is required. */
  isDone = false;
  private seenUpdating = false;
  private readySince: number | undefined;
  private doneSince: number | undefined;
  private readonly request: UpdateRequest | undefined;

  constructor(
    readonly role: Role,
    private readonly session: LockedSession,
    private readonly args: WatchArgs,
    private readonly began: number,
  ) {
    this.request = args.requests.find((request) => request.role === role);
  }

  see(event: PairEvent): void {
    this.events.push(event);
  }

  /** The time until Ready, from each of Beanstalk's events to the next, and then the time until healthy. */
  get times(): StepTime[] {
    const ready = this.readySince ?? this.session.clock.now();
    const began = this.request?.sentAt ?? this.began;
    const marks = this.events.filter(({ at }) => at >= began && at < ready);
    const parts = [{ at: began, message: "before Beanstalk's first event" }, ...marks].map(
      ({ at, message }, index) => ({ message, milliseconds: (marks[index]?.at ?? ready) - at }),
    );
    return [
      ...parts.map(({ message, milliseconds }) => ({ title: `${this.role}: ${message}`, milliseconds })),
      {
        title: `${this.role}: until it was healthy`,
        milliseconds: (this.doneSince ?? this.session.clock.now()) - ready,
      },
    ];
  }

  /** The reason why the update has failed; undefined while it succeeds or may still do so. */
  failure(state: EnvironmentState): string | undefined {
    const cause = this.judge(state);
    if (cause === undefined) return undefined;
    const errors = this.events
      .filter(({ severity }) => severity === "ERROR" || severity === "FATAL")
      .map(({ message }) => message);
    const events = errors.length === 0 ? "" : ` Beanstalk reported: ${errors.slice(-3).join(" ")}`;
    return `${this.role} (${state.name}) ${cause}.${events}`;
  }

  private judge(state: EnvironmentState): string | undefined {
    const { clock, limits } = this.session;
    const { version } = this.args;
    const now = clock.now();
    this.isDone = false;
    if (state.status === "Terminated" || state.status === "Terminating") return `is ${state.status}`;
    if (state.status !== "Ready") {
      this.seenUpdating = true;
      this.readySince = undefined;
      if (now <= this.began + limits.update) return undefined;
      return `was still ${state.status} after ${formatDuration(limits.update)}`;
    }
    if (state.version !== version) {
      // Just after the request AWS can still return the state before it.
      const isCurrent =
        this.seenUpdating || now >= (this.request?.answeredAt ?? this.began) + limits.consistency;
      if (!isCurrent) return undefined;
      if (this.request?.error !== undefined && !this.seenUpdating) {
        return `could not be updated: ${this.request.error}`;
      }
      return `was rolled back to ${state.version ?? "no version"} by Beanstalk`;
    }
    this.readySince ??= now;
    const deviating = deviations(state, version);
    const before = this.args.healthBefore?.[this.role];
    const isOver = now > this.readySince + limits.health;
    // Health goes down in steps, so a status other than Ok counts only at the end of the time limit.
    const unhealthy =
      before !== undefined && (isOver ? isWorse(state.health, before) : state.health !== "Ok");
    this.isDone = deviating.length === 0 && !unhealthy;
    this.doneSince = this.isDone ? (this.doneSince ?? now) : undefined;
    if (this.isDone || !isOver) return undefined;
    if (deviating.length > 0) return `does not run ${version} on every instance: ${deviating.join(", ")}`;
    const causes = new Set(state.instances.flatMap((instance) => instance.causes));
    const was = before === "Ok" ? "" : `, before the update ${before ?? "unknown"}`;
    return `is unhealthy (${state.health}${was})${causes.size === 0 ? "" : `: ${[...causes].join(" ")}`}`;
  }
}
