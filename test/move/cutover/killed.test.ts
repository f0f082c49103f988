import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { ENV, type FaultKind } from "../../deploy/double/aws";
import { leaksIn } from "../../leaks";
import { writeExampleProject } from "../../support";
import { APPLICATION } from "./existing";
import { USER } from "./platforms";
import { ServedPlatforms } from "./served";

const FACTOR = 60;

interface Death {
  operation: string;
  /** The number of calls of the operation before the one that kills the process. */
  before: number;
  kind: Extract<FaultKind, "killBefore" | "killAfter">;
  then: "back" | "cutover";
}

const DEATHS: Death[] = [
  { operation: "CreateRule", before: 1, kind: "killAfter", then: "back" },
  { operation: "CopyDBSnapshot", before: 0, kind: "killAfter", then: "cutover" },
  { operation: "ModifyDBInstance", before: 1, kind: "killAfter", then: "back" },
  { operation: "UpdateEnvironment", before: 1, kind: "killBefore", then: "cutover" },
  { operation: "ChangeResourceRecordSets", before: 0, kind: "killAfter", then: "cutover" },
];

const SETTINGS = {
  "iaso:accountId": "123456789012",
  "iaso:organization": "example",
  "iaso:hostedZone": "example.org",
  "iaso:webHost": "iaso-new.example.org",
  "iaso:enketoHost": "enketo-new.example.org",
  "iaso:existingWebHost": "iaso.example.org",
  "iaso:existingEnketoHost": "enketo.example.org",
  "iaso:mediaCopyPrincipal": "arn:aws:iam::123456789012:user/admin",
};

/** A process that moves is ended with SIGKILL, and another one goes on or back. */
async function die({ before, kind, operation, then }: Death): Promise<string[]> {
  const project = mkdtempSync(join(tmpdir(), "iaso-moving-"));
  const served = await ServedPlatforms.start(FACTOR);
  const { double } = served.platforms;
  double.faultOn = (called, times) => (called === operation && times === before ? kind : undefined);
  try {
    writeExampleProject(project, { [ENV]: SETTINGS });
    const file = () => readFileSync(join(project, `Pulumi.${ENV}.yaml`), "utf8");
    const untouched = file();
    const password = { IASO_PASSWORD: USER.password };
    const args = ["cutover", ENV, "--application", APPLICATION, "--user", USER.name, "--yes"];
    const killed = await served.run(project, args, password);
    expect(killed.code, killed.output).to.equal("SIGKILL");
    double.faultOn = () => undefined;
    const ended = await served.run(project, then === "back" ? ["back", ENV] : ["cutover", ENV, "--yes"]);
    expect(ended.code, ended.output).to.equal(0);
    const isMoved = then === "cutover";
    return [
      ...served.mismatches(isMoved),
      ...leaksIn(killed.output + ended.output + file(), { LeakMark: "LeakMark", password: USER.password }),
      ...(isMoved === (file() !== untouched) ? [] : ["the settings"]),
      ...(isMoved && !/^ +iaso:webHost: iaso\.example\.org$/m.test(file()) ? ["webHost"] : []),
      ...(isMoved && file().includes("existing") ? ["existingWebHost is left"] : []),
    ];
  } finally {
    await served.stop();
    rmSync(project, { recursive: true });
  }
}

describe("move cutover, killed with SIGKILL and ended by another process, over HTTP @proof", function () {
  this.timeout(600_000);

  it("ends on the new platform with all data, or exactly as before", async () => {
    const failures: [Death, string][] = [];
    // Two processes at a time: the clock is fast, and a process that gets no time of the machine seems dead.
    for (let start = 0; start < DEATHS.length; start += 2) {
      const pair = DEATHS.slice(start, start + 2);
      const problems = await Promise.all(pair.map((death) => die(death)));
      for (const [index, found] of problems.entries())
        for (const problem of found) failures.push([pair[index]!, problem]);
    }
    console.log(`      ${DEATHS.length} processes killed, ${failures.length} mismatches`);
    expect(failures).to.deep.equal([]);
  });
});
