import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { EXIT } from "../../database/run";
import { ENV, type FaultKind } from "../deploy/double/aws";
import { type CliResult, runCli } from "../deploy/double/cli";
import { ScaledTime } from "../deploy/double/clocks";
import { type RunningDouble, serve } from "../deploy/double/server";
import { type Account, createAccount, mismatches } from "./runs";

const FACTOR = 60;

interface Death {
  operation: string;
  /** The number of calls of the operation before the one that kills the process. */
  before: number;
  kind: Extract<FaultKind, "killBefore" | "killAfter">;
}

const DEATHS: Death[] = [
  { operation: "RestoreDBInstanceFromDBSnapshot", before: 0, kind: "killAfter" },
  { operation: "ModifyDBInstance", before: 0, kind: "killBefore" },
  { operation: "SendCommand", before: 1, kind: "killAfter" },
  { operation: "ModifyDBInstance", before: 1, kind: "killAfter" },
  { operation: "ModifyDBInstance", before: 2, kind: "killBefore" },
  { operation: "ModifyDBInstance", before: 3, kind: "killAfter" },
];

/** A program `pulumi` that keeps the state of one stack in a file. */
const PULUMI = `#!/bin/sh
case "$2" in
  export) cat "$STATE_FILE" ;;
  import) cat > "$STATE_FILE.new" && mv "$STATE_FILE.new" "$STATE_FILE" ;;
  *) exit 64 ;;
esac
`;

/** A process that restores is ended with SIGKILL, and another one resumes. */
async function die(death: Death): Promise<string[]> {
  const time = new ScaledTime(FACTOR);
  const account = createAccount(1, time);
  const { double } = account;
  Object.assign(double.rds, {
    startDelay: () => 15_000,
    duration: () => 20_000,
    restoreDuration: () => 40_000,
    backupChance: 0,
  });
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
    expect(killed.signal, killed.stderr + killed.stdout).to.equal("SIGKILL");
    double.faultOn = () => undefined;
    const resumed = await tool(["resume", ENV, "--yes"], () => undefined);
    expect(resumed.code, resumed.stderr + resumed.stdout).to.equal(EXIT.done);
    const ended: Account = { ...account, state: readFileSync(stateFile, "utf8") };
    return mismatches(ended);
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
  it("replaces the database by the restored one, at whatever call it was killed", async () => {
    const failures: [Death, string][] = [];
    for (const death of DEATHS) {
      for (const problem of await die(death)) failures.push([death, problem]);
    }
    console.log(`      ${DEATHS.length} processes killed, ${failures.length} mismatches`);
    expect(failures).to.deep.equal([]);
  });
});
