import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { format, resolveConfig } from "prettier";
import { settingsTable, withSettingsTable } from "../../settings/settingsTable";

const ROOT = join(__dirname, "../..");
const README = join(ROOT, "README.md");

describe("settings/settingsTable", () => {
  it("is in the README as Pulumi.yaml has it (npm run settings-table writes it)", async () => {
    const table = settingsTable(readFileSync(join(ROOT, "Pulumi.yaml"), "utf8"));
    const readme = readFileSync(README, "utf8");
    const current = await format(withSettingsTable(readme, table), {
      ...(await resolveConfig(README)),
      filepath: README,
    });
    expect(readme).to.equal(current);
  });

  it("tells what must be set, what is secret, and defaults", () => {
    const table = settingsTable(`
config:
  host: { type: string, description: A host | name. }
  size: { type: integer, description: Instances., default: 2 }
  zone: { type: string, description: A zone., default: "" }
  password: { type: string, description: A password., secret: true }
`);
    expect(table.split("\n").slice(2)).to.deep.equal([
      "| `host` | string | must be set | A host \\| name. |",
      "| `size` | integer | `2` | Instances. |",
      "| `zone` | string | empty | A zone. |",
      "| `password` | string | secret | A password. |",
    ]);
  });

  it("says which lines a README lacks", () => {
    expect(() => withSettingsTable("# Nothing", "")).to.throw("<!-- settings: npm run settings-table -->");
  });
});
