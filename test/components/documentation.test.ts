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

const where = (node: ts.Node) => {
  const file = node.getSourceFile();
  const { line } = file.getLineAndCharacterOfPosition(node.getStart());
  return `${relative(FOLDER, file.fileName)}:${line + 1}`;
};

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

describe("components, their documentation", () => {
  const sources = FILES.map((file) => {
    const text = ts.sys.readFile(file) ?? "";
    return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  });

  it("documents every argument", () => {
    expect(sources.flatMap(undocumentedFields)).to.deep.equal([]);
  });
});
