import type { Stack } from "../../../doctor/stack";
import { NOW, type World } from "../lab";

const DAY = 24 * 3600 * 1000;

export const daysFromNow = (days: number) => new Date(NOW.getTime() + days * DAY);

/** A problem, how it comes about in a healthy world, and what the doctor must say about it. */
export interface Plant {
  what: string;
  check: string;
  /** The stack of this repository; staging if absent. */
  stack?: string;
  /** Settings that differ from the stack's own. */
  settings?: (stack: Stack) => Partial<Stack>;
  /** True for a stack that is deployed. */
  exists?: boolean;
  plant: (world: World, stack: Stack) => void;
  wrong: RegExp;
  fix: RegExp;
}
