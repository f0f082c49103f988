import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { overlayFiles } from "../../../deploy/source/overlay";
import { installed, removeTemporaryDirectories, skip } from "../source/checkout";

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
