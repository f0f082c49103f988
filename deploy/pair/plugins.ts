import { type Session } from "../session";
import { type Pair } from "./find";
import { readVariables } from "./variables";

/** Reads the plugins that the environment enables, from the variable PLUGINS of the web environment. */
export async function readPlugins(session: Session, pair: Pair): Promise<string[]> {
  const { plain } = await readVariables(session, pair);
  return (plain["PLUGINS"] ?? "")
    .split(",")
    .map((plugin) => plugin.trim())
    .filter((plugin) => plugin !== "");
}
