// A Django + PostGIS project whose versions differ in their migrations.

/** The files of a version, by path. */
export type Files = Readonly<Record<string, string>>;

const SETTINGS = `
import os
SECRET_KEY = os.environ["SECRET_KEY"]
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.gis", "places", "visits"]
INSTALLED_APPS += [f"plugins.{name}" for name in os.environ.get("PLUGINS", "").split(",") if name]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
DATABASES = {"default": {
    "ENGINE": "django.contrib.gis.db.backends.postgis", "HOST": os.environ.get("RDS_HOSTNAME", "nowhere.invalid"),
    "PORT": os.environ.get("RDS_PORT", ""), "NAME": os.environ.get("RDS_DB_NAME", ""), "USER": "postgres",
}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "django_cache_table"}}
print("Settings that print, as Iaso's do")
`;

/** A migration file. */
export function migration(
  operations: string,
  { dependencies = [], attributes = "" }: { dependencies?: [string, string][]; attributes?: string } = {},
): string {
  return `
import datetime, random, uuid
from django.contrib.gis.db import models as gis
from django.db import migrations, models
from django.utils import timezone

def fill(apps, schema_editor):
    for place in apps.get_model("places", "Place").objects.all():
        place.save()

class Migration(migrations.Migration):
    dependencies = [tuple(one) for one in ${JSON.stringify(dependencies)}]
    operations = [${operations}]
    ${attributes}
`;
}

const PLACES = migration(`
  migrations.CreateModel("Region", [("id", models.AutoField(primary_key=True)), ("name", models.TextField())]),
  migrations.CreateModel("Place", [
    ("id", models.AutoField(primary_key=True)),
    ("name", models.CharField(max_length=100)),
    ("code", models.CharField(max_length=20, null=True)),
    ("size", models.IntegerField(null=True)),
    ("position", gis.PointField(srid=4326, geography=True, null=True)),
    ("region", models.ForeignKey("places.Region", models.CASCADE, null=True)),
  ]),
  migrations.CreateModel("Tag", [("id", models.AutoField(primary_key=True)), ("places", models.ManyToManyField("places.Place"))]),
`);

/** The models of the running version. */
export const MODELS = `
from django.contrib.gis.db import models as gis
from django.db import models

class Region(models.Model):
    id = models.AutoField(primary_key=True)
    name = models.TextField()

class Place(models.Model):
    id = models.AutoField(primary_key=True)
    name = models.CharField(max_length=100)
    code = models.CharField(max_length=20, null=True)
    size = models.IntegerField(null=True)
    position = gis.PointField(srid=4326, geography=True, null=True)
    region = models.ForeignKey(Region, models.CASCADE, null=True)

class Tag(models.Model):
    id = models.AutoField(primary_key=True)
    places = models.ManyToManyField(Place)
`;

const VISITS = migration(
  `migrations.CreateModel("Visit", [
    ("id", models.AutoField(primary_key=True)), ("place", models.ForeignKey("places.Place", models.CASCADE)),
  ])`,
  { dependencies: [["places", "0001_initial"]] },
);

/** The version that runs. */
export const RUNNING: Files = {
  "manage.py": "",
  "iaso-deploy.yaml": "",
  "hat/__init__.py": "",
  "hat/settings.py": SETTINGS,
  "places/__init__.py": "",
  "places/models.py": MODELS,
  "places/migrations/__init__.py": "",
  "places/migrations/0001_initial.py": PLACES,
  "visits/__init__.py": "",
  "visits/migrations/__init__.py": "",
  "visits/migrations/0001_initial.py": VISITS,
  "plugins/polio/__init__.py": "",
  "plugins/polio/migrations/__init__.py": "",
  "plugins/polio/migrations/0001_initial.py": migration(
    `migrations.CreateModel("Campaign", [("id", models.AutoField(primary_key=True)), ("round", models.IntegerField())])`,
  ),
};

/** The file of a next migration of the app places. */
export function next(operations: string, attributes = "", number = 2): Files {
  const before = number === 2 ? "0001_initial" : `000${number - 1}_next`;
  const dependencies: [string, string][] = [["places", before]];
  return { [`places/migrations/000${number}_next.py`]: migration(operations, { dependencies, attributes }) };
}

