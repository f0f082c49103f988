import { expect } from "chai";
import { createProgress } from "../../../cli/progress";
import { formatReport } from "../../../deploy/output/report";
import { formatTimes } from "../../../deploy/output/timeTable";
import { deployment, builtVersion, runDirect, silentProgress } from "../double/runs";
import { VirtualClock } from "../double/clocks";
import { prepareDouble } from "../double/scenario";

describe("deploy/output/timeTable", () => {
  it("lists steps with their share, their parts below them, and what no step explains", () => {
    const times = [
      { title: "Build the version", milliseconds: 60_000 },
      { title: "Running npm ci", milliseconds: 45_000, isPart: true as const },
      { title: "Look", milliseconds: 10 },
    ];
    expect(formatTimes(times, 100_000)).to.deep.equal([
      "Where the time went:",
      "    60 s   60 %  Build the version",
      "    45 s   45 %    Running npm ci",
      "    40 s   40 %  everything else",
    ]);
    expect(formatTimes([], 5000)).to.deep.equal([]);
  });

  for (const terminal of [false, true]) {
    it(`measures steps that end and that fail${terminal ? " on a terminal" : ""}`, async () => {
      let now = 0;
      const progress = createProgress({ terminal, write: () => undefined, now: () => now });
      await progress.step("First", () => {
        now += 2000;
        progress.measured({ title: "part", milliseconds: 1500 });
        return Promise.resolve();
      });
      const failure = progress.step("Second", () => {
        now += 3000;
        return Promise.reject(new Error("no"));
      });
      await failure.catch(() => undefined);
      expect(progress.times).to.deep.equal([
        { title: "First", milliseconds: 2000 },
        { title: "part", milliseconds: 1500, isPart: true },
        { title: "Second", milliseconds: 3000 },
      ]);
    });
  }

  it("tells after a deployment how long each environment took, by Beanstalk's events", async () => {
    const double = prepareDouble({ web: "succeeds", worker: "succeeds" });
    const clock = new VirtualClock(double.time);
    const progress = silentProgress(clock);
    const report = await runDirect(double, deployment(builtVersion().build), { progress, clock });
    if (report === "killed") throw new Error("nothing kills this run");
    const began = progress.times.reduce((sum, one) => sum + (one.isPart === true ? 0 : one.milliseconds), 0);
    const lines = formatReport({ ...report, milliseconds: began + 5000, times: progress.times });
    const table = lines.slice(lines.findIndex((line) => line.includes("Where the time went")));
    console.log(table.map((line) => `      ${line}`).join("\n"));
    const update = progress.times.findIndex(({ title }) => title.startsWith("Update web and worker to"));
    for (const role of ["web", "worker"]) {
      const parts = progress.times.slice(update).filter(({ title }) => title.startsWith(`${role}: `));
      expect(parts.length).to.be.greaterThan(2);
      const sum = parts.reduce((total, { milliseconds }) => total + milliseconds, 0);
      // The second poll in a row, and waiting for the other environment, belong to no part.
      expect(sum).to.be.within(1000, progress.times[update]!.milliseconds);
    }
  });
});
