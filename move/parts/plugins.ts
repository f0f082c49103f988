import { IASO_PLUGINS } from "../../policies/facts/plugins";
import { plainSettings } from "../../settings/rules";
import type { ExistingEnvironment } from "../existing/environments";
import type { Note, Part } from "../note";

/** The plugins of an environment, also that of the variable with which Iaso enabled polio before PLUGINS. */
function pluginsOf({ variables }: ExistingEnvironment): string[] {
  const listed = (variables["PLUGINS"] ?? "").split(",").map((name) => name.trim());
  const former = variables["PLUGIN_POLIO_ENABLED"]?.toLowerCase() === "true" ? ["polio"] : [];
  return [...new Set([...listed.filter((name) => name !== ""), ...former])].sort();
}

export const plugins: Part = {
  judge: ({ web, worker }, set) => {
    const own = pluginsOf(web);
    const isValid = (name: string) => plainSettings.shape.plugins.safeParse(JSON.stringify([name])).success;
    const valid = own.filter(isValid);
    const notes: Note[] = valid.map((name) =>
      IASO_PLUGINS.includes(name)
        ? { kind: "taken over", what: `The plugin ${name}.` }
        : {
            kind: "decide",
            what: `The plugin ${name} does not come with Iaso.`,
            why: "The version that you deploy must contain it: without the code, Iaso does not start.",
          },
    );
    for (const name of own.filter((one) => !isValid(one))) {
      notes.push({
        kind: "decide",
        what: `The variable PLUGINS names ${JSON.stringify(name)}, which is no plugin.`,
        fix: set("plugins"),
      });
    }
    if (worker !== undefined && pluginsOf(worker).join() !== own.join()) {
      notes.push({
        kind: "changes",
        what: `${worker.name} has other plugins than ${web.name}: ${pluginsOf(worker).join(", ") || "none"}. The new one has those of ${web.name}.`,
        why: "Plugins have migrations and tasks, so both need the same.",
      });
    }
    return { settings: valid.length === 0 ? {} : { plugins: valid }, notes };
  },
};
