import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import {
  installed,
  removeTemporaryDirectories,
  skip,
  temporaryDirectory,
  writeFiles,
} from "../source/checkout";
import { eventually, freePort, listen } from "../../http";
import { firstVersion } from "../../../components/beanstalk/firstVersion";
import { find, optionsOf, previewOf } from "../../support";
import { beanstalkNginx } from "./beanstalkNginx";

const BUNDLE = join(__dirname, "../../../deploy/bundle");

describe("nginx of the bundle", () => {
  after(removeTemporaryDirectories);

  const bundled = (path: string) => readFileSync(join(BUNDLE, path), "utf8");
  const PYTHON = "python/.platform/nginx/nginx.conf";
  const DOCKER = "docker/.platform/nginx/nginx.conf";
  /** nginx's files of the version with which the environments start. */
  const FIRST = {
    python: beanstalkNginx({
      "nginx.conf": firstVersion("python")[".platform/nginx/nginx.conf"] ?? "",
    }),
    // As in the image. Its own nginx.conf has 65 seconds.
    docker: {
      "nginx.conf": `user nginx;
events {}
http {
  include /etc/nginx/mime.types;
  access_log /var/log/nginx/access.log;
  keepalive_timeout 65;
  include conf.d/*.conf;
}
`,
      "conf.d/default.conf": firstVersion("docker")["default.conf"] ?? "",
    },
  };

  /** Writes the files under a folder, with paths and ports that any user may use. */
  function place(files: Record<string, string>, { port = 8080, upstream = 8000 } = {}): string {
    const directory = temporaryDirectory();
    const moved = Object.entries(files).map(([path, text]) => [
      path,
      text
        .replaceAll("user nginx;", "")
        .replaceAll(/listen 80\b/g, `listen 127.0.0.1:${port}`)
        .replaceAll(/127\.0\.0\.1:(8000|8081)/g, `127.0.0.1:${upstream}`)
        .replaceAll("/var/log/nginx/", `${directory}/`)
        .replaceAll("/var/run/nginx.pid", `${directory}/nginx.pid`)
        .replaceAll("/etc/nginx/mime.types", `${directory}/mime.types`),
    ]);
    writeFiles(directory, {
      ...(Object.fromEntries(moved) as Record<string, string>),
      "mime.types": "types { text/html html; }\n",
    });
    // nginx writes a log whose name has variables only where the folder `html`, its default root, exists.
    for (const folder of ["healthd", "html"]) mkdirSync(join(directory, folder));
    return directory;
  }

  const nginx = (directory: string, ...options: string[]) => [
    ...["-e", join(directory, "start.log"), "-p", directory, "-c", join(directory, "nginx.conf")],
    ...options,
  ];

  function check(files: Record<string, string>): void {
    const directory = place(files);
    try {
      execFileSync("nginx", nginx(directory, "-t", "-q"), { stdio: "pipe" });
    } catch {
      throw new Error(readFileSync(join(directory, "start.log"), "utf8"));
    }
  }

  before(function () {
    if (!installed("nginx", "-v")) skip(this, "nginx is not installed (apt-get install nginx)");
  });

  it("starts with the files of the Python platform inside Beanstalk's structure", () => {
    const folder = join(BUNDLE, "python/.platform/nginx");
    const own = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => [relative(folder, file), readFileSync(file, "utf8")]);
    expect(own).not.to.be.empty;
    check(beanstalkNginx(Object.fromEntries(own) as Record<string, string>));
  });

  it("starts with the files of the first version, on both platforms", () => {
    expect(Object.keys(firstVersion("python"))).to.include(".platform/nginx/nginx.conf");
    check(FIRST.python);
    check(FIRST.docker);
  });

  it("would notice a directive that Beanstalk's server block has already", () => {
    check(beanstalkNginx({}));
    const repeated = (directive: string) => () => {
      check(beanstalkNginx({ "conf.d/elasticbeanstalk/iaso.conf": `${directive}\n` }));
    };
    expect(repeated("gzip on;")).to.throw('"gzip" directive is duplicate');
    expect(repeated("keepalive_timeout 960s;")).to.throw('"keepalive_timeout" directive is duplicate');
  });

  it("compresses what the application answers, and logs for enhanced health, without query strings", async () => {
    const application = createServer((_, response) => {
      response.setHeader("Content-Type", "application/json").end(JSON.stringify("x".repeat(5000)));
    });
    const upstream = await listen(application);
    const port = await freePort();
    const directory = place(beanstalkNginx({ "nginx.conf": bundled(PYTHON) }), { port, upstream });
    const server = spawn("nginx", nginx(directory, "-g", "daemon off; master_process off;"), {
      stdio: "ignore",
    });
    try {
      const response = await eventually(() =>
        fetch(`http://127.0.0.1:${port}/api/?token=secret`, { headers: { "Accept-Encoding": "gzip" } }),
      );
      expect(response.headers.get("content-encoding")).to.equal("gzip");
      expect(await response.json()).to.have.length(5000);
      // nginx writes its logs after the response.
      const [health, log] = await eventually(() => {
        const [name = ""] = readdirSync(join(directory, "healthd"));
        expect(name).to.match(/^application\.log\.\d{4}-\d\d-\d\d-\d\d$/);
        const texts = [join("healthd", name), "access.log"].map((file) =>
          readFileSync(join(directory, file), "utf8"),
        );
        expect(texts).not.to.include("");
        return Promise.resolve(texts);
      });
      expect(health).to.match(/^[\d.]+"\/api\/"200"/);
      expect(log).to.contain('"GET /api/" 200').and.not.contain("secret");
    } finally {
      server.kill();
      application.close();
    }
  });

  it("accepts the proxy's configuration of the docker platform", () => {
    check({ "nginx.conf": bundled(DOCKER) });
  });

  it("keeps idle connections open longer than the load balancer does, on both platforms", async () => {
    const idle = await balancersIdleTimeout();
    for (const text of [
      bundled(PYTHON),
      bundled(DOCKER),
      FIRST.python["nginx.conf"],
      FIRST.docker["conf.d/default.conf"],
    ]) {
      const [, seconds] = /keepalive_timeout (\d+)s;/.exec(text ?? "") ?? [];
      expect(Number(seconds), text).to.be.greaterThan(idle);
    }
  });

  it("answers a balancer that reuses an idle connection, where Beanstalk's own nginx has closed it", async () => {
    const application = createServer((_, response) => response.end("ok"));
    const upstream = await listen(application);
    const idle = await balancersIdleTimeout();
    // In hundredths of a second instead of seconds. The balancer reuses the connection well before it would close it.
    const wait = idle * 10 * 0.8;
    const reuse = async (files: Record<string, string>): Promise<string> => {
      const port = await freePort();
      const faster = Object.entries(files).map(([path, text]) => [
        path,
        text.replaceAll(
          /keepalive_timeout (\d+)s?;/g,
          (_, seconds) => `keepalive_timeout ${Number(seconds) * 10}ms;`,
        ),
      ]);
      const directory = place(Object.fromEntries(faster) as Record<string, string>, { port, upstream });
      const own = /^pid /m.test(files["nginx.conf"] ?? "") ? "" : `pid ${directory}/nginx.pid;`;
      const server = spawn("nginx", nginx(directory, "-g", `daemon off; master_process off; ${own}`), {
        stdio: "ignore",
      });
      try {
        await eventually(() => fetch(`http://127.0.0.1:${port}/`));
        return await secondAnswer(port, wait);
      } finally {
        server.kill();
      }
    };
    try {
      const answers = await Promise.all([
        reuse(beanstalkNginx({ "nginx.conf": bundled(PYTHON) })),
        reuse({ "nginx.conf": bundled(DOCKER) }),
        reuse(FIRST.python),
        reuse(FIRST.docker),
        reuse(beanstalkNginx({})),
      ]);
      expect(answers).to.deep.equal([...Array<string>(4).fill("HTTP/1.1 200 OK"), "closed"]);
    } finally {
      application.close();
    }
  });
});

