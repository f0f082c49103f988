import { createRequire } from "node:module";
import * as pulumi from "@pulumi/pulumi";
import { setMockOptions } from "@pulumi/pulumi/runtime/settings";
import { PreviewDocument } from "../graph/document";
import { Monitor } from "./monitor";

export interface SimulationOptions {
  project?: string;
  stack?: string;
  /** Configuration by full key, such as `iaso:region`. */
  config?: Record<string, string>;
  /** Keys of the configuration whose values are secret. */
  secretKeys?: string[];
  /** True to leave outputs unknown, as at the first preview of a new stack. */
  unknownOutputs?: boolean;
}

/**
 * Runs a Pulumi program against the simulated AWS, in this process, and returns the resources that it registered.
 * Leaves no state for the next run.
 *
 * @throws errors of the program, and refusals of the simulated AWS
 */
export async function simulate(
  program: () => unknown,
  options: SimulationOptions = {},
): Promise<PreviewDocument> {
  const { project = "iaso", stack = "test", config = {}, secretKeys = [], unknownOutputs = false } = options;
  const monitor = new Monitor(project, stack, unknownOutputs);
  setMockOptions(monitor, project, stack, true);
  enableFeatures();
  pulumi.runtime.setAllConfig(config, secretKeys);

  const stray: Error[] = [];
  let fail: (error: Error) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  const collect = (reason: unknown) => {
    const error = reason instanceof Error ? reason : new Error(String(reason));
    stray.push(error);
    fail(error);
  };
  // An exception in `apply` rejects an output that nothing awaits. The SDK reports it as an unhandled rejection.
  process.on("unhandledRejection", collect);
  try {
    // A resource whose `dependsOn` fails never resolves, so the program would never end.
    await Promise.race([runToEnd(program), failed]);
  } catch (error) {
    // At its exit, the process would fail because of the promises that the failed program left.
    (store() as { leakCandidates: Set<unknown> }).leakCandidates.clear();
    throw monitor.errors[0] ?? error;
  } finally {
    // Node.js reports rejections after the microtasks. Those of a failed run must not reach the next run.
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", collect);
  }
  const [failure] = [...monitor.errors, ...stray];
  if (failure !== undefined) throw failure;
  return {
    project,
    stack,
    environment: config[`${project}:env`] || stack,
    resources: monitor.resources,
    outputs: monitor.stackOutputs,
    policies: { pack: "", version: "", rules: 0, violations: [] },
  };
}

async function runToEnd(program: () => unknown): Promise<void> {
  await pulumi.runtime.runInPulumiStack(() => Promise.resolve(program()));
  await pulumi.runtime.disconnect();
}

/** Sets the features that the SDK otherwise asks the engine for. The SDK does not ask a mock monitor. */
function enableFeatures(): void {
  Object.assign(store(), {
    supportsSecrets: true,
    supportsResourceReferences: true,
    supportsOutputValues: false,
    supportsDeletedWith: true,
    supportsReplaceWith: true,
    supportsAliasSpecs: true,
    supportsTransforms: false,
    supportsParameterization: true,
    supportsResourceHooks: true,
    supportsErrorHooks: true,
    // Nothing fails here, so nothing calls a hook back.
    callbacks: {
      registerErrorHook: () => Promise.resolve(),
      awaitStackRegistrations: () => Promise.resolve(),
      shutdown: () => undefined,
    },
  });
}

/** The SDK's store for one program. The SDK does not export it. */
function store(): object {
  const load = createRequire(__filename);
  const { getStore } = load("@pulumi/pulumi/runtime/state") as { getStore: () => object };
  return getStore();
}
