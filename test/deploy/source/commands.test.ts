import { expect } from "chai";
import { runCommand } from "../../../deploy/source/commands";
import { UserError } from "../../../cli/userError";
import { rejection } from "./checkout";

describe("deploy/source/commands", () => {
  it("passes on each line and runs in the directory", async () => {
    const lines: string[] = [];
    await runCommand('pwd; echo "$GIVEN" >&2', {
      directory: "/",
      env: { GIVEN: "value" },
      onLine: (line) => lines.push(line),
    });
    expect(lines.sort()).to.deep.equal(["/", "value"]);
  });

  it("shows the last lines of a command that fails, and the way on", async () => {
    const error = await rejection(runCommand("seq 1 40; exit 3", { directory: "/" }));
    expect(error).to.be.instanceOf(UserError);
    expect(error.message).to.contain("(3)").and.contain("  40").and.not.contain("  25\n");
    expect(error.remedy).to.contain("--skip-build");
    expect((await rejection(runCommand("kill -9 $$", { directory: "/" }))).message).to.contain("SIGKILL");
  });
});
