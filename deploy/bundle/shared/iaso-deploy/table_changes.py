"""Records how each migration changes the tables, and judges by these records whether older code works on them.

The records are in the application's database: a restore of the database restores the tables and their records together.
Code of other versions reads them: the table and the form of its content must not change.
"""

import json

from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

import catalogue

from compare import compare
from model_columns import own_columns


CREATE = """
CREATE TABLE IF NOT EXISTS iaso_deploy_table_changes (
  migration text PRIMARY KEY, before jsonb NOT NULL, after jsonb NOT NULL, recorded_at timestamptz NOT NULL DEFAULT now()
)
"""
INSERT = """
INSERT INTO iaso_deploy_table_changes (migration, before, after) VALUES (%s, %s, %s)
ON CONFLICT (migration) DO UPDATE SET before = excluded.before, after = excluded.after, recorded_at = now()
"""
SELECT = "SELECT migration, before::text, after::text FROM iaso_deploy_table_changes WHERE migration = ANY(%s)"


def create_table(connection):
    with connection.cursor() as cursor:
        cursor.execute(CREATE)


def record_changes(connection):
    """Makes migrations on this connection record the tables that they change: as they were before and are after it."""
    # No older code can have run on an empty database, and hundreds of migrations build it.
    if not MigrationRecorder(connection).applied_migrations():
        return
    last = read_tables(connection)
    django_record = MigrationRecorder.record_applied

    def record_applied(recorder, app, name):
        nonlocal last
        django_record(recorder, app, name)
        before, last = last, read_tables(connection)
        with connection.cursor() as cursor:
            cursor.execute(INSERT, [f"{app}.{name}", *map(json.dumps, changed(before, last))])

    MigrationRecorder.record_applied = record_applied


def read_tables(connection):
    """Returns the tables of `catalogue.read` as JSON has them."""
    return json.loads(json.dumps(catalogue.read(connection), default=sorted))


def with_default(tables, models, default):
    """Returns the tables with another default for the NOT NULL columns that the models do not know."""
    return {
        name: {
            **table,
            "columns": {
                column: {**one, "default": default} if one["not_null"] and column not in models.get(name, {}) else one
                for column, one in table["columns"].items()
            },
        }
        for name, table in tables.items()
    }


def changed(before, after):
    """Returns the tables that differ, and those to which their foreign keys point, of each of the two."""
    names = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    both = (before, after)
    names |= {key["target"] for tables in both for name in names & tables.keys() for key in tables[name]["foreign_keys"]}
    return [{name: table for name, table in tables.items() if name in names} for tables in both]


def unknown_migrations(connection):
    """Returns the applied migrations that this code does not have, such as "iaso.0397_file_size", and the later of them.

    Later ones were applied after all migrations of the same app that the code has: newer code ran them. The others are
    of a plugin that is off, or squashed ones whose files are gone.
    """
    on_disk = MigrationLoader(None).disk_migrations
    own = set(on_disk) | {tuple(key) for migration in on_disk.values() for key in migration.replaces or []}
    applied = MigrationRecorder(connection).applied_migrations()
    newest = {}
    for key, row in applied.items():
        if key in own:
            newest[key[0]] = max(newest.get(key[0], 0), row.id)
    unknown = sorted(set(applied) - own)
    later = [key for key in unknown if key[0] in newest and applied[key].id > newest[key[0]]]
    return [".".join(key) for key in unknown], [".".join(key) for key in later]


def find_misfits(connection, unknown, later):
    """Returns what unknown migrations did to the tables that this code fails on, and those that nobody can judge.

    A migration counts only for what it changed itself and what is still so.
    """
    with connection.cursor() as cursor:
        cursor.execute(SELECT, [unknown])
        rows = {name: (json.loads(before), json.loads(after)) for name, before, after in cursor.fetchall()}
    models = own_columns()
    now = read_tables(connection)
    misfits = []
    for name, (before, after) in sorted(rows.items()):
        # Columns may have got a temporary default after the record, and lost one since.
        results = [with_default(after, models, default) for default in (None, "any")]
        caused = {key_of(one) for result in results for one in compare(before, result, models)[0]}
        still = [one for one in compare(before, now, models)[0] if key_of(one) in caused]
        misfits += [f"{'.'.join(filter(None, [one['table'], one['column']]))}: {one['text']} ({name})" for one in still]
    misfits += [f"{name} cannot be judged: it was not applied by this deploy tool" for name in later if name not in rows]
    return misfits


def key_of(finding):
    return (finding["kind"], finding["table"], finding["column"])
