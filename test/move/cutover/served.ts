import { type ChildProcess, execFile } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ENV, KILL, SILENCE } from "../../deploy/double/aws";
import { ScaledTime } from "../../deploy/double/clocks";
import type { DoubleRequest, DoubleResponse } from "../../deploy/double/protocol";
import { type RunningDouble, serve } from "../../deploy/double/server";
import { success } from "../../doctor/double/protocols";
import { MediaS3 } from "../double/media";
import { OLD, OLD_QUEUE } from "./existing";
import { answerOf, createPlatforms, mismatchesAfter, mismatchesBefore, type Platforms } from "./platforms";

const MEDIA = { existing: "old-iaso-media", copied: `example-iaso-${ENV}-media` };

/** A program `pulumi` that keeps the state of one stack in a file. */
const PULUMI = `#!/bin/sh
case "$2" in
  export) cat "$STATE_FILE" ;;
  import) cat > "$STATE_FILE.new" && mv "$STATE_FILE.new" "$STATE_FILE" ;;
  *) exit 64 ;;
esac
`;

export interface Outcome {
  code: number | NodeJS.Signals;
  output: string;
}

/** Both platforms over HTTP, with real processes of the tool, whose clock is fast. */
export class ServedPlatforms {
  readonly media = new MediaS3();
  private readonly directory = mkdtempSync(join(tmpdir(), "iaso-cutover-"));

  private constructor(
    readonly platforms: Platforms,
    readonly time: ScaledTime,
    private running: RunningDouble | undefined,
  ) {}

  static async start(factor: number): Promise<ServedPlatforms> {
    const time = new ScaledTime(factor);
    const platforms = createPlatforms(1, time);
    const served = new ServedPlatforms(platforms, time, undefined);
    const { double, iaso } = platforms;
    double.rds.startDelay = () => 15_000;
    double.rds.duration = () => 20_000;
    double.rds.restoreDuration = () => 40_000;
    double.beanstalk.timing.perInstance = () => 40_000;
    iaso.queue.waiting = 0;
    for (const bucket of Object.values(MEDIA)) served.media.addBucket(bucket);
    served.media.put(MEDIA.existing, "forms/1.xml", "a form", { modified: 0 });
    served.running = await serve({ handle: (request) => served.handle(request) });
    const { url } = served.running;
    double.describeTarget(url);
    const name = `/iaso/${ENV}/deployment`;
    const target = JSON.parse(double.parameters.get(name) ?? "") as object;
    double.parameters.set(name, JSON.stringify({ ...target, staticUrl: `${url}/static/` }));
    double.environment(`${OLD}-worker`).settings.queueUrl = `${url}/123456789012/${OLD_QUEUE}`;
    const before = double.further;
    double.further = (service, request) => served.further(service, request) ?? before(service, request);
    mkdirSync(join(served.directory, "bin"));
    writeFileSync(join(served.directory, "bin/pulumi"), PULUMI);
    chmodSync(join(served.directory, "bin/pulumi"), 0o755);
    writeFileSync(served.stateFile, double.state);
    return served;
  }

  private get stateFile(): string {
    return join(this.directory, "state.json");
  }

  private further(service: string, { body, headers, method, path }: DoubleRequest) {
    if (service === "sts") {
      const Arn = "arn:aws:iam::123456789012:user/admin";
      const identity = { UserId: "AIDAEXAMPLE", Account: "123456789012", Arn };
      return {
        operation: "GetCallerIdentity",
        answer: () => success("query", "GetCallerIdentity", identity),
      };
    }
    if (!["iaso", "unsigned"].includes(service) || path === "/_health/") return undefined;
    const { url = "" } = this.running ?? {};
    const answer = (): DoubleResponse => {
      const init = { method, headers, body: body.toString() };
      const asked = path.startsWith("/static/")
        ? new URL("https://static.example.org/a")
        : new URL(path, url);
      const { status, text } = answerOf(this.platforms, asked, init);
      const own = text
        .replaceAll("https://static.example.org/", `${url}/static/`)
        .replaceAll("https://media.example.org/", `${url}/static/`);
      return { status, headers: { "content-type": "text/html" }, body: own };
    };
    return { operation: "Iaso", answer };
  }

  /** Requests for media go to the double that copies. */
  private handle(request: DoubleRequest): DoubleResponse | typeof SILENCE | typeof KILL {
    const { body, headers, method, path, query } = request;
    const [, bucket = "", ...rest] = path.split("/");
    if (!Object.values(MEDIA).includes(bucket)) return this.platforms.double.handle(request);
    const answer = this.media.respond({
      ...{ method, bucket, headers, query },
      key: rest.join("/"),
      body: body.toString(),
    });
    return {
      status: answer.status,
      headers: { "content-type": "application/xml", ...answer.headers },
      body: method === "HEAD" ? "" : (answer.body ?? ""),
    };
  }

  /** Runs the tool in a process of its own, in a project. */
  run(project: string, args: readonly string[], variables: Record<string, string> = {}): Promise<Outcome> {
    const { running, time } = this;
    if (running === undefined) throw new Error("the platforms are not served");
    const command = ["--require", "./cli/loader.cjs", join(__dirname, "process.ts")];
    const env = {
      ...{ HOME: process.env["HOME"], CI: "true", STATE_FILE: this.stateFile },
      PATH: `${join(this.directory, "bin")}:${String(process.env["PATH"])}`,
      ...running.environment,
      ...variables,
    };
    return new Promise((resolve) => {
      const child: ChildProcess = execFile(
        process.execPath,
        [...command, String(time.factor), String(time.began), ...args],
        { cwd: project, env },
        (error, stdout, stderr) => {
          resolve({ code: error?.signal ?? Number(error?.code ?? 0), output: stdout + stderr });
        },
      );
      running.onKill = () => child.kill("SIGKILL");
    });
  }

  /** The problems of the account at the end. */
  mismatches(isMoved: boolean): string[] {
    const { double, iaso } = this.platforms;
    double.state = readFileSync(this.stateFile, "utf8");
    const keys = (bucket: string) => [...this.media.buckets.get(bucket)!.objects.keys()];
    const lost = keys(MEDIA.existing).filter((key) => !keys(MEDIA.copied).includes(key));
    iaso.media.copied = new Set(iaso.media.existing);
    this.platforms.takenHosts = ["iaso.example.org", "enketo.example.org"];
    return [
      ...(isMoved ? mismatchesAfter(this.platforms) : mismatchesBefore(this.platforms)),
      ...(isMoved && lost.length > 0 ? [`lost media: ${lost.join(", ")}`] : []),
    ];
  }

  async stop(): Promise<void> {
    await this.running?.stop();
    rmSync(this.directory, { recursive: true });
  }
}
