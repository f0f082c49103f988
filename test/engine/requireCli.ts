import { missing } from "./commands";

/** Fails the engine suite at once, in plain words, on a machine that cannot run it. */
export const mochaHooks = {
  beforeAll(): void {
    const lacks = missing();
    if (lacks.length > 0) {
      console.error(["The engine suite needs:", ...lacks.map((what) => `- ${what}`)].join("\n"));
      process.exit(1);
    }
  },
};
