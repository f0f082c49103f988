import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { format, resolveConfig } from "prettier";
import { diagram } from "../../preview/diagram";
import { exampleProject } from "../support";

const ROOT = join(__dirname, "../..");

describe("preview/diagram", () => {
  it("is the diagram in the documentation: `npm run diagram` updates it", async () => {
    const files = await diagram(exampleProject());
    expect(Object.keys(files)).to.have.members(["docs/architecture.svg", "docs/architecture.md"]);
    for (const [path, content] of Object.entries(files)) {
      const file = join(ROOT, path);
      const options = { ...(await resolveConfig(file)), filepath: file };
      const expected = path.endsWith(".md") ? await format(content, options) : content;
      expect(readFileSync(file, "utf8") === expected, `${path} is out of date: npm run diagram`).to.equal(
        true,
      );
    }
  });

  it("is in the README", () => {
    expect(readFileSync(join(ROOT, "README.md"), "utf8")).to.include("](docs/architecture.svg)");
  });
});
