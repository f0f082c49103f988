// Lets Node.js `require` this project's TypeScript. Every npm script and every test loads TypeScript through this file.
// esbuild compiles each file once, and the result is cached under a hash of the file's content. tsx would work too, but
// it hooks into every loaded package, which takes longer than a whole offline preview.
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
    // Renamed into place, so that another process never reads half a file.
    const temporary = `${file}.${process.pid}`;
    writeFileSync(temporary, code);
    renameSync(temporary, file);
    return code;
  }
}
