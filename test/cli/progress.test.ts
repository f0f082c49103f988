import { expect } from "chai";
import { createProgress } from "../../cli/progress";

function lines(): { written: string[]; progress: ReturnType<typeof createProgress> } {
  const written: string[] = [];
  let now = Date.UTC(2026, 0, 1);
  const progress = createProgress({
    terminal: false,
    write: (line) => written.push(line),
    now: () => (now += 1000),
  });
  return { written, progress };
}

describe("cli/progress", () => {
  it("writes one plain line for each thing that happens", async () => {
    const { progress, written } = lines();
    const result = await progress.step("Build", (log) => {
      log("half");
      return Promise.resolve(7);
    });
    expect(result).to.equal(7);
    expect(written).to.deep.equal(["00:00:02 Build", "00:00:03   half", "00:00:05 Build: done in 3 s"]);
  });

  it("says that a step failed, and lets the error pass", async () => {
    const { progress, written } = lines();
    const failure = await progress
      .step("Build", () => Promise.reject(new Error("no")))
      .catch((error: unknown) => error);
    expect(failure).to.be.an("error").with.property("message", "no");
    expect(written.at(-1)).to.match(/Build: failed after/);
  });

  it("removes control characters from text of others, and finds a secret that they cut in pieces", async () => {
    const { progress, written } = lines();
    progress.hide("s3cret");
    await progress.step("Build\u001b[1A", (log) => {
      log("Output: \u001b]52;c;ZXZpbA==\u0007x\u001b[2K");
      progress.warn("s3\u0000cret");
      return Promise.resolve();
    });
    expect(written).to.deep.equal([
      "00:00:02 Build",
      "00:00:03   Output: x",
      "00:00:04   warning: [secret]",
      "00:00:06 Build: done in 4 s",
    ]);
  });

  it("redacts a hidden secret in all output", async () => {
    const { progress, written } = lines();
    progress.hide("s3cret");
    progress.hide("");
    await progress.step("with s3cret", (log) => {
      log("s3cret s3cret");
      progress.warn("s3cret");
      return Promise.resolve();
    });
    expect(written.join("\n")).not.to.contain("s3cret");
    expect(progress.redact("a s3cret")).to.equal("a [secret]");
  });
});
