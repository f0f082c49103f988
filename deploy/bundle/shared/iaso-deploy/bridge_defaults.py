"""Gives new NOT NULL columns a default in the database while migrations run, so that older code can still insert rows.

Django fills a new column with its default once and then drops the default from the database: the old code, which
does not know the column, fails at its next INSERT. This module keeps the default. A comment on the column marks it and
names the migration. The default is dropped once all code that may run has that migration.
"""

import datetime
import re
import uuid

from django.db import models, transaction
from django.db.migrations import Migration
from django.db.utils import OperationalError
from django.utils import timezone

from model_columns import own_columns


MARK = "Temporary default of Iaso's deploy tool, for code without the migration "
COMMENT = re.compile(re.escape(MARK) + r"(\S+)(?:\n(.*))?", re.DOTALL)

MARKED = """
SELECT class.relname, attribute.attname, description.description, pg_get_expr(definition.adbin, definition.adrelid)
FROM pg_description AS description
JOIN pg_class AS class ON class.oid = description.objoid
JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid AND attribute.attnum = description.objsubid
JOIN pg_attrdef AS definition ON definition.adrelid = class.oid AND definition.adnum = attribute.attnum
WHERE description.classoid = 'pg_class'::regclass AND NOT attribute.attisdropped AND description LIKE %s
ORDER BY 1, 2
"""

COLUMN = """
SELECT attnotnull, atthasdef OR attidentity <> '' OR attgenerated <> '', col_description(attrelid, attnum)
FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attname = %s
"""


def read_columns(connection):
    """Returns the pairs of table and column that the database has."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
        )
        return set(cursor.fetchall())


def read_marked(connection):
    """Returns the columns with a temporary default: table, column, comment and the default's SQL."""
    with connection.cursor() as cursor:
        cursor.execute(MARKED, [MARK + "%"])
        return cursor.fetchall()


def drop_default(execute, quote, table, column, comment):
    """Drops a temporary default, and leaves the comment that the column had before."""
    own = COMMENT.fullmatch(comment).group(2)
    execute(f"ALTER TABLE {quote(table)} ALTER COLUMN {quote(column)} DROP DEFAULT", None)
    execute(f"COMMENT ON COLUMN {quote(table)}.{quote(column)} IS %s", [own or None])


def migration_of(comment):
    """Returns the migration that the comment of a marked column names, such as "iaso.0397_file_size"."""
    found = COMMENT.fullmatch(comment)
    return found and found.group(1)


def drop_defaults(connection, known, say):
    """Drops the temporary defaults of columns that this code and all other code which may run knows.

    :param known: The names of the migrations that all versions have which may run.
    """
    columns = own_columns()
    for table, column, comment, _ in read_marked(connection):
        if migration_of(comment) not in known or column not in columns.get(table, {}):
            continue
        try:
            with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
                # Requests queue behind a statement that waits for its lock.
                cursor.execute("SET LOCAL lock_timeout = '2s'")
                drop_default(cursor.execute, connection.ops.quote_name, table, column, comment)
            say(f"dropped the temporary default of {table}.{column}")
        except OperationalError as error:
            say(f"{table}.{column} keeps its temporary default: {str(error).strip()}")


def default_sql(editor, field):
    """Returns the SQL and the parameters of a field's default; None if the database cannot compute it."""
    function = field.default if callable(field.default) else None
    if isinstance(field, models.DateTimeField):
        if field.auto_now or field.auto_now_add or function is timezone.now:
            return "now()", []
    elif isinstance(field, models.DateField):
        if field.auto_now or field.auto_now_add or function is datetime.date.today:
            return "CURRENT_DATE", []
    elif isinstance(field, models.TimeField) and (field.auto_now or field.auto_now_add):
        return "LOCALTIME", []
    if isinstance(field, models.UUIDField) and function in (uuid.uuid4, uuid.uuid1):
        return "gen_random_uuid()", []
    value = editor.effective_default(field)
    # A function that gives another value each time cannot become a constant.
    if value is None or (function is not None and field.get_default() != field.get_default()):
        return None
    return "%s", [value]


def keep_defaults(connection):
    """Makes migrations on this connection keep the defaults of new NOT NULL columns in tables that exist now."""
    before = read_columns(connection)
    tables = {table for table, _ in before}
    django_apply = Migration.apply

    def apply(migration, project_state, schema_editor, collect_sql=False):
        schema_editor.migration = f"{migration.app_label}.{migration.name}"
        return django_apply(migration, project_state, schema_editor, collect_sql)

    class Editor(connection.SchemaEditorClass):
        def __enter__(self):
            self.new_columns = {}
            return super().__enter__()

        def __exit__(self, exc_type, exc_value, traceback):
            # At the end of the migration, because it may give the column a default by itself.
            if exc_type is None and not self.collect_sql:
                for (table, column), default in self.new_columns.items():
                    self.keep_default(table, column, default)
            super().__exit__(exc_type, exc_value, traceback)

        def add_field(self, model, field):
            super().add_field(model, field)
            self.note(model, field)

        def alter_field(self, model, old_field, new_field, strict=False):
            table = model._meta.db_table
            noted = self.new_columns.pop((table, old_field.column), None)
            same_type = old_field.db_type(self.connection) == new_field.db_type(self.connection)
            if not same_type and (table, old_field.column) not in before:
                self.drop_kept_default(table, old_field.column)
            super().alter_field(model, old_field, new_field, strict)
            self.note(model, new_field)
            if same_type and noted is not None and self.new_columns.get((table, new_field.column)) is None:
                self.new_columns[table, new_field.column] = noted

        def note(self, model, field):
            place = (model._meta.db_table, field.column)
            if field.column is not None and place[0] in tables and place not in before:
                # Now, because after the operation the field has lost a default that only the migration has.
                self.new_columns[place] = default_sql(self, field)

        def keep_default(self, table, column, default):
            not_null, has_default, comment = self.read_column(table, column)
            if default is None or not not_null or has_default:
                return
            sql, parameters = default
            quote = self.quote_name
            # PostgreSQL changes no table for which deferred constraints are still to be checked.
            self.execute("SET CONSTRAINTS ALL IMMEDIATE")
            name = f"{quote(table)} ALTER COLUMN {quote(column)}"
            self.execute(f"ALTER TABLE {name} SET DEFAULT {sql}", parameters or None)
            text = MARK + self.migration + (f"\n{comment}" if comment else "")
            self.execute(f"COMMENT ON COLUMN {quote(table)}.{quote(column)} IS %s", [text])

        def drop_kept_default(self, table, column):
            if self.collect_sql or column is None:
                return
            _, _, comment = self.read_column(table, column)
            # PostgreSQL cannot convert every default when the column's type changes.
            if comment and COMMENT.fullmatch(comment):
                drop_default(self.execute, self.quote_name, table, column, comment)

        def read_column(self, table, column):
            with self.connection.cursor() as cursor:
                cursor.execute(COLUMN, [self.quote_name(table), column])
                return cursor.fetchone() or (False, False, None)

    Migration.apply = apply
    connection.SchemaEditorClass = Editor
