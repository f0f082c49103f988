import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { listen } from "../../http";

/** A tar entry: a file's text, or what the header says for anything else. */
export interface LayerEntry {
  name: string;
  type?: "file" | "directory" | "link" | "symlink";
  linkname?: string;
  text?: string;
}

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";

/** A registry on this machine that speaks the registry protocol as Docker Hub does, token and redirect included. */
export class RegistryDouble {
  private readonly server: Server;
  private readonly manifests = new Map<string, { type: string; body: Buffer }>();
  private readonly blobs = new Map<string, Buffer>();
  /** Each request as "METHOD path", and the authorization it came with. */
  readonly requests: { line: string; authorization: string | undefined }[] = [];
  /** What the token service answers to; undefined answers everyone. */
  credentials: string | undefined;
  /** Answers to give before the real one, by part of the path. */
  failures: { path: string; status: number; times: number }[] = [];
  /** Changes the bytes of blobs on their way, as a broken cache would. */
  corrupt = false;

  private constructor() {
    this.server = createServer((request, response) => {
      this.answer(request, response);
    });
  }

  static async start(): Promise<RegistryDouble> {
    const registry = new RegistryDouble();
    await listen(registry.server);
    return registry;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  get host(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Publishes an image for linux/amd64 (in an index, beside one for another processor) and returns its digest. */
  async push(
    repository: string,
    tag: string,
    layers: readonly (readonly LayerEntry[])[],
    options: { architecture?: string; layerType?: string; single?: boolean; forgedLayer?: string } = {},
  ): Promise<string> {
    const config = this.blob(Buffer.from(JSON.stringify({ created: "2026-07-28T10:00:00Z", tag })));
    const descriptors = [];
    for (const layer of layers) {
      const digest = this.blob(gzipSync(await tar(layer)));
      descriptors.push({
        mediaType: options.layerType ?? "application/vnd.oci.image.layer.v1.tar+gzip",
        digest,
        size: this.blobs.get(digest)?.length,
      });
    }
    // No registry that keeps to the protocol takes such a digest, but anybody can run another one.
    if (options.forgedLayer !== undefined) {
      descriptors.push({ mediaType: "application/octet-stream", digest: options.forgedLayer, size: 1 });
    }
    const manifest = {
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: { mediaType: "x", digest: config },
      layers: descriptors,
    };
    const child = this.manifest(repository, MANIFEST, manifest, options.single === true ? tag : undefined);
    if (options.single === true) return child;
    const platforms = [options.architecture ?? "amd64", "arm64"];
    return this.manifest(
      repository,
      INDEX,
      {
        schemaVersion: 2,
        mediaType: INDEX,
        manifests: platforms.map((architecture) => ({
          mediaType: MANIFEST,
          digest: architecture === "arm64" && platforms[0] !== "arm64" ? `sha256:${"0".repeat(64)}` : child,
          platform: { os: "linux", architecture },
        })),
      },
      tag,
    );
  }

  private manifest(repository: string, type: string, document: unknown, tag?: string): string {
    const body = Buffer.from(JSON.stringify(document));
    const digest = digestOf(body);
    for (const reference of [digest, tag]) {
      if (reference !== undefined) this.manifests.set(`${repository}/${reference}`, { type, body });
    }
    return digest;
  }

  private blob(bytes: Buffer): string {
    this.blobs.set(digestOf(bytes), bytes);
    return digestOf(bytes);
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", `http://${this.host}`);
    const authorization = request.headers.authorization;
    this.requests.push({ line: `${request.method ?? ""} ${url.pathname}`, authorization });
    const failure = this.failures.find(({ path, times }) => times > 0 && url.pathname.includes(path));
    if (failure !== undefined) {
      failure.times -= 1;
      response.writeHead(failure.status).end();
    } else if (url.pathname === "/token") {
      const expected = this.credentials && `Basic ${Buffer.from(this.credentials).toString("base64")}`;
      if (expected !== undefined && authorization !== expected) response.writeHead(401).end();
      else response.end(JSON.stringify({ token: `for ${url.searchParams.get("scope") ?? ""}` }));
    } else if (url.pathname.startsWith("/storage/")) {
      const bytes = this.blobs.get(url.pathname.slice("/storage/".length)) ?? Buffer.alloc(0);
      response.end(this.corrupt ? gzipSync("other bytes") : bytes);
    } else {
      this.answerProtocol(url.pathname, authorization, response);
    }
  }

  private answerProtocol(path: string, authorization: string | undefined, response: ServerResponse): void {
    const match = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(path);
    const [, repository = "", kind, reference = ""] = match ?? [];
    const scope = `repository:${repository}:pull`;
    if (authorization !== `Bearer for ${scope}`) {
      const challenge = `Bearer realm="http://${this.host}/token",service="double",scope="${scope}"`;
      response.writeHead(401, { "www-authenticate": challenge }).end();
      return;
    }
    if (kind === "manifests") {
      const found = this.manifests.get(`${repository}/${reference}`);
      if (found === undefined) response.writeHead(404).end();
      else
        response
          .writeHead(200, { "content-type": found.type, "docker-content-digest": digestOf(found.body) })
          .end(found.body);
    } else if (this.blobs.has(reference)) {
      // As Docker Hub does: the bytes are elsewhere, on another host.
      const port = this.host.split(":")[1] ?? "";
      response.writeHead(307, { location: `http://localhost:${port}/storage/${reference}` }).end();
    } else {
      response.writeHead(404).end();
    }
  }
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

async function tar(entries: readonly LayerEntry[]): Promise<Buffer> {
  const stream = pack();
  for (const { name, type = "file", linkname, text = "" } of entries) {
    if (type === "file") stream.entry({ name, type }, text);
    else stream.entry({ name, type, linkname: linkname ?? "" });
  }
  stream.finalize();
  return buffer(stream);
}
