import { missingCommands } from "./missingCommands";

/** Fails the engine suite at once, in one sentence, on a machine that cannot run it. */
export const mochaHooks = {
  beforeAll(): void {
    const missing = missingCommands();
    if (missing.length > 0) {
      console.error(
        `The engine suite needs ${missing.join(" and ")} on PATH: install the Pulumi CLI (https://www.pulumi.com/docs/install/).`,
      );
      process.exit(1);
    }
  },
};
