import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = "iaso/migrations";

/**
 * Adds an empty migration to the application `iaso` of a checkout.
 *
 * @returns its name
 */
export function addMigration(checkout: string): string {
  const names = readdirSync(join(checkout, FOLDER))
    .filter((file) => /^\d{4}_.*\.py$/.test(file))
    .map((file) => file.replace(/\.py$/, ""))
    .sort();
  // The last one that no squashed migration replaces is the leaf.
  const leaf = names.at(-1) ?? "";
  const name = `${String(Number(leaf.slice(0, 4)) + 1).padStart(4, "0")}_acceptance`;
  writeFileSync(
    join(checkout, FOLDER, `${name}.py`),
    `from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("iaso", "${leaf}")]
    operations = [migrations.RunSQL("CREATE TABLE acceptance (id integer)", "DROP TABLE acceptance")]
`,
  );
  return name;
}
