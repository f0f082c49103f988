import { type Account } from "./runs";

/** The commands in a message, which an administrator runs one after the other. */
const COMMANDS =
  /aws rds (delete-db-instance|modify-db-instance|reboot-db-instance|start-db-instance) --db-instance-identifier (\S+?)(?=[,.]? |[,.]?$)([^,;\n]*)/gm;

/** Runs the commands of AWS in a message as an administrator would: a repair first, and the deletion if no repair helps. */
export function administer(
  account: Pick<Account, "double" | "isBeyondRepair" | "isGone" | "old">,
  message: string,
): void {
  const { rds } = account.double;
  const [repair = "", deletion = repair] = message.split("delete it: ");
  const text = account.isBeyondRepair || !repair.includes("To repair it") ? deletion : repair;
  for (const [, command, name = "", options = ""] of text.matchAll(COMMANDS)) {
    const instance = rds.named(name);
    if (instance === undefined) continue;
    if (command === "delete-db-instance") {
      if (instance.attributes["DeletionProtection"] === true) throw new Error(`${name} is protected`);
      instance.deleted = true;
      if (instance === account.old) account.isGone = true;
    } else if (options.includes("--no-deletion-protection")) {
      instance.attributes["DeletionProtection"] = false;
    } else {
      instance.status = "available";
    }
  }
}
