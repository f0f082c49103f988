import { createHash } from "node:crypto";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { z } from "zod";
import { UserError } from "../../cli/userError";
import { writeStream } from "./files";

/** The location of an image: registry, repository, and a tag or digest. */
export interface ImageReference {
  registry: string;
  repository: string;
  /** A digest ("sha256:...") if the name has one, otherwise a tag. */
  reference: string;
}

const DOCKER_HUB = "registry-1.docker.io";
export const DIGEST = /^sha256:[0-9a-f]{64}$/;

/**
 * Parses an image name as Docker does: `blsq/iaso:develop` is on Docker Hub; a first part with a dot or a port is a
 * registry.
 *
 * @throws UserError if the name has neither tag nor digest, because Docker's default, "latest", changes
 */
export function parseImage(name: string): ImageReference {
  const match =
    /^(?:([^/]+[.:][^/]*|localhost)\/)?([a-z0-9._/-]+?)(?::([\w][\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(
      name,
    );
  const [, registry, path, tag, digest] = match ?? [];
  const reference = digest ?? tag;
  if (path === undefined || reference === undefined) {
    throw new UserError(
      `"${name}" is not the name of an image with a tag or digest.`,
      "Use a name such as blsq/iaso:2026.07.28 or blsq/iaso@sha256:<64 hexadecimal digits>",
    );
  }
  const onHub = registry === undefined || registry === "docker.io";
  return {
    registry: onHub ? DOCKER_HUB : registry,
    repository: onHub && !path.includes("/") ? `library/${path}` : path,
    reference,
  };
}

const MANIFEST_TYPES = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

/** A manifest or an index. */
export interface RegistryManifest {
  digest: string;
  document: unknown;
  /** The bytes from which the digest is computed. */
  body: Buffer;
  mediaType: string;
}

const typed = z.object({ mediaType: z.string() });

const REQUEST_TIMEOUT_MS = 60_000;
const ATTEMPTS = 4;

/**
 * A client of the registry API for one repository.
 *
 * @see https://distribution.github.io/distribution/spec/api/
 */
export class Registry {
  private token: string | undefined;
  private readonly base: string;

  constructor(private readonly image: ImageReference) {
    // As in Docker, registries use TLS except one on this machine.
    const local = /^(localhost|127\.0\.0\.1)(:|$)/.test(image.registry);
    this.base = `${local ? "http" : "https"}://${image.registry}/v2/${image.repository}`;
  }

  /** Reads a manifest or index, and checks its digest. */
  async manifest(reference: string): Promise<RegistryManifest> {
    const response = await this.get(`manifests/${reference}`, { accept: MANIFEST_TYPES });
    const body = Buffer.from(await response.arrayBuffer());
    const digest = `sha256:${createHash("sha256").update(body).digest("hex")}`;
    const expected = DIGEST.test(reference)
      ? reference
      : (response.headers.get("docker-content-digest") ?? digest);
    if (digest !== expected) {
      throw new Error(`The registry ${this.image.registry} sent a manifest that does not match ${expected}.`);
    }
    const document: unknown = JSON.parse(body.toString("utf8"));
    // An OCI manifest may leave its type to the header.
    const type = typed.safeParse(document).data?.mediaType ?? response.headers.get("content-type") ?? "";
    return { digest, document, body, mediaType: type };
  }

  /** Reads a small JSON blob, and checks its digest. */
  async json(digest: string): Promise<unknown> {
    const response = await this.get(`blobs/${digest}`);
    const body = Buffer.from(await response.arrayBuffer());
    if (`sha256:${createHash("sha256").update(body).digest("hex")}` !== digest) {
      throw new Error(`The registry ${this.image.registry} sent a blob that does not match ${digest}.`);
    }
    return JSON.parse(body.toString("utf8"));
  }

  /** Writes a blob to a file, and checks its digest. Returns its size. */
  async download(digest: string, path: string): Promise<number> {
    const response = await this.get(`blobs/${digest}`);
    if (response.body === null) throw new Error(`The registry sent no body for ${digest}.`);
    const { bytes, sha256 } = await writeStream(Readable.fromWeb(response.body), path);
    if (`sha256:${sha256}` !== digest) {
      throw new Error(`The registry ${this.image.registry} sent a blob that does not match ${digest}.`);
    }
    return bytes;
  }

  private async get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    for (let attempt = 1; ; attempt += 1) {
      const response = await this.send(path, headers).catch((error: unknown) => {
        if (attempt === ATTEMPTS) {
          throw new UserError(
            `The registry ${this.image.registry} could not be reached: ${reason(error)}`,
            "Check the image's name and the network, then deploy again; nothing was changed in AWS.",
          );
        }
        return undefined;
      });
      if (response?.ok === true) return response;
      if (response?.status === 401 && this.token === undefined) {
        this.token = await this.authorize(response.headers.get("www-authenticate") ?? "");
        continue;
      }
      const retry = response === undefined || response.status === 429 || response.status >= 500;
      if (!retry || attempt === ATTEMPTS) throw this.refused(path, response?.status ?? 0);
      await new Promise((resolve) => setTimeout(resolve, 250 * 2 ** attempt));
    }
  }

  private async send(path: string, headers: Record<string, string>): Promise<Response> {
    // The time limit applies to the response's headers; a layer may take any time.
    const abort = new AbortController();
    const timer = setTimeout(() => {
      abort.abort(new Error("no answer in 60 seconds"));
    }, REQUEST_TIMEOUT_MS);
    try {
      // fetch drops the authorization if a blob redirects to another host.
      return await fetch(`${this.base}/${path}`, {
        headers: { ...headers, ...(this.token === undefined ? {} : { authorization: this.token }) },
        signal: abort.signal,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  private refused(path: string, status: number): Error {
    const { registry, repository, reference } = this.image;
    const name = `${registry}/${repository}${DIGEST.test(reference) ? "@" : ":"}${reference}`;
    if (status === 404) {
      return new UserError(
        `The image ${name} does not exist.`,
        "Build and push it first, or correct --image; nothing was changed in AWS.",
      );
    }
    if (status === 401 || status === 403) {
      return new UserError(
        `The registry ${registry} denies access to ${repository}.`,
        `Log in with: docker login ${registry === DOCKER_HUB ? "" : registry}`.trim(),
      );
    }
    if (status === 429) {
      return new UserError(
        `The registry ${registry} has reached its limit of image pulls.`,
        "Log in (docker login), which raises the limit, or try again later",
      );
    }
    return new Error(`The registry ${registry} answered ${status} to ${path} of ${name}.`);
  }

  /** @see https://distribution.github.io/distribution/spec/auth/token/ */
  private async authorize(challenge: string): Promise<string> {
    const credentials = await dockerCredentials(this.image.registry);
    const basic =
      credentials === undefined ? undefined : `Basic ${Buffer.from(credentials).toString("base64")}`;
    if (/^basic/i.test(challenge)) {
      if (basic === undefined) throw this.refused("", 401);
      return basic;
    }
    const fields = new Map(
      [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value]),
    );
    const realm = fields.get("realm");
    if (realm === undefined) throw this.refused("", 401);
    const url = new URL(realm);
    const service = fields.get("service");
    if (service !== undefined) url.searchParams.set("service", service);
    url.searchParams.set("scope", fields.get("scope") ?? `repository:${this.image.repository}:pull`);
    const response = await fetch(url, {
      headers: basic === undefined ? {} : { authorization: basic },
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    if (!response.ok) throw this.refused("", response.status === 400 ? 401 : response.status);
    const answer = tokenAnswer.parse(await response.json());
    return `Bearer ${answer.token ?? answer.access_token ?? ""}`;
  }
}

const tokenAnswer = z.object({ token: z.string().optional(), access_token: z.string().optional() });

const dockerConfig = z.object({
  auths: z.record(z.string(), z.object({ auth: z.string().optional() })).default({}),
  credHelpers: z.record(z.string(), z.string()).default({}),
  credsStore: z.string().optional(),
});

/** "user:password" from `docker login`; undefined if there is none. */
async function dockerCredentials(registry: string): Promise<string | undefined> {
  const directory = process.env["DOCKER_CONFIG"] ?? join(homedir(), ".docker");
  const text = await readFile(join(directory, "config.json"), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const config = dockerConfig.parse(JSON.parse(text));
  const keys =
    registry === DOCKER_HUB
      ? ["https://index.docker.io/v1/", "docker.io"]
      : [registry, `https://${registry}`];
  for (const key of keys) {
    const auth = config.auths[key]?.auth;
    if (auth !== undefined) return Buffer.from(auth, "base64").toString("utf8");
    const helper = config.credHelpers[key] ?? (key in config.auths ? config.credsStore : undefined);
    if (helper !== undefined) return askHelper(helper, key);
  }
  return undefined;
}

/** @see https://docs.docker.com/reference/cli/docker/login/#credential-helper-protocol */
async function askHelper(helper: string, key: string): Promise<string | undefined> {
  const output = await new Promise<string | undefined>((resolve) => {
    const child = execFile(`docker-credential-${helper}`, ["get"], (error, stdout) => {
      resolve(error === null ? stdout : undefined);
    });
    child.stdin?.on("error", () => undefined).end(key);
  });
  if (output === undefined) return undefined;
  const { Username, Secret } = z
    .object({ Username: z.string(), Secret: z.string() })
    .parse(JSON.parse(output));
  return `${Username}:${Secret}`;
}

function reason(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? cause.message : message;
}
