import { Readable } from "node:stream";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { HttpResponse, type HttpRequest } from "@smithy/core/protocols";
import { type AwsDouble, KILL, SILENCE } from "./aws";

/** A run of the tool. */
export interface Process {
  double: AwsDouble;
  dead: boolean;
  onKill: () => void;
}

/**
 * Carries the SDK's signed and serialised requests to the double without a socket. The end of the process is
 * played: from then on no request is sent and nothing that waits goes on.
 */
export class DirectTransport extends NodeHttpHandler {
  private process: Process | undefined;

  /** From now on requests are those of this process; those of earlier ones are never answered. */
  attach(process: Process): void {
    this.process = process;
  }

  override async handle(request: HttpRequest): Promise<{ response: HttpResponse }> {
    const process = this.process;
    const body = await collect(request.body);
    if (process === undefined || process.dead) return never();
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(request.headers)) headers[name.toLowerCase()] = value;
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(request.query)) query.set(name, String(value ?? ""));
    const path = decodeURIComponent(request.path);
    const response = process.double.handle({ method: request.method, path, query, headers, body });
    if (response === KILL) {
      process.dead = true;
      process.onKill();
      return never();
    }
    if (response === SILENCE) {
      throw Object.assign(new Error("The request got no answer."), { name: "TimeoutError" });
    }
    return {
      response: new HttpResponse({
        statusCode: response.status,
        headers: response.headers,
        body: Readable.from(response.body.length === 0 ? [] : [response.body]),
      }),
    };
  }
}

/** Returns a promise that never settles: a killed process gets neither an answer nor an error. */
export function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}

/** All bytes of a request's body. */
export async function collect(body: unknown): Promise<Buffer> {
  if (body === undefined || body === null) return Buffer.alloc(0);
  if (typeof body === "string" || body instanceof Uint8Array) return Buffer.from(body);
  const chunks: Buffer[] = [];
  for await (const chunk of body as AsyncIterable<Buffer | string>) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
