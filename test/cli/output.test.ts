import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { plain, withoutControls } from "../../cli/output";
import { style } from "../../preview/tree";
import { printedSeed } from "../seed";

const ROOT = join(__dirname, "../..");

/** Writes to the clipboard, deletes the line, moves to the line above, hides text, and reverses it. */
const HOSTILE = "a\u001b]52;c;ZXZpbA==\u0007b\u001b[2K\u001b[1Ac\u001b[8md\u009b2Je\u007f\r\u202ef\u0000";

describe("cli/output", () => {
  it("removes control characters, with which others could change what a terminal shows", () => {
    expect(plain(HOSTILE)).to.equal("abcdef");
    expect(plain("two\n\tlines é 🪣")).to.equal("two\n\tlines é 🪣");
  });

  it("keeps the colours of commands", () => {
    const { red, bold, dim, green, yellow } = style(true);
    const own = `${red("- bucket")}\n\t${bold("é")} ${dim("🪣")} ${green("+")}${yellow("~")}`;
    expect(withoutControls(own)).to.equal(own);
    expect(withoutControls(red(HOSTILE))).to.equal(red("abcdef"));
  });

  it("leaves no control character but colours, wherever colours are inserted", () => {
    const piece = fc.constantFrom(
      "\u001b",
      "]52;c;",
      "[",
      "31m",
      "2K",
      "\u0007",
      "\u009b",
      "\u001b[31m",
      "x",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const left = withoutControls(pieces.join("")).replaceAll("\u001b[31m", "");
        return !/\p{Cc}/u.test(left);
      }),
      { seed: printedSeed(), numRuns: 2000 },
    );
  });

  it("prints without control characters to both streams, and an error of others too", () => {
    const code = `
      const { print, printError } = require("./cli/output");
      const { runProgram } = require("./cli/main");
      const { UserError } = require("./cli/userError");
      const { Command } = require("commander");
      const text = ${JSON.stringify(HOSTILE)};
      print(text);
      printError(text);
      void runProgram(new Command().action(() => { throw new UserError(text, text); }), { argv: ["node", "x"] });`;
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ["--require", "./cli/loader.cjs", "--eval", code],
      {
        cwd: ROOT,
        encoding: "utf8",
      },
    );
    expect(stdout).to.equal("abcdef\n");
    expect(stderr).to.equal("abcdef\nabcdef\nTo fix it: abcdef\n");
  });
});