/** Seconds for which the load balancer of the web environment keeps an idle connection. */
async function balancersIdleTimeout(): Promise<number> {
  const web = find(await previewOf("staging"), "aws:elasticbeanstalk/environment:Environment", "web");
  const idle = Number(optionsOf(web)["aws:elbv2:loadbalancer IdleTimeout"]);
  expect(idle).to.be.greaterThan(0);
  return idle;
}

/**
 * Sends a request, keeps the connection idle, and sends another one, as a load balancer does. Returns the status line of
 * the second answer, or "closed" if the server closed the connection before.
 *
 * @param wait Milliseconds.
 */
async function secondAnswer(port: number, wait: number): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let received = "";
  let closed = false;
  socket.on("data", (chunk) => (received += String(chunk)));
  // A reset instead of an orderly end is the same to the balancer.
  for (const event of ["end", "error"]) socket.on(event, () => (closed = true));
  const ask = async (): Promise<string> => {
    received = "";
    socket.write("GET / HTTP/1.1\r\nHost: iaso\r\n\r\n");
    while (!closed && !isComplete(received)) await sleep(20);
    return closed ? "closed" : (received.split("\r\n")[0] ?? "");
  };
  try {
    expect(await ask()).to.equal("HTTP/1.1 200 OK");
    await sleep(wait);
    return await ask();
  } finally {
    socket.destroy();
  }
}

/** True if an answer is complete: it has the length that its header names, or its last chunk. */
function isComplete(answer: string): boolean {
  const [head = "", ...body] = answer.split("\r\n\r\n");
  if (body.length === 0) return false;
  const [, length] = /^content-length: (\d+)/im.exec(head) ?? [];
  return length === undefined
    ? answer.endsWith("0\r\n\r\n")
    : answer.length - head.length - 4 >= Number(length);
}
