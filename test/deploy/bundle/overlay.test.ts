import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, relative } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { overlayFiles } from "../../../deploy/source/overlay";
import {
  installed,
  removeTemporaryDirectories,
  skip,
  temporaryDirectory,
  writeFiles,
} from "../source/checkout";
import { eventually, freePort } from "../../http";
import { find, optionsOf, previewOf } from "../../support";

const BUNDLE = join(__dirname, "../../../deploy/bundle");
const PLATFORMS = ["python", "docker"] as const;

const files = readdirSync(BUNDLE, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));
const scripts = files.filter((file) => file.endsWith(".sh"));

// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/customize-containers-ec2.html
const SECTIONS = [
  "option_settings",
  "packages",
  "groups",
  "users",
  "sources",
  "files",
  "commands",
  "services",
  "container_commands",
  "Resources",
];
const COMMAND_KEYS = ["command", "env", "cwd", "test", "ignoreErrors", "leader_only"];
const FILE_KEYS = ["mode", "owner", "group", "content", "source", "encoding", "authentication"];

describe("deploy/bundle", () => {
  after(removeTemporaryDirectories);

  it("has .ebextensions with the sections and keys that Beanstalk knows", () => {
    const configs = files.filter((file) => file.includes("/.ebextensions/"));
    expect(configs.length).to.be.greaterThan(0);
    for (const file of configs) {
      expect(file).to.match(/\.config$/);
      const document = parse(readFileSync(file, "utf8")) as Record<
        string,
        Record<string, Record<string, unknown>>
      >;
      expect(
        Object.keys(document).filter((key) => !SECTIONS.includes(key)),
        file,
      ).to.deep.equal([]);
      for (const command of Object.values(document["container_commands"] ?? {})) {
        expect(command["command"]).to.be.a("string");
        expect(Object.keys(command).filter((key) => !COMMAND_KEYS.includes(key))).to.deep.equal([]);
      }
      for (const [path, entry] of Object.entries(document["files"] ?? {})) {
        expect(path).to.match(/^\//);
        expect(entry["mode"]).to.match(/^[0-7]{6}$/);
        expect(Object.keys(entry).filter((key) => !FILE_KEYS.includes(key))).to.deep.equal([]);
      }
      // What Pulumi sets on the environment wins over these, so a setting here would be a trap.
      expect(document, file).not.to.have.property("option_settings");
    }
  });

  it("writes a CloudWatch agent configuration that is JSON and keeps Beanstalk's own", () => {
    const config = parse(
      readFileSync(join(BUNDLE, "shared/.ebextensions/cloudwatch-agent.config"), "utf8"),
    ) as {
      files: Record<string, { content: string }>;
      container_commands: Record<string, { command: string }>;
    };
    const [path, entry] = Object.entries(config.files)[0]!;
    expect(JSON.parse(entry.content)).to.have.nested.property("metrics.metrics_collected.mem");
    const { command } = config.container_commands["start_cloudwatch_agent"]!;
    expect(command).to.contain("-a append-config").and.contain(`file:${path}`);
  });

  it("has hooks that Beanstalk can run: executable, in folders it knows, with a shell and strict", () => {
    expect(scripts.length).to.be.greaterThan(4);
    for (const script of scripts) {
      expect(script).to.match(/\/\.platform\/hooks\/(prebuild|predeploy|postdeploy)\/\d\d_[a-z_]+\.sh$/);
      expect(statSync(script).mode & 0o111, script).to.equal(0o111);
      expect(readFileSync(script, "utf8"), script).to.match(/^#!\/bin\/bash\n[^]*\nset -euo pipefail\n/);
      execFileSync("bash", ["-n", script]);
    }
    const modes = scripts.map((script) => script.replace(/.*\/bundle\/[a-z]+\//, ""));
    return Promise.all(
      PLATFORMS.map(async (platform) => {
        for (const entry of await overlayFiles(platform)) {
          if (modes.includes(entry.path)) expect(entry.mode, entry.path).to.equal(0o100755);
        }
      }),
    );
  });

  it("prepares the database before the new code serves, and never collects static files", async () => {
    for (const platform of PLATFORMS) {
      const paths = (await overlayFiles(platform)).map(({ path }) => path);
      expect(paths).to.include("iaso-deploy/prepare_database.py");
      const [last] = paths
        .filter((path) => path.includes("/predeploy/"))
        .sort()
        .reverse();
      expect(last).to.match(/_prepare_database\.sh$/);
      expect(paths.filter((path) => path.includes("postdeploy"))).to.deep.equal([]);
    }
    for (const file of files) expect(readFileSync(file, "utf8"), file).not.to.contain("collectstatic");
  });

  it("has scripts that shellcheck has nothing to say about", function () {
    if (!installed("shellcheck", "--version"))
      skip(this, "shellcheck is not installed (apt-get install shellcheck)");
    execFileSync("shellcheck", scripts, { stdio: "pipe" });
  });

  it("has a Procfile of the form that Beanstalk reads", () => {
    // https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/platforms-linux-extend.build-proc.html
    const lines = readFileSync(join(BUNDLE, "python/Procfile"), "utf8").trimEnd().split("\n");
    expect(lines).to.have.length(1);
    expect(lines[0]).to.match(/^web: \/var\/app\/current\/\.venv\/bin\/python -m gunicorn .*--timeout 900/);
  });

  it("has Python that every Python since 3.9 reads", function () {
    if (!installed("python3", "--version")) skip(this, "python3 is not installed");
    const script =
      "import ast,sys; [ast.parse(open(f).read(), feature_version=(3, 9)) for f in sys.argv[1:]]";
    const python = files.filter((file) => file.endsWith(".py"));
    expect(python.length).to.be.greaterThan(1);
    execFileSync("python3", ["-c", script, ...python], { stdio: "pipe" });
  });

  describe("nginx", () => {
    const bundled = (path: string) => readFileSync(join(BUNDLE, path), "utf8");
    const PYTHON = "python/.platform/nginx/nginx.conf";
    const DOCKER = "docker/.platform/nginx/nginx.conf";

    /**
     * The files of /etc/nginx/ on an instance of the Python platform: Beanstalk's own, and those of the bundle's
     * .platform/nginx over them.
     *
     * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/platforms-linux-extend.proxy.html
     */
    function onInstance(own: Record<string, string>): Record<string, string> {
      return {
        // As on Amazon Linux 2 and 2023; the directives of the server block stand before the include.
        "nginx.conf": `user nginx;
error_log /var/log/nginx/error.log warn;
pid /var/run/nginx.pid;
events { worker_connections 1024; }
http {
  server_tokens off;
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  log_format main '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent';
  include conf.d/*.conf;
  map $http_upgrade $connection_upgrade { default "upgrade"; }
  server {
    listen 80 default_server;
    access_log /var/log/nginx/access.log main;
    client_header_timeout 60;
    client_body_timeout 60;
    keepalive_timeout 60;
    gzip off;
    gzip_comp_level 4;
    gzip_types text/plain text/css application/json application/javascript;
    include conf.d/elasticbeanstalk/*.conf;
  }
}
`,
        "conf.d/healthd_logformat.conf": `log_format healthd '$msec"$uri"$status"$request_time"$upstream_response_time"$http_x_forwarded_for';\n`,
        "conf.d/elasticbeanstalk/healthd.conf": `if ($time_iso8601 ~ "^(\\d{4})-(\\d{2})-(\\d{2})T(\\d{2})") {
  set $year $1;
  set $month $2;
  set $day $3;
  set $hour $4;
}
access_log /var/log/nginx/healthd/application.log.$year-$month-$day-$hour healthd;
`,
        "conf.d/elasticbeanstalk/00_application.conf": `location / {
  proxy_pass http://127.0.0.1:8000;
  proxy_http_version 1.1;
  proxy_set_header Connection $connection_upgrade;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Host $host;
  proxy_set_header X-Real-IP $remote_addr;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
}
`,
        ...own,
      };
    }

    /** Writes the files under a folder, with paths and ports that any user may use. */
    function place(files: Record<string, string>, { port = 8080, upstream = 8000 } = {}): string {
      const directory = temporaryDirectory();
      const moved = Object.entries(files).map(([path, text]) => [
        path,
        text
          .replaceAll("user nginx;", "")
          .replaceAll(/listen 80\b/g, `listen 127.0.0.1:${port}`)
          .replaceAll("127.0.0.1:8000", `127.0.0.1:${upstream}`)
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
      const own = files
        .filter((file) => file.startsWith(join(BUNDLE, "python/.platform/nginx/")))
        .map((file) => [relative(join(BUNDLE, "python/.platform/nginx"), file), readFileSync(file, "utf8")]);
      expect(own).not.to.be.empty;
      check(onInstance(Object.fromEntries(own) as Record<string, string>));
    });

    it("would notice a directive that Beanstalk's server block has already", () => {
      check(onInstance({}));
      const repeated = (directive: string) => () => {
        check(onInstance({ "conf.d/elasticbeanstalk/iaso.conf": `${directive}\n` }));
      };
      expect(repeated("gzip on;")).to.throw('"gzip" directive is duplicate');
      expect(repeated("keepalive_timeout 960s;")).to.throw('"keepalive_timeout" directive is duplicate');
    });

    it("compresses what the application answers, and logs for enhanced health, without query strings", async () => {
      const application = createServer((_, response) => {
        response.setHeader("Content-Type", "application/json").end(JSON.stringify("x".repeat(5000)));
      });
      await new Promise<void>((resolve) => application.listen(0, "127.0.0.1", resolve));
      const upstream = (application.address() as AddressInfo).port;
      const port = await freePort();
      const directory = place(onInstance({ "nginx.conf": bundled(PYTHON) }), { port, upstream });
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
      const web = find(await previewOf("staging"), "aws:elasticbeanstalk/environment:Environment", "web");
      const idle = Number(optionsOf(web)["aws:elbv2:loadbalancer IdleTimeout"]);
      expect(idle).to.be.greaterThan(0);
      for (const path of [PYTHON, DOCKER]) {
        const [, seconds] = /keepalive_timeout (\d+)s;/.exec(bundled(path)) ?? [];
        expect(Number(seconds), path).to.be.greaterThan(idle);
      }
    });
  });

  it("says the same limits in both nginx files and the web server's command", () => {
    const python = readFileSync(join(BUNDLE, "python/.platform/nginx/nginx.conf"), "utf8");
    const docker = readFileSync(join(BUNDLE, "docker/.platform/nginx/nginx.conf"), "utf8");
    for (const text of [python, docker]) {
      expect(text).to.contain("proxy_read_timeout 900s;").and.contain("proxy_send_timeout 900s;");
    }
    expect(python).to.contain("client_max_body_size 100M;");
    expect(docker).to.contain("client_max_body_size 128M;");
  });

  it("hands every property and secret of the environment to the container", () => {
    const compose = parse(readFileSync(join(BUNDLE, "docker/docker-compose.yml"), "utf8")) as {
      services: {
        iaso: { env_file: string[]; environment: Record<string, string>; command: string[] };
      };
    };
    expect(compose.services.iaso.env_file[0]).to.equal(".env");
    // A name listed here would hide the property of that name.
    expect(Object.keys(compose.services.iaso.environment)).to.deep.equal(["PYTHONUNBUFFERED"]);
    expect(compose.services.iaso.command.join(" ")).to.contain("--timeout 900").and.not.contain("migrate");
    // On the host's network, so what listens to more than this instance would be open beside the proxy.
    expect(compose.services.iaso.command.join(" ")).to.contain("--bind 127.0.0.1:8081");
    expect(readdirSync(join(BUNDLE, "docker"))).to.include(compose.services.iaso.env_file[1]);
  });
});
