/** The time and timers. Tests use a clock that does not wait. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  sleep(milliseconds: number): Promise<void>;
  /** Repeats `action` until the returned function is called. */
  every(milliseconds: number, action: () => Promise<void>): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  every(milliseconds, action) {
    const timer = setInterval(() => void action(), milliseconds);
    // The timer must not keep the process alive once the work is done.
    timer.unref();
    return () => {
      clearInterval(timer);
    };
  },
};

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600 };

/** Parses "90s", "15m" or "1h" to milliseconds; returns undefined for any other text. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+)([smh])$/.exec(text.trim());
  const unit = UNITS[match?.[2] ?? ""];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit * 1000;
}

/** Formats milliseconds as "45 s", "3 min 20 s" or "1 h 5 min". */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
