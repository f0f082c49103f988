import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { UserError } from "../../cli/userError";
import { readIfPresent } from "./files";

/** The name of the optional settings file at the top of the application's checkout. */
export const SETTINGS_FILE = "iaso-deploy.yaml";

// The defaults are those of Iaso's production image (docker/prod/Dockerfile in BLSQ/iaso).
const schema = z.strictObject({
  /** Commands of the front-end build, run one after the other in the checkout (python platform). */
  build: z.array(z.string()).default(["npm ci", "npm run webpack-prod"]),
  /** Commands that collect the static files in `staticDirectory` (python platform). */
  collectStatic: z
    .array(z.string())
    .default([
      "uv run --locked --no-dev --group prod python manage.py compile_index_scss",
      "uv run --locked --no-dev --group prod python manage.py collectstatic --noinput --clear",
    ]),
  /**
   * The command of the Python that has the application's packages. The default is uv's environment for uv.lock or
   * requirements.txt.
   */
  python: z.string().optional(),
  /** The directory of the static files, relative to the checkout. */
  staticDirectory: z.string().default("static"),
  /** Built files and folders that are not under version control, to add to the bundle (python platform). */
  include: z.array(z.string()).default(["hat/assets/webpack"]),
  /**
   * Files under version control that the front end is not built from, as names, folders, or endings such as `*.py`. The
   * commands of `build` do not get them (python platform).
   */
  backEnd: z.array(z.string()).default(["*.py", "*.po", "uv.lock", "pyproject.toml", "docs", ".github"]),
  /** Files under version control to omit from the bundle, in the same form (python platform). */
  exclude: z.array(z.string()).default([]),
  /** The file with the worker's periodic tasks, relative to the checkout. */
  cron: z.string().default("cron.yaml"),
  /** The image's layout (docker platform). */
  image: z
    .strictObject({
      /** The directory of the application in the image. */
      directory: z.string().startsWith("/").default("/opt/app"),
      /** The directory of the static files in the image. */
      staticDirectory: z.string().startsWith("/").default("/opt/app/static"),
      /**
       * The image of the reverse proxy; each bundle pins its digest. The default is Docker's copy in Amazon's registry,
       * because Docker Hub limits the pulls of an IP address.
       */
      proxy: z.string().default("public.ecr.aws/docker/library/nginx:stable-alpine"),
    })
    .prefault({}),
});

/** The settings of an application's build; see docs/deploying-from-iaso.md. */
export type SourceSettings = z.infer<typeof schema>;

/**
 * Reads `iaso-deploy.yaml` of a checkout. Without the file, the defaults apply.
 *
 * @throws UserError that names the invalid settings
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
    `${file} has invalid settings:\n${problems.join("\n")}`,
    "Correct them; docs/deploying-from-iaso.md lists the settings",
  );
}
