import { ListObjectsV2Command } from "@aws-sdk/client-s3";
import { Unreachable, NotChecked } from "../errors";
import { type Check, ok } from "../check";
import type { Context } from "../context";

/** Milliseconds. */
const TIMEOUT = 10_000;

export const versions: Check = {
  name: "versions of web and worker",
  phase: "check-up",
  async check(context) {
    const { stack } = context;
    const existing = await context.environments();
    const missing = stack.environments.filter(({ name }) => !existing.has(name));
    if (missing.length > 0) {
      return {
        findings: missing.map(({ name }) => ({
          wrong: `There is no Beanstalk environment ${name}.`,
          why: "A part of the platform is down.",
          fix: `pulumi up --stack ${stack.name} --refresh`,
        })),
      };
    }
    const [web, worker] = pair(context).map((name) => existing.get(name));
    if ([web, worker].some((environment) => environment?.Status !== "Ready")) {
      throw new NotChecked("an update of web or worker is in progress");
    }
    if (web?.VersionLabel === worker?.VersionLabel) return ok(web?.VersionLabel);
    return {
      findings: [
        {
          wrong: `Web runs version ${web?.VersionLabel ?? "none"}, worker runs ${worker?.VersionLabel ?? "none"}.`,
          why: "Background tasks of one version fail in the other.",
          fix: `npm run deploy -- repair ${stack.env}`,
        },
      ],
    };
  },
};

/** The static files of the version that runs: its manifest is in the bucket, and browsers get a file. */
export const staticFiles: Check = {
  name: "static files",
  phase: "check-up",
  async check(context) {
    const { stack } = context;
    const [web = ""] = pair(context);
    const version = (await context.environments()).get(web)?.VersionLabel;
    const [anyManifest] = await listKeys(context, "manifests/");
    if (version === undefined || anyManifest === undefined) return ok("no version of Iaso is deployed yet");
    const manifest = `manifests/${version}.json`;
    const [found] = await listKeys(context, manifest);
    const why = "Pages come without styles and scripts.";
    const fix = `Deploy the version again from its commit: npm run deploy -- ${stack.env} --source CHECKOUT`;
    if (found !== manifest) {
      const wrong = `The static files of version ${version} are not in the bucket ${stack.staticBucket}.`;
      return { findings: [{ wrong, why, fix }] };
    }
    const [file] = await listKeys(context, "static/");
    if (file === undefined) {
      return { findings: [{ wrong: `The bucket ${stack.staticBucket} has no static files.`, why, fix }] };
    }
    const url = stack.staticUrl + file.split("/").map(encodeURIComponent).join("/");
    const status = await statusOf(context, url);
    if (status === 200) return ok(version);
    return {
      findings: [
        {
          wrong: `Static files are not readable: ${url} answers ${status}.`,
          why,
          fix: `pulumi up --stack ${stack.name} --refresh`,
        },
      ],
    };
  },
};

/** The names of the web and the worker environment. */
function pair({ stack }: Context): string[] {
  return stack.environments.filter(({ role }) => role !== "enketo").map(({ name }) => name);
}

/** The first key with a prefix, or nothing. */
async function listKeys({ clients, stack }: Context, Prefix: string): Promise<string[]> {
  const { Contents = [] } = await clients.s3.send(
    new ListObjectsV2Command({
      Bucket: stack.staticBucket,
      ExpectedBucketOwner: stack.accountId,
      Prefix,
      MaxKeys: 1,
    }),
  );
  return Contents.map(({ Key = "" }) => Key);
}

async function statusOf(context: Context, url: string): Promise<number> {
  try {
    const { status } = await context.fetch(url, { method: "HEAD", signal: AbortSignal.timeout(TIMEOUT) });
    return status;
  } catch (error) {
    throw new Unreachable(`${url} cannot be fetched`, { cause: error });
  }
}
