import { ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { installed, skip } from "../../deploy/source/checkout";
import { eventually, freePort } from "../../http";

const FILES = join(__dirname, "../../../components/beanstalk/firstVersion");

describe("components/beanstalk/firstVersion, served as the platform serves it", () => {
  let folder: string;
  let server: ChildProcess | undefined;

  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "first-version-"))));
  afterEach(() => {
    server?.kill();
    rmSync(folder, { recursive: true });
  });

  /** The command of the Procfile, with the port that Beanstalk's proxy forwards to. */
  function startPython(port: number): ChildProcess {
    cpSync(join(FILES, "python"), folder, { recursive: true });
    const [, command = ""] = /^web: (.+)\n$/.exec(readFileSync(join(folder, "Procfile"), "utf8")) ?? [];
    const [program = "", ...args] = command.split(" ");
    return spawn(program, args, {
      cwd: folder,
      env: { ...process.env, PORT: String(port) },
      stdio: "ignore",
    });
  }

  /** nginx with the file that the compose file mounts, where the image's own nginx.conf includes it. */
  function startNginx(port: number): ChildProcess {
    const compose = parse(readFileSync(join(FILES, "docker/docker-compose.yml"), "utf8")) as {
      services: { nginx: { image: string; ports: string[]; volumes: string[] } };
    };
    const { image, ports, volumes } = compose.services.nginx;
    expect(image).to.match(/:\d+\.\d+-alpine$/);
    expect(ports).to.deep.equal(["80:80"]);
    expect(volumes).to.deep.equal(["./default.conf:/etc/nginx/conf.d/default.conf:ro"]);
    const site = readFileSync(join(FILES, "docker/default.conf"), "utf8").replace(
      "listen 80 ",
      `listen 127.0.0.1:${port} `,
    );
    mkdirSync(join(folder, "html"));
    writeFileSync(
      join(folder, "nginx.conf"),
      `pid nginx.pid;\nevents {}\nhttp {\naccess_log off;\ndefault_type application/octet-stream;\n${site}\n}\n`,
    );
    return spawn(
      "nginx",
      [
        "-e",
        "stderr",
        "-p",
        folder,
        "-c",
        join(folder, "nginx.conf"),
        "-g",
        "daemon off; master_process off;",
      ],
      { stdio: "ignore" },
    );
  }

  const request = (port: number, path: string, method = "GET") =>
    eventually(() => fetch(`http://127.0.0.1:${port}${path}`, { method, redirect: "manual" }));

  for (const [platform, program, start] of [
    ["python", "python3", startPython],
    ["docker", "nginx", startNginx],
  ] as const) {
    describe(platform, () => {
      before(function () {
        if (!installed(program, program === "nginx" ? "-v" : "--version"))
          skip(this, `${program} is not installed`);
      });

      it("answers health checks, shows a page elsewhere, and refuses tasks so that the queue keeps them", async () => {
        const port = await freePort();
        server = start(port);

        const health = await request(port, "/_health/");
        expect(health.status).to.equal(200);
        expect(health.headers.get("content-type")).to.equal("application/json");
        expect(await health.json()).to.deep.equal({ up: true, VERSION: null });

        for (const path of ["/", "/dashboard/forms?x=1"]) {
          const page = await request(port, path);
          expect(page.status).to.equal(200);
          expect(page.headers.get("content-type")).to.equal("text/html; charset=utf-8");
          expect(page.headers.get("cache-control")).to.equal("no-store");
          expect(await page.text()).to.contain("<h1>Iaso is not deployed yet</h1>");
        }
        const head = await request(port, "/_health/", "HEAD");
        expect([head.status, await head.text()]).to.deep.equal([200, ""]);

        // Beanstalk's daemon deletes a message only when the answer is 200.
        for (const path of ["/tasks/task/", "/", "/_health/"]) {
          expect((await request(port, path, "POST")).status, path).to.equal(405);
        }
      });
    });
  }
});
