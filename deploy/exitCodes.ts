/** What the exit code of the deploy tool says; docs/deploying.md lists them for users. */
export const EXIT = {
  /** What was asked for is done, or there was nothing to do. */
  done: 0,
  /** Something unforeseen failed (an AWS call, a bug) and the pair was not touched. */
  failed: 1,
  /** Refused before the pair was touched; the message names the command or the line that mends it. */
  refused: 2,
  /** The new version failed; both environments are verified to run the previous one. */
  returned: 3,
  /** The environments could not be brought to one version. Somebody has to act now. */
  split: 4,
  /** Another run of the tool holds the lock of this environment. */
  locked: 5,
  /** The run stopped in the middle of a switch (interrupted, or its lock was taken over): repair finishes it. */
  unfinished: 6,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
