// Lets Node.js `require` this project's TypeScript: every npm script and every test loads it through this one file.
// Each file is compiled by esbuild once; the result is kept under a hash of its content. tsx would also do, but its
// hook into every loaded package takes longer than a whole offline preview.
const { createHash } = require("node:crypto");
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
require("./deferred.cjs");

const CACHE = join(__dirname, "..", "node_modules", ".cache", "iaso-typescript");

require.extensions[".ts"] = (module, filename) => {
  module._compile(compiled(readFileSync(filename, "utf8"), filename), filename);
};

function compiled(source, filename) {
  const key = createHash("sha256")
    .update(process.version)
    .update(filename)
    .update("\0")
    .update(source)
    .digest("hex");
  const file = join(CACHE, `${key}.js`);
  try {
    return readFileSync(file, "utf8");
  } catch {
    const { code } = require("esbuild").transformSync(source, {
      loader: "ts",
      format: "cjs",
      target: "node20",
      sourcefile: filename,
      sourcemap: "inline",
    });
    mkdirSync(CACHE, { recursive: true });
    // Renamed into place, so that a process beside this one never reads half a file.
    const temporary = `${file}.${process.pid}`;
    writeFileSync(temporary, code);
    renameSync(temporary, file);
    return code;
  }
}
