import { readFileSync } from "node:fs";
import { request } from "node:http";
import { createServer, type Server } from "node:https";
import { type AwsDouble, STATIC } from "../deploy/double/aws";
import { listen } from "../http";

export interface Certificate {
  certificate: string;
  key: string;
}

const tls = ({ certificate, key }: Certificate) => ({
  cert: readFileSync(certificate),
  key: readFileSync(key),
});

/**
 * The load balancer: TLS, and the headers that an Application Load Balancer adds.
 *
 * @param proxy The socket of the web instance's nginx.
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html
 */
export async function startLoadBalancer(
  certificate: Certificate,
  proxy: string,
): Promise<{ server: Server; port: number }> {
  const server = createServer(tls(certificate), (incoming, outgoing) => {
    const headers = {
      ...incoming.headers,
      "x-forwarded-for": "203.0.113.7",
      "x-forwarded-proto": "https",
      "x-forwarded-port": "443",
    };
    const options = { socketPath: proxy, method: incoming.method, path: incoming.url, headers };
    const forwarded = request(options, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.on("error", () => outgoing.writeHead(502).end());
    incoming.pipe(forwarded);
  });
  return { server, port: await listen(server) };
}

/** The static bucket as browsers see it: the objects that the deploy tool published, with their headers. */
export async function startStaticBucket(
  certificate: Certificate,
  double: AwsDouble,
  webOrigin: string,
): Promise<{ server: Server; port: number }> {
  const server = createServer(tls(certificate), (incoming, outgoing) => {
    const object = double.s3.get(
      STATIC,
      decodeURIComponent((incoming.url ?? "/").slice(1).split("?")[0] ?? ""),
    );
    if (object === undefined) {
      outgoing.writeHead(403).end();
      return;
    }
    // As the bucket's CORS rule: GET from the web origin.
    const cors = incoming.headers.origin === webOrigin ? { "access-control-allow-origin": webOrigin } : {};
    outgoing.writeHead(200, { ...object.headers, ...cors }).end(object.body);
  });
  return { server, port: await listen(server) };
}
