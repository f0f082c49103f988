import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { temporaryDirectory, writeFiles } from "./checkout";
import { listen } from "../../http";

/** An npm registry on loopback. Its packages each have one program, a shell script that prints its version. */
export class NpmRegistry {
  private readonly tarballs = new Map<string, Buffer>();
  private readonly programs = new Map<string, string>();
  private server: Server | undefined;
  url = "";

  async start(): Promise<void> {
    const server = createServer(({ url = "" }, response) => {
      const tarball = this.tarballs.get(url.slice(1));
      const body = tarball ?? this.packument(decodeURIComponent(url.slice(1)));
      response.writeHead(body === undefined ? 404 : 200).end(body);
    });
    const port = await listen(server);
    this.server = server;
    this.url = `http://127.0.0.1:${port}`;
  }

  stop(): void {
    this.server?.closeAllConnections();
    this.server?.close();
  }

  /** Adds a version of a package with a program of the given name. */
  add(name: string, version: string, program: string): void {
    const directory = temporaryDirectory();
    writeFiles(directory, {
      "package/package.json": JSON.stringify({ name, version, bin: { [program]: `bin/${program}` } }),
      [`package/bin/${program}`]: { executable: `#!/bin/sh\necho ${version}\n` },
    });
    execFileSync("tar", ["-czf", "package.tgz", "package"], { cwd: directory });
    this.programs.set(name, program);
    this.tarballs.set(`${name}/-/${version}.tgz`, readFileSync(join(directory, "package.tgz")));
  }

  private packument(name: string): string | undefined {
    const versions = [...this.tarballs].flatMap(([path, bytes]) => {
      const version = path.startsWith(`${name}/-/`)
        ? path.slice(`${name}/-/`.length, -".tgz".length)
        : undefined;
      if (version === undefined) return [];
      const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
      const program = this.programs.get(name) ?? "";
      const dist = { tarball: `${this.url}/${path}`, integrity };
      return [[version, { name, version, bin: { [program]: `bin/${program}` }, dist }] as const];
    });
    if (versions.length === 0) return undefined;
    return JSON.stringify({
      name,
      "dist-tags": { latest: versions.at(-1)?.[0] },
      versions: Object.fromEntries(versions),
    });
  }
}
