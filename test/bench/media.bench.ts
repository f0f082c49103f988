import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { installed } from "../deploy/source/checkout";
import { MediaS3 } from "../move/double/media";
import type { Bench, Measurement } from "./bench";

/** Objects of the comparison with the AWS CLI, and of the runs by which memory and restart are measured. */
const [FEW, MANY] = [20_000, 100_000];

/** The work of the command: compares, copies, compares. Prints the highest memory in bytes. */
const COPY = `
  const { compareBuckets, copyMedia } = require(${JSON.stringify(join(__dirname, "../../move/media/copyMedia.ts"))});
  const { createS3 } = require(${JSON.stringify(join(__dirname, "../../move/media/places.ts"))});
  const [source, target] = ["old", "new"].map((bucket) => {
    const region = "eu-central-1";
    return { bucket, owner: "123456789012", region, s3: createS3(region) };
  });
  void (async () => {
    await compareBuckets({ source, target });
    await copyMedia({ source, target }, "", () => undefined);
    const { states } = await compareBuckets({ source, target });
    if (states.copy.objects > 0) throw new Error("not all objects are copied");
    console.log(process.resourceUsage().maxRSS * 1024);
  })();`;

/** A fresh server with an existing bucket of this many objects. */
async function serve(objects: number): Promise<MediaS3> {
  const s3 = new MediaS3();
  await s3.start();
  s3.addBucket("old");
  s3.addBucket("new");
  const modified = Date.parse("2026-01-01T00:00:00Z");
  for (let index = 0; index < objects; index += 1) {
    s3.put("old", `forms/${String(index).padStart(6, "0")}.xml`, `form ${index}`, { modified });
  }
  return s3;
}

interface Ended {
  seconds: number;
  output: string;
  signal: NodeJS.Signals | null;
}

/** Runs a program against the server to its end, or until the server asks for its death. */
async function run(s3: MediaS3, program: string, args: readonly string[]): Promise<Ended> {
  const started = performance.now();
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      AWS_ENDPOINT_URL: s3.url,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_REGION: "eu-central-1",
      NODE_NO_WARNINGS: "1",
    },
  });
  s3.onKill = () => child.kill("SIGKILL");
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  if (code !== 0 && signal === null) throw new Error(`${program} failed`);
  return { seconds: (performance.now() - started) / 1000, output, signal };
}

const copy = (s3: MediaS3) => run(s3, process.execPath, ["--require", "./cli/loader.cjs", "-e", COPY]);

const copies = ({ calls }: MediaS3) => calls.filter((call) => call.startsWith("CopyObject ")).length;

async function withServer<T>(objects: number, use: (s3: MediaS3) => Promise<T>): Promise<T> {
  const s3 = await serve(objects);
  try {
    return await use(s3);
  } finally {
    s3.stop();
  }
}

export const bench: Bench = {
  name: "Copy of media",
  unavailable: () =>
    installed("aws", "--version") ? undefined : "the AWS CLI is not installed (pipx install awscli)",
  async run(): Promise<Measurement[]> {
    const few = await withServer(FEW, copy);
    const sync = await withServer(FEW, async (s3) => {
      const ended = await run(s3, "aws", ["s3", "sync", "s3://old", "s3://new", "--only-show-errors"]);
      if (copies(s3) !== FEW) throw new Error("aws s3 sync did not copy all objects");
      return ended;
    });
    const { many, again } = await withServer(MANY, async (s3) => {
      let copied = 0;
      s3.fault = (operation) => {
        if (operation === "CopyObject") copied += 1;
        return copied > MANY / 2 ? "killed before" : undefined;
      };
      const killed = await copy(s3);
      if (killed.signal === null) throw new Error("the run was not killed");
      s3.fault = () => undefined;
      s3.calls.length = 0;
      const rest = MANY - s3.buckets.get("new")!.objects.size;
      return { many: await copy(s3), again: copies(s3) - rest };
    });
    const rate = (seconds: number) => `${(FEW / seconds).toFixed(0)} objects a second`;
    return [
      {
        name: `copy of ${FEW} objects / aws s3 sync`,
        value: few.seconds / sync.seconds,
        limit: 1,
        unit: "x",
        detail: `${rate(few.seconds)}, ${rate(sync.seconds)}`,
      },
      {
        name: `memory for ${MANY} objects / for ${FEW}`,
        value: Number(many.output) / Number(few.output),
        limit: 1.25,
        unit: "x",
        detail: `${(Number(many.output) / 1024 ** 2).toFixed(0)} MB, ${(Number(few.output) / 1024 ** 2).toFixed(0)} MB`,
      },
      {
        name: `objects of ${MANY} copied twice after a kill at half`,
        value: again,
        limit: 0,
        unit: "objects",
        detail: `the second run took ${many.seconds.toFixed(0)} s`,
      },
    ];
  },
};