/** Adds a field to the model Place. */
export const add = (field: string, options = ""): string =>
  `migrations.AddField("place", "extra", ${field}${options}),`;
/** Changes a field of the model Place. */
export const alter = (name: string, field: string): string =>
  `migrations.AlterField("place", "${name}", ${field}),`;
/** Runs SQL. */
export const sql = (text: string): string => `migrations.RunSQL(${JSON.stringify(text)}),`;
/** Changes the models, and not the database. */
export const inState = (operation: string): string =>
  `migrations.SeparateDatabaseAndState(state_operations=[${operation}]),`;

/** A change of the tables, its verdict, and a text that the judgement contains. */
export interface Change {
  title: string;
  files: Files;
  verdict: string;
  text?: RegExp;
  /** Files of the running version besides `RUNNING`. */
  running?: Files;
  /** Files of the running version that the new one does not have. */
  without?: readonly string[];
  /** The plugins that the environment enables. */
  plugins?: string;
}

/** The end of a migration that replaces others. */
const squashOf = (...names: string[]): string =>
  `    replaces = [${names.map((name) => `("places", "${name}")`).join(", ")}]\n`;

/** A change that the running code does not notice. */
export const compatible = (title: string, files: Files, text?: RegExp): Change => ({
  title,
  files,
  verdict: "compatible",
  text,
});
const bridged = (title: string, files: Files, text: RegExp): Change => ({
  title,
  files,
  verdict: "bridged",
  text,
});
/** A change with which the running code fails. */
export const breaks = (title: string, files: Files, text: RegExp): Change => ({
  title,
  files,
  verdict: "incompatible",
  text,
});
/** The change of a running version that has more files than `RUNNING`. */
export const withRunning = (running: Files, change: Change): Change => ({ ...change, running });
const data = (title: string, files: Files, text: RegExp): Change => ({
  title,
  files,
  verdict: "dataChanges",
  text,
});

