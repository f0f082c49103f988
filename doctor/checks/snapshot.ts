import type { DBSnapshot } from "@aws-sdk/client-rds";
import { plainSettings } from "../../settings/rules";
import { type Check, type Finding, ok } from "../check";
import type { Context } from "../context";
import { findSnapshot } from "../reads";

/**
 * The snapshot from which the first `pulumi up` creates the database.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBSnapshots.html
 */
export const databaseSnapshot: Check = {
  name: "snapshot of the database",
  phase: "preflight",
  async check(context) {
    const { database, databaseIdentifier } = context.stack;
    if (database.snapshot === undefined) return ok();
    if ((await context.database()) !== undefined) return ok(`${databaseIdentifier} exists already`);
    const snapshot = await findSnapshot(context.clients.rds, database.snapshot);
    if (snapshot?.Status === "available") return { findings: unfit(context, snapshot) };
    return {
      findings: [
        {
          wrong:
            snapshot === undefined
              ? `There is no snapshot ${database.snapshot}.`
              : `The snapshot ${database.snapshot} is ${snapshot.Status ?? "not available"}.`,
          why: "pulumi up cannot create the database from it.",
          fix: `Take one (docs/moving-in.md), or start empty: ${context.stack.setCommand("databaseSnapshot")} ''`,
        },
      ],
    };
  },
};

/** Properties that RDS takes from the snapshot, and refuses or ignores in the settings. */
function unfit({ stack }: Context, snapshot: DBSnapshot): Finding[] {
  const { database, setCommand } = stack;
  const { AllocatedStorage = 0, Encrypted, EngineVersion = "", MasterUsername = "" } = snapshot;
  const name = `The snapshot ${database.snapshot ?? ""}`;
  const findings: Finding[] = [];
  if (Encrypted !== true) {
    findings.push({
      wrong: `${name} is not encrypted.`,
      why: "RDS creates an unencrypted database from it, whatever the program says, and the next update wants to replace it.",
      fix: `Copy it encrypted: aws rds copy-db-snapshot --source-db-snapshot-identifier ${database.snapshot ?? ""} --target-db-snapshot-identifier NAME --kms-key-id alias/aws/rds`,
    });
  }
  const [major = ""] = EngineVersion.split(".");
  if (major !== database.majorVersion) {
    findings.push({
      wrong: `${name} is of PostgreSQL ${EngineVersion}, and databaseMajorVersion is ${database.majorVersion}.`,
      why: "RDS restores a snapshot with its own version, and then refuses the other one.",
      fix: plainSettings.shape.databaseMajorVersion.safeParse(major).success
        ? `${setCommand("databaseMajorVersion")} ${major}`
        : "Upgrade the existing database first (docs/moving-in.md)",
    });
  }
  if (MasterUsername !== database.username) {
    findings.push({
      wrong: `${name} has the master user ${MasterUsername}, and databaseUser is ${database.username}.`,
      why: "RDS keeps the user, and the next update wants to replace the database.",
      fix: `${setCommand("databaseUser")} ${MasterUsername}`,
    });
  }
  if (AllocatedStorage > database.allocatedStorage) {
    findings.push({
      wrong: `${name} has ${AllocatedStorage} GiB, and databaseStorage is ${database.allocatedStorage}.`,
      why: "RDS does not reduce storage.",
      fix: `${setCommand("databaseStorage")} ${AllocatedStorage}`,
    });
  }
  return findings;
}
