/**
 * Compiles the real libraries from their real sources with the real script into a prefix of its own, and runs the
 * script's self-test there. Takes long; not part of `npm test`.
 *
 *   npm run test:recipe [-- --compare]
 *
 * RECIPE_SOURCES names a folder with the source archives; without it they are downloaded. --compare also times the
 * plain way: one job, and GDAL with all its drivers, from the same sources.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installScript } from "../../ami/installScript";
import { RECIPE, type Recipe } from "../../ami/recipe";

/** The same sources with every driver that GDAL builds by default. */
function allDrivers(recipe: Recipe): Recipe {
  const narrowing = /_BUILD_OPTIONAL_DRIVERS=OFF|GDAL_USE_EXTERNAL_LIBS=OFF/;
  const libraries = recipe.libraries.map((library) => ({
    ...library,
    flags: library.flags.filter((flag) => !narrowing.test(flag)),
  }));
  return { ...recipe, libraries };
}

/** Builds `recipe`, and returns the seconds it took. Ends the process when it fails. */
function build(recipe: Recipe, jobs?: number): number {
  const folder = mkdtempSync(join(tmpdir(), "iaso-recipe-"));
  try {
    const script = join(folder, "install.sh");
    writeFileSync(script, installScript(recipe));
    const started = Date.now();
    const { status, stdout } = spawnSync("bash", [script], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
      maxBuffer: 2 ** 26,
      env: {
        ...process.env,
        PREFIX: join(folder, "prefix"),
        WORK_DIR: join(folder, "work"),
        SOURCE_DIR: process.env.RECIPE_SOURCES ?? "",
        ...(jobs === undefined ? {} : { JOBS: String(jobs) }),
      },
    });
    process.stdout.write(stdout);
    if (status !== 0 || !stdout.endsWith("IASO-AMI ready\n")) {
      console.error(`The recipe failed with exit code ${status ?? "none"}.`);
      process.exit(1);
    }
    return (Date.now() - started) / 1000;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const seconds = build(RECIPE);
console.log(`The recipe took ${Math.round(seconds)} s and its self-test passed.`);
if (process.argv.includes("--compare")) {
  const plain = build(allDrivers(RECIPE), 1);
  console.log(`All drivers, one job: ${Math.round(plain)} s. Ratio: ${(seconds / plain).toFixed(2)}.`);
}
