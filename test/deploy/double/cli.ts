import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { type ScaledTime } from "./clocks";
import { type RunningDouble } from "./server";

export interface CliResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  environment?: Record<string, string>;
  /** The script to run; that of the deploy tool by default. */
  script?: string;
  onStart?: (child: ChildProcess) => void;
}

/** True if this machine can run builds in a sandbox. */
export const hasSandbox =
  spawnSync("bwrap", ["--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc", "true"])
    .status === 0;

/** Runs a tool, by default the deploy tool, in a process of its own against a double that is served over HTTP. */
export function runCli(
  running: RunningDouble,
  time: ScaledTime,
  args: readonly string[],
  options: CliOptions = {},
): Promise<CliResult> {
  const script = options.script ?? join(__dirname, "process.ts");
  // A machine without a sandbox runs the same builds unprotected, as its users have to.
  const unprotected = args.includes("--source") && !hasSandbox ? ["--build-with-my-credentials"] : [];
  const child = spawn(
    process.execPath,
    [
      "--require",
      "./cli/loader.cjs",
      script,
      String(time.factor),
      String(time.began),
      ...args,
      ...unprotected,
    ],
    {
      cwd: join(__dirname, "../../.."),
      env: {
        PATH: process.env["PATH"],
        HOME: process.env["HOME"],
        CI: "true",
        ...running.environment,
        ...options.environment,
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  options.onStart?.(child);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve) => {
    child.on("close", (code, signal) => {
      resolve({ code, signal, stdout, stderr });
    });
  });
}
