import { z } from "zod";
import { type Answer, type Compared, type Finding } from "./answer";

/** A judgement as the sandbox prints it. */
export const judgementSchema = z.object({
  verdict: z.enum(["compatible", "bridged", "dataChanges", "incompatible", "notChecked"]),
  /** One sentence. */
  summary: z.string(),
  /** The details, as lines of text. */
  lines: z.array(z.string()),
  /** How to deploy all the same; empty if nothing stops the deployment. */
  remedy: z.string(),
});

/** The answer to the question whether the running version's code works on the new version's tables. */
export type Judgement = z.infer<typeof judgementSchema>;

/** Judges whether the code of a running version, named by its label, works on the tables of a new version. */
export type JudgeMigrations = (running: string, log: (line: string) => void) => Promise<Judgement>;

/** True if a deployment must not go on without the user's word. */
export function stopsDeployment({ verdict }: Judgement): boolean {
  return verdict === "incompatible" || verdict === "notChecked";
}

/** How to split a change into two releases, by the kind of the finding. */
const SPLIT: Record<string, string> = {
  tableGone:
    "first release: keep the table in the database, and delete or rename the model in the state only " +
    "(SeparateDatabaseAndState with state_operations; a renamed model keeps its db_table). Next release: drop or rename the table",
  columnGone:
    "first release: keep the column in the database. A removed field becomes null=True, and is removed in the state only " +
    "(SeparateDatabaseAndState with state_operations); a renamed field keeps its db_column. Next release: drop or rename the column",
  typeChanged:
    "first release: add a column with the new type, and write both. Next release: copy the rest, read the new column and drop the old one",
  required:
    "first release: add the column with null=True or with a constant default, and let the code write it. Next release: make it NOT NULL without a default",
  notNull: "first release: code that always writes a value. Next release: the migration that sets NOT NULL",
  generated: "first release: code that does not write the column. Next release: the migration",
  identityAlways: "first release: code that does not write the column. Next release: the migration",
  defaultGone:
    "first release: code that writes the column. Next release: the migration that drops the default",
  unique: "first release: code that writes no duplicates. Next release: the migration with the constraint",
  check: "first release: code that satisfies the constraint. Next release: the migration with the constraint",
  foreignKey:
    "first release: code that satisfies the constraint. Next release: the migration with the constraint",
  trigger: "first release: code that works with the trigger. Next release: the migration with the trigger",
};

/** Statements shown of one migration. */
const SHOWN_SQL = 8;

/** Judges the answer of check.py. */
export function judge(answer: Answer): Judgement {
  if ("notChecked" in answer) return notChecked(answer.notChecked);
  if ("refusals" in answer) {
    return {
      verdict: "incompatible",
      summary: "The migrations of the new version fail.",
      lines: answer.refusals,
      remedy: "Correct the migrations.",
    };
  }
  const { breaks, bridged } = answer;
  const data = answer.migrations.flatMap(({ data: operations, name }) =>
    operations.map((operation) => `${name}: ${operation}`),
  );
  const lines = [
    ...(breaks.length > 0 ? ["The running code fails because of:", ...breaks.map(describe)] : []),
    ...(bridged.length > 0
      ? [
          "New columns that keep their default in the database for the running code:",
          ...bridged.map((one) => `  ${one.table}.${one.column} DEFAULT ${one.default}${by(one.migration)}`),
        ]
      : []),
    ...(answer.warnings.length > 0
      ? ["The running code may fail because of:", ...answer.warnings.map(describe)]
      : []),
    ...(data.length > 0
      ? [
          "These migrations change data, which no comparison of tables can judge:",
          ...data.map((line) => `  ${line}`),
        ]
      : []),
    ...describeMigrations(answer),
  ];
  if (breaks.length > 0) {
    const kinds = [...new Set(breaks.map(({ kind }) => kind))];
    return {
      verdict: "incompatible",
      summary: "The running version's code does not work on the new version's tables.",
      lines: [
        ...lines,
        "To split the change into two releases:",
        ...kinds.map((kind) => `  ${namesOf(breaks, kind)}: ${SPLIT[kind] ?? ""}.`),
      ],
      remedy:
        "Split the change into two releases, as described. Or close the site meanwhile: --maintenance. Or let requests fail " +
        "until the switch ends, and for as long as a rollback lasts: --migrations-unchecked",
    };
  }
  if (data.length > 0) {
    return {
      verdict: "dataChanges",
      summary:
        "The running version's code works on the new version's tables. Migrations change data: read whether it works with that.",
      lines,
      remedy: "",
    };
  }
  if (bridged.length > 0) {
    return {
      verdict: "bridged",
      summary: "The running version's code works on the new version's tables with temporary defaults.",
      lines,
      remedy: "",
    };
  }
  const summary =
    answer.migrations.length === 0
      ? "The new version has no new migrations."
      : "The running version's code works on the new version's tables.";
  return { verdict: "compatible", summary, lines, remedy: "" };
}

/** The judgement of a check that could not be made. */
export function notChecked(reason: string): Judgement {
  return {
    verdict: "notChecked",
    summary: "Not checked: whether the running version's code works on the new version's tables.",
    lines: [`The reason: ${reason}`],
    remedy: /PostgreSQL server|extension/.test(reason)
      ? "Install PostgreSQL and PostGIS (apt-get install postgresql postgresql-postgis), or name a server for temporary " +
        "databases: --database-url postgresql://USER:PASSWORD@HOST/postgres. Or deploy without the check: --migrations-unchecked"
      : "Fix the reason, or deploy without the check: --migrations-unchecked",
  };
}

const by = (name: string | null): string => (name === null ? "" : ` (${name})`);

function describe({ column, migration, table, text }: Finding): string {
  return `  ${table}${column === null ? "" : `.${column}`}: ${text}${by(migration)}`;
}

function namesOf(findings: readonly Finding[], kind: string): string {
  const names = findings
    .filter((finding) => finding.kind === kind)
    .map(({ column, table }) => (column === null ? table : `${table}.${column}`));
  return [...new Set(names)].join(", ");
}

/** The SQL and the locks of the migrations that break something or lock tables. */
function describeMigrations({ breaks, migrations }: Compared): string[] {
  return migrations
    .filter(({ locks, name }) => locks.length > 0 || breaks.some(({ migration }) => migration === name))
    .flatMap(({ locks, name, sql }) => [
      `${name}:`,
      ...sql.slice(0, SHOWN_SQL).map((statement) => `  ${statement}`),
      ...(sql.length > SHOWN_SQL ? [`  and ${sql.length - SHOWN_SQL} more statements`] : []),
      ...locks.map(({ mode, stops, table }) => `  locks ${table} against ${stops} (${mode})`),
    ]);
}
