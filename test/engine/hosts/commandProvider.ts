import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import { PluginAttach, PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import * as messages from "@pulumi/pulumi/proto/provider_pb";
import { unknownValue } from "@pulumi/pulumi/runtime/rpc";
import { version } from "@pulumi/command/package.json";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import { Engine, unary } from "./engine";

interface Command {
  create?: string;
  update?: string;
  delete?: string;
  dir?: string;
  environment?: Record<string, string>;
  interpreter?: string[];
  triggers?: unknown[];
  stdout?: string;
  stderr?: string;
}

/**
 * The resource `command:local:Command`, for machines that lack Pulumi's own provider for commands: runs it as that one
 * does, and never in a preview. It has no assets, secrets or standard input, as the program uses none with commands.
 *
 * @param folder Where commands run that name no `dir`.
 * @param env The environment variables that commands get besides their own.
 * @see https://github.com/pulumi/pulumi-command/blob/master/provider/pkg/provider/local/commandController.go
 */
export function commandProvider(
  engine: Engine,
  folder: string,
  env: () => NodeJS.ProcessEnv,
): UntypedServiceImplementation {
  /** @param previous The stdout and stderr of the run before, which the command gets as variables. */
  const run = async (
    urn: string,
    shellCommand: string | undefined,
    inputs: Command,
    previous: Command,
    signal: AbortSignal,
  ): Promise<Command> => {
    const { stdout = "", stderr = "" } = previous;
    if (shellCommand === undefined) return { ...inputs, stdout, stderr };
    const [shell = "", ...args] = inputs.interpreter ?? ["/bin/sh", "-c"];
    const exit = await engine.run(shell, [...args, shellCommand], {
      cwd: inputs.dir ?? folder,
      env: {
        ...env(),
        ...inputs.environment,
        ...(stdout === "" ? {} : { PULUMI_COMMAND_STDOUT: stdout }),
        ...(stderr === "" ? {} : { PULUMI_COMMAND_STDERR: stderr }),
      },
      urn,
      signal,
    });
    if (exit.code !== 0)
      throw new Error(`exit status ${exit.code}: running ${JSON.stringify(shellCommand)}:\n${exit.output}`);
    return { ...inputs, stdout: exit.stdout.replace(/\n$/, ""), stderr: exit.stderr.replace(/\n$/, "") };
  };

  return {
    handshake: unary((request: messages.ProviderHandshakeRequest) => {
      engine.attach(request.getEngineAddress());
      return new messages.ProviderHandshakeResponse();
    }),
    attach: unary((request: PluginAttach) => {
      engine.attach(request.getAddress());
      return new Empty();
    }),
    cancel: unary(() => new Empty()),
    getPluginInfo: unary(() => new PluginInfo().setVersion(version)),
    checkConfig: unary((request: messages.CheckRequest) =>
      new messages.CheckResponse().setInputs(request.getNews()),
    ),
    diffConfig: unary(() =>
      new messages.DiffResponse().setChanges(messages.DiffResponse.DiffChanges.DIFF_NONE),
    ),
    configure: unary(() => new messages.ConfigureResponse().setSupportspreview(true)),
    check: unary((request: messages.CheckRequest) =>
      new messages.CheckResponse().setInputs(request.getNews()),
    ),
    diff: unary((request: messages.DiffRequest) => {
      const [olds, news] = [read(request.getOldInputs()), read(request.getNews())];
      const changed = differences(olds, news);
      const { DIFF_SOME, DIFF_NONE } = messages.DiffResponse.DiffChanges;
      return new messages.DiffResponse()
        .setChanges(changed.length > 0 ? DIFF_SOME : DIFF_NONE)
        .setDiffsList(changed)
        .setReplacesList(changed.filter((name) => name === "triggers"));
    }),
    create: unary(async (request: messages.CreateRequest, signal) => {
      const inputs = read(request.getProperties());
      if (request.getPreview()) {
        const planned = { ...inputs, stdout: unknownValue, stderr: unknownValue };
        return new messages.CreateResponse().setProperties(write(planned));
      }
      const outputs = await run(request.getUrn(), inputs.create, inputs, {}, signal);
      const id = `${request.getName()}${randomBytes(4).toString("hex")}`;
      return new messages.CreateResponse().setId(id).setProperties(write(outputs));
    }),
    read: unary((request: messages.ReadRequest) =>
      new messages.ReadResponse()
        .setId(request.getId())
        .setInputs(request.getInputs())
        .setProperties(request.getProperties()),
    ),
    update: unary(async (request: messages.UpdateRequest, signal) => {
      const inputs = read(request.getNews());
      if (request.getPreview()) {
        const planned = { ...inputs, stdout: unknownValue, stderr: unknownValue };
        return new messages.UpdateResponse().setProperties(write(planned));
      }
      const shellCommand = inputs.update ?? inputs.create;
      const outputs = await run(request.getUrn(), shellCommand, inputs, read(request.getOlds()), signal);
      return new messages.UpdateResponse().setProperties(write(outputs));
    }),
    delete: unary(async (request: messages.DeleteRequest, signal) => {
      const state = read(request.getProperties());
      await run(request.getUrn(), state.delete, state, state, signal);
      return new Empty();
    }),
  };
}

/** The names of the inputs that differ. */
function differences(olds: Command, news: Command): string[] {
  const before = new Map(Object.entries(olds));
  const after = new Map(Object.entries(news));
  return [...new Set([...before.keys(), ...after.keys()])].filter(
    (name) => !isDeepStrictEqual(before.get(name), after.get(name)),
  );
}

function read(values: Struct | undefined): Command {
  return values?.toJavaScript() ?? {};
}

function write(values: Command): Struct {
  return Struct.fromJavaScript(JSON.parse(JSON.stringify(values)) as Record<string, JavaScriptValue>);
}
