// The SDK loads the TypeScript compiler and npm's dependency resolver with itself. It needs them only to turn functions
// into Lambda code, which a preview never does, and loading them takes a third of its time: they are loaded when they
// are first used.
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
      // Named as an ES module, the SDK takes it as it is: otherwise it would look through the whole of it at once.
      get: (_, property) => (property === "__esModule" ? true : loadNow()[property]),
    },
  );
}
