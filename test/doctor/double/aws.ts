import { createServer } from "node:http";
import { AwsFault, type DoubleRequest, type DoubleResponse } from "../../deploy/double/protocol";
import type { Account } from "./account";
import { operations } from "./operations";
import { denial, failure, PROTOCOLS, success } from "./protocols";
import { backupCall, headBucket, type RestCall, route53Call, s3Call } from "./rest";
import { listen } from "../../http";

export interface AwsServer {
  url: string;
  /** The IAM actions of all calls, in their order. */
  calls: string[];
  stop: () => Promise<void>;
}

/**
 * Serves the read operations that the doctor uses, over HTTP on 127.0.0.1. A call without a signature, an operation
 * that the double does not know, and one whose IAM action the credentials lack are refused.
 */
export async function serveAws(account: () => Account): Promise<AwsServer> {
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
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function answer(account: Account, calls: string[], request: DoubleRequest): DoubleResponse {
  const scope = /Credential=[^/]+\/\d+\/([^/]+)\/([^/]+)\//.exec(request.headers["authorization"] ?? "");
  const [, region = "", service = ""] = scope ?? [];
  // S3 answers anyone who asks for a bucket by its name.
  if (service === "" && request.method === "HEAD")
    return headBucket(account, request.path.split("/")[1] ?? "");
  if (!(service in PROTOCOLS)) {
    return failure(service, new AwsFault("MissingAuthenticationToken", service, 403));
  }
  try {
    if (!account.hasValidCredentials) {
      throw new AwsFault(
        "InvalidClientTokenId",
        "The security token included in the request is invalid.",
        403,
      );
    }
    const call = callOf(service, region, request);
    calls.push(call.action);
    if (isThrottled(account)) throw new AwsFault("ThrottlingException", "Rate exceeded", 400);
    // No policy can deny this one.
    if (account.denied.has(call.action) && call.action !== "sts:GetCallerIdentity")
      throw denial(service, call.action);
    if (account.failing.has(call.action))
      throw new AwsFault("InternalError", "An internal error occurred.", 500);
    return call.answer(account);
  } catch (error) {
    if (error instanceof AwsFault) return failure(service, error);
    throw error;
  }
}

const spent = new WeakMap<Account, { tokens: number; at: number }>();

/** True if the account has made more calls than AWS allows: a token bucket, as AWS's services have. */
function isThrottled(account: Account): boolean {
  const { callsPerSecond } = account;
  if (callsPerSecond === Infinity) return false;
  const now = performance.now();
  const { tokens, at } = spent.get(account) ?? { tokens: callsPerSecond, at: now };
  const filled = Math.min(callsPerSecond, tokens + ((now - at) * callsPerSecond) / 1000);
  spent.set(account, { tokens: filled < 1 ? filled : filled - 1, at: now });
  return filled < 1;
}

function callOf(service: string, region: string, request: DoubleRequest): RestCall {
  const unknown = new AwsFault("InvalidAction", `The double has no such operation of ${service}.`, 400);
  const restful = { backup: backupCall, route53: route53Call, s3: s3Call }[service];
  if (restful !== undefined) {
    const call = restful(request, region);
    if (call === undefined) throw unknown;
    return call;
  }
  const target = request.headers["x-amz-target"];
  const { host = "" } = request.headers;
  const text = request.body.toString();
  const form = new URLSearchParams(target === undefined ? text : "");
  const json = target === undefined ? {} : (JSON.parse(text) as Record<string, unknown>);
  const name = target?.split(".").at(-1) ?? form.get("Action") ?? "";
  const action = `${service === "monitoring" ? "cloudwatch" : service}:${name}`;
  const operation = operations[action];
  if (operation === undefined) throw unknown;
  return {
    action,
    answer: (account) => success(PROTOCOLS[service]!, name, operation({ account, region, host, form, json })),
  };
}
