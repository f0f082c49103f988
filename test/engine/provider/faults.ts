import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Account, AwsError, Properties } from "./account";

export type Operation = "create" | "read" | "update" | "delete";

/** A fault: calls that match it fail, wait or end the process. */
export interface Fault {
  operation: Operation | "change";
  /** Type token such as `aws:s3/bucket:Bucket`; any type by default. */
  type?: string;
  /** The resource's name in the program; any name by default. */
  name?: string;
  /** Counts the calls of each resource separately. */
  each?: boolean;
  /** The first matching call that has the fault, counted from 1; the first of all by default. */
  nth?: number;
  /** The number of calls in a row that have the fault; 1 by default. */
  times?: number;
  /**
   * - `fail`: AWS refuses the call.
   * - `initFail`: AWS creates the resource, which then does not become ready. Only for creations.
   * - `delay`: the call takes `milliseconds` longer, as if AWS throttled it and the SDK retried.
   * - `die`: the provider process exits.
   * - `hang`: the provider prints a line and never answers, so that a test can kill the engine.
   */
  action: "fail" | "initFail" | "delay" | "die" | "hang";
  /** When `die` and `hang` happen: before AWS performs the call, or after. `before` by default. */
  phase?: "before" | "after";
  milliseconds?: number;
}

/** A created resource. */
export interface CreatedResource {
  id: string;
  inputs: Properties;
  state: Properties;
}

/**
 * An initialization failure, in Pulumi's words: the resource exists but is not ready. The provider has not read it, so
 * it knows only the id and the inputs.
 */
export class InitializationFailure extends AwsError {
  constructor(
    reason: string,
    readonly created: Pick<CreatedResource, "id" | "inputs">,
  ) {
    super("NotReady", reason);
  }
}

/** The faults of a configuration file, which is read at each call so that a test can change it. */
export class Faults {
  constructor(
    private readonly file: string | undefined,
    private readonly account: Account,
    private readonly announce: (line: string) => void,
  ) {}

  /** Runs a call with the faults that match it. */
  async run<T>(operation: Operation, type: string, name: string, call: () => T): Promise<T> {
    const faults = this.matching(operation, type, name);
    for (const fault of faults.filter((fault) => !isLate(fault))) {
      await this.inject(fault, operation, type, name);
    }
    const result = call();
    for (const fault of faults.filter(isLate)) {
      await this.inject(fault, operation, type, name, result);
    }
    return result;
  }

  private matching(operation: Operation, type: string, name: string): Fault[] {
    if (this.file === undefined || !existsSync(this.file)) return [];
    const faults = JSON.parse(readFileSync(this.file, "utf8")) as Fault[];
    return faults.filter((fault, index) => {
      if (fault.operation !== operation && !(fault.operation === "change" && operation !== "read"))
        return false;
      if (fault.type !== undefined && fault.type !== type) return false;
      if (fault.name !== undefined && fault.name !== name) return false;
      const key = `${index} ${JSON.stringify(fault)}${fault.each ? ` ${type} ${name}` : ""}`;
      const call = this.account.count(key);
      const first = fault.nth ?? 1;
      return call >= first && call < first + (fault.times ?? 1);
    });
  }

  private async inject(
    fault: Fault,
    operation: Operation,
    type: string,
    name: string,
    result?: unknown,
  ): Promise<void> {
    switch (fault.action) {
      case "fail":
        throw new AwsError("InternalFailure", `simulated fault: ${operation} of ${type} ${name}`);
      case "initFail":
        throw new InitializationFailure(
          `simulated fault: ${type} ${name} did not become ready`,
          result as CreatedResource,
        );
      case "delay":
        return sleep(fault.milliseconds ?? 1000);
      case "die":
        return process.exit(70);
      case "hang":
        this.announce(`hanging ${operation} ${fault.phase ?? "before"} ${type} ${name}`);
        return new Promise<void>(() => undefined);
    }
  }
}

/** True if the fault happens after AWS has performed the call. */
function isLate({ action, phase }: Fault): boolean {
  return action === "initFail" || phase === "after";
}
