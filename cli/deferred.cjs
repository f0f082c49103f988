// Defers two packages until they are first used. Pulumi's SDK loads the TypeScript compiler and npm's dependency
// resolver at start-up, which takes a third of its load time. It needs both only to turn functions into Lambda code,
// which a preview never does.
const Module = require("node:module");

const DEFERRED = new Set(["typescript", "@npmcli/arborist"]);

const load = Module._load;
Module._load = function (request, parent, isMain) {
  const loadNow = () => Reflect.apply(load, this, [request, parent, isMain]);
  return DEFERRED.has(request) && parent?.filename.includes("@pulumi") ? deferred(loadNow) : loadNow();
};

function deferred(loadNow) {
  return new Proxy(
    {},
    {
      // The SDK uses an ES module as it is. For any other module it would read every property at once.
      get: (_, property) => (property === "__esModule" ? true : loadNow()[property]),
    },
  );
}
