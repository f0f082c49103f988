import * as grpc from "@grpc/grpc-js";
import * as providerRpc from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as messages from "@pulumi/pulumi/proto/provider_pb";
import * as plugin from "@pulumi/pulumi/proto/plugin_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import { specialSecretSig, specialSigKey, unknownValue } from "@pulumi/pulumi/runtime/rpc";
import { Any } from "google-protobuf/google/protobuf/any_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import { AwsError, Properties } from "./account";
import { InitializationFailure } from "./faults";
import { SimulatedAws } from "./simulatedAws";

type Reply<T> = grpc.sendUnaryData<T>;
type Call<T> = grpc.ServerUnaryCall<T, unknown>;

/**
 * Serves the simulated AWS to the Pulumi engine over gRPC.
 *
 * It implements the protocol itself: the server of `@pulumi/pulumi/provider` has neither previews, so that a first
 * preview would know outputs, nor secret outputs, so that secrets would be returned in plain text.
 *
 * @returns the port on 127.0.0.1, for PULUMI_DEBUG_PROVIDERS
 * @see https://github.com/pulumi/pulumi/blob/master/proto/pulumi/provider.proto
 */
export async function serve(aws: SimulatedAws): Promise<number> {
  const server = new grpc.Server({
    "grpc.max_receive_message_length": 400 * 1024 * 1024,
    "grpc.max_send_message_length": 400 * 1024 * 1024,
  });
  server.addService(providerRpc.ResourceProviderService, handlers(aws));
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error) reject(error);
      else resolve(port);
    });
  });
}

function handlers(aws: SimulatedAws): grpc.UntypedServiceImplementation {
  const initFailed = (failure: InitializationFailure, request: messages.CreateRequest) =>
    detailsOf(failure, aws.secretProperties(typeOf(request)));
  return {
    handshake: reply(() => new messages.ProviderHandshakeResponse()),
    attach: reply(() => new Empty()),
    cancel: reply(() => new Empty()),
    getPluginInfo: reply(() => {
      const info = new plugin.PluginInfo();
      info.setVersion("7.48.0");
      return info;
    }),
    getSchema: reply(() => {
      const schema = new messages.GetSchemaResponse();
      schema.setSchema("{}");
      return schema;
    }),
    checkConfig: reply((request: messages.CheckRequest) => {
      const response = new messages.CheckResponse();
      response.setInputs(request.getNews());
      return response;
    }),
    diffConfig: reply(() => {
      const response = new messages.DiffResponse();
      response.setChanges(messages.DiffResponse.DiffChanges.DIFF_NONE);
      return response;
    }),
    configure: reply((request: messages.ConfigureRequest) => {
      aws.configure(properties(request.getArgs()));
      const response = new messages.ConfigureResponse();
      response.setSupportspreview(true);
      return response;
    }),
    invoke: reply((request: messages.InvokeRequest) => {
      const response = new messages.InvokeResponse();
      response.setReturn(struct(aws.invoke(request.getTok(), properties(request.getArgs()))));
      return response;
    }),
    check: reply((request: messages.CheckRequest) => {
      const response = new messages.CheckResponse();
      const inputs = aws.check(
        typeOf(request),
        nameOf(request),
        properties(request.getOlds()),
        properties(request.getNews()),
      );
      response.setInputs(struct(inputs));
      return response;
    }),
    diff: reply((request: messages.DiffRequest) => {
      const { changed, replacing, deleteBeforeReplace } = aws.diff(
        typeOf(request),
        nameOf(request),
        { inputs: properties(request.getOldInputs()), state: properties(request.getOlds()) },
        properties(request.getNews()),
        request.getIgnorechangesList(),
      );
      const response = new messages.DiffResponse();
      const { DIFF_SOME, DIFF_NONE } = messages.DiffResponse.DiffChanges;
      response.setChanges(changed.length > 0 ? DIFF_SOME : DIFF_NONE);
      response.setDiffsList(changed);
      response.setReplacesList(replacing);
      response.setDeletebeforereplace(deleteBeforeReplace);
      return response;
    }),
    create: reply(async (request: messages.CreateRequest) => {
      const type = typeOf(request);
      const inputs = properties(request.getProperties());
      const response = new messages.CreateResponse();
      if (request.getPreview()) {
        response.setProperties(
          struct(aws.planCreate(type, nameOf(request), inputs, unknownValue), aws.secretProperties(type)),
        );
        return response;
      }
      const { id, state } = await aws.create(type, nameOf(request), inputs);
      response.setId(id);
      response.setProperties(struct(state, aws.secretProperties(type)));
      return response;
    }, initFailed),
    read: reply(async (request: messages.ReadRequest) => {
      const type = typeOf(request);
      const found = await aws.read(type, nameOf(request), request.getId(), {
        inputs: properties(request.getInputs()),
        state: properties(request.getProperties()),
      });
      const response = new messages.ReadResponse();
      if (found) {
        response.setId(request.getId());
        response.setProperties(struct(found.state, aws.secretProperties(type)));
        response.setInputs(struct(found.inputs, aws.secretProperties(type)));
      }
      return response;
    }),
    update: reply(async (request: messages.UpdateRequest) => {
      const type = typeOf(request);
      const known = { inputs: properties(request.getOldInputs()), state: properties(request.getOlds()) };
      const news = properties(request.getNews());
      const ignored = request.getIgnorechangesList();
      const response = new messages.UpdateResponse();
      const state = request.getPreview()
        ? { ...known.state, ...news }
        : await aws.update(type, nameOf(request), request.getId(), known, news, ignored);
      response.setProperties(struct(state, aws.secretProperties(type)));
      return response;
    }),
    delete: reply(async (request: messages.DeleteRequest) => {
      await aws.delete(typeOf(request), nameOf(request), request.getId());
      return new Empty();
    }),
  };
}

