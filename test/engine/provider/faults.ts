import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Account, AwsError, Properties } from "./account";

export type Operation = "create" | "read" | "update" | "delete";

/** One rule for what goes wrong. A call that no rule matches goes well. */
export interface Fault {
  operation: Operation | "change";
  /** Type token such as `aws:s3/bucket:Bucket`; every type where none is given. */
  type?: string;
  /** The resource's name in the program; every name where none is given. */
  name?: string;
  /** Counts calls for each resource on its own instead of for all together. */
  each?: boolean;
  /** The first of the matching calls that is hit, from 1. */
  nth?: number;
  /** How many calls are hit, from the first on. Once where none is given. */
  times?: number;
  /**
   * - `fail`: AWS refuses the call.
   * - `initFail`: AWS makes the resource, which then does not become ready. Only for creations.
   * - `delay`: the call takes `milliseconds` longer, as where AWS asks to slow down and the SDK tries again.
   * - `die`: the provider process ends.
   * - `hang`: the provider says so on stdout and never answers, so that a test can kill the engine meanwhile.
   */
  action: "fail" | "initFail" | "delay" | "die" | "hang";
  /** Whether `die` and `hang` hit before AWS has done what was asked, or after. */
  phase?: "before" | "after";
  milliseconds?: number;
}

/** What a creation gives. */
export interface Made {
  id: string;
  inputs: Properties;
  state: Properties;
}

/**
 * What Pulumi calls an initialization failure: the resource exists, and is not ready. The provider has waited for
 * it in vain and has not read it, so it knows no more of it than id and inputs.
 */
export class InitializationFailure extends AwsError {
  constructor(
    reason: string,
    readonly made: Pick<Made, "id" | "inputs">,
  ) {
    super("NotReady", reason);
  }
}

/** The faults of one configuration file, which is read anew for each call so that a test can change it. */
export class Faults {
  constructor(
    private readonly file: string | undefined,
    private readonly account: Account,
    private readonly announce: (line: string) => void,
  ) {}

  /** Runs one call on the account, with what is configured to go wrong. */
  async run<T>(operation: Operation, type: string, name: string, call: () => T): Promise<T> {
    const hits = this.hits(operation, type, name);
    for (const fault of hits.filter((hit) => !isLate(hit))) {
      await this.strike(fault, operation, type, name);
    }
    const result = call();
    for (const fault of hits.filter(isLate)) {
      await this.strike(fault, operation, type, name, result);
    }
    return result;
  }

  private hits(operation: Operation, type: string, name: string): Fault[] {
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

  private async strike(
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
          result as Made,
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

/** What hits when AWS has done what was asked. */
function isLate({ action, phase }: Fault): boolean {
  return action === "initFail" || phase === "after";
}
