import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { EXIT } from "../../../deploy/exitCodes";
import { ENV, type FaultKind } from "../double/aws";
import { runCli } from "../double/cli";
import { ScaledTime } from "../double/clocks";
import { serve } from "../double/server";
import { makeMinimalApplication, removeTemporaryDirectories } from "../source/checkout";
import { type Plan, prepare, problemsOf } from "./scenario";

const FACTOR = 60;

interface Death {
  operation: string;
  /** The number of calls of the operation before the one that kills the process. */
  before: number;
  kind: Extract<FaultKind, "killBefore" | "killAfter">;
  plan: Plan;
}

const FINE: Plan = { web: "succeeds", worker: "succeeds" };
const FAILING: Plan = { web: "mixed", worker: "succeeds" };

const DEATHS: Death[] = [
  { operation: "CreateRule", before: 1, kind: "killAfter", plan: FINE },
  { operation: "CreateDBSnapshot", before: 0, kind: "killAfter", plan: FINE },
  { operation: "UpdateEnvironment", before: 1, kind: "killAfter", plan: FINE },
  { operation: "DeleteRule", before: 0, kind: "killAfter", plan: FINE },
  { operation: "RestoreDBInstanceFromDBSnapshot", before: 0, kind: "killAfter", plan: FAILING },
  { operation: "ModifyDBInstance", before: 1, kind: "killBefore", plan: FAILING },
];

/** A program `pulumi` that keeps the state of one stack in a file. */
const PULUMI = `#!/bin/sh
case "$2" in
  export) cat "$STATE_FILE" ;;
  import) cat > "$STATE_FILE.new" && mv "$STATE_FILE.new" "$STATE_FILE" ;;
  *) exit 64 ;;
esac
`;

/** A process with a maintenance is ended with SIGKILL, and another one repairs. */
async function die({ before, kind, operation, plan }: Death, source: string): Promise<string[]> {
  const time = new ScaledTime(FACTOR);
  const double = prepare(plan, 1, time);
  double.beanstalk.timing.perInstance = () => 40_000;
  double.rds.restoreDuration = () => 40_000;
  const running = await serve(double);
  double.describeTarget(running.url);
  double.faultOn = (called, times) => (called === operation && times === before ? kind : undefined);
  const directory = mkdtempSync(join(tmpdir(), "iaso-maintenance-"));
  const stateFile = join(directory, "state.json");
  writeFileSync(stateFile, double.state);
  writeFileSync(join(directory, "pulumi"), PULUMI);
  chmodSync(join(directory, "pulumi"), 0o755);
  const environment = { PATH: `${directory}:${String(process.env["PATH"])}`, STATE_FILE: stateFile };
  try {
    const args = [ENV, "--source", source, "--version", "2.0", "--maintenance"];
    const killed = await runCli(running, time, args, {
      environment,
      onStart(child) {
        running.onKill = () => child.kill("SIGKILL");
      },
    });
    expect(killed.signal, killed.stderr + killed.stdout).to.equal("SIGKILL");
    double.faultOn = () => undefined;
    const repaired = await runCli(running, time, ["repair", ENV], { environment });
    expect(repaired.code, repaired.stderr + repaired.stdout).to.equal(EXIT.done);
    const label = [...double.beanstalk.versions.keys()].at(-1)!;
    double.state = readFileSync(stateFile, "utf8");
    return problemsOf(double, label);
  } finally {
    await running.stop();
    rmSync(directory, { recursive: true });
  }
}

describe("deploy --maintenance, killed with SIGKILL and repaired by another process, over HTTP @proof", () => {
  after(removeTemporaryDirectories);

  it("ends on one version with its tables and all data, and an open site", async () => {
    const source = makeMinimalApplication();
    const failures: [Death, string][] = [];
    // Two processes at a time: the clock is fast, and a process that gets no time of the machine seems dead.
    for (let start = 0; start < DEATHS.length; start += 2) {
      const pair = DEATHS.slice(start, start + 2);
      const problems = await Promise.all(pair.map((death) => die(death, source)));
      for (const [index, found] of problems.entries())
        for (const problem of found) failures.push([pair[index]!, problem]);
    }
    console.log(`      ${DEATHS.length} processes killed, ${failures.length} mismatches`);
    expect(failures).to.deep.equal([]);
  });
});
