import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "chai";
import { formatError, type ProgramOptions } from "../../cli/main";
import { UserError } from "../../cli/userError";

const ROOT = join(__dirname, "../..");

/** Runs a program of one command, whose action is the given code, in a process of its own. */
function run(action: string, ...args: string[]) {
  return runWith({ userErrorCode: 2 }, action, ...args);
}

function runWith(options: ProgramOptions, action: string, ...args: string[]) {
  const code = `
    const { Command } = require("commander");
    const { runProgram } = require("./cli/main.ts");
    const { UserError } = require("./cli/userError.ts");
    const program = new Command("tool");
    program.command("act").option("--n <n>").action(async () => { ${action} });
    void runProgram(program, { argv: ["node", "tool", ...process.argv.slice(1)], ...${JSON.stringify(options)} });
  `;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--require", "./cli/loader.cjs", "-e", code, "--", ...args],
    { cwd: ROOT, encoding: "utf8" },
  );
  return { status, stdout, stderr };
}

describe("cli/main", () => {
  it("ends a user's mistake with its message, its fix and its exit code", () => {
    const { status, stderr } = run('throw new UserError("It is wrong.", "Write it right.")', "act");
    expect([status, stderr]).to.deep.equal([2, "It is wrong.\nTo fix it: Write it right.\n"]);
  });

  it("shows no stack trace, whatever an action throws", () => {
    for (const thrown of ['new TypeError("x is not a function")', "undefined", '"text"', "null"]) {
      const { status, stderr } = run(`throw ${thrown}`, "act");
      expect(status, thrown).to.equal(1);
      expect(stderr)
        .to.match(/^Unexpected error: .+\nPlease report it as a bug\.\n$/)
        .and.not.match(/^\s+at /m);
    }
  });

  it("exits with the code of the command for a bug, so that 1 can mean something else", () => {
    expect(runWith({ bugCode: 2 }, "throw new TypeError()", "act").status).to.equal(2);
  });

  it("exits with the code of a user's mistake for invalid arguments of a subcommand, and with 0 for help", () => {
    const invalid = run("", "act", "--unknown");
    expect(invalid.status).to.equal(2);
    expect(invalid.stderr).to.contain("unknown option '--unknown'");
    const help = run("", "act", "--help");
    expect([help.status, help.stderr]).to.deep.equal([0, ""]);
    expect(help.stdout).to.contain("--n <n>");
  });

  it("prints all that the command wrote before it failed", () => {
    const { stdout } = run('process.stdout.write("x".repeat(1e6)); throw new UserError("no", "")', "act");
    expect(stdout).to.have.length(1e6);
  });

  it("omits the line for the fix if the message names it, as the errors of Pulumi's settings do", () => {
    expect(formatError(new UserError("The step geos failed."))).to.equal("The step geos failed.");
    const settings = Object.assign(new Error("set region"), { __pulumiRunError: true });
    expect(formatError(settings)).to.equal("set region");
  });

  for (const tool of ["deploy", "ami"]) {
    it(`prints no warning of the AWS SDK or of Node.js before npm run ${tool}`, () => {
      const env = { ...process.env, NODE_NO_WARNINGS: "", npm_config_update_notifier: "false" };
      const result = spawnSync("npm", ["run", "--silent", tool, "--", "--help"], {
        cwd: ROOT,
        env,
        encoding: "utf8",
      });
      expect([result.status, result.stderr]).to.deep.equal([0, ""]);
    });
  }
});
