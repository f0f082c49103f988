import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { testedCommands } from "../engine/runbook";

const ROOT = join(__dirname, "../..");
const PAGE = readFileSync(join(ROOT, "docs/operations.md"), "utf8");

const marks = [...PAGE.matchAll(/_Tested: `([^`]*)`_/g)].map(([, name = ""]) => name);

describe("docs/operations.md", () => {
  it("marks blocks as tested that the engine suite runs, and no others", () => {
    const suite = readdirSync(join(ROOT, "test/engine"))
      .filter((file) => file.endsWith(".ts"))
      .map((file) => readFileSync(join(ROOT, "test/engine", file), "utf8"))
      .join("\n");
    expect(marks).to.have.lengthOf.at.least(20);
    expect(new Set(marks).size, "a name is used twice").to.equal(marks.length);
    for (const name of marks) {
      expect(testedCommands(name), name).not.to.equal("");
      expect(suite, `no test of the suite runs ${name}`).to.include(`"${name}"`);
    }
  });

  it("has no link to a heading or a file that does not exist", () => {
    const headings = [...PAGE.matchAll(/^#+ (.*)$/gm)].map(([, text = ""]) =>
      text
        .toLowerCase()
        .replace(/[^a-z0-9 -]/g, "")
        .replaceAll(" ", "-"),
    );
    const links = [...PAGE.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
    expect(links).not.to.be.empty;
    for (const link of links.filter((target) => !target.startsWith("https:"))) {
      const [file = "", anchor = ""] = link.split("#");
      if (file === "") expect(headings).to.include(anchor);
      else expect(existsSync(join(ROOT, "docs", file)), link).to.equal(true);
    }
  });
});
