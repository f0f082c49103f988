/** The exit codes of the deploy tool. docs/deploying.md lists them for users. */
export const EXIT = {
  /** The command succeeded, or there was nothing to do. */
  done: 0,
  /** An unexpected error (an AWS call, a bug). The environments were not changed. */
  failed: 1,
  /** Refused before the environments were changed. The message names the command or the line that fixes it. */
  refused: 2,
  /** The new version failed. Both environments were rolled back and are verified to run the previous version. */
  rolledBack: 3,
  /** Web and worker run different versions, and the rollback failed too. Somebody has to act now. */
  mixedVersions: 4,
  /** Another run holds the lock of this environment. */
  locked: 5,
  /** The run stopped during a switch (interrupted twice, or it lost its lock). `repair` completes it. */
  unfinished: 6,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
