import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { getFileInfo } from "prettier";

const ROOT = join(__dirname, "..");
const DOCUMENTS = [
  "README.md",
  "policies/README.md",
  ...readdirSync(join(ROOT, "docs")).map((name) => `docs/${name}`),
];

/** Whether `prettier --check .` leaves a file alone. */
async function isIgnored(file: string): Promise<boolean> {
  const ignorePath = [".gitignore", ".prettierignore"].map((name) => join(ROOT, name));
  return (await getFileInfo(join(ROOT, file), { ignorePath })).ignored;
}

/** Files in the project's folder that the documents' shell commands name. */
function filesOfCommands(): Set<string> {
  const commands = DOCUMENTS.filter((name) => name.endsWith(".md")).flatMap((name) =>
    [...readFileSync(join(ROOT, name), "utf8").matchAll(/```(?:sh|console)\n([^]*?)```/g)].map(
      ([, code]) => code ?? "",
    ),
  );
  const files = commands.flatMap((code) => code.match(/(?<![\w./-])[\w-]+\.(?:json|html)\b/g) ?? []);
  return new Set(files);
}

describe("Files that the format check ignores", () => {
  it("are the files that the commands of README and docs write", async () => {
    const files = filesOfCommands();
    expect([...files]).to.include.members(["main.json", "preview.html", "interrupted.json"]);
    for (const file of files) expect(await isIgnored(file), file).to.equal(true);
  });

  it("are the stack files, which Pulumi rewrites, and the user's policy configs", async () => {
    for (const file of ["Pulumi.staging.yaml", "Pulumi.qa.yaml", "policies/policy-config.qa.json"]) {
      expect(await isIgnored(file), file).to.equal(true);
    }
  });

  it("are no others", async () => {
    for (const file of [
      "package.json",
      "tsconfig.json",
      "Pulumi.yaml",
      "index.ts",
      "report/costs/prices.json",
    ]) {
      expect(await isIgnored(file), file).to.equal(false);
    }
  });
});
