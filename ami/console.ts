/** Reads the lines the install script marks with `IASO-AMI` out of a builder's console. */
export class Progress {
  /** The step that is being done. */
  step = "start";
  /** True when the script has said that its self-test passed. */
  ready = false;
  /** What went wrong, with the tail of the step's log. */
  failure: string | undefined;
  /** Marked lines that were taken, with their numbers. */
  private readonly seen = new Set<string>();
  private readonly log: string[] = [];
  private readonly started = Date.now();

  constructor(private readonly report: (line: string) => void) {}

  /**
   * Takes the console as EC2 returns it: its last 64 KiB at each call. Old lines come again or scroll out, and
   * cloud-init repeats what its scripts print; the lines' numbers tell a repetition from a new line.
   */
  read(console: string): void {
    // Only whole lines count.
    for (const [, line = ""] of console.matchAll(/IASO-AMI (\d+ [^\r\n]*)\r?\n/g)) {
      if (this.seen.has(line)) continue;
      this.seen.add(line);
      this.take(line.slice(line.indexOf(" ") + 1).trimEnd());
    }
  }

  private take(line: string): void {
    const [kind = ""] = line.split(" ", 1);
    if (kind === "step") this.takeStep(line);
    else if (kind === "log") this.log.push(line.slice(4));
    else if (kind === "failed") this.takeFailure(line);
    else if (line === "ready") this.ready = true;
  }

  private takeStep(line: string): void {
    const match = /^step (\d+)\/(\d+) (\S+) (start|done.*)$/.exec(line);
    if (!match) return;
    const [, number = "", total = "", name = "", state = ""] = match;
    this.step = name;
    const left = Number(total) - Number(number) + (state === "start" ? 1 : 0);
    const minutes = Math.round((Date.now() - this.started) / 60_000);
    this.report(`${name} ${state}; ${left} of ${total} steps left, ${minutes} min so far`);
  }

  private takeFailure(line: string): void {
    const [, name = "", code = "", after = ""] = /^failed (\S+) exit (\d+) after (\S+)$/.exec(line) ?? [];
    this.failure = [
      `The step ${name} failed on the builder with exit code ${code} after ${after}. The end of its log:`,
      ...this.log.map((text) => `  ${text}`),
    ].join("\n");
  }
}
