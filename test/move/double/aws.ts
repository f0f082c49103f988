import { createServer } from "node:http";
import { AwsFault, type DoubleRequest, type DoubleResponse } from "../../deploy/double/protocol";
import { denial, failure, PROTOCOLS, success } from "../../doctor/double/protocols";
import { listen } from "../../http";
import type { ExistingAccount } from "./account";
import { operations } from "./operations";
import { Redirect, s3Call } from "./rest";
import { route53Call } from "./route53";

export interface AwsServer {
  url: string;
  /** The IAM actions of all calls, in their order. */
  calls: string[];
  stop: () => void;
}

/** One operation with the IAM action that it needs. */
export interface DoubleCall {
  action: string;
  answer: (account: ExistingAccount) => DoubleResponse;
}

/**
 * Serves the operations that the survey and the carrying of secrets use, over HTTP on 127.0.0.1. Every other operation is
 * refused, so a test fails if a command changes something.
 */
export async function serveExisting(account: () => ExistingAccount): Promise<AwsServer> {
  const calls: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const url = new URL(incoming.url ?? "/", "http://127.0.0.1");
      const headers: Record<string, string> = {};
      for (const [name, value] of Object.entries(incoming.headers)) headers[name] = String(value);
      const response = answer(account(), calls, {
        method: incoming.method ?? "GET",
        path: decodeURIComponent(url.pathname),
        query: url.searchParams,
        headers,
        body: Buffer.concat(chunks),
      });
      outgoing.writeHead(response.status, response.headers).end(response.body);
    });
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The actions whose first call was throttled already, by account. */
const throttled = new WeakMap<ExistingAccount, Set<string>>();

function answer(account: ExistingAccount, calls: string[], request: DoubleRequest): DoubleResponse {
  const scope = /Credential=[^/]+\/\d+\/([^/]+)\/([^/]+)\//.exec(request.headers["authorization"] ?? "");
  const [, region = "", service = ""] = scope ?? [];
  if (!(service in PROTOCOLS))
    return failure(service, new AwsFault("MissingAuthenticationToken", service, 403));
  try {
    const call = callOf(service, region, request);
    calls.push(call.action);
    const before = throttled.get(account) ?? new Set();
    throttled.set(account, before);
    if (account.throttles && !before.has(call.action)) {
      before.add(call.action);
      throw service === "s3"
        ? new AwsFault("SlowDown", "Please reduce your request rate.", 503)
        : new AwsFault(service === "ec2" ? "RequestLimitExceeded" : "Throttling", "Rate exceeded", 400);
    }
    if (account.denied.has(call.action)) throw denial(service, call.action);
    return call.answer(account);
  } catch (error) {
    if (!(error instanceof AwsFault)) throw error;
    const response = failure(service, error);
    return error instanceof Redirect
      ? { ...response, headers: { ...response.headers, "x-amz-bucket-region": error.region } }
      : response;
  }
}

function callOf(service: string, region: string, request: DoubleRequest): DoubleCall {
  const unknown = new AwsFault("InvalidAction", `The double has no such operation of ${service}.`, 400);
  if (service === "route53" || service === "s3") {
    const call = service === "s3" ? s3Call(request, region) : route53Call(request);
    if (call === undefined) throw unknown;
    return call;
  }
  const target = request.headers["x-amz-target"];
  const text = request.body.toString();
  const form = new URLSearchParams(target === undefined ? text : "");
  const json = target === undefined ? {} : (JSON.parse(text) as Record<string, unknown>);
  const name = target?.split(".").at(-1) ?? form.get("Action") ?? "";
  const action = `${service}:${name}`;
  const operation = operations[action];
  const protocol = PROTOCOLS[service];
  if (operation === undefined || protocol === undefined) throw unknown;
  return {
    action,
    answer: (account) => success(protocol, name, operation({ account, region, form, json })),
  };
}
