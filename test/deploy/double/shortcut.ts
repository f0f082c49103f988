import { Readable } from "node:stream";
import { type Clients, createClients } from "../../../coordination/clients";
import { KILL, SILENCE } from "./aws";
import { AwsFault, type DoubleRequest, type DoubleResponse, toForm } from "./protocol";
import { collect, never, type Process } from "./transport";

/** Attempts of a call, as the clients are configured. */
const ATTEMPTS = 6;

/** A command of the SDK. */
export interface Command {
  constructor: { name: string };
  input: Record<string, unknown>;
}

const SERVICES: Record<keyof Clients, string> = {
  beanstalk: "elasticbeanstalk",
  cloudWatch: "monitoring",
  ec2: "ec2",
  ecr: "ecr",
  loadBalancing: "elasticloadbalancing",
  rds: "rds",
  s3: "s3",
  sqs: "sqs",
  ssm: "ssm",
};

const base = createClients({ region: "eu-central-1" });

/**
 * Clients whose calls go to the double as objects, past the SDK's serialisers, signers and retries: some thirty
 * times as fast, for runs in great numbers. Retries are played as the SDK makes them.
 */
export function createShortcutClients(process: Process): Clients {
  const clients = Object.entries(SERVICES).map(([name, service]) => {
    const send = (command: Command): Promise<unknown> =>
      sendTo(process, service, command, (operation, input, body) =>
        act(process, service, operation, input, body),
      );
    const client = Object.create(base[name as keyof Clients]) as object;
    return [name, Object.assign(client, { send })];
  });
  return Object.fromEntries(clients) as Clients;
}

/**
 * Sends a command as the SDK does, with retries.
 *
 * @throws an error like the SDK's
 */
export async function sendTo(
  process: Process,
  service: string,
  { constructor, input }: Command,
  answerTo: (operation: string, input: Record<string, unknown>, body: Buffer) => unknown,
): Promise<unknown> {
  const operation = constructor.name.replace(/Command$/, "");
  const streamed =
    input["Body"] !== undefined && typeof input["Body"] !== "string" && !Buffer.isBuffer(input["Body"]);
  const body = await collect(input["Body"]);
  for (let attempt = 1; ; attempt += 1) {
    // As far from the caller as an answer over a network.
    await Promise.resolve();
    if (process.dead) return never();
    const last = streamed || attempt === ATTEMPTS;
    try {
      const answer = process.double.arrive(service, operation, () => answerTo(operation, input, body));
      if (answer === KILL) {
        process.dead = true;
        process.onKill();
        return await never();
      }
      if (answer !== SILENCE) return { ...(answer as object), $metadata: { attempts: attempt } };
      if (last) throw failure("TimeoutError", "The request got no answer.", undefined, attempt);
    } catch (error) {
      if (!(error instanceof AwsFault)) throw error;
      const passing = /Throttling|SlowDown/.test(error.code);
      if (last || !passing) throw failure(error.code, error.message, error.status, attempt);
    }
  }
}

function failure(name: string, message: string, httpStatusCode: number | undefined, attempts: number): Error {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode, attempts } });
}

function act(
  { double }: Process,
  service: string,
  operation: string,
  input: Record<string, unknown>,
  body: Buffer,
): unknown {
  if (service !== "s3") return double.act(service, operation, toForm(withTexts(input)));
  const bucket = String(input["Bucket"]);
  if (operation === "GetBucketVersioning") return { Status: "Enabled" };
  if (operation === "GetBucketEncryption") {
    const query = new URLSearchParams({ encryption: "" });
    double.actOnS3({ method: "GET", path: `/${bucket}`, query, headers: {}, body });
    const byDefault = double.s3.encryption(bucket);
    return {
      ServerSideEncryptionConfiguration: { Rules: [{ ApplyServerSideEncryptionByDefault: byDefault }] },
    };
  }
  if (operation === "ListObjectsV2")
    return { Contents: double.s3.contents(bucket, (input["Prefix"] as string | undefined) ?? "") };
  const methods: Record<string, string> = {
    PutObject: "PUT",
    CopyObject: "PUT",
    GetObject: "GET",
    HeadObject: "HEAD",
    DeleteObject: "DELETE",
  };
  const method = methods[operation];
  if (method === undefined) throw new AwsFault("NotImplemented", `The shortcut does not know ${operation}.`);
  const request: DoubleRequest = {
    method,
    path: `/${bucket}/${String(input["Key"])}`,
    query: new URLSearchParams(
      typeof input["VersionId"] === "string" ? { versionId: input["VersionId"] } : {},
    ),
    headers: headersOf(input),
    body,
  };
  return s3Output(double.actOnS3(request));
}

/** The input with bytes as the SDK writes them in JSON. */
const withTexts = (input: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(input).map(([name, value]) => [
      name,
      Buffer.isBuffer(value) ? value.toString("base64") : value,
    ]),
  );

const HEADERS: Record<string, string> = {
  IfMatch: "if-match",
  IfNoneMatch: "if-none-match",
  ChecksumSHA256: "x-amz-checksum-sha256",
  ChecksumMode: "x-amz-checksum-mode",
  ContentType: "content-type",
  ContentEncoding: "content-encoding",
  CacheControl: "cache-control",
  CopySource: "x-amz-copy-source",
};

function headersOf(input: Record<string, unknown>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, header] of Object.entries(HEADERS)) {
    const value = input[name];
    if (typeof value === "string") headers[header] = value;
  }
  return headers;
}

function s3Output({ body, headers }: DoubleResponse): unknown {
  const bytes = Buffer.from(body);
  return {
    ETag: headers["etag"],
    VersionId: headers["x-amz-version-id"],
    ChecksumSHA256: headers["x-amz-checksum-sha256"],
    ContentEncoding: headers["content-encoding"],
    Body: Object.assign(Readable.from([bytes]), {
      transformToString: () => Promise.resolve(bytes.toString()),
      transformToByteArray: () => Promise.resolve(new Uint8Array(bytes)),
    }),
  };
}
