import { type Clock } from "../../../deploy/clock";

/** The time of a double; it only moves when somebody sleeps. */
export class VirtualTime {
  constructor(public now: number = Date.UTC(2026, 0, 5, 8)) {}
}

/**
 * One process's view of a virtual time: sleeping moves the time on at once. A clock that was stopped never lets
 * anybody wake up, as in a process that was killed.
 */
export class VirtualClock implements Clock {
  stopped = false;
  private readonly repeated: { every: number; due: number; action: () => Promise<void> }[] = [];

  constructor(private readonly time: VirtualTime) {}

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

/** A clock on which `factor` seconds pass in one; for runs of a real process. */
export function scaledClock(factor: number, start: number): Clock {
  const began = performance.timeOrigin + performance.now();
  return {
    now: () => start + (performance.timeOrigin + performance.now() - began) * factor,
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds / factor)),
    every(milliseconds, action) {
      const timer = setInterval(() => void action(), milliseconds / factor);
      return () => {
        clearInterval(timer);
      };
    },
  };
}
