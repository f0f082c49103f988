/** Reads the lines the install script marks with `IASO-AMI` out of a builder's console. */
export class Progress {
  /** The step that is being done. */
  step = "start";
  /** True when the script has said that its self-test passed. */
  ready = false;
  /** What went wrong, with the tail of the step's log. */
  failure: string | undefined;
  private seen = 0;
  private readonly log: string[] = [];
  private readonly started = Date.now();

  constructor(private readonly report: (line: string) => void) {}

  /**
   * Takes the console as a whole: EC2 returns its last 64 KiB at each call, each time with the old lines.
   */
  read(console: string): void {
    // Kernel messages may come between; only whole lines count.
    const lines = [...console.matchAll(/IASO-AMI ([^\r\n]*)\r?\n/g)].map(([, text = ""]) => text.trimEnd());
    for (const line of lines.slice(this.seen)) this.take(line);
    this.seen = Math.max(this.seen, lines.length);
  }

  private take(line: string): void {
    const step = /^step (\d+)\/(\d+) (\S+) (start|done.*)$/.exec(line);
    if (step) {
      const [, number = "", total = "", name = "", state = ""] = step;
      this.step = name;
      const left = Number(total) - Number(number) + (state === "start" ? 1 : 0);
      const minutes = Math.round((Date.now() - this.started) / 60_000);
      this.report(`${name} ${state}; ${left} of ${total} steps left, ${minutes} min so far`);
    } else if (line.startsWith("log ")) {
      this.log.push(line.slice(4));
    } else if (line.startsWith("failed ")) {
      this.failure = [
        `The step ${line.slice(7)}. The end of its log:`,
        ...this.log.map((text) => `  ${text}`),
      ].join("\n");
    } else if (line === "ready") {
      this.ready = true;
    }
  }
}
