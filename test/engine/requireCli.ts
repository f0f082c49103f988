import { missingEngine } from "./commands";

/** Ends the engine suite at once on a machine without the engine. */
export const mochaHooks = {
  beforeAll(): void {
    const missing = missingEngine();
    if (missing === undefined) return;
    console.error(missing);
    process.exit(1);
  },
};
