import { parse, stringify } from "yaml";
import { z } from "zod";
import { UserError } from "../../cli/userError";

// https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features-managing-env-tiers.html#worker-periodictasks
const task = z.strictObject({
  name: z.string().min(1),
  url: z.string().startsWith("/"),
  schedule: z.string().regex(/^\S+( \S+){4}$/, "five fields, separated by one space"),
});
const schema = z.strictObject({ version: z.literal(1), cron: z.array(task).nullable() });

/** A file of periodic tasks, of the application or of one of its plugins. */
export interface CronFile {
  /** The path for messages. */
  path: string;
  text: string;
}

const PLUGIN_TASK = /\/plugins\.([^./]+)\./;

/**
 * Merges the periodic tasks of the worker, without those of disabled plugins. Without its plugin Iaso answers such a
 * task with 400, and the daemon retries it until it reaches the dead-letter queue. A web environment ignores the file.
 *
 * @returns the text of cron.yaml; undefined if there is no task, because Beanstalk refuses an empty list
 * @throws UserError if Beanstalk would refuse a file, or two tasks have the same name
 */
export function periodicTasks(files: readonly CronFile[], plugins: readonly string[]): string | undefined {
  const tasks = files.flatMap(readTasks).filter(({ url }) => {
    const plugin = PLUGIN_TASK.exec(url)?.[1];
    return plugin === undefined || plugins.includes(plugin);
  });
  const names = new Set<string>();
  for (const { name } of tasks) {
    if (names.has(name)) {
      throw new UserError(
        `Two periodic tasks are named "${name}" in ${files.map(({ path }) => path).join(", ")}.`,
        "Rename one of them",
      );
    }
    names.add(name);
  }
  return tasks.length === 0 ? undefined : stringify({ version: 1, cron: tasks });
}

function readTasks({ path, text }: CronFile): z.infer<typeof task>[] {
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    throw new UserError(`${path} is not valid YAML: ${(error as Error).message}`, "Correct that line");
  }
  const result = schema.safeParse(document);
  if (result.success) return result.data.cron ?? [];
  const problems = result.error.issues.map(
    (issue) => `  ${issue.path.join(".") || "(top)"}: ${issue.message}`,
  );
  throw new UserError(
    `Beanstalk does not accept the periodic tasks in ${path}:\n${problems.join("\n")}`,
    "Correct these entries",
  );
}
