import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { type Tunnels } from "./tunnel";

export interface InstanceArgs {
  name: string;
  /** A folder for the instance's files. */
  directory: string;
  /** The directory of a Python 3.9, which becomes the instance's /usr/bin/python3.9. */
  python: string;
  /** Names that resolve to this machine. */
  hosts: readonly string[];
  tunnels: Tunnels;
}

export interface CommandResult {
  code: number | null;
  output: string;
}

/**
 * The set-up of an instance: /usr, /etc, /var and /opt are this machine's with a layer above them, so that the
 * instance can be written to, and /run is its own, so that two instances do not share nginx's PID file. It has
 * Amazon Linux's Python, Beanstalk's users, and no network but the loopback.
 */
const SETUP = `
set -euo pipefail
for folder in usr etc var opt; do
  mkdir -p "$LAYERS/$folder/upper" "$LAYERS/$folder/work"
  mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$LAYERS/$folder/upper,workdir=$LAYERS/$folder/work" "/$folder"
done
mount -t tmpfs tmpfs /run
ip link set lo up
mkdir -p /var/app /opt/python39 /opt/elasticbeanstalk/deployment
mount --bind "$APP" /var/app
mount --bind "$PYTHON" /opt/python39
echo /opt/python39/lib >/etc/ld.so.conf.d/python39.conf
ldconfig
ln -sf /opt/python39/bin/python3.9 /usr/bin/python3.9
[ -e /usr/bin/aws ] || printf '#!/bin/sh\nunset PYTHONPATH\nexec "%s" "$@"\n' "$AWS" >/usr/bin/aws
chmod 755 /usr/bin/aws
for user in webapp nginx; do id "$user" >/dev/null 2>&1 || useradd --system --user-group "$user"; done
echo "127.0.0.1 localhost $HOSTS" >/etc/hosts
mkdir -p /usr/share/nginx/html && cp /etc/nginx/mime.types /usr/share/nginx/
rm -rf /etc/nginx && mkdir -p /etc/nginx /var/log/nginx/healthd && chown -R nginx /var/log/nginx
echo ready
exec sleep infinity
`;

/** The PATH of Beanstalk's hooks. */
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** An instance in Linux namespaces of its own: mounts, processes and network. */
export class Instance {
  private constructor(
    readonly name: string,
    readonly directory: string,
    /** The socket that leads to nginx on the instance's port 80. */
    readonly proxy: string,
    private readonly parent: ChildProcess,
    private readonly pid: string,
  ) {}

  static async start({ directory, hosts, name, python, tunnels }: InstanceArgs): Promise<Instance> {
    const app = join(directory, "app");
    mkdirSync(app, { recursive: true });
    const namespaces = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
    const parent = spawn("unshare", [...namespaces, "--propagation", "private", "bash", "-c", SETUP], {
      env: {
        PATH,
        LAYERS: join(directory, "layers"),
        APP: app,
        PYTHON: python,
        HOSTS: hosts.join(" "),
        AWS: spawnSync("sh", ["-c", "command -v aws"], { encoding: "utf8" }).stdout.trim(),
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await Promise.race([
      once(createInterface(parent.stdout), "line"),
      once(parent, "exit"),
    ])) as [unknown];
    if (line !== "ready")
      throw new Error(`The namespaces of ${name} cannot be made; this needs root on Linux.`);
    const children = readFileSync(`/proc/${parent.pid ?? 0}/task/${parent.pid ?? 0}/children`, "utf8");
    const instance = new Instance(name, directory, tunnels.proxy, parent, children.trim());
    const script = ["--require", "./cli/loader.cjs", join(__dirname, "tunnel.ts"), JSON.stringify(tunnels)];
    const tunnel = instance.spawn(process.execPath, script, { cwd: join(__dirname, "../..") });
    await once(createInterface(tunnel.stdout!), "line");
    return instance;
  }

  /** Starts a program on the instance. */
  spawn(
    program: string,
    args: readonly string[],
    { cwd = "/", env = {}, user }: { cwd?: string; env?: Record<string, string>; user?: string } = {},
  ): ChildProcess {
    const enter = ["--target", this.pid, "--mount", "--pid", "--net", "--wd=/"];
    const as = user === undefined ? [] : ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--clear-groups"];
    const inside = ["sh", "-c", 'cd "$0" && exec "$@"', cwd, ...as, program, ...args];
    return spawn("nsenter", [...enter, "--", ...inside], {
      env: { PATH, LANG: "C.UTF-8", ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
  }

  /** Runs a program on the instance to its end. */
  async run(
    program: string,
    args: readonly string[],
    options: Parameters<Instance["spawn"]>[2] = {},
  ): Promise<CommandResult> {
    const child = this.spawn(program, args, options);
    child.stdin?.end();
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (text: Buffer) => (output += text.toString()));
    }
    const [code] = (await once(child, "close")) as [number | null];
    return { code, output };
  }

  /** Like `run`, but throws with the output if the program fails. */
  async succeed(...args: Parameters<Instance["run"]>): Promise<string> {
    const { code, output } = await this.run(...args);
    if (code !== 0)
      throw new Error(`${this.name}: ${args[0]} ${args[1].join(" ")} failed (${String(code)}):\n${output}`);
    return output;
  }

  /** Writes a file on the instance. */
  async write(path: string, content: string): Promise<void> {
    const child = this.spawn("sh", ["-c", 'mkdir -p "$(dirname "$0")" && cat >"$0"', path]);
    child.stdin?.end(content);
    await once(child, "close");
  }

  async stop(): Promise<void> {
    this.parent.kill("SIGKILL");
    if (this.parent.exitCode === null && this.parent.signalCode === null) await once(this.parent, "exit");
  }
}

/** Makes a certificate for names, signed by itself. */
export function makeCertificate(
  directory: string,
  names: readonly string[],
): { certificate: string; key: string } {
  const [certificate, key] = [join(directory, "certificate.pem"), join(directory, "key.pem")];
  mkdirSync(dirname(certificate), { recursive: true });
  const alternatives = names.map((name) => `DNS:${name}`).join(",");
  const args = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"];
  const { status, stderr } = spawnSync(
    "openssl",
    [...args, "-addext", `subjectAltName=${alternatives}`, "-keyout", key, "-out", certificate],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`openssl: ${stderr}`);
  for (const file of [certificate, key]) chmodSync(file, 0o644);
  return { certificate, key };
}
