import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { expect } from "chai";
import ts from "typescript";

const ROOT = join(__dirname, "..");

/** Openings that hide what a thing is. */
const RIDDLE = /^(What|Those|That which|For which|Whether|Who|Whoever|Which)\b/;

const FILES = readdirSync(ROOT, { withFileTypes: true })
  .filter(({ name }) => !name.startsWith(".") && !["node_modules", "test"].includes(name))
  .flatMap((entry) =>
    entry.isDirectory()
      ? readdirSync(join(ROOT, entry.name), { recursive: true, encoding: "utf8" }).map((file) =>
          join(entry.name, file),
        )
      : [entry.name],
  )
  .filter((file) => file.endsWith(".ts") && !file.includes("node_modules"))
  .map((file) => join(ROOT, file));

interface Docstring {
  /** File and line. */
  where: string;
  text: string;
}

function docstringsOf(file: string): Docstring[] {
  const source = ts.createSourceFile(file, ts.sys.readFile(file) ?? "", ts.ScriptTarget.Latest, true);
  const found = new Map<number, Docstring>();
  const visit = (node: ts.Node): void => {
    for (const comment of ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc)) {
      const { line } = source.getLineAndCharacterOfPosition(comment.getStart());
      const text = ts.getTextOfJSDocComment(comment.comment) ?? "";
      // The declarations of one statement share its docstring.
      found.set(comment.pos, { where: `${relative(ROOT, file)}:${line + 1}`, text });
    }
    node.forEachChild(visit);
  };
  visit(source);
  return [...found.values()];
}

describe("The product's docstrings", () => {
  it("begin with the thing or the verb", () => {
    const all = FILES.flatMap(docstringsOf);
    expect(all.length).to.be.greaterThan(1000);
    const riddles = all.filter(({ text }) => RIDDLE.test(text));
    expect(riddles.map(({ where, text }) => `${where} ${text}`)).to.deep.equal([]);
  });
});
