import { createServer as createTlsServer } from "node:https";
import { request } from "node:http";
import { createConnection, createServer, type Socket } from "node:net";
import { readFileSync } from "node:fs";

// Runs inside an instance's network, which has no interface but the loopback. Sockets in the file system are the only
// ways out: to the database, to S3 and SQS; and in, to nginx.

export interface Tunnels {
  /** TCP ports of the instance that lead to a socket. */
  ports: Record<number, string>;
  /** Names that the instance reaches with TLS on port 443, and the socket of the service behind each. */
  services: Record<string, string>;
  /** The socket by which the load balancer and the daemon reach nginx on port 80. */
  proxy: string;
  certificate: string;
  key: string;
}

function join(one: Socket, other: Socket): void {
  one.on("error", () => other.destroy());
  other.on("error", () => one.destroy());
  one.pipe(other).pipe(one);
}

function open({ certificate, key, ports, proxy, services }: Tunnels): void {
  for (const [port, path] of Object.entries(ports)) {
    createServer((socket) => {
      join(socket, createConnection(path));
    }).listen(Number(port), "127.0.0.1");
  }
  createServer((socket) => {
    join(socket, createConnection(80, "127.0.0.1"));
  }).listen(proxy);
  const tls = { cert: readFileSync(certificate), key: readFileSync(key) };
  createTlsServer(tls, (incoming, outgoing) => {
    const host = (incoming.headers.host ?? "").split(":")[0] ?? "";
    const bucket = /^(.+)\.s3[.-]/.exec(host)?.[1];
    const socketPath = services[bucket === undefined ? host : `${bucket}.s3`];
    if (socketPath === undefined) {
      outgoing.writeHead(502).end(`${host} is outside the account`);
      return;
    }
    // The doubles of S3 know buckets by their path.
    const path = bucket === undefined ? incoming.url : `/${bucket}${incoming.url ?? ""}`;
    const headers = {
      ...incoming.headers,
      host: bucket === undefined ? host : "s3.eu-central-1.amazonaws.com",
    };
    const forwarded = request({ socketPath, method: incoming.method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.on("error", (error) => outgoing.writeHead(502).end(error.message));
    incoming.pipe(forwarded);
  }).listen(443, "127.0.0.1");
  console.log("open");
}

if (require.main === module) open(JSON.parse(process.argv[2] ?? "{}") as Tunnels);
