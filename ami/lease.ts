import type { Tag } from "@aws-sdk/client-ec2";
import { tagOf } from "./images";

/** The tags of a run: its id, and the time at which its lease expires. */
export const RUN_TAG = "iaso:ami-run";
const LEASE_TAG = "iaso:ami-lease";

/**
 * The lease of a run on its builder and its security group.
 *
 * A run that is killed cannot clean up. Its resources carry the lease's expiry as a tag, which the run renews while it
 * is alive. Resources with an expired lease are abandoned: any other run takes them over or removes them. Other
 * resources belong to a run that is alive, and no other run changes them.
 */
export class Lease {
  private end = 0;

  /** @param seconds duration of the lease; clocks of different machines must differ by much less */
  constructor(
    private readonly runId: string,
    private readonly seconds: number,
  ) {}

  /** True if the lease should be renewed. */
  get isDue(): boolean {
    return this.end - Date.now() < this.seconds * 500;
  }

  /** Renews the lease, and returns the tags that record it. */
  tags(): Tag[] {
    this.end = Date.now() + this.seconds * 1000;
    return [
      { Key: RUN_TAG, Value: this.runId },
      { Key: LEASE_TAG, Value: new Date(this.end).toISOString() },
    ];
  }
}

/** True if the lease in the tags has expired, or there is none. */
export function isAbandoned(part: { Tags?: Tag[] }): boolean {
  const end = Date.parse(tagOf(part, LEASE_TAG));
  return Number.isNaN(end) || end < Date.now();
}
