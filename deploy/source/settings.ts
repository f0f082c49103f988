import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { UserError } from "../../cli/userError";
import { readIfPresent } from "./files";

/** Name of the optional file at the top of the application's checkout. */
export const SETTINGS_FILE = "iaso-deploy.yaml";

// Each default is what Iaso's own production image does (docker/prod/Dockerfile in BLSQ/iaso).
const schema = z.strictObject({
  /** Commands of the front-end build, run in the checkout one after the other (python platform). */
  build: z.array(z.string()).default(["npm ci", "npm run webpack-prod"]),
  /** Commands that leave the static files in `staticDirectory` (python platform). */
  collectStatic: z
    .array(z.string())
    .default([
      "uv run --locked --no-dev --group prod python manage.py compile_index_scss",
      "uv run --locked --no-dev --group prod python manage.py collectstatic --noinput --clear",
    ]),
  /** Where the static files are after that, relative to the checkout. */
  staticDirectory: z.string().default("static"),
  /** Built files and folders that are not under version control but belong in the bundle (python platform). */
  include: z.array(z.string()).default(["hat/assets/webpack"]),
  /** Files and folders under version control that the servers do not need (python platform). */
  exclude: z.array(z.string()).default([]),
  /** The periodic tasks of the worker, relative to the checkout. */
  cron: z.string().default("cron.yaml"),
  /** The files of the image (docker platform). */
  image: z
    .strictObject({
      /** Directory of the application in the image. */
      directory: z.string().startsWith("/").default("/opt/app"),
      /** Where the image has its static files. */
      staticDirectory: z.string().startsWith("/").default("/opt/app/static"),
      /**
       * The proxy in front of the application; its tag is pinned to a digest in each bundle. Docker's own copy
       * on Amazon's registry: Docker Hub limits how often an address may pull.
       */
      proxy: z.string().default("public.ecr.aws/docker/library/nginx:stable-alpine"),
    })
    .prefault({}),
});

/** How an application is built; see docs/deploying-from-iaso.md. */
export type SourceSettings = z.infer<typeof schema>;

/**
 * Reads `iaso-deploy.yaml` of a checkout; without the file, Iaso's own commands apply.
 * @throws UserError that names the setting which is wrong.
 */
export async function readSourceSettings(source: string): Promise<SourceSettings> {
  const file = join(source, SETTINGS_FILE);
  const text = (await readIfPresent(file)) ?? "";
  let document: unknown;
  try {
    document = parse(text) ?? {};
  } catch (error) {
    throw new UserError(`${file} is not valid YAML: ${(error as Error).message}`, "Correct the line named.");
  }
  const result = schema.safeParse(document);
  if (result.success) return result.data;
  const problems = result.error.issues.map(
    (issue) => `  ${issue.path.join(".") || "(top)"}: ${issue.message}`,
  );
  throw new UserError(
    `${file} has settings that cannot be used:\n${problems.join("\n")}`,
    "See docs/deploying-from-iaso.md for the settings there are.",
  );
}
