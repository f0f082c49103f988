import { type PulumiState } from "../../../database/pulumiState";
import { KILL, SILENCE } from "./aws";
import { never, type Process } from "./transport";

/** Pulumi's command line: its calls are faulted like those of AWS. */
export function pulumiOf(stack: { state: string }, process: Process): PulumiState {
  const call = async <T>(operation: string, act: () => T): Promise<T> => {
    await Promise.resolve();
    if (process.dead) return never();
    const answer = process.double.arrive("pulumi", operation, act);
    if (answer === KILL) {
      process.dead = true;
      process.onKill();
      return never();
    }
    if (answer === SILENCE) throw new Error("pulumi was ended by a signal");
    return answer;
  };
  return {
    read: () => call("export", () => stack.state),
    write: (state) =>
      call("import", () => {
        stack.state = state;
      }),
  };
}
