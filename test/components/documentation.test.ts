import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { expect } from "chai";
import ts from "typescript";

const FOLDER = join(__dirname, "../../components");

const FILES = readdirSync(FOLDER, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .map((file) => join(FOLDER, file));

/** Fields that mean the same in every component. Their type documents them. */
const DOCUMENTED_BY_TYPE = new Set(["Naming", "Capacity", "EnvironmentRecord", "EmailArgs"]);

/** Openings that hide what a thing is. */
const RIDDLE = /^(What|Those|That which|For which|Whether|Who|Whoever|Which)\b/;

interface Documented {
  /** File and line. */
  where: string;
  text: string;
}

const where = (node: ts.Node) => {
  const file = node.getSourceFile();
  const { line } = file.getLineAndCharacterOfPosition(node.getStart());
  return `${relative(FOLDER, file.fileName)}:${line + 1}`;
};

function visit(node: ts.Node, each: (node: ts.Node) => void): void {
  each(node);
  node.forEachChild((child) => {
    visit(child, each);
  });
}

/** Fields of exported `...Args` interfaces, nested ones included, that neither a comment nor their type documents. */
function undocumentedFields(source: ts.SourceFile): string[] {
  return source.statements
    .filter(ts.isInterfaceDeclaration)
    .filter(({ name }) => name.text.endsWith("Args"))
    .flatMap(({ members }) => [...members])
    .filter(ts.isPropertySignature)
    .filter(
      (field) =>
        ts.getJSDocCommentsAndTags(field).length === 0 &&
        !DOCUMENTED_BY_TYPE.has(field.type?.getText() ?? "") &&
        !(field.type && ts.isTypeLiteralNode(field.type)),
    )
    .map((field) => `${where(field)} ${field.name.getText()}`);
}

function docstrings(source: ts.SourceFile): Documented[] {
  const found: Documented[] = [];
  visit(source, (node) => {
    for (const comment of ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc)) {
      found.push({ where: where(node), text: ts.getTextOfJSDocComment(comment.comment) ?? "" });
    }
  });
  return found;
}

describe("components, their documentation", () => {
  const sources = FILES.map((file) => {
    const text = ts.sys.readFile(file) ?? "";
    return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  });

  it("documents every argument", () => {
    expect(sources.flatMap(undocumentedFields)).to.deep.equal([]);
  });

  it("begins each docstring with the thing or the verb", () => {
    const all = sources.flatMap(docstrings);
    expect(all.length).to.be.greaterThan(100);
    expect(all.filter(({ text }) => RIDDLE.test(text))).to.deep.equal([]);
  });
});
