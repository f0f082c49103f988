import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { format, resolveConfig } from "prettier";
import { parse } from "yaml";
import { settingsPage } from "../../settings/settingsTable";

const ROOT = join(__dirname, "../..");
const PAGE = join(ROOT, "docs/settings.md");
const pulumiYaml = readFileSync(join(ROOT, "Pulumi.yaml"), "utf8");

describe("settings/settingsTable", () => {
  const page = readFileSync(PAGE, "utf8");

  it("is docs/settings.md as Pulumi.yaml has it (npm run settings-table writes it)", async () => {
    const options = { ...(await resolveConfig(PAGE)), filepath: PAGE };
    expect(page).to.equal(await format(settingsPage(pulumiYaml), options));
  });

  it("lists every setting once, in lines that can be read", () => {
    const { config } = parse(pulumiYaml) as { config: object };
    const listed = [...page.matchAll(/^- \*\*`(\w+)`\*\*/gm)].map(([, key]) => key);
    expect(listed).to.deep.equal(Object.keys(config));
    for (const line of page.split("\n")) expect(line).to.have.lengthOf.at.most(120);
  });

  it("is linked from the README", () => {
    expect(readFileSync(join(ROOT, "README.md"), "utf8")).to.include("](docs/settings.md)");
  });

  it("shows which settings must be set, which are secret, and defaults, under the headings of Pulumi.yaml", () => {
    const entries = settingsPage(`
config:
  # Addresses
  host: { type: string, description: A host. }
  size: { type: integer, description: Instances., default: 2 }

  # Others, with a comment
  zone: { type: string, description: A zone., default: "" }
  password: { type: string, description: A password ${"that is long ".repeat(10)}., secret: true }
`);
    expect(entries.split("\n\n").slice(2)).to.deep.equal([
      "## Addresses",
      "- **`host`** (string, must be set): A host.",
      "- **`size`** (integer, default `2`): Instances.",
      "## Others, with a comment",
      "- **`zone`** (string, default empty): A zone.",
      "- **`password`** (string, secret): A password that is long that is long that is long that is long that is long\n" +
        "  that is long that is long that is long that is long that is long .\n",
    ]);
  });

  it("names the missing settings of a file without settings", () => {
    expect(() => settingsPage("name: iaso")).to.throw("`config` is missing");
  });
});
