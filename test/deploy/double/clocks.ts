import { type Clock } from "../../../coordination/clock";

/** The time of a double, in milliseconds since 1970. */
export interface Time {
  now: number;
}

/** Only moves when somebody sleeps. */
export class VirtualTime implements Time {
  now = Date.UTC(2026, 0, 5, 8);
}

/** Moves `factor` times as fast as the real time. */
export class ScaledTime implements Time {
  private ahead = 0;

  constructor(
    readonly factor: number,
    readonly began: number = Date.now(),
  ) {}

  get now(): number {
    return this.began + (Date.now() - this.began) * this.factor + this.ahead;
  }

  set now(value: number) {
    this.ahead += value - this.now;
  }
}

/**
 * One process's view of a virtual time: sleeping moves the time on at once. A clock that was stopped never lets
 * anybody wake up, as in a process that was killed.
 */
export class VirtualClock implements Clock {
  stopped = false;
  private readonly repeated: { every: number; due: number; action: () => Promise<void> }[] = [];

  constructor(private readonly time: Time) {}

  now(): number {
    return this.time.now;
  }

  async sleep(milliseconds: number): Promise<void> {
    const until = this.time.now + milliseconds;
    for (;;) {
      if (this.stopped) return new Promise(() => undefined);
      const next = this.repeated.reduce<(typeof this.repeated)[number] | undefined>(
        (first, one) => (one.due <= until && (first === undefined || one.due < first.due) ? one : first),
        undefined,
      );
      if (next === undefined) break;
      this.time.now = Math.max(this.time.now, next.due);
      next.due = this.time.now + next.every;
      await next.action();
    }
    this.time.now = Math.max(this.time.now, until);
  }

  every(milliseconds: number, action: () => Promise<void>): () => void {
    const entry = { every: milliseconds, due: this.time.now + milliseconds, action };
    this.repeated.push(entry);
    return () => {
      this.repeated.splice(this.repeated.indexOf(entry), 1);
    };
  }
}

/** A clock for a real process, on which time passes as fast as on `time`. */
export function scaledClock(time: ScaledTime): Clock {
  return {
    now: () => time.now,
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds / time.factor)),
    every(milliseconds, action) {
      const timer = setInterval(() => void action(), milliseconds / time.factor);
      timer.unref();
      return () => {
        clearInterval(timer);
      };
    },
  };
}