/**
 * Answers a call. An error of AWS reaches the engine with AWS's error code in its message.
 *
 * @param initFailed Returns the details of the error if the resource was created but is not ready.
 */
function reply<Request, Response>(
  answer: (request: Request) => Response | Promise<Response>,
  initFailed?: (failure: InitializationFailure, request: Request) => grpc.Metadata,
) {
  return (call: Call<Request>, callback: Reply<Response>): void => {
    Promise.resolve()
      .then(() => answer(call.request))
      .then(
        (response) => {
          callback(null, response);
        },
        (error: unknown) => {
          const code = error instanceof AwsError ? grpc.status.UNKNOWN : grpc.status.INTERNAL;
          callback({
            code,
            details: error instanceof Error ? error.message : String(error),
            metadata: error instanceof InitializationFailure ? initFailed?.(error, call.request) : undefined,
          });
        },
      );
  };
}

/** Returns the error details with which the engine keeps a resource that is not ready, as the providers' SDKs do. */
function detailsOf({ message, created }: InitializationFailure, secrets: readonly string[]): grpc.Metadata {
  const failed = new messages.ErrorResourceInitFailed();
  failed.setId(created.id);
  failed.setProperties(struct(created.inputs, secrets));
  failed.setReasonsList([message]);
  const detail = new Any();
  detail.pack(failed.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const status = new Status();
  status.setCode(grpc.status.UNKNOWN);
  status.setMessage(message);
  status.addDetails(detail);
  const metadata = new grpc.Metadata();
  metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  return metadata;
}

/** Returns the type of a request, from its URN if the engine leaves the field out. */
function typeOf(request: { getType(): string; getUrn(): string }): string {
  return request.getType() || (request.getUrn().split("::")[2] ?? "").split("$").at(-1) || "";
}

function nameOf(request: { getName(): string; getUrn(): string }): string {
  return request.getName() || (request.getUrn().split("::")[3] ?? "");
}

function properties(value: Struct | undefined): Properties {
  return bare(value?.toJavaScript() ?? {}) as Properties;
}

/** Returns a value without the marks of secrets, which some engines send and others do not. */
function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare);
  if (typeof value !== "object" || value === null) return value;
  const { [specialSigKey]: signature, value: secret } = value as Properties;
  if (signature === specialSecretSig) return bare(secret);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, bare(part)]));
}

function struct(values: Properties, secrets: readonly string[] = []): Struct {
  const marked = Object.fromEntries(
    Object.entries(values)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [
        key,
        secrets.includes(key) ? { [specialSigKey]: specialSecretSig, value } : value,
      ]),
  );
  return Struct.fromJavaScript(marked as Record<string, JavaScriptValue>);
}
