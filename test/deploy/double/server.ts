import { createServer, type Server } from "node:http";
import { AwsDouble, KILL, SILENCE } from "./aws";
import { ScaledTime } from "./clocks";
import { listen } from "../../http";

export interface RunningDouble {
  url: string;
  /** Variables that point the unmodified SDK, or a process that uses it, at the double. */
  environment: Record<string, string>;
  /** Called where a fault asks for the death of the process that sent the request. */
  onKill: () => void;
  stop(): Promise<void>;
}

/** Serves the double over HTTP on 127.0.0.1. */
export async function serve(double: Pick<AwsDouble, "handle">): Promise<RunningDouble> {
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const url = new URL(incoming.url ?? "/", "http://127.0.0.1");
      const headers: Record<string, string> = {};
      for (const [name, value] of Object.entries(incoming.headers)) headers[name] = String(value);
      const response = double.handle({
        method: incoming.method ?? "GET",
        path: decodeURIComponent(url.pathname),
        query: url.searchParams,
        headers,
        body: Buffer.concat(chunks),
      });
      if (response === SILENCE) return;
      if (response === KILL) {
        running.onKill();
        return;
      }
      outgoing.writeHead(response.status, response.headers).end(response.body);
    });
  });
  const port = await listen(server);
  const url = `http://127.0.0.1:${port}`;
  const services = [
    "CLOUDWATCH",
    "EC2",
    "ECR",
    "ELASTIC_BEANSTALK",
    "ELASTIC_LOAD_BALANCING_V2",
    "RDS",
    "ROUTE_53",
    "S3",
    "SQS",
    "SSM",
    "STS",
  ];
  const endpoints = services.map((name) => [`AWS_ENDPOINT_URL_${name}`, url]);
  const running: RunningDouble = {
    url,
    environment: {
      ...(Object.fromEntries(endpoints) as Record<string, string>),
      AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "example",
      AWS_REGION: "eu-central-1",
      AWS_EC2_METADATA_DISABLED: "true",
    },
    onKill: () => undefined,
    stop: () => stop(server),
  };
  return running;
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}

/** Serves an account with a pair over HTTP, at a time that passes faster by a factor. */
export async function serveAccount(
  factor: number,
): Promise<{ double: AwsDouble; running: RunningDouble; time: ScaledTime }> {
  const time = new ScaledTime(factor);
  const double = new AwsDouble(1, time);
  double.addPair();
  double.beanstalk.timing.perInstance = () => 20_000;
  const running = await serve(double);
  double.describeTarget(running.url);
  return { double, running, time };
}
