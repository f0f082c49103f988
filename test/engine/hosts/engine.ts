import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { createInterface } from "node:readline";
import * as grpc from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";

export interface ProcessOptions {
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** The resource whose log gets the output; without one, it is the stack's. */
  urn?: string;
  /** Aborts when the engine cancels the call: the process is killed. */
  signal: AbortSignal;
}

export interface Exit {
  /** The exit code; 1 for a process that was killed. */
  code: number;
  stdout: string;
  stderr: string;
  /** Lines of both streams in the order of arrival. */
  output: string;
}

/** The connection of an attached plugin to the engine that uses it. */
export class Engine {
  /** The address that the engine named in its handshake. */
  address = "";
  private client: EngineClient | undefined;

  /** @param address Of the engine that calls from now on; a later engine replaces an earlier one. */
  attach(address: string): void {
    this.client?.close();
    this.address = address;
    this.client = new EngineClient(address, grpc.credentials.createInsecure());
  }

  close(): void {
    this.client?.close();
  }

  /** Runs a process and shows each line that it prints in the engine's log. */
  async run(command: string, args: string[], { urn = "", ...options }: ProcessOptions): Promise<Exit> {
    const child = spawn(command, args, {
      ...options,
      stdio: ["ignore", "pipe", "pipe"],
      killSignal: "SIGKILL",
    });
    const ended = once(child, "close") as Promise<[number | null]>;
    let output = "";
    const copy = async (stream: Readable) => {
      let text = "";
      const logged: Promise<void>[] = [];
      for await (const line of createInterface({ input: stream })) {
        text += `${line}\n`;
        output += `${line}\n`;
        logged.push(this.log(`${line}\n`, urn));
      }
      await Promise.all(logged);
      return text;
    };
    const [[code], stdout, stderr] = await Promise.all([ended, copy(child.stdout), copy(child.stderr)]);
    return { code: code ?? 1, stdout, stderr, output };
  }

  private log(message: string, urn: string): Promise<void> {
    const request = new LogRequest().setSeverity(LogSeverity.INFO).setMessage(message).setUrn(urn);
    return new Promise((resolve) => {
      // A killed engine takes no more lines. The call that it has made ends with an error of its own.
      const done = () => {
        resolve();
      };
      if (this.client === undefined) done();
      else this.client.log(request, done);
    });
  }
}

/**
 * Makes a handler of a unary gRPC method; what `answer` throws becomes the error of the call.
 *
 * @param answer Its signal aborts when the engine cancels the call or dies.
 */
export function unary<Request, Response>(
  answer: (request: Request, signal: AbortSignal) => Response | Promise<Response>,
) {
  return (call: grpc.ServerUnaryCall<Request, Response>, callback: grpc.sendUnaryData<Response>): void => {
    const cancelled = new AbortController();
    call.on("cancelled", () => {
      cancelled.abort();
    });
    Promise.resolve()
      .then(() => answer(call.request, cancelled.signal))
      .then(
        (response) => {
          callback(null, response);
        },
        (error: unknown) => {
          callback({
            code: grpc.status.UNKNOWN,
            details: error instanceof Error ? error.message : String(error),
          });
        },
      );
  };
}
