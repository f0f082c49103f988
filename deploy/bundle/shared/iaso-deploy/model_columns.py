"""The columns that the models of the code know, compared with those of the database."""

from django.apps import apps
from django.db import router
from django.db.migrations.loader import MigrationLoader


COLUMNS = """
SELECT table_name, column_name,
  is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO' AND is_generated = 'NEVER'
FROM information_schema.columns WHERE table_schema = current_schema()
"""


def known_columns(models):
    """Returns the columns of models: {table: {column: True if the code may write NULL}}."""
    tables = {}
    for model in models:
        columns = tables.setdefault(model._meta.db_table.replace('"', ""), {})
        for field in model._meta.local_concrete_fields:
            if field.column is not None:
                columns[field.column] = columns.get(field.column, False) or field.null
    return tables


def own_columns():
    """Returns the columns of this code's models."""
    return known_columns(apps.get_models(include_auto_created=True))


def unknown_migrations(connection):
    """Returns the applied migrations that this code does not have, such as "iaso.0397_file_size": newer code ran them."""
    loader = MigrationLoader(connection)
    replaced = {tuple(key) for migration in loader.disk_migrations.values() for key in migration.replaces or []}
    unknown = set(loader.applied_migrations) - set(loader.disk_migrations) - replaced
    return sorted(f"{app}.{name}" for app, name in unknown)


def find_misfits(connection):
    """Returns why this code fails on the database's tables: what is gone, and new columns that need a value."""
    tables = {}
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS)
        for table, column, needs_value in cursor.fetchall():
            tables.setdefault(table, {})[column] = needs_value
    # The database may have no table for an unmanaged model, and other databases have tables of their own.
    managed = [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and router.allow_migrate_model(connection.alias, model)
    ]
    misfits = []
    for table, known in sorted(known_columns(managed).items()):
        if table not in tables:
            misfits.append(f"the table {table} is gone or renamed")
            continue
        misfits += [f"the column {table}.{one} is gone or renamed" for one in known if one not in tables[table]]
        misfits += [
            f"the column {table}.{one} needs a value, which this code does not write"
            for one, needs_value in tables[table].items()
            if needs_value and one not in known
        ]
    return misfits
