import { Listr } from "listr2";
import { plain } from "./output";

/** The progress output of a command. Secrets passed to `hide` are never printed. */
export interface Progress {
  /** Runs one named step. Lines that are printed while it runs appear under its title. */
  step<T>(title: string, run: (log: (line: string) => void) => Promise<T>): Promise<T>;
  line(text: string): void;
  warn(text: string): void;
  /** Redacts a secret in all output from now on. */
  hide(secret: string): void;
  /** Removes control characters, and replaces every hidden secret. */
  redact(text: string): string;
  /** Adds to the times a part of the step that runs, which its code has measured. */
  measured(part: StepTime): void;
  /** The steps that ended, and their parts below them. */
  readonly times: readonly StepTime[];
}

/** How long a step took. */
export interface StepTime {
  title: string;
  milliseconds: number;
  /** True for a part of the step before it. */
  isPart?: true;
}

export interface ProgressOptions {
  /** Draws spinners if true; prints plain lines otherwise. */
  terminal: boolean;
  write: (line: string) => void;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** Columns below which a terminal cuts lines into pieces. Some pseudo-terminals report none. */
const NARROWEST = 40;

/** True if spinners can be drawn on the stream: a terminal that is wide enough, and not in CI. */
export function isDrawable(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && stream.columns >= NARROWEST && process.env["CI"] === undefined;
}

export function createProgress(options: ProgressOptions): Progress {
  return options.terminal ? new TerminalProgress(options) : new LineProgress(options);
}

abstract class BaseProgress {
  readonly times: StepTime[] = [];
  private readonly parts: StepTime[] = [];
  private readonly secrets = new Set<string>();

  constructor(protected readonly options: ProgressOptions) {}

  hide(secret: string): void {
    if (secret !== "") this.secrets.add(secret);
  }

  measured(part: StepTime): void {
    this.parts.push({ ...part, isPart: true });
  }

  /** Measures a step, also one that fails. */
  protected async measure<T>(
    title: string,
    run: () => Promise<T>,
    onEnd?: (how: string, milliseconds: number) => void,
  ): Promise<T> {
    const began = this.options.now();
    let how = "failed after";
    try {
      const result = await run();
      how = "done in";
      return result;
    } finally {
      const milliseconds = this.options.now() - began;
      this.times.push({ title, milliseconds }, ...this.parts.splice(0));
      onEnd?.(how, milliseconds);
    }
  }

  redact(text: string): string {
    // Before secrets are looked for, because a control character within a secret would hide it.
    let result = plain(text);
    for (const secret of this.secrets) result = result.replaceAll(secret, "[secret]");
    return result;
  }
}

/** Plain lines, each with the time: for CI logs and files. */
class LineProgress extends BaseProgress implements Progress {
  async step<T>(title: string, run: (log: (line: string) => void) => Promise<T>): Promise<T> {
    return this.measure(
      title,
      () => {
        this.print(title);
        return run((line) => {
          this.line(line);
        });
      },
      (how, milliseconds) => {
        this.print(`${title}: ${how} ${Math.round(milliseconds / 1000)} s`);
      },
    );
  }

  line(text: string): void {
    this.print(`  ${text}`);
  }

  warn(text: string): void {
    this.print(`  warning: ${text}`);
  }

  private print(text: string): void {
    const time = new Date(this.options.now()).toISOString().slice(11, 19);
    this.options.write(`${time} ${this.redact(text)}`);
  }
}

/** Steps with a spinner and their last lines below, for terminals. */
class TerminalProgress extends BaseProgress implements Progress {
  private current: ((line: string) => void) | undefined;

  async step<T>(title: string, run: (log: (line: string) => void) => Promise<T>): Promise<T> {
    const results: T[] = [];
    const task = {
      title: this.redact(title),
      task: async (_: unknown, self: { output: string }): Promise<void> => {
        const log = (line: string): void => {
          self.output = this.redact(line);
        };
        const outer = this.current;
        this.current = log;
        try {
          results.push(await this.measure(title, () => run(log)));
        } finally {
          this.current = outer;
        }
      },
      rendererOptions: { outputBar: 8, persistentOutput: true },
    };
    await new Listr([task], { rendererOptions: { showErrorMessage: false } }).run();
    const [result] = results;
    return result as T;
  }

  line(text: string): void {
    if (this.current === undefined) this.options.write(this.redact(text));
    else this.current(text);
  }

  warn(text: string): void {
    this.line(`warning: ${text}`);
  }
}