export const CHANGES: readonly Change[] = [
  compatible("no new migration", {}),
  compatible("a new nullable column", next(add("models.TextField(null=True)"))),
  compatible(
    "a new table",
    next(`migrations.CreateModel("Other", [("id", models.AutoField(primary_key=True))])`),
  ),
  compatible(
    "a NOT NULL column with a default in the database",
    next(
      add("models.IntegerField(default=1)") +
        sql("ALTER TABLE places_place ALTER COLUMN extra SET DEFAULT 1"),
    ),
  ),
  bridged(
    "a NOT NULL column with a constant default",
    next(add("models.CharField(max_length=9, default='new')")),
    /places_place\.extra DEFAULT 'new'.* \(places\.0002_next\)/,
  ),
  bridged(
    "a default that exists only in the migration",
    next(add("models.IntegerField(default=7)", ", preserve_default=False")),
    /extra DEFAULT 7/,
  ),
  bridged(
    "a default that exists only in the migration, of a column that is renamed in it",
    next(
      add("models.IntegerField(default=7)", ", preserve_default=False") +
        `migrations.RenameField("place", "extra", "more"),`,
    ),
    /more DEFAULT 7/,
  ),
  bridged(
    "a default of Django's: the empty text",
    next(add("models.CharField(max_length=9, blank=True)")),
    /extra DEFAULT ''/,
  ),
  bridged(
    "the time of the insertion",
    next(add("models.DateTimeField(default=timezone.now)")),
    /extra DEFAULT now\(\)/,
  ),
  bridged(
    "auto_now_add",
    next(add("models.DateTimeField(auto_now_add=True, default=timezone.now)", ", preserve_default=False")),
    /DEFAULT now\(\)/,
  ),
  bridged("a JSON default", next(add("models.JSONField(default=dict)")), /extra DEFAULT '\{\}'::jsonb/),
  bridged(
    "a unique UUID",
    next(add("models.UUIDField(default=uuid.uuid4, unique=True)")),
    /extra DEFAULT gen_random_uuid\(\)/,
  ),
  bridged(
    "a nullable column that is filled by SQL definitions and made NOT NULL with a default later",
    {
      ...next(add("models.IntegerField(null=True)")),
      ...next(alter("extra", "models.IntegerField(default=3)"), "", 3),
    },
    /extra DEFAULT 3.* \(places\.0003_next\)/,
  ),
  bridged(
    "a column whose type and name change before the release",
    {
      ...next(add("models.CharField(max_length=9, default='5')")),
      ...next(
        `${alter("extra", "models.IntegerField(default=5)")} migrations.RenameField("place", "extra", "more"),`,
        "",
        3,
      ),
    },
    /more DEFAULT 5/,
  ),
  breaks(
    "a NOT NULL column with a random default",
    next(add("models.FloatField(default=random.random)")),
    /extra: the new column .* needs a value[^]*constant default/,
  ),
  breaks(
    "a unique column with a constant default",
    next(add("models.IntegerField(default=1, unique=True)")),
    /new unique constraint on extra/,
  ),
  breaks(
    "a dropped column",
    next(`migrations.RemoveField("place", "size")`),
    /places_place\.size: the column is gone or renamed \(places\.0002_next\)[^]*state_operations[^]*Next release: drop/,
  ),
  breaks(
    "a renamed column",
    next(`migrations.RenameField("place", "size", "area")`),
    /places_place\.size[^]*ALTER TABLE "places_place" RENAME COLUMN "size" TO "area"[^]*locks places_place against reads and writes \(AccessExclusiveLock\)[^]*keeps its db_column/,
  ),
  compatible("a column removed in the state only", next(inState(`migrations.RemoveField("place", "size")`))),
  compatible(
    "a renamed field that keeps its column",
    next(
      `migrations.RenameField("place", "size", "area"), ${alter("area", `models.IntegerField(null=True, db_column="size")`)}`,
    ),
  ),
  breaks(
    "a dropped table",
    next(`migrations.DeleteModel("Tag")`),
    /places_tag: the table is gone[^]*places_tag_places/,
  ),
  breaks(
    "a renamed table",
    next(`migrations.RenameModel("Region", "Area")`),
    /places_region: the table is gone/,
  ),
  compatible(
    "a renamed table with a view under the old name",
    next(sql("ALTER TABLE places_region RENAME TO area; CREATE VIEW places_region AS SELECT * FROM area")),
  ),
  breaks(
    "a narrower text",
    next(alter("name", "models.CharField(max_length=10)")),
    /name: the type changes from character varying\(100\) to character varying\(10\)/,
  ),
  compatible(
    "a wider text and number",
    next(alter("name", "models.TextField()") + alter("size", "models.BigIntegerField(null=True)")),
  ),
  breaks(
    "another geographic type",
    next(
      sql(
        "ALTER TABLE places_place ALTER COLUMN position TYPE geography(MultiPoint,4326) USING ST_Multi(position::geometry)",
      ),
    ),
    /geography\(Point,4326\) to geography\(MultiPoint,4326\)/,
  ),
  breaks(
    "a column that becomes NOT NULL",
    next(alter("code", "models.CharField(max_length=20, default='')")),
    /code: the column no longer accepts NULL[^]*always writes a value/,
  ),
  breaks(
    "a unique constraint",
    next(`migrations.AlterUniqueTogether("place", {("name", "code")})`),
    /new unique constraint on name, code[^]*writes no duplicates/,
  ),
  breaks(
    "a partial unique constraint",
    next(
      `migrations.AddConstraint("place", models.UniqueConstraint(fields=["name"], condition=models.Q(size=1), name="one"))`,
    ),
    /unique constraint on name where/,
  ),
  breaks(
    "a unique index by SQL",
    next(sql("CREATE UNIQUE INDEX CONCURRENTLY one ON places_place (name)"), "atomic = False"),
    /unique constraint on name/,
  ),
  compatible(
    "a unique constraint on a new nullable column",
    next(add("models.IntegerField(null=True, unique=True)")),
  ),
  breaks(
    "a check constraint",
    next(
      `migrations.AddConstraint("place", models.CheckConstraint(check=models.Q(size__gt=0), name="positive"))`,
    ),
    /new constraint CHECK/,
  ),
  breaks(
    "a foreign key on a column that exists",
    next(sql("ALTER TABLE places_place ADD FOREIGN KEY (size) REFERENCES places_region (id)")),
    /FOREIGN KEY \(size\)/,
  ),
  breaks(
    "a trigger",
    next(
      sql(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$; CREATE TRIGGER no BEFORE INSERT ON places_place FOR EACH ROW EXECUTE FUNCTION no()",
      ),
    ),
    /new trigger/,
  ),
  breaks(
    "an identity that is gone",
    next(sql("ALTER TABLE places_place ALTER COLUMN id DROP IDENTITY")),
    /no longer gives the column a value/,
  ),
  compatible(
    "an index, with its lock",
    next(`migrations.AddIndex("place", models.Index(fields=["name"], name="by_name"))`),
    /CREATE INDEX[^]*locks places_place against writes \(ShareLock\)/,
  ),
  compatible(
    "a new table that points at an old one",
    next(
      `migrations.CreateModel("Note", [("id", models.AutoField(primary_key=True)), ("place", models.ForeignKey("places.Place", models.CASCADE))])`,
    ),
    /cannot delete rows to which places_note\.place_id points/,
  ),
  data(
    "data changed by Python",
    next("migrations.RunPython(fill, migrations.RunPython.noop)"),
    /places\.0002_next: RunPython fill/,
  ),
  data(
    "data changed by SQL",
    next(sql("-- a comment\nUPDATE places_place SET name = 'x; y'")),
    /places\.0002_next: RunSQL UPDATE places_place/,
  ),
  compatible(
    "definitions by SQL",
    next(
      sql("ALTER TABLE places_place ADD COLUMN extra int; COMMENT ON COLUMN places_place.extra IS 'UPDATE'"),
    ),
  ),
  breaks(
    "two apps that depend on one another",
    {
      "places/migrations/0002_next.py": migration(
        `migrations.AddField("region", "last", models.ForeignKey("visits.Visit", models.SET_NULL, null=True))`,
        {
          dependencies: [
            ["places", "0001_initial"],
            ["visits", "0001_initial"],
          ],
        },
      ),
      "visits/migrations/0002_next.py": migration(`migrations.RemoveField("visit", "place")`, {
        dependencies: [
          ["visits", "0001_initial"],
          ["places", "0002_next"],
        ],
      }),
    },
    /visits_visit\.place_id: the column is gone or renamed \(visits\.0002_next\)/,
  ),
  breaks(
    "two last migrations",
    {
      ...next(add("models.TextField(null=True)")),
      "places/migrations/0002_other.py": migration("", { dependencies: [["places", "0001_initial"]] }),
    },
    /places has more than one last migration/,
  ),
  breaks(
    "a migration before one that is applied",
    {
      "places/migrations/0000_new.py": migration(""),
      "places/migrations/0001_initial.py": migration("", { dependencies: [["places", "0000_new"]] }),
    },
    /places\.0001_initial is applied, and depends on places\.0000_new, which is new/,
  ),
  breaks("a migration that fails", next(sql("SELECT 1/0")), /places\.0002_next fails: .*division by zero/),
  {
    title: "a squash of migrations that the running version has",
    running: {
      ...next(add("models.TextField(null=True)")),
      ...next(alter("extra", "models.TextField()"), "", 3),
    },
    without: [
      "places/migrations/0001_initial.py",
      "places/migrations/0002_next.py",
      "places/migrations/0003_next.py",
    ],
    files: {
      "places/migrations/0001_squashed_0003_next.py":
        PLACES.replace('("region",', '("extra", models.TextField()), ("region",') +
        squashOf("0001_initial", "0002_next", "0003_next"),
      "places/migrations/0004_next.py": migration(`migrations.RemoveField("place", "size")`, {
        dependencies: [["places", "0001_squashed_0003_next"]],
      }),
    },
    verdict: "incompatible",
    text: /places_place\.size: the column is gone or renamed \(places\.0004_next\)/,
  },
  {
    title: "a squash of migrations of which the running version lacks one, and whose files are gone",
    without: ["places/migrations/0001_initial.py"],
    files: { "places/migrations/0001_squashed_0002_next.py": PLACES + squashOf("0001_initial", "0002_next") },
    verdict: "incompatible",
    text: /places\.0001_initial/,
  },
  ...["polio", undefined].map((plugins): Change => ({
    title: `a plugin's dropped column, ${plugins === undefined ? "where it is off" : "where it is enabled"}`,
    files: {
      "plugins/polio/migrations/0002_next.py": migration(`migrations.RemoveField("campaign", "round")`, {
        dependencies: [["polio", "0001_initial"]],
      }),
    },
    plugins,
    verdict: plugins === undefined ? "compatible" : "incompatible",
  })),
];
