import { spawn, spawnSync } from "node:child_process";
import { existsSync, lstatSync, readFileSync, realpathSync, statSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { basename, delimiter, dirname, isAbsolute, join, resolve } from "node:path";
import { plain } from "../../cli/output";
import { UserError } from "../../cli/userError";

/** Directories in which sockets and files give access to credentials: agents, Docker, other programs' temporary files. */
const SHARED_DIRECTORIES = ["/run", "/tmp", "/var/tmp"];

/** Directories with credentials in a home. */
const CREDENTIAL_DIRECTORIES = [".aws", ".config", ".docker", ".pulumi", ".ssh"];

/** Variables that name files with credentials. */
const CREDENTIAL_FILES = [
  "AWS_CONFIG_FILE",
  "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
  "AWS_SHARED_CREDENTIALS_FILE",
  "AWS_WEB_IDENTITY_TOKEN_FILE",
];

/** Files with which root, also without any capability, changes the kernel's settings for the whole machine. */
const KERNEL_FILES = ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus"];

/**
 * Variables that a build gets: the programs, the language, proxies, certificates, package indexes, and where to look for
 * the credentials of an EC2 instance.
 */
const PASSED =
  /^(PATH|LANG|LC_\w+|TZ|CI|(https?|no|all)_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|npm_config_registry|AWS_EC2_METADATA_SERVICE_ENDPOINT|(PIP|UV)_(?!PUBLISH_)\w+)$/i;

/**
 * Runs a program in a session keyring of its own. Children inherit this keyring of the kernel, in which aws-vault and
 * Kerberos can keep credentials, and Bubblewrap's namespaces do not separate it.
 *
 * @see https://man7.org/linux/man-pages/man2/KEYCTL_JOIN_SESSION_KEYRING.2const.html
 */
const IN_OWN_KEYRING = `
import ctypes, errno, os, platform, sys
if sys.platform == "linux":
    keyctl = {"x86_64": 250, "aarch64": 219}.get(platform.machine())
    if keyctl is None:
        sys.exit("the session keyring of " + platform.machine() + " cannot be left")
    libc = ctypes.CDLL(None, use_errno=True)
    # Where the kernel or a container refuses this call, the build cannot read keys either.
    if libc.syscall(keyctl, 1, None) < 0 and ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):
        sys.exit("the session keyring cannot be left: " + os.strerror(ctypes.get_errno()))
try:
    os.execvp(sys.argv[1], sys.argv[1:])
except FileNotFoundError:
    sys.exit(127)
`;

const PROJECT = join(__dirname, "../..");

/** The directories and files that a sandbox shows to a build. */
export interface SandboxArgs {
  /** The application's checkout. */
  source: string;
  /** True if the build may write to the checkout. */
  writesSource: boolean;
  /** The directory for everything that the build writes. It contains its HOME. */
  workDirectory: string;
  /** Directories that the build only reads: outside of the checkout, or in one that it may write to. */
  reads?: readonly string[];
  /** Gives root another number in the sandbox, because PostgreSQL's server does not run as root. */
  hidesRoot?: boolean;
}

/**
 * Returns the environment of a build: nothing but what it needs, with a HOME of its own.
 *
 * @param env The environment of the deploy tool.
 */
export function buildEnvironment(env: NodeJS.ProcessEnv, workDirectory: string): NodeJS.ProcessEnv {
  return {
    ...Object.fromEntries(Object.entries(env).filter(([name]) => PASSED.test(name))),
    HOME: join(workDirectory, "home"),
    TMPDIR: join(workDirectory, "tmp"),
  };
}

/**
 * Returns the arguments of Bubblewrap for a sandbox in which a build finds no credentials: it sees no process of this
 * machine, no home directory, no file of a socket and no device, and it can write only its work directory and, if asked,
 * the checkout. It has the network, which it needs for packages, and so reaches services on loopback and abstract sockets
 * of this machine: a network of its own would need a program such as pasta.
 *
 * @see https://github.com/containers/bubblewrap
 */
export function sandboxArguments(args: SandboxArgs, env: NodeJS.ProcessEnv = process.env): string[] {
  const { source, workDirectory, writesSource } = args;
  // A directory of credentials may be a link to another place, such as the files of Windows.
  const links = homes().flatMap((home) => CREDENTIAL_DIRECTORIES.map((name) => join(home, name)));
  const hidden = [...new Set([...homes(), ...SHARED_DIRECTORIES, ...links])]
    .filter((path) => path !== "/" && existsSync(path) && statSync(path).isDirectory())
    .map(real)
    .filter((path, index, all) => !all.some((one, other) => other < index && isBelow(path, one)));
  const files = CREDENTIAL_FILES.map((name) => env[name] ?? "").filter((path) => existsSync(path));
  const isHidden = (path: string): boolean => hidden.some((one) => isBelow(path, one));
  const uncovers = (path: string): boolean => hidden.some((one) => isBelow(one, path));
  const shown = [...programDirectories(env), real("/etc/resolv.conf")].filter(
    (path) => isHidden(path) && !uncovers(path),
  );
  return [
    ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--new-session", "--die-with-parent"],
    ["--cap-drop", "ALL"],
    args.hidesRoot === true && process.getuid?.() === 0 ? ["--uid", "1000", "--gid", "1000"] : [],
    ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"],
    ...KERNEL_FILES.map((path) => ["--ro-bind-try", path, path]),
    ...hidden.map((path) => ["--tmpfs", path]),
    ...shown.map((path) => ["--ro-bind", path, path]),
    ["--ro-bind", PROJECT, PROJECT],
    [writesSource ? "--bind" : "--ro-bind", source, source],
    // The tool may be in the checkout, and files with credentials in both: later mounts cover earlier ones.
    isBelow(PROJECT, source) ? ["--ro-bind", PROJECT, PROJECT] : [],
    ...(args.reads ?? []).map((path) => ["--ro-bind", path, path]),
    ...files.map((path) => ["--ro-bind", "/dev/null", real(path)]),
    ["--bind", workDirectory, workDirectory],
    ["--chdir", PROJECT],
  ].flat();
}

/** Returns the command line that runs a command in the sandbox. */
export function sandboxCommand(args: SandboxArgs, command: readonly string[]): string[] {
  return ["python3", "-I", "-c", IN_OWN_KEYRING, "bwrap", ...sandboxArguments(args), ...command];
}

/** True if a path is a directory or below it. */
const isBelow = (path: string, directory: string): boolean => `${path}/`.startsWith(`${directory}/`);

/** The home directories of the user: the one of the environment, and the one of the system. */
const homes = (): string[] => [...new Set([homedir(), userInfo().homedir].map(real))];

/** Programs that builds run, and that may be links to a directory that is not on the PATH. */
const PROGRAMS = ["node", "npm", "python3", "uv"];

/** The directories of programs, each with the files that belong to it, and never a home directory's configuration. */
function programDirectories(env: NodeJS.ProcessEnv): string[] {
  const path = (env["PATH"] ?? "").split(delimiter).filter((one) => isAbsolute(one) && existsSync(one));
  const programs = PROGRAMS.flatMap((name) => path.map((one) => join(one, name)).find(existsSync) ?? []);
  const directories = [...path, ...[process.execPath, ...programs].map((one) => dirname(real(one)))].map(
    real,
  );
  return [...new Set(directories.map(withItsFiles))];
}

function withItsFiles(directory: string): string {
  const parent = dirname(directory);
  switch (basename(directory)) {
    // pyenv, asdf and mise keep the programs beside the shims.
    case "shims":
      return parent;
    // ~/.nvm/versions/node/v24/bin needs v24/lib. The directories above ~/.docker/bin or ~/.local/bin have secrets.
    case "bin":
      return homes().some((home) => home === parent || home === dirname(parent)) ? directory : parent;
    default:
      return directory;
  }
}

/**
 * The directories of a checkout's git data. Those of a worktree are outside of it.
 *
 * @param source a checkout of the user: the file `.git` of somebody else could name any directory
 */
export function gitDirectories(source: string): string[] {
  const entry = join(source, ".git");
  if (!existsSync(entry)) return [];
  if (lstatSync(entry).isDirectory()) return [entry];
  const directory = /^gitdir: (.*)$/m.exec(readFileSync(entry, "utf8"))?.[1];
  if (directory === undefined) return [entry];
  const own = resolve(source, directory);
  const common = join(own, "commondir");
  const shared = existsSync(common) ? [resolve(own, readFileSync(common, "utf8").trim())] : [];
  return [entry, own, ...shared].filter((path) => existsSync(path));
}

function real(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}

/**
 * Checks that this machine can run a build in a sandbox.
 *
 * @throws UserError with the reason, and the other ways to build
 */
export function requireSandbox(args: SandboxArgs, env: string): void {
  const [program = "", ...rest] = sandboxCommand(args, ["true"]);
  const { error, status, stderr } = spawnSync(program, rest, {
    encoding: "utf8",
    env: buildEnvironment(process.env, args.workDirectory),
  });
  if (status === 0) return;
  const noPython = error !== undefined && "code" in error && error.code === "ENOENT";
  const missing = noPython || status === 127;
  const why = noPython ? "Python (python3)" : "Bubblewrap (bwrap)";
  throw new UserError(
    "The build runs code of the application and of its packages, and this machine cannot hide your AWS credentials " +
      `from it: ${missing ? `${why} is not installed` : stderr.trim()}.`,
    `${missing ? "Install it on Linux (apt-get install bubblewrap python3). Or build" : "Build"} where there are no credentials ` +
      `(npm run deploy -- build ${env} --source <checkout> --output <directory>) and deploy the result ` +
      `(npm run deploy -- ${env} --built <directory> --sha256 <SHA-256>). Or let the application's code read your ` +
      "credentials: --build-with-my-credentials",
  );
}

export interface BuildProcess extends SandboxArgs {
  /** False if the build runs as a plain child, which can read the credentials of its parents. */
  sandboxed: boolean;
  /** The command line of the build. */
  command: readonly string[];
  onLine?: (line: string) => void;
}

/**
 * Runs a build in a process of its own, and ends it when the deploy tool is interrupted.
 *
 * @returns the build's standard output, also of a build that failed and says why
 * @throws UserError with the last lines of a build that ended without a result
 */
export async function runBuild(args: BuildProcess): Promise<string> {
  const { command, onLine, sandboxed, workDirectory } = args;
  const [program = "", ...rest] = sandboxed ? sandboxCommand(args, command) : command;
  // The environment of bwrap is the build's: its first process stays readable for the build.
  const child = spawn(program, rest, {
    cwd: PROJECT,
    env: buildEnvironment(process.env, workDirectory),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stop = (): void => {
    child.kill("SIGTERM");
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
  let output = "";
  let pending = "";
  let last = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    const lines = (pending + text).split("\n");
    pending = lines.pop() ?? "";
    for (const line of lines) onLine?.(plain(line));
    last = (last + text).slice(-20_000);
  });
  try {
    const code = await new Promise<number | null>((done, failed) => {
      child.once("error", failed).once("close", done);
    });
    if (output !== "") return output;
    throw new UserError(
      `The build failed (${code === null ? "killed" : `exit code ${code}`}):\n${plain(last.trim())}`,
      "Fix the build and deploy again; nothing was changed in AWS",
    );
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}
