import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect } from "chai";
import ts from "typescript";

const ROOT = join(__dirname, "..");

/**
 * The folders of the product, and the folders or files that each may import. Besides these, every folder may import
 * its own files and policies/facts. Tests and settings of tools may import anything.
 */
const MAY_IMPORT: Record<string, readonly string[]> = {
  "index.ts": ["settings", "components", "ami/recipe.ts", "ami/fingerprint.ts"],
  policies: [],
  cli: [],
  components: [],
  // The drivers that a setting may name are those of the image's recipe.
  settings: ["components", "cli", "ami/recipe.ts"],
  graph: ["cli"],
  "simulated-aws": ["graph"],
  report: ["graph"],
  preview: ["report", "graph", "simulated-aws", "settings", "cli"],
  ami: ["cli"],
  // A stack's names and settings are those of its program.
  doctor: ["settings", "preview/project.ts", "components/common", "cli"],
  status: ["doctor", "preview", "report", "coordination", "deploy/record.ts", "cli"],
  // The files of a new stack pass the checks of the doctor and the preview. A cutover closes, restores and deploys as the
  // other tools do, under their lock.
  move: [
    "doctor",
    "preview/project.ts",
    "settings",
    "components/common",
    "cli",
    "coordination",
    "database",
    "deploy/commands/recover.ts",
    "deploy/credentials.ts",
    "deploy/knownMigrations.ts",
    "deploy/maintenance",
    "deploy/pair",
    "deploy/session.ts",
  ],
  // The component that writes the parameter owns its schema.
  coordination: ["cli", "components/common/deployParameter.ts"],
  // A build reads its stack's settings without AWS. A maintenance that fails restores the database.
  deploy: [
    "cli",
    "coordination",
    "components/common/artifacts.ts",
    "components/common/secretParameter.ts",
    "database/health.ts",
    "database/pulumiState.ts",
    "database/record.ts",
    "database/restoreInPlace.ts",
    "database/writes.ts",
    "settings/stackFile.ts",
  ],
  // The doctor reads the keys of rehearsals too.
  database: [
    "cli",
    "coordination",
    "components/common/drillKey.ts",
    "components/common/imageCommand.ts",
    "components/common/secretParameter.ts",
    "settings/stackFile.ts",
  ],
};

const FACTS = "policies/facts";

