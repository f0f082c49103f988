import { expect } from "chai";
import { EXIT } from "../../deploy/exitCodes";
import { AwsDouble, ENV, type FaultKind, PREVIOUS } from "./double/aws";
import { runCli } from "./double/cli";
import { ScaledTime } from "./double/clocks";
import { mismatches } from "./double/runs";
import { serve } from "./double/server";
import { makeMinimalApplication, removeTemporaryDirectories } from "./source/checkout";

const FACTOR = 60;

interface Death {
  operation: string;
  /** How many calls of the operation come before the deadly one. */
  before: number;
  kind: Extract<FaultKind, "killBefore" | "killAfter">;
}

const DEATHS: Death[] = [
  { operation: "CreateApplicationVersion", before: 0, kind: "killAfter" },
  { operation: "UpdateEnvironment", before: 0, kind: "killBefore" },
  { operation: "UpdateEnvironment", before: 0, kind: "killAfter" },
  { operation: "UpdateEnvironment", before: 1, kind: "killBefore" },
  { operation: "UpdateEnvironment", before: 1, kind: "killAfter" },
  { operation: "DescribeEvents", before: 2, kind: "killBefore" },
];

/** A process that deploys is ended with SIGKILL, and another one repairs. */
async function die(death: Death, source: string): Promise<string[]> {
  const time = new ScaledTime(FACTOR);
  const double = new AwsDouble(1, time);
  double.addPair();
  double.beanstalk.timing.perInstance = () => 40_000;
  const running = await serve(double);
  double.describeTarget(running.url);
  double.faultOn = (operation, before) =>
    operation === death.operation && before === death.before ? death.kind : undefined;
  try {
    const killed = await runCli(
      running,
      time,
      [ENV, "--source", source, "--version", "2.0", "--migrations-unchecked"],
      {
        onStart(child) {
          running.onKill = () => child.kill("SIGKILL");
        },
      },
    );
    expect(killed.signal, killed.stderr + killed.stdout).to.equal("SIGKILL");
    double.faultOn = () => undefined;
    const repaired = await runCli(running, time, ["repair", ENV]);
    expect(repaired.code, repaired.stderr + repaired.stdout).to.equal(EXIT.done);
    const label = [...double.beanstalk.versions.keys()].at(-1)!;
    return mismatches(double, [PREVIOUS, label]);
  } finally {
    await running.stop();
  }
}

describe("deploy, killed with SIGKILL and repaired by another process, over HTTP @proof", () => {
  after(removeTemporaryDirectories);

  it("ends on one version with the lock free, wherever it was killed", async () => {
    const source = makeMinimalApplication();
    const results: string[][] = [];
    // Two processes at a time: the clock is fast, and a process that gets no time of the machine seems dead.
    for (let start = 0; start < DEATHS.length; start += 2) {
      const pair = DEATHS.slice(start, start + 2);
      results.push(...(await Promise.all(pair.map((death) => die(death, source)))));
    }
    const failures = results.flatMap((problems, index) =>
      problems.map((problem) => [DEATHS[index], problem]),
    );
    console.log(`      ${results.length} processes killed, ${failures.length} mismatches`);
    expect(failures).to.deep.equal([]);
  });
});
