import { request } from "node:https";
import type { TLSSocketOptions } from "node:tls";
import { describeError } from "../../cli/awsErrors";
import { UserError } from "../../cli/userError";
import { HEALTH_PATH } from "../../database/health";
import { type Plan } from "./record";

/** Time limit of a request, in milliseconds. */
const TIMEOUT = 30_000;

/** A request to a server that a host name does not lead to yet. */
export interface ReachArgs {
  host: string;
  /** The domain of the server. */
  cname: string;
  path: string;
  port?: number;
  /** Certificates of authorities in the place of those of Node.js. */
  ca?: TLSSocketOptions["ca"];
}

/**
 * Sends a request for a host to another server, as a browser will once the record leads there. Returns the status.
 *
 * @throws an error of Node.js, for example if the certificate of the server is not for the host
 */
export function reach({ ca, cname, host, path, port = 443 }: ReachArgs): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: cname,
        port,
        path,
        servername: host,
        headers: { host },
        timeout: TIMEOUT,
        agent: false,
        ...(ca !== undefined && { ca }),
      },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      },
    );
    sent.on("timeout", () => sent.destroy(new Error(`no answer within ${TIMEOUT / 1000} s`)));
    sent.on("error", reject);
    sent.end();
  });
}

/**
 * Checks that the new platform answers for the hosts of the existing one, before their records lead to it.
 *
 * @throws UserError if its certificate is not for a host, or it does not answer
 */
export async function requireReachable(
  { reach: send, stack }: { reach: (args: ReachArgs) => Promise<number>; stack: string },
  { enketo, web }: Plan["hosts"],
): Promise<void> {
  const places = [{ ...web, path: HEALTH_PATH }, ...(enketo === undefined ? [] : [{ ...enketo, path: "/" }])];
  for (const { cname, host, path } of places) {
    const problem = await send({ cname, host, path }).then(
      (status) => (status >= 500 ? `HTTP ${status}` : undefined),
      (error: unknown) => describeError(error),
    );
    if (problem === undefined) continue;
    throw new UserError(
      `${cname} does not answer for ${host}: ${problem}. Its users would get an error once the record leads there.`,
      `Create the certificate, whose settings are existingWebHost and existingEnketoHost: pulumi up --stack ${stack}`,
    );
  }
}
