import {
  add,
  alter,
  breaks,
  type Change,
  compatible,
  inState,
  migration,
  next,
  sql,
  withRunning,
} from "./sample";

/** The state-only removal of a column: the running code does not know it, and the table still has it. */
const FORGOTTEN = next(inState(`migrations.RemoveField("place", "size")`));

/**
 * Kinds of changes besides those of `CHANGES`. Together they have every kind that was tried on the tables of Iaso
 * 2d5404b038 in November 2026, 27 that break the running code and 28 that do not. All 27 are found, with one false alarm.
 */
export const KINDS: readonly Change[] = [
  compatible(
    "choices and options",
    next(
      `${alter("name", "models.CharField(max_length=100, choices=[('a', 'A')], help_text='One')")}
      migrations.AlterModelOptions("place", {"ordering": ["name"], "verbose_name": "spot"}),`,
    ),
  ),
  withRunning(
    next(add("models.TextField(null=True)")),
    compatible("a merge of a branch", {
      "places/migrations/0002_branch.py": migration(
        `migrations.AddIndex("place", models.Index(fields=["size"], name="by_size"))`,
        {
          dependencies: [["places", "0001_initial"]],
        },
      ),
      "places/migrations/0003_merge.py": migration("", {
        dependencies: [
          ["places", "0002_next"],
          ["places", "0002_branch"],
        ],
      }),
    }),
  ),
  withRunning(
    next(`migrations.AddIndex("place", models.Index(fields=["name"], name="by_name"))`),
    compatible("a dropped index", next(`migrations.RemoveIndex("place", "by_name")`, "", 3)),
  ),
  withRunning(
    next(`migrations.AlterUniqueTogether("place", {("name", "code")})`),
    compatible("a dropped unique constraint", next(`migrations.AlterUniqueTogether("place", set())`, "", 3)),
  ),
  compatible(
    "a NOT NULL column with a default, by SQL",
    next(sql("ALTER TABLE places_place ADD COLUMN extra int NOT NULL DEFAULT 1")),
  ),
  breaks(
    "a NOT NULL column without a default, by SQL",
    next(sql("ALTER TABLE places_place ADD COLUMN extra int NOT NULL")),
    /extra: the new column \(integer\) needs a value/,
  ),
  breaks(
    "a dropped many-to-many table",
    next(`migrations.RemoveField("tag", "places")`),
    /places_tag_places: the table is gone/,
  ),
  breaks(
    "another name for a table",
    next(`migrations.AlterModelTable("region", "area")`),
    /places_region: the table is gone/,
  ),
  withRunning(
    FORGOTTEN,
    compatible(
      "a dropped column that the running code does not know",
      next(sql("ALTER TABLE places_place DROP COLUMN size"), "", 3),
    ),
  ),
  withRunning(
    FORGOTTEN,
    compatible(
      "another type of a column that the running code does not know",
      next(sql("ALTER TABLE places_place ALTER COLUMN size TYPE text"), "", 3),
    ),
  ),
  compatible("a longer text", next(alter("name", "models.CharField(max_length=200)"))),
  compatible(
    "a bigger primary key",
    next(`migrations.AlterField("region", "id", models.BigAutoField(primary_key=True))`),
  ),
  breaks(
    "a text with a new limit",
    next(`migrations.AlterField("region", "name", models.CharField(max_length=50))`),
    /from text to character varying\(50\)/,
  ),
  breaks(
    "a smaller number",
    next(alter("size", "models.SmallIntegerField(null=True)")),
    /from integer to smallint/,
  ),
  breaks(
    "a number that becomes a text",
    next(alter("size", "models.CharField(max_length=9, null=True)")),
    /from integer to character varying\(9\)/,
  ),
  breaks(
    "a text that becomes JSON",
    next(alter("code", "models.JSONField(null=True)")),
    /from character varying\(20\) to jsonb/,
  ),
  breaks(
    "another coordinate system",
    next(
      sql(
        "ALTER TABLE places_place ALTER COLUMN position TYPE geography(Point,4267) USING ST_SetSRID(position::geometry, 4267)",
      ),
    ),
    /geography\(Point,4326\) to geography\(Point,4267\)/,
  ),
  withRunning(
    next(`migrations.SeparateDatabaseAndState(
      state_operations=[migrations.AddField("place", "path", models.TextField(null=True))],
      database_operations=[${sql("CREATE EXTENSION ltree; ALTER TABLE places_place ADD COLUMN path ltree")}],
    )`),
    breaks(
      "a tree's path that becomes a text",
      next(sql("ALTER TABLE places_place ALTER COLUMN path TYPE text"), "", 3),
      /from ltree to text/,
    ),
  ),
  breaks(
    "a check constraint that skips the rows that exist",
    next(sql("ALTER TABLE places_place ADD CHECK (size > 0) NOT VALID")),
    /new constraint CHECK/,
  ),
  breaks(
    "a check constraint that is always true (a false alarm)",
    next(sql("ALTER TABLE places_place ADD CHECK (size < 3000000000)")),
    /new constraint CHECK/,
  ),
  breaks(
    "a column dropped by SQL",
    next(sql("ALTER TABLE places_place DROP COLUMN size")),
    /size: the column is gone/,
  ),
  breaks(
    "a column dropped by Python",
    next(
      `migrations.RunPython(lambda apps, editor: editor.execute("ALTER TABLE places_place DROP COLUMN size")),`,
    ),
    /size: the column is gone/,
  ),
  breaks(
    "an identity that refuses values",
    next(sql("ALTER TABLE places_place ALTER COLUMN id SET GENERATED ALWAYS")),
    /refuses values for the column \(GENERATED ALWAYS\)/,
  ),
  compatible(
    "a nullable foreign key to an old table",
    next(
      `migrations.AddField("tag", "main", models.ForeignKey("places.Place", models.SET_NULL, null=True, related_name="+"))`,
    ),
    /cannot delete rows to which places_tag\.main_id points/,
  ),
  compatible(
    "a many-to-many table to an old table",
    next(`migrations.AddField("region", "tags", models.ManyToManyField("places.Tag"))`),
    /cannot delete rows to which places_region_tags\.tag_id points/,
  ),
  compatible(
    "a column that accepts NULL",
    next(alter("name", "models.CharField(max_length=100, null=True)")),
    /name: the column may contain NULL now/,
  ),
];
