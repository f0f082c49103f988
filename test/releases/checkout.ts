import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { interpreterOf } from "../../deploy/migrations/interpreter";
import { provideTools } from "../../deploy/source/tools";

/** Something that the test needs is missing on this machine. The message says what, and how to provide it. */
export class Missing extends Error {}

/** A clone of Iaso with the files of one version at a time. */
export class Checkout {
  /** @param python The Python that has Iaso's packages; without it, uv installs those of each version. */
  constructor(
    readonly directory: string,
    private readonly python: string | undefined,
  ) {}

  /** @throws Missing if there is no such repository */
  clone(source: string): void {
    const options = source.startsWith("/") ? ["--shared"] : [];
    try {
      run("git", ["clone", "--quiet", "--no-checkout", ...options, source, this.directory]);
    } catch (error) {
      throw new Missing(
        `Iaso's history is missing: ${lastLine(error)}\nName a clone of Iaso: --source ../iaso`,
      );
    }
    // No migration needs the documentation, of which a copy of the repository may lack large files.
    const info = join(this.directory, ".git/info");
    mkdirSync(info, { recursive: true });
    writeFileSync(join(info, "attributes"), "/docs export-ignore\n");
  }

  /** @throws Missing if the history lacks one of the versions */
  requireVersions(versions: readonly string[]): void {
    const missing = [...new Set(versions)].filter((version) => {
      try {
        this.git("rev-parse", "--verify", "--quiet", `${version}^{commit}`);
        return false;
      } catch {
        return true;
      }
    });
    if (missing.length > 0) {
      throw new Missing(
        `The history of Iaso lacks ${missing.join(", ")}.\nFetch all of it: git fetch --unshallow --tags`,
      );
    }
  }

  /** Replaces the files with those of a version. */
  extract(version: string): void {
    for (const name of readdirSync(this.directory)) {
      if (name !== ".git") rmSync(join(this.directory, name), { recursive: true });
    }
    const archive = join(this.directory, ".git/version.tar");
    this.git("archive", "--format=tar", `--output=${archive}`, version);
    run("tar", ["--extract", "--file", archive, "--directory", this.directory]);
    rmSync(archive);
    if (this.python !== undefined) {
      writeFileSync(join(this.directory, "iaso-deploy.yaml"), `python: ${resolve(this.python)}\n`);
    }
  }

  /** @throws Missing if the version does not start with its packages, or they cannot be installed */
  async requirePackages(directory: string): Promise<void> {
    const { env } = await provideTools(this.directory, directory, { frontEnd: false });
    const [program = "", ...words] = await interpreterOf(this.directory);
    try {
      run(program, [...words, "-c", "import django; django.setup()"], this.directory, {
        ...env,
        DJANGO_SETTINGS_MODULE: "hat.settings",
        PYTHONDONTWRITEBYTECODE: "1",
        PYTHONPATH: this.directory,
        SECRET_KEY: "x",
        UV_PROJECT_ENVIRONMENT: join(directory, "venv"),
      });
    } catch (error) {
      throw new Missing(
        `Iaso does not start with its packages: ${lastLine(error)}\n` +
          "Name a Python that has those of all these releases: --python VENV/bin/python",
      );
    }
  }

  private git(...args: string[]): void {
    run("git", ["-C", this.directory, ...args]);
  }
}

function run(program: string, args: string[], cwd?: string, env: Record<string, string> = {}): void {
  execFileSync(program, args, { cwd, env: { ...process.env, ...env }, encoding: "utf8", stdio: "pipe" });
}

function lastLine(error: unknown): string {
  const { message, stderr } = error as Error & { stderr?: string };
  return (stderr?.trim() || message).split("\n").at(-1) ?? "";
}
