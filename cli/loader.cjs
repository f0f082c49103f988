// Lets Node.js `require` this project's TypeScript. Every npm script and every test loads TypeScript through this file.
// esbuild compiles each file once, and the result is cached under a hash of its content. tsx would work too, but
// it hooks into every loaded package, which takes longer than a whole offline preview.
const { createHash } = require("node:crypto");
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require("node:fs");
const { SourceMap } = require("node:module");
const { join } = require("node:path");
require("./deferred.cjs");

const CACHE = join(__dirname, "..", "node_modules", ".cache", "iaso-typescript");

const LOADER = readFileSync(__filename);

/** The source map of each loaded file. */
const mapFiles = new Map();

require.extensions[".ts"] = (module, filename) => module._compile(compiled(filename), filename);

function compiled(filename) {
  const source = readFileSync(filename, "utf8");
  const key = createHash("sha256")
    .update(process.version)
    .update(LOADER)
    .update(filename)
    .update("\0")
    .update(source)
    .digest("hex");
  const file = join(CACHE, `${key}.js`);
  const mapFile = `${file}.map`;
  mapFiles.set(filename, mapFile);
  try {
    return readFileSync(file, "utf8");
  } catch {
    const { code, map } = require("esbuild").transformSync(source, {
      loader: "ts",
      format: "cjs",
      target: "node20",
      sourcefile: filename,
      sourcemap: "external",
    });
    // The link is for debuggers. A map inside the file would be read in every run.
    const linked = `${code}//# sourceMappingURL=${mapFile}\n`;
    try {
      mkdirSync(CACHE, { recursive: true });
      write(mapFile, map);
      write(file, linked);
    } catch {
      // The cache only saves time. The sandbox of a build shows the project read-only.
      mapFiles.delete(filename);
    }
    return linked;
  }
}

/** Writes a file and renames it into place, so that another process never reads half of it. */
function write(file, content) {
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, content);
  renameSync(temporary, file);
}

/** Makes stack traces name lines of the TypeScript. The flag --enable-source-maps would read the maps of all packages. */
Error.prepareStackTrace = (error, frames) =>
  [Error.prototype.toString.call(error), ...frames.map((frame) => `at ${original(frame)}`)].join("\n    ");

function original(frame) {
  const [file, line, column] = [frame.getFileName(), frame.getLineNumber(), frame.getColumnNumber()];
  const mapFile = mapFiles.get(file);
  if (mapFile === undefined) return String(frame);
  const { originalLine, originalColumn } = sourceMap(mapFile).findEntry(line - 1, column - 1);
  if (originalLine === undefined) return String(frame);
  return String(frame).replace(
    `${file}:${line}:${column}`,
    `${file}:${originalLine + 1}:${originalColumn + 1}`,
  );
}

const sourceMaps = new Map();

function sourceMap(file) {
  const map = sourceMaps.get(file) ?? new SourceMap(JSON.parse(readFileSync(file, "utf8")));
  sourceMaps.set(file, map);
  return map;
}
