import { createRequire } from "node:module";
import { join } from "node:path";
import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import * as messages from "@pulumi/pulumi/proto/language_pb";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { version } from "@pulumi/pulumi/version";
import { Engine, unary } from "./engine";

/** The exit code of a program whose error the user has already seen. */
const ERROR_SHOWN = 32;

/**
 * A language host for TypeScript programs, for machines that lack Pulumi's own. It has the methods that previews,
 * updates and destroys call, and starts programs with the same command line and environment.
 *
 * Programs talk to the engine's resource monitor directly. Pulumi's own host puts a proxy in between, for synchronous
 * invokes, which this project does not make.
 *
 * @param env The environment variables of the programs.
 * @see https://github.com/pulumi/pulumi/blob/v3.260.0/sdk/nodejs/cmd/pulumi-language-nodejs/main.go
 */
export function languageHost(engine: Engine, env: () => NodeJS.ProcessEnv): UntypedServiceImplementation {
  return {
    handshake: unary((request: messages.LanguageHandshakeRequest) => {
      engine.attach(request.getEngineAddress());
      return new messages.LanguageHandshakeResponse();
    }),
    getPluginInfo: unary(() => new PluginInfo().setVersion(version)),
    // The engine installs the packages named here. All that the program uses is attached or installed already.
    getRequiredPackages: unary(() => new messages.GetRequiredPackagesResponse()),
    run: unary(async (request: messages.RunRequest, signal) => {
      const program = request.getInfo() ?? new messages.ProgramInfo();
      const cwd = program.getProgramDirectory();
      const { code } = await engine.run("node", commandLine(request, program, engine.address), {
        cwd,
        env: { ...env(), ...settings(request), PULUMI_NODEJS_TYPESCRIPT: "true" },
        signal,
      });
      const response = new messages.RunResponse();
      if (code === ERROR_SHOWN) return response.setBail(true);
      return code === 0 ? response : response.setError(`Program exited with non-zero exit code: ${code}`);
    }),
  };
}

function commandLine(request: messages.RunRequest, program: messages.ProgramInfo, engine: string): string[] {
  const directory = program.getProgramDirectory();
  const { nodeargs = "" } = (program.getOptions()?.toJavaScript() ?? {}) as { nodeargs?: string };
  const options = {
    monitor: request.getMonitorAddress(),
    engine,
    organization: request.getOrganization(),
    project: request.getProject(),
    "root-directory": program.getRootDirectory(),
    stack: request.getStack(),
    pwd: directory,
    parallel: String(request.getParallel()),
  };
  return [
    ...nodeargs.split(" ").filter((argument) => argument !== ""),
    createRequire(join(directory, "package.json")).resolve("@pulumi/pulumi/cmd/run"),
    ...Object.entries(options).flatMap(([name, value]) => (value === "" ? [] : [`--${name}`, value])),
    ...(request.getDryrun() ? ["--dry-run"] : []),
    program.getEntryPoint(),
    ...request.getArgsList(),
  ];
}

/** The stack's settings as the SDK reads them. Its keys are `iaso:config:NAME`, the engine's `iaso:NAME`. */
function settings(request: messages.RunRequest): Record<string, string> {
  const values = request
    .getConfigMap()
    .toArray()
    .map(([key, value]) => [key.replace(":", ":config:"), value]);
  return {
    PULUMI_CONFIG: JSON.stringify(Object.fromEntries(values)),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
  };
}
