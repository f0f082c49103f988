import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

export type Properties = Record<string, unknown>;

/** A resource of the simulated account. */
export interface AccountResource {
  type: string;
  id: string;
  /** The inputs, as AWS returns them. */
  inputs: Properties;
  /** All properties that AWS returns: inputs and outputs. */
  state: Properties;
}

/** A manual snapshot of a database or Redis, or the final one of a deleted one. */
export interface Snapshot {
  /** Snapshot identifiers are unique within a service. */
  service: "rds" | "elasticache";
  identifier: string;
  /** Identifier of the database or Redis. */
  source: string;
  /** Properties of the source that a restore keeps. */
  properties: Properties;
}

interface AccountState {
  /** Number of the next resource. */
  sequence: number;
  resources: AccountResource[];
  /** Snapshots, which remain after their sources are deleted. */
  snapshots: Snapshot[];
  /** Values of the SSM parameters that no program creates, by ARN. */
  secrets: Record<string, string>;
  /** Keys of the objects in each bucket that are not resources of the program. */
  objects: Record<string, string[]>;
  /** Public policies that S3 still refuses for each bucket whose public access block was lifted. */
  refusals: Record<string, number>;
  /** Number of calls that matched each fault. */
  faultCounts: Record<string, number>;
}

/** An error that AWS returns, with AWS's error code. */
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
 * The simulated account: all its resources, kept in one file.
 *
 * Each change writes a new file that replaces the old one, so that a killed process leaves the account either before
 * or after the change.
 */
export class Account {
  private readonly state: AccountState;

  constructor(private readonly file: string) {
    this.state = existsSync(file)
      ? (JSON.parse(readFileSync(file, "utf8")) as AccountState)
      : {
          sequence: 1,
          resources: [],
          snapshots: [],
          secrets: {},
          objects: {},
          refusals: {},
          faultCounts: {},
        };
  }

  get resources(): readonly AccountResource[] {
    return this.state.resources;
  }

  get snapshots(): Snapshot[] {
    return this.state.snapshots;
  }

  get secrets(): Record<string, string> {
    return this.state.secrets;
  }

  get objects(): Record<string, string[]> {
    return this.state.objects;
  }

  /** Makes S3 refuse the next public policies of a bucket. */
  refusePublicPolicies(bucket: string, times: number): void {
    this.state.refusals[bucket] = times;
    this.save();
  }

  /** Returns true as often as `refusePublicPolicies` said. */
  takeRefusal(bucket: string): boolean {
    const left = this.state.refusals[bucket] ?? 0;
    if (left === 0) return false;
    this.refusePublicPolicies(bucket, left - 1);
    return true;
  }

  /** Returns the resource of a type and an id. */
  find(type: string, id: string): AccountResource | undefined {
    return this.state.resources.find((resource) => resource.type === type && resource.id === id);
  }

  /** Returns the resources of some types. */
  ofType(...types: string[]): AccountResource[] {
    return this.state.resources.filter((resource) => types.includes(resource.type));
  }

  /** Adds a resource, or overwrites the one of its type and id. */
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

  /** Returns a number that no other resource of the account gets. */
  next(): number {
    return this.state.sequence++;
  }

  /** Counts a call that matches a fault, and returns the number of such calls with this one. */
  count(key: string): number {
    const calls = (this.state.faultCounts[key] ?? 0) + 1;
    this.state.faultCounts[key] = calls;
    this.save();
    return calls;
  }

  /** Writes the account to its file. */
  save(): void {
    const next = `${this.file}.${process.pid}.next`;
    writeFileSync(next, JSON.stringify(this.state));
    renameSync(next, this.file);
  }
}
