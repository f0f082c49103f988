import { type DBInstance, paginateDescribeDBInstances } from "@aws-sdk/client-rds";
import { type Check, ok } from "../check";

const DAY = 24 * 60 * 60_000;

/** Days for which a replaced database may be of use. */
const REPLACED_DAYS = 14;

/** Instances that rehearsals, upgrades and restores leave if they are killed, and databases that were replaced long ago. */
export const databaseCopies: Check = {
  name: "copies of the database",
  phase: "check-up",
  async check({ clients, database, now, stack }) {
    const copies = new RegExp(`^${stack.databaseIdentifier}-(rehearsal|restored|replaced)-\\d+$`);
    const found: (DBInstance & { kind: string; name: string })[] = [];
    for await (const { DBInstances = [] } of paginateDescribeDBInstances({ client: clients.rds }, {})) {
      for (const instance of DBInstances) {
        const [name, kind = ""] = copies.exec(instance.DBInstanceIdentifier ?? "") ?? [];
        if (name !== undefined) found.push({ ...instance, kind, name });
      }
    }
    const daysOf = (instance: DBInstance | undefined): number =>
      (now.getTime() - (instance?.InstanceCreateTime ?? now).getTime()) / DAY;
    // The restore that replaced a database created the one that serves.
    const daysOfServing = daysOf(await database());
    const why = "It costs as much as the database, and has all its data.";
    const findings = found.flatMap((instance) => {
      const { kind, name } = instance;
      if (kind === "replaced") {
        if (daysOfServing < REPLACED_DAYS) return [];
        const fix = `npm run database -- delete-replaced ${stack.env}`;
        return [{ wrong: `The replaced database ${name} still exists.`, why, fix }];
      }
      // A restore may take hours, and a person decides then.
      if (daysOf(instance) < 1) return [];
      const fix =
        kind === "rehearsal"
          ? `npm run database -- rehearse ${stack.env} --delete-copies`
          : `npm run database -- resume ${stack.env}, or: npm run database -- abandon ${stack.env}`;
      return [{ wrong: `A run left ${name}, ${Math.floor(daysOf(instance))} days old.`, why, fix }];
    });
    return findings.length > 0 ? { findings } : ok(`${found.length} that may be in use`);
  },
};
