import * as grpc from "@grpc/grpc-js";
import { EngineService } from "@pulumi/pulumi/proto/engine_grpc_pb";
import type { LogRequest } from "@pulumi/pulumi/proto/engine_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { unary } from "./engine";

/** The part of an engine that plugins call: its log. */
export class FakeEngine {
  /** The plugins' log messages, one entry for each call. */
  readonly lines: { message: string; urn: string }[] = [];
  address = "";
  private readonly server = new grpc.Server();

  async start(): Promise<void> {
    const log = unary((request: LogRequest) => {
      this.lines.push({ message: request.getMessage(), urn: request.getUrn() });
      return new Empty();
    });
    this.server.addService(EngineService, { log });
    this.address = await new Promise((resolve, reject) => {
      this.server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
        if (error) reject(error);
        else resolve(`127.0.0.1:${port}`);
      });
    });
  }

  stop(): void {
    this.server.forceShutdown();
  }
}

/** The response of a unary call: `call((done) => client.METHOD(request, done))`. */
export function call<Response>(
  method: (done: (error: grpc.ServiceError | null, response: Response) => void) => void,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    method((error, response) => {
      if (error) reject(error);
      else resolve(response);
    });
  });
}
