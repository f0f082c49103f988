"""The migrations of a checkout, and which of them the running version has applied."""

import re

from django.db import migrations
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


class LoaderAfter(MigrationLoader):
    """Loads the migrations as `migrate` does in a database where the given ones are applied."""

    def __init__(self, connection, applied):
        self.given = dict.fromkeys(applied)
        super().__init__(connection)

    def build_graph(self):
        original = MigrationRecorder.applied_migrations
        MigrationRecorder.applied_migrations = lambda _: dict(self.given)
        try:
            super().build_graph()
        finally:
            MigrationRecorder.applied_migrations = original


def executor_before(connection, running):
    """
    Returns an executor for an empty database, the migrations that build the running version's tables, and those of the
    running version that the checkout does not have.

    :param running: All migrations that the running version knows.
    :raises NodeNotFoundError: if the checkout's migrations depend on some that do not exist.
    """
    executor = MigrationExecutor(connection)
    loader = LoaderAfter(connection, running)
    nodes = loader.graph.nodes
    applied = {key for key in loader.applied_migrations if key in nodes}
    replaced = {key for one in applied for key in nodes[one].replaces or []}
    # A squash that an earlier squash contains is in neither of the two.
    replaced |= {key for key, squash in loader.replacements.items() if set(squash.replaces) <= replaced | applied}
    missing = sorted(".".join(key) for key in set(running) - applied - replaced)
    loader.applied_migrations = {}
    executor.loader = loader
    return executor, applied, missing


def late_dependencies(executor, applied):
    """Returns why `migrate` refuses the history: applied migrations whose dependencies are not applied."""
    node_map = executor.loader.graph.node_map
    return [
        f"{'.'.join(key)} is applied, and depends on {'.'.join(parent.key)}, which is new"
        for key in sorted(applied)
        for parent in node_map[key].parents
        if parent.key not in applied
    ]


def last_of(executor, keys):
    """Returns those of the migrations on which no other of them depends."""
    node_map = executor.loader.graph.node_map
    return sorted(key for key in keys if not any(child.key in keys for child in node_map[key].children))


def shorten(names, most=5):
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


DEFINITION = re.compile(
    r"^(CREATE|ALTER|DROP|COMMENT|GRANT|REVOKE|SET|RESET|ANALYZE|REINDEX|VACUUM|BEGIN|COMMIT|LOCK)\b", re.IGNORECASE
)


def data_operations(migration):
    """Returns the operations of a migration that may change data: a comparison of tables cannot judge them."""
    found = []

    def visit(operation):
        if isinstance(operation, migrations.SeparateDatabaseAndState):
            for one in operation.database_operations:
                visit(one)
        elif isinstance(operation, migrations.RunPython):
            if operation.code is not migrations.RunPython.noop:
                found.append(f"RunPython {getattr(operation.code, '__name__', '')}".strip())
        elif isinstance(operation, migrations.RunSQL):
            found.extend(f"RunSQL {one}" for one in statements(operation.sql) if not DEFINITION.match(one))
        elif not type(operation).__module__.startswith("django."):
            found.append(type(operation).__name__)

    for operation in migration.operations:
        visit(operation)
    return found


def statements(sql):
    """Returns the beginnings of the statements of a RunSQL operation."""
    parts = [sql] if isinstance(sql, str) else [one if isinstance(one, str) else one[0] for one in sql]
    found = []
    for part in parts:
        plain = re.sub(r"--[^\n]*|/\*.*?\*/", " ", part, flags=re.DOTALL)
        plain = re.sub(r"(\$\w*\$).*?\1|'(?:[^']|'')*'", "''", plain, flags=re.DOTALL)
        found += [" ".join(one.split())[:80] for one in plain.split(";") if one.strip()]
    return found


def known_migrations():
    """Returns all migrations that count as applied where this checkout runs; no database is needed."""
    migrations_on_disk = MigrationLoader(None).disk_migrations
    # A database that was migrated by a squash has the migrations that it replaces, whose files may be gone.
    replaced = {tuple(key) for migration in migrations_on_disk.values() for key in migration.replaces or []}
    return sorted(set(migrations_on_disk) | replaced)