/** The TypeScript files below a path, relative to the root. */
function filesOf(path: string): string[] {
  if (statSync(join(ROOT, path)).isFile()) return [path];
  return readdirSync(join(ROOT, path), { withFileTypes: true }).flatMap((entry) => {
    const child = `${path}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === "node_modules" ? [] : filesOf(child);
    return /\.tsx?$/.test(entry.name) ? [child] : [];
  });
}

type Imports = ReadonlyMap<string, readonly string[]>;

/** The files of the project that each file imports, by `import`, `export from`, `import()` and `require()`. */
function readImports(files: readonly string[], read: (file: string) => string): Imports {
  return new Map(
    files.map((file) => {
      const { importedFiles } = ts.preProcessFile(read(file), true, true);
      const imported = importedFiles
        .map(({ fileName }) => fileName)
        .filter((name) => name.startsWith("."))
        .map((name) => relative(ROOT, join(ROOT, dirname(file), name)))
        .map((path) => [`${path}.ts`, `${path}/index.ts`].find((name) => files.includes(name)) ?? path);
      return [file, imported];
    }),
  );
}

const isIn = (file: string, path: string): boolean => file === path || file.startsWith(`${path}/`);

/** The imports that go against the direction, as "file -> file". */
function violations(imports: Imports): string[] {
  return [...imports].flatMap(([file, imported]) => {
    const folder = file.split("/")[0] ?? "";
    const allowed = [folder, FACTS, ...(MAY_IMPORT[folder] ?? [])];
    return imported
      .filter((target) => target === "index.ts" || !allowed.some((path) => isIn(target, path)))
      .map((target) => `${file} -> ${target}`);
  });
}

/** The permissions that no import uses, as "folder -> path". */
function unusedPermissions(imports: Imports): string[] {
  return Object.entries(MAY_IMPORT).flatMap(([folder, paths]) => {
    const targets = [...imports].filter(([file]) => isIn(file, folder)).flatMap(([, imported]) => imported);
    return paths
      .filter((path) => !targets.some((target) => isIn(target, path) && !isIn(target, FACTS)))
      .map((path) => `${folder} -> ${path}`);
  });
}

/** The groups of files that import each other in a circle: strongly connected components, by Tarjan's algorithm. */
function circles(imports: Imports): string[][] {
  const found: string[][] = [];
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const visit = (file: string): number => {
    const own = index.size;
    index.set(file, own);
    let lowest = own;
    stack.push(file);
    for (const target of imports.get(file) ?? []) {
      if (!imports.has(target)) continue;
      if (!index.has(target)) lowest = Math.min(lowest, visit(target));
      else if (stack.includes(target)) lowest = Math.min(lowest, low.get(target) ?? index.get(target) ?? 0);
    }
    low.set(file, lowest);
    if (lowest === own) {
      const group = stack.splice(stack.indexOf(file));
      if (group.length > 1 || imports.get(file)?.includes(file)) found.push(group.sort());
    }
    return lowest;
  };
  for (const file of imports.keys()) if (!index.has(file)) visit(file);
  return found;
}

describe("The layout of the product's code", () => {
  const product = Object.keys(MAY_IMPORT).flatMap(filesOf);
  const imports = readImports(product, (file) => readFileSync(join(ROOT, file), "utf8"));

  it("covers every folder with TypeScript", () => {
    const folders = readdirSync(ROOT, { withFileTypes: true })
      .filter(({ name }) => !name.startsWith(".") && !["node_modules", "test"].includes(name))
      .filter((entry) => (entry.isDirectory() ? filesOf(entry.name).length > 0 : /\.ts$/.test(entry.name)))
      .map(({ name }) => name);
    expect(folders).to.have.members(Object.keys(MAY_IMPORT));
  });

  it("resolves every import to a file", () => {
    const missing = [...imports].flatMap(([file, imported]) =>
      imported
        .filter((target) => !imports.has(target) && !/\.(json|cjs)$/.test(target))
        .map((target) => `${file} -> ${target}`),
    );
    expect(missing).to.deep.equal([]);
  });

  it("imports only in the allowed directions", () => {
    expect(violations(imports)).to.deep.equal([]);
  });

  it("permits no import that no file makes", () => {
    expect(unusedPermissions(imports)).to.deep.equal([]);
  });

  it("has no files that import each other in a circle", () => {
    expect(circles(imports)).to.deep.equal([]);
  });

  it("keeps Pulumi out of the command-line tools", () => {
    const reached = new Set<string>();
    const reach = (file: string): void => {
      if (reached.has(file)) return;
      reached.add(file);
      for (const target of imports.get(file) ?? []) reach(target);
    };
    for (const file of product)
      if (["ami", "database", "deploy"].some((folder) => isIn(file, folder))) reach(file);
    const withPulumi = [...reached].filter((file) =>
      /from "@pulumi\//.test(readFileSync(join(ROOT, file), "utf8")),
    );
    expect(reached.size).to.be.greaterThan(50);
    expect(withPulumi).to.deep.equal([]);
  });

  // Text from others may hold control characters. Only cli/output.ts removes them. The linter refuses the console.
  it("writes to the terminal in one file only", () => {
    const writing = product.filter((file) =>
      /\bprocess\.std(out|err)\.write\b/.test(readFileSync(join(ROOT, file), "utf8")),
    );
    expect(writing).to.deep.equal(["cli/output.ts"]);
  });

  it("finds violations and circles, of types too", () => {
    const sources: Record<string, string> = {
      "graph/a.ts": 'import { b } from "./b"; import x from "../policies/facts/x.json";',
      "graph/b.ts": 'import type { A } from "./c";',
      "graph/c.ts": 'export * from "./a"; import { preview } from "../preview/preview";',
      "preview/preview.ts": 'void import("../index"); import { a } from "../graph/a";',
      "index.ts": "",
    };
    const example = readImports(Object.keys(sources), (file) => sources[file] ?? "");
    expect(violations(example)).to.deep.equal([
      "graph/c.ts -> preview/preview.ts",
      "preview/preview.ts -> index.ts",
    ]);
    expect(circles(example)).to.deep.equal([
      ["graph/a.ts", "graph/b.ts", "graph/c.ts", "preview/preview.ts"],
    ]);
  });
});
