import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { reach } from "../../../move/cutover/reach";
import { makeCertificate } from "../../iaso/instance";
import { listen } from "../../http";

describe("move/cutover/reach", () => {
  const directory = mkdtempSync(join(tmpdir(), "iaso-reach-"));
  const asked: string[] = [];
  let server: Server;
  let port: number;
  let ca: Buffer;

  before(async () => {
    const { certificate, key } = makeCertificate(directory, ["iaso.example.org"]);
    ca = readFileSync(certificate);
    server = createServer({ cert: ca, key: readFileSync(key) }, (request, response) => {
      asked.push(`${request.headers.host ?? ""}${request.url ?? ""}`);
      response.writeHead(301, { location: "https://iaso.example.org/login/" }).end();
    });
    port = await listen(server);
  });
  after(() => {
    server.close();
    rmSync(directory, { recursive: true });
  });

  const send = (host: string) => reach({ host, cname: "127.0.0.1", path: "/_health/", port, ca });

  it("asks another server for the host, and follows no redirection", async () => {
    expect(await send("iaso.example.org")).to.equal(301);
    expect(asked).to.deep.equal(["iaso.example.org/_health/"]);
  });

  it("fails if the certificate is not for the host, or of nobody", async () => {
    const failure = (host: string) => send(host).then(String, (error: unknown) => String(error));
    expect(await failure("enketo.example.org")).to.match(/enketo\.example\.org\. is not in the cert/);
    const args = { host: "iaso.example.org", cname: "127.0.0.1", path: "/", port };
    expect(await reach(args).then(String, (error: unknown) => String(error))).to.match(
      /self-signed certificate/,
    );
    expect(asked).to.have.lengthOf(1);
  });
});
