import { ConditionalObjects } from "../../coordination/conditionalObject";
import { describeHolder, isHeld, readLock } from "../../coordination/lock";
import { describeMaintenance } from "../../deploy/record";
import { type Check, ok } from "../check";

/** Runs of the deploy tool and of `npm run database` that did not end. */
export const unfinishedRuns: Check = {
  name: "unfinished runs",
  phase: "check-up",
  async check({ clients, now, stack }) {
    const objects = new ConditionalObjects(clients.s3, stack.artifactsBucket);
    const lock = await readLock(objects, stack.env);
    const number = lock?.openJournal ?? undefined;
    if (lock === undefined || number === undefined) return ok();
    const maintenance = await describeMaintenance(objects, stack.env, number);
    if (isHeld(lock, now.getTime())) return ok([describeHolder(lock), maintenance ?? ""].join(" ").trim());
    return {
      findings: [
        {
          wrong: maintenance ?? `Run ${number} on ${stack.env} is unfinished.`,
          why:
            maintenance === undefined
              ? "Web and worker may run different versions, or a restore is incomplete."
              : "Nobody can use Iaso.",
          fix: `npm run deploy -- repair ${stack.env}`,
        },
      ],
    };
  },
};
