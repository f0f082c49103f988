import type { DBInstance } from "@aws-sdk/client-rds";
import { RDS_INSTANCE_CLASSES } from "../../policies/facts/instanceTypes";
import { plainSettings } from "../../settings/rules";
import { OLDEST_VERSION } from "../existing/database";
import type { Note, Part, Settings } from "../note";

/** Days of backups that the policy pack demands. */
const BACKUP_DAYS = 14;
const DEFAULT_CLASS = "db.t4g.medium";

/** The number in the allowed range that is nearest to another one. */
const within = (minimum: number, value: number, maximum: number) =>
  Math.min(maximum, Math.max(minimum, value));

export const database: Part = {
  judge: ({ database: existing, web: { variables } }, set) => {
    // Another part lists what could not be read.
    if (existing === undefined) {
      return {
        settings: { databaseMultiAz: true, databaseBackupDays: BACKUP_DAYS },
        notes: [
          {
            kind: "decide",
            what: "The size of the database, which could not be read: the file has the defaults.",
            fix: `${set("databaseInstanceClass")}; ${set("databaseStorage")}`,
          },
        ],
      };
    }
    const { AllocatedStorage = 20, BackupRetentionPeriod = 0, DBInstanceClass = "" } = existing;
    const instanceClass = RDS_INSTANCE_CLASSES.includes(DBInstanceClass) ? DBInstanceClass : DEFAULT_CLASS;
    const storage = within(20, AllocatedStorage, 50_000);
    const maximum = within(Math.ceil(storage * 1.1), existing.MaxAllocatedStorage ?? storage * 2, 65_536);
    const major = Number(existing.EngineVersion?.split(".")[0]);
    return {
      settings: {
        databaseInstanceClass: instanceClass,
        databaseStorage: storage,
        databaseMaxStorage: maximum,
        databaseMajorVersion: String(Math.max(OLDEST_VERSION, Number.isNaN(major) ? 0 : major)),
        ...namesOf(existing, variables["RDS_DB_NAME"]),
        databaseMultiAz: true,
        databaseBackupDays: within(BACKUP_DAYS, BackupRetentionPeriod, 35),
      },
      notes: [
        {
          kind: "taken over",
          what: `The size of the database ${existing.DBInstanceIdentifier ?? ""}: ${instanceClass}, ${storage} GiB.`,
        },
        ...(instanceClass === DBInstanceClass
          ? []
          : [
              {
                kind: "decide",
                what: `RDS does not offer ${DBInstanceClass} for PostgreSQL any more: the file has ${DEFAULT_CLASS}.`,
                fix: set("databaseInstanceClass"),
              } satisfies Note,
            ]),
        ...ownerNotes(existing, variables["RDS_USERNAME"] ?? ""),
        ...weaknesses(existing, major),
      ],
    };
  },
};

/** The names that a database keeps when RDS restores it; those that the settings refuse stay out. */
function namesOf({ MasterUsername = "" }: DBInstance, databaseName = ""): Settings {
  const { databaseName: ofDatabase, databaseUser: ofUser } = plainSettings.shape;
  return {
    ...(ofDatabase.safeParse(databaseName).success && { databaseName }),
    ...(ofUser.safeParse(MasterUsername).success && { databaseUser: MasterUsername }),
  };
}

function ownerNotes({ MasterUsername = "" }: DBInstance, user: string): Note[] {
  if (user === MasterUsername) return [];
  return [
    {
      kind: "decide",
      what: `Iaso connects as ${user}, and the master user of the database is ${MasterUsername}.`,
      why: 'The new Iaso connects as the master user, which must own the tables (docs/moving-in.md, "Another owner").',
    },
  ];
}

/** Differences of the new database, each of which makes it safer. */
function weaknesses(existing: DBInstance, major: number): Note[] {
  const name = `The database ${existing.DBInstanceIdentifier ?? ""}`;
  const notes: Note[] = [];
  const change = (is: boolean, what: string, why: string) => {
    if (is) notes.push({ kind: "changes", what: `${name} ${what}`, why });
  };
  change(
    existing.StorageEncrypted !== true,
    "is not encrypted. The new one is.",
    "RDS cannot encrypt an instance: a snapshot is copied encrypted, and the new database starts from the copy (npm run move -- snapshot).",
  );
  change(
    existing.PubliclyAccessible === true,
    "has a public address. The new one has none.",
    "Anyone could try passwords.",
  );
  change(
    major < OLDEST_VERSION,
    `runs PostgreSQL ${existing.EngineVersion ?? ""}. The new one runs ${OLDEST_VERSION}.`,
    `Iaso needs ${OLDEST_VERSION}. RDS restores a snapshot with its own version: upgrade the existing database, or a copy of it, first (docs/moving-in.md).`,
  );
  change(
    existing.MultiAZ !== true,
    "has no standby. The new one has one.",
    "The policy pack demands it. It doubles the cost of the database: policies/README.md says how an exception is written.",
  );
  change(
    (existing.BackupRetentionPeriod ?? 0) < BACKUP_DAYS,
    `keeps backups for ${existing.BackupRetentionPeriod ?? 0} days. The new one keeps them for ${BACKUP_DAYS}.`,
    "The policy pack demands it: a loss that is noticed late could not be repaired.",
  );
  change(
    existing.DeletionProtection !== true,
    "has no deletion protection. The new one has.",
    "One wrong line would delete all data.",
  );
  if ((existing.ReadReplicaDBInstanceIdentifiers ?? []).length > 0) {
    notes.push({
      kind: "decide",
      what: `${name} has the read replicas ${(existing.ReadReplicaDBInstanceIdentifiers ?? []).join(", ")}.`,
      why: "The new platform has none: whoever reads from them needs another way.",
    });
  }
  return notes;
}

export const coupledDatabase: Part = {
  judge: ({ web, worker }) => ({
    notes: [web, worker].flatMap((environment) => {
      const coupled = environment?.options.some(
        ({ name, namespace, value }) =>
          namespace === "aws:rds:dbinstance" && name === "HasCoupledDatabase" && value === "true",
      );
      if (environment === undefined || coupled !== true) return [];
      return [
        {
          kind: "decide",
          what: `The database belongs to the environment ${environment.name}.`,
          why: "Beanstalk deletes it together with the environment: decouple it before you terminate the environment.",
          fix: `aws elasticbeanstalk update-environment --environment-name ${environment.name} --option-settings Namespace=aws:rds:dbinstance,OptionName=HasCoupledDatabase,Value=false`,
        },
      ];
    }),
  }),
};
