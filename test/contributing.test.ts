import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";

const ROOT = join(__dirname, "..");

describe("CONTRIBUTING.md", () => {
  const page = readFileSync(join(ROOT, "CONTRIBUTING.md"), "utf8");

  it("lists every folder of the project", () => {
    const ignored = ["node_modules", "tmp"];
    const folders = readdirSync(ROOT, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith(".") && !ignored.includes(entry.name))
      .map(({ name }) => `${name}/`);
    const listed = [...page.matchAll(/^\| `([a-z-]+\/)` +\|/gm)].map(([, folder]) => folder);
    expect(listed).to.have.members(folders);
  });

  it("names only files and folders that exist", () => {
    const paths = [...page.matchAll(/`((?:[\w-]+\/)+[\w.-]*|[\w-]+\.(?:ts|yaml|json))`/g)].map(
      ([, path = ""]) => path,
    );
    expect(paths.length).to.be.above(30);
    // The subfolders of a row stand without the folder that they are in.
    const rows = [...page.matchAll(/^\| `([a-z-]+\/)` +\|(.*)\|$/gm)];
    const below = (path: string) =>
      rows.some(
        ([, folder = "", text = ""]) => text.includes(`\`${path}\``) && existsSync(join(ROOT, folder, path)),
      );
    expect(paths.filter((path) => !existsSync(join(ROOT, path)) && !below(path))).to.deep.equal([]);
  });
});
