/** Reads the progress of the install script from a builder's console: the lines marked `IASO-AMI`. */
export class BuilderConsole {
  /** The current step. */
  step = "start";
  /** True once the script has reported that its self-test passed. */
  ready = false;
  /** The error of a failed step, with the end of the step's log. */
  failure: string | undefined;
  /** Marked lines that were read, with their numbers. */
  private readonly seen = new Set<string>();
  private readonly log: string[] = [];
  private readonly started = Date.now();

  constructor(private readonly report: (line: string) => void) {}

  /**
   * Reads the console as EC2 returns it: the last 64 KiB at each call. Old lines repeat or scroll out, and cloud-init
   * prints the lines of its scripts twice; the number in each line identifies it.
   */
  read(console: string): void {
    // The last line may be incomplete.
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
