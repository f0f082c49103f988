import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { EXIT } from "../../database/run";
import { ENV, type FaultKind } from "../deploy/double/aws";
import { type CliResult, runCli } from "../deploy/double/cli";
import { ScaledTime, type Time, VirtualTime } from "../deploy/double/clocks";
import { type RunningDouble, serve } from "../deploy/double/server";
import { type Account, createAccount, mismatches, restoring, run } from "./runs";

const FACTOR = 60;

interface Death {
  operation: string;
  /** The number of calls of the operation before the one that kills the process. */
  before: number;
  kind: Extract<FaultKind, "killBefore" | "killAfter">;
}

/** The operations that change something. A process that dies at another one has changed the same as before it. */
const CHANGES = ["ModifyDBInstance", "PutObject", "RestoreDBInstanceFromDBSnapshot", "SendCommand"];

/** The deaths before and after each change that an undisturbed restore makes. */
async function deaths(): Promise<Death[]> {
  const account = prepared(new VirtualTime());
  await run(account, restoring(account, "snapshot"));
  return CHANGES.flatMap((operation) =>
    account.double.calls
      .filter((call) => call.operation === operation)
      .flatMap((_, before): Death[] => [
        { operation, before, kind: "killBefore" },
        { operation, before, kind: "killAfter" },
      ]),
  );
}

function prepared(time: Time): Account {
  const account = createAccount(1, time);
  Object.assign(account.double.rds, {
    startDelay: () => 15_000,
    duration: () => 20_000,
    restoreDuration: () => 40_000,
    backupChance: 0,
  });
  return account;
}

/** A program `pulumi` that keeps the state of one stack in a file. */
const PULUMI = `#!/bin/sh
case "$2" in
  export) cat "$STATE_FILE" ;;
  import) cat > "$STATE_FILE.new" && mv "$STATE_FILE.new" "$STATE_FILE" ;;
  *) exit 64 ;;
esac
`;

interface Outcome {
  mismatches: string[];
  /** False if the process ended before that call: the lock is renewed by the clock, so some runs write less often. */
  killed: boolean;
}

/** A process that restores is ended with SIGKILL, and another one resumes. */
async function die(death: Death): Promise<Outcome> {
  const time = new ScaledTime(FACTOR);
  const account = prepared(time);
  const { double } = account;
  const running = await serve(double);
  double.describeTarget(running.url);
  double.faultOn = (operation, before) =>
    operation === death.operation && before === death.before ? death.kind : undefined;
  const directory = mkdtempSync(join(tmpdir(), "iaso-database-"));
  const stateFile = join(directory, "state.json");
  writeFileSync(stateFile, account.state);
  writeFileSync(join(directory, "pulumi"), PULUMI);
  chmodSync(join(directory, "pulumi"), 0o755);
  const tool = (args: string[], onKill: (kill: () => void) => void): Promise<CliResult> =>
    start(running, time, args, directory, stateFile, onKill);
  try {
    const restore = ["restore", ENV, "--snapshot", "iaso-staging-before-2-0", "--yes"];
    const killed = await tool(restore, (kill) => (running.onKill = kill));
    double.faultOn = () => undefined;
    const { signal } = killed;
    if (signal === null) expect(killed.code, killed.stderr + killed.stdout).to.equal(EXIT.done);
    else {
      const resumed = await tool(["resume", ENV, "--yes"], () => undefined);
      expect(resumed.code, resumed.stderr + resumed.stdout).to.be.oneOf([EXIT.done, EXIT.refused]);
    }
    const ended: Account = { ...account, state: readFileSync(stateFile, "utf8") };
    return { mismatches: mismatches(ended), killed: signal === "SIGKILL" };
  } finally {
    await running.stop();
    rmSync(directory, { recursive: true });
  }
}

function start(
  running: RunningDouble,
  time: ScaledTime,
  args: string[],
  directory: string,
  stateFile: string,
  onKill: (kill: () => void) => void,
): Promise<CliResult> {
  return runCli(running, time, args, {
    script: join(__dirname, "process.ts"),
    environment: { PATH: `${directory}:${String(process.env["PATH"])}`, STATE_FILE: stateFile },
    onStart(child) {
      onKill(() => child.kill("SIGKILL"));
    },
  });
}

describe("database restore, killed with SIGKILL and resumed by another process, over HTTP @proof", () => {
  it("ends with the old or the restored database, killed before and after each change", async function () {
    this.timeout(1_800_000);
    const failures: [Death, string][] = [];
    let killed = 0;
    const left = await deaths();
    // The processes wait most of the time.
    const worker = async (): Promise<void> => {
      for (let death = left.shift(); death !== undefined; death = left.shift()) {
        const outcome = await die(death);
        if (outcome.killed) killed += 1;
        for (const problem of outcome.mismatches) failures.push([death, problem]);
      }
    };
    await Promise.all(Array.from({ length: 4 }, worker));
    console.log(`      ${killed} processes killed, ${failures.length} mismatches`);
    expect(failures).to.deep.equal([]);
    expect(killed).to.be.greaterThan(30);
  });
});
