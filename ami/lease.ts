import type { Tag } from "@aws-sdk/client-ec2";
import { tagOf } from "./images";

/** Which run a part belongs to, and until when that run is taken to be alive. */
export const RUN_TAG = "iaso:ami-run";
const LEASE_TAG = "iaso:ami-lease";

/**
 * A run's sign of life on what it made.
 *
 * A run that is killed cannot tidy up. Its builder and its security group carry the time until which it wants to be
 * taken for alive; it moves that time on while it lives. What has outlived its lease was left by a killed run, and
 * any other run takes it over or removes it. What has not is somebody's, and nobody else touches it.
 */
export class Lease {
  private end = 0;

  /** @param seconds how long a sign of life lasts; clocks of different machines must agree to much less than that */
  constructor(
    private readonly runId: string,
    private readonly seconds: number,
  ) {}

  /** Whether it is time for the next sign of life. */
  get isDue(): boolean {
    return this.end - Date.now() < this.seconds * 500;
  }

  /** The tags that give one, from now on. */
  tags(): Tag[] {
    this.end = Date.now() + this.seconds * 1000;
    return [
      { Key: RUN_TAG, Value: this.runId },
      { Key: LEASE_TAG, Value: new Date(this.end).toISOString() },
    ];
  }
}

/** Whether the run that a part belongs to is dead, as far as its tags tell. */
export function isLeftBehind(part: { Tags?: Tag[] }): boolean {
  const end = Date.parse(tagOf(part, LEASE_TAG));
  return Number.isNaN(end) || end < Date.now();
}
