/**
 * Compiles the real libraries from their real sources with the real script into a prefix of its own, and runs the
 * script's self-test there. Takes some ten minutes on two cores; not part of `npm test`, but of `.ci/run`.
 *
 *   npm run test:recipe                the script as the builder runs it
 *   npm run test:recipe -- --compare   the recipe against the plain way, library by library; about 35 minutes
 *
 * RECIPE_SOURCES names a folder with the source archives; without it they are downloaded. The plain way is the same
 * sources with one job, and GDAL with all the drivers it builds by default.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installScript } from "../../ami/installScript";
import { RECIPE, type Recipe } from "../../ami/recipe";

/** Seconds by the clock, and of all processors together. */
interface Time {
  real: number;
  cpu: number;
}

/** Where a script builds and installs: a folder of its own, so that nothing of the system changes. */
class Place {
  private readonly folder = mkdtempSync(join(tmpdir(), "iaso-recipe-"));

  constructor(private readonly jobs?: number) {}

  /** Runs a script and returns the time it took. */
  run(script: string): Time {
    const file = join(this.folder, "install.sh");
    const times = join(this.folder, "times");
    writeFileSync(file, script);
    const timed = `TIMEFORMAT='%R %U %S'; { time bash "$0" 1>&3 2>&4; } 3>&1 4>&2 2>"$1"`;
    const { status } = spawnSync("bash", ["-c", timed, file, times], {
      stdio: ["ignore", "inherit", "inherit"],
      env: {
        ...process.env,
        PREFIX: join(this.folder, "prefix"),
        WORK_DIR: join(this.folder, "work"),
        SOURCE_DIR: process.env.RECIPE_SOURCES ?? "",
        CONSOLE: join(this.folder, "console"),
        ...(this.jobs === undefined ? {} : { JOBS: String(this.jobs) }),
      },
    });
    if (status !== 0) throw new Error(`The script failed with exit code ${status ?? "none"}.`);
    const [real = 0, user = 0, system = 0] = readFileSync(times, "utf8").trim().split(" ").map(Number);
    return { real, cpu: user + system };
  }

  /** What the image build would have seen of the builder. */
  get console(): string {
    return readFileSync(join(this.folder, "console"), "utf8");
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function whole(): void {
  const place = new Place();
  try {
    const { real } = place.run(installScript(RECIPE));
    if (!/ ready\n$/.test(place.console)) throw new Error("The script ended without its mark.");
    console.log(`The recipe took ${Math.round(real)} s and its self-test passed.`);
  } finally {
    place.remove();
  }
}

/** The same sources with every driver that GDAL builds by default. */
function allDrivers(recipe: Recipe): Recipe {
  const narrowing = /_BUILD_OPTIONAL_DRIVERS=OFF|GDAL_USE_EXTERNAL_LIBS=OFF/;
  const libraries = recipe.libraries.map((library) => ({
    ...library,
    flags: library.flags.filter((flag) => !narrowing.test(flag)),
  }));
  return { ...recipe, libraries };
}

/** The script of `recipe` in pieces that can be run one after another: one for each of its steps but the clean-up. */
function pieces(recipe: Recipe): string[] {
  const lines = installScript(recipe).split("\n");
  const packages = lines.indexOf("step packages install_packages");
  const cleanUp = lines.indexOf("step clean-up clean_up");
  const head = lines.slice(0, packages);
  return lines.slice(packages, cleanUp).map((step) => [...head, step, "ENDED=1", ""].join("\n"));
}

/**
 * Library by library, the side that goes first taken in turn: whatever else the machine does then slows both down.
 * Prints a row of times for each library.
 */
function compare(): void {
  const sides = [
    { place: new Place(), pieces: pieces(RECIPE) },
    { place: new Place(1), pieces: pieces(allDrivers(RECIPE)) },
  ];
  try {
    const names = ["packages", ...RECIPE.libraries.map(({ name }) => name), "ldconfig", "self-test"];
    const totals = sides.map(() => ({ real: 0, cpu: 0 }));
    const rows = names.map((name, step) => {
      const times: Time[] = [];
      for (const side of step % 2 === 0 ? [0, 1] : [1, 0]) {
        const time = sides[side]!.place.run(sides[side]!.pieces[step]!);
        times[side] = time;
        // The packages are the system's: whoever comes first installs them for both.
        if (name === "packages") continue;
        totals[side]!.real += time.real;
        totals[side]!.cpu += time.cpu;
      }
      console.log(`so far: ${row(name, times)}`);
      return row(name, times);
    });
    console.log(
      ["", "step recipe plain ratio (CPU: recipe plain ratio)", ...rows, row("all", totals)].join("\n"),
    );
  } finally {
    for (const { place } of sides) place.remove();
  }
}

function row(name: string, times: Time[]): string {
  const pair = (kind: keyof Time) => {
    const [recipe = 0, plain = 0] = times.map((time) => time[kind]);
    return `${recipe.toFixed(0)} ${plain.toFixed(0)} ${(recipe / plain).toFixed(2)}`;
  };
  return `${name} ${pair("real")} (${pair("cpu")})`;
}

try {
  if (process.argv.includes("--compare")) compare();
  else whole();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
