import { parseDocument } from "yaml";
import { z } from "zod";
import { UserError } from "../userError";

// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features-managing-env-tiers.html#worker-periodictasks
const schema = z.object({
  version: z.literal(1),
  cron: z.array(
    z.object({
      name: z.string().min(1),
      url: z.string().startsWith("/"),
      schedule: z.string().regex(/^\S+( \S+){4}$/, "five fields, separated by one space"),
    }),
  ),
});

const PLUGIN_TASK = /\/plugins\.([^./]+)\./;

/**
 * The worker's periodic tasks without those of plugins that are not enabled: on an environment without the
 * plugin such a task is answered with 400, and the daemon sends it again until it lands in the dead letters.
 * A web environment ignores the file.
 * @returns the file's text, or undefined where no task is left (Beanstalk refuses an empty list).
 * @throws UserError where the text is no cron.yaml.
 */
export function enabledTasks(
  text: string,
  plugins: readonly string[],
  path = "cron.yaml",
): string | undefined {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw new UserError(`${path}: ${error.message}`, "Correct the line named.");
  const result = schema.safeParse(document.toJS());
  if (!result.success) {
    const problems = result.error.issues.map((issue) => `  ${issue.path.join(".")}: ${issue.message}`);
    throw new UserError(
      `${path} is not a list of periodic tasks that Beanstalk accepts:\n${problems.join("\n")}`,
      "Correct the entries named.",
    );
  }
  const disabled = result.data.cron.flatMap(({ url }, index) => {
    const plugin = PLUGIN_TASK.exec(url)?.[1];
    return plugin === undefined || plugins.includes(plugin) ? [] : [index];
  });
  if (disabled.length === result.data.cron.length) return undefined;
  for (const index of disabled.reverse()) document.deleteIn(["cron", index]);
  return document.toString();
}
