import { expect } from "chai";
import { BuilderConsole } from "../../ami/console";

describe("ami/console", () => {
  function read(...consoles: string[]) {
    const lines: string[] = [];
    const progress = new BuilderConsole((line) => lines.push(line));
    for (const console of consoles) progress.read(console);
    return { progress, lines };
  }

  it("reports each step once, though the console comes as a whole each time and says all twice", () => {
    const start = "[ 5.1] boot\r\nIASO-AMI 1 step 1/3 geos start\r\n";
    const echo = "[ 5.2] cloud-init[99]: IASO-AMI 1 step 1/3 geos start\r\n";
    const done = "IASO-AMI 2 step 1/3 geos done 98s\r\n";
    const { lines } = read(start, start + echo, start + echo + done);
    expect(lines).to.deep.equal([
      "geos start; 3 of 3 steps left, 0 min so far",
      "geos done 98s; 2 of 3 steps left, 0 min so far",
    ]);
  });

  it("continues after the oldest lines have scrolled out", () => {
    const { progress, lines } = read(
      "IASO-AMI 1 step 1/3 geos start\nIASO-AMI 2 step 1/3 geos done 9s\n",
      "IASO-AMI 3 step 2/3 gdal start\n",
      "IASO-AMI 4 ready\n",
    );
    expect(lines).to.have.length(3);
    expect(progress.step).to.equal("gdal");
    expect(progress.ready).to.equal(true);
  });

  it("waits for the end of a line", () => {
    expect(read("IASO-AMI 1 ready").progress.ready).to.equal(false);
    expect(read("IASO-AMI 1 ready", "IASO-AMI 1 ready\r\n").progress.ready).to.equal(true);
  });

  it("reports step, exit code, time and the last log lines of a failure, with repeated lines", () => {
    const { progress } = read(
      "IASO-AMI 1 step 1/3 geos start\nIASO-AMI 2 log same\nIASO-AMI 3 log same\nIASO-AMI 4 log\nIASO-AMI 5 failed geos exit 2 after 4s\n",
    );
    expect(progress.failure).to.equal(
      "The step geos failed on the builder with exit code 2 after 4s. The end of its log:\n  same\n  same\n  ",
    );
  });
});
