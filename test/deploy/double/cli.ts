import { type ChildProcess, spawn } from "node:child_process";
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
  onStart?: (child: ChildProcess) => void;
}

/** Runs the deploy tool in a process of its own against a double that is served over HTTP. */
export function runCli(
  running: RunningDouble,
  time: ScaledTime,
  args: readonly string[],
  options: CliOptions = {},
): Promise<CliResult> {
  const script = join(__dirname, "process.ts");
  const child = spawn(
    process.execPath,
    ["--require", "./cli/loader.cjs", script, String(time.factor), String(time.began), ...args],
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
