// Defers modules until they are first used. A preview never uses them, and they take half of the time in which the
// packages load: the Automation API runs the Pulumi CLI, the TypeScript compiler and npm's packages turn functions into
// Lambda code, and Zod's locales translate its messages. Of the 250 services of @pulumi/aws, a program uses twenty.
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

/** A command uses few of AWS's clients, and asks its user once at most. */
const EVERYWHERE = /^(@aws-sdk\/client-.*|@inquirer\/prompts)$/;

const load = Module._load;
Module._load = function (request, parent, isMain) {
  const loadNow = () => Reflect.apply(load, this, [request, parent, isMain]);
  return isDeferred(request, parent?.filename ?? "") ? deferred(loadNow) : loadNow();
};

function isDeferred(request, parent) {
  if (parent.endsWith("/node_modules/@pulumi/aws/index.js")) return /^\.\/[a-z0-9]+$/.test(request);
  if (EVERYWHERE.test(request)) return true;
  const from = DEFERRED.get(request);
  return from !== undefined && parent.includes(`/node_modules/${from}/`);
}

function deferred(loadNow) {
  let loaded;
  const module = () => {
    loaded ??= loadNow();
    return loaded;
  };
  return new Proxy(
    {},
    {
      get(_, property) {
        // An ES module is used as it is. Of any other module, the loader would read every property at once.
        if (property === "__esModule") return true;
        return property === "default" && !module().__esModule ? module() : module()[property];
      },
      has: (_, property) => property in module(),
      ownKeys: () => Reflect.ownKeys(module()),
      getOwnPropertyDescriptor(_, property) {
        const descriptor = Reflect.getOwnPropertyDescriptor(module(), property);
        // A proxy must not describe a property as fixed that its own target lacks.
        return descriptor && { ...descriptor, configurable: true };
      },
    },
  );
}
