// Lets `require` load this project's TypeScript. tsx does that too, but hooks into every package that is loaded, which
// alone takes longer than a whole preview may. The compiled text of each file is kept by the file's content.
const Module = require("node:module");
const compileNatively = Module.prototype._compile;
require("v8-compile-cache");
const compileWithCache = Module.prototype._compile;
// The cache takes every module for CommonJS.
Module.prototype._compile = function (content, filename, format) {
  const compile = format === "module" ? compileNatively : compileWithCache;
  return compile.call(this, content, filename, format);
};
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
    // Renamed into place, so that a preview beside this one never reads half a file.
    const temporary = `${file}.${process.pid}`;
    writeFileSync(temporary, code);
    renameSync(temporary, file);
    return code;
  }
}
