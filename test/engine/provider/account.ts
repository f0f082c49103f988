import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

export type Properties = Record<string, unknown>;

/** One thing that exists in the simulated account. */
export interface AccountResource {
  type: string;
  id: string;
  /** What its maker asked for, as AWS gives it back. */
  inputs: Properties;
  /** Everything AWS tells about it. */
  state: Properties;
}

export interface Snapshot {
  /** Identifiers are each service's own. */
  service: "rds" | "elasticache";
  identifier: string;
  /** What it was taken of. */
  source: string;
}

interface AccountState {
  /** Number of the next thing that is made. */
  sequence: number;
  resources: AccountResource[];
  /** Final snapshots, which outlive their sources. */
  snapshots: Snapshot[];
  /** Keys in each bucket that no resource of the program made. */
  objects: Record<string, string[]>;
  /** How often each rule for faults has met its calls. */
  faultCounts: Record<string, number>;
}

/** An answer by which AWS refuses a call. The code is AWS's own. */
export class AwsError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(`${code}: ${message}`);
    this.name = "AwsError";
  }
}

/**
 * All that exists in the simulated account, in one file.
 *
 * Each change is written to a new file that replaces the old one, so that a killed process leaves either the
 * account before the change or the account after it.
 */
export class Account {
  private readonly state: AccountState;

  constructor(private readonly file: string) {
    this.state = existsSync(file)
      ? (JSON.parse(readFileSync(file, "utf8")) as AccountState)
      : { sequence: 1, resources: [], snapshots: [], objects: {}, faultCounts: {} };
  }

  get resources(): readonly AccountResource[] {
    return this.state.resources;
  }

  get snapshots(): Snapshot[] {
    return this.state.snapshots;
  }

  get objects(): Record<string, string[]> {
    return this.state.objects;
  }

  find(type: string, id: string): AccountResource | undefined {
    return this.state.resources.find((resource) => resource.type === type && resource.id === id);
  }

  ofType(...types: string[]): AccountResource[] {
    return this.state.resources.filter((resource) => types.includes(resource.type));
  }

  put(resource: AccountResource): void {
    const index = this.state.resources.findIndex(
      ({ type, id }) => type === resource.type && id === resource.id,
    );
    if (index < 0) this.state.resources.push(resource);
    else this.state.resources[index] = resource;
    this.save();
  }

  remove(type: string, id: string): void {
    this.state.resources = this.state.resources.filter(
      (resource) => resource.type !== type || resource.id !== id,
    );
    this.save();
  }

  /** A number that is never given twice by one account. */
  next(): number {
    return this.state.sequence++;
  }

  /** Counts a call for a fault rule and returns how many there have been, this one included. */
  count(key: string): number {
    const calls = (this.state.faultCounts[key] ?? 0) + 1;
    this.state.faultCounts[key] = calls;
    this.save();
    return calls;
  }

  save(): void {
    const next = `${this.file}.${process.pid}.next`;
    writeFileSync(next, JSON.stringify(this.state));
    renameSync(next, this.file);
  }
}
