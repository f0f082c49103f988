import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Library, Recipe } from "./recipe";

/** The packages that the builds need, as each distribution names them; gettext is for Django's compilemessages. */
const DNF_PACKAGES =
  "gcc gcc-c++ make cmake pkgconf-pkg-config tcl bzip2 xz tar python3 libtiff-devel json-c-devel expat-devel zlib-devel gettext";
const APT_PACKAGES =
  "gcc g++ make cmake pkg-config tcl bzip2 xz-utils python3 curl ca-certificates libtiff-dev libjson-c-dev libexpat1-dev zlib1g-dev gettext";

/** Drivers that GDAL always builds, and that the self-test expects. */
const ALWAYS_BUILT = ["GTiff", "GeoJSON", "ESRI Shapefile"];

/**
 * Generates the bash script that builds a recipe: the table, `ami/install.sh`, and the calls of its functions.
 *
 * The script prints `IASO-AMI <number> ready` as its last line only if its self-test has passed.
 */
export function installScript(recipe: Recipe): string {
  const body = readFileSync(join(__dirname, "install.sh"), "utf8");
  const drivers = [...ALWAYS_BUILT, ...recipe.drivers.map(({ name }) => name)].map((name) =>
    name.replaceAll(" ", "."),
  );
  const gdal = recipe.libraries.find(({ name }) => name === "gdal");
  return [
    "#!/bin/bash",
    "# Made by ami/installScript.ts from the table in ami/recipe.ts.",
    `STEPS=${recipe.libraries.length + 4}`,
    `GDAL_VERSION=${quote(gdal?.version ?? "")}`,
    `EXPECTED_DRIVERS=${quote(drivers.join(" "))}`,
    `DNF_PACKAGES=${quote(DNF_PACKAGES)}`,
    `APT_PACKAGES=${quote(APT_PACKAGES)}`,
    body.trimEnd(),
    ...recipe.libraries.map((library) => call(library, recipe)),
    "step ldconfig refresh_linker",
    "step self-test self_test",
    "step clean-up clean_up",
    "ENDED=1",
    "say ready",
    "",
  ].join("\n");
}

function call(library: Library, recipe: Recipe): string {
  const drivers = library.name === "gdal" ? recipe.drivers.map(({ cmake }) => `-D${cmake}=ON`) : [];
  const words = [
    library.name,
    library.sha256,
    library.file,
    library.urls.join(" "),
    ...library.flags,
    ...drivers,
  ];
  const prepare = library.prepare === undefined ? "" : `PREPARE=${quote(library.prepare)} `;
  return `${prepare}step ${quote(library.name)} build_${library.build} ${words.map(quote).join(" ")}`;
}

/** Quotes a bash word so that only `$PREFIX` is expanded. */
function quote(word: string): string {
  return word
    .split("$PREFIX")
    .map((part) => (part === "" ? "" : `'${part.replaceAll("'", "'\\''")}'`))
    .join('"$PREFIX"')
    .replace(/^$/, "''");
}
