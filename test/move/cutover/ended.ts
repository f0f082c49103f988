import { type Platforms, run, type RunArgs } from "./platforms";

type Command = Parameters<typeof run>[1];

/** Runs a command that is not killed. */
export async function done(platforms: Platforms, command: Command, args: RunArgs = {}) {
  const ended = await run(platforms, command, args);
  if (ended === "killed") throw new Error("the run was killed");
  return ended;
}

/** The calls of a run that change something, without those of the lock and the journal. */
export const changes = ({ double }: Platforms) =>
  double.calls
    .map(({ operation }) => operation)
    .filter((operation) => !/^(Describe|Get|List|PutObject|export)/.test(operation));
