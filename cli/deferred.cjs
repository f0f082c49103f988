// Defers modules until they are first used. A preview never uses them, and they take half of the time in which the
// packages load: the Automation API runs the Pulumi CLI, the TypeScript compiler and npm's packages turn functions into
// Lambda code, and Zod's locales translate its messages.
const Module = require("node:module");

/** The package that requires each of them. */
const DEFERRED = new Map([
  ["./automation", "@pulumi/pulumi"],
  ["typescript", "@pulumi/pulumi"],
  ["@npmcli/arborist", "@pulumi/pulumi"],
  ["normalize-package-data", "@pulumi/pulumi"],
  ["fdir", "@pulumi/pulumi"],
  ["../locales/index.cjs", "zod"],
]);

const load = Module._load;
Module._load = function (request, parent, isMain) {
  const loadNow = () => Reflect.apply(load, this, [request, parent, isMain]);
  const from = DEFERRED.get(request);
  return from !== undefined && parent?.filename.includes(`/node_modules/${from}/`)
    ? deferred(loadNow)
    : loadNow();
};

function deferred(loadNow) {
  let loaded;
  return new Proxy(
    {},
    {
      get(_, property) {
        // An ES module is used as it is. Of any other module, the loader would read every property at once.
        if (property === "__esModule") return true;
        loaded ??= loadNow();
        return property === "default" && !loaded.__esModule ? loaded : loaded[property];
      },
    },
  );
}
