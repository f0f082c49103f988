"""
Answers whether the running version's code works on the tables of the checkout in the current directory.

Runs with the checkout's Python. Builds the running version's tables in an empty database, migrates on to the
checkout's own migrations, and compares what the running version's models know with the result. The arguments are the
files of the request and of the answer, both JSON:

    request: {"running": {"bundle": FILE} | {"directory": DIRECTORY},
              "uvPython": [...], the command of the Python of a directory with a uv.lock
              "databaseUrl": null | "postgresql://..."}
    answer:  `answerSchema` in deploy/migrations/answer.ts
"""

import gc
import json
import os
import signal
import sys
import time
import traceback

from pathlib import Path


HERE = Path(__file__).resolve().parent
sys.path[0:1] = [os.getcwd(), str(HERE), str(HERE.parent / "bundle/shared/iaso-deploy")]

from running_version import Refused, RunningVersion, build_own
from temporary_database import NotChecked, say, throwaway_database


# Locks that stop the running code: its writes, or its reads and writes.
BLOCKING = {
    "ShareLock": "writes",
    "ShareRowExclusiveLock": "writes",
    "ExclusiveLock": "writes",
    "AccessExclusiveLock": "reads and writes",
}
LOCKS = """
SELECT DISTINCT relname, mode FROM pg_locks JOIN pg_class ON pg_class.oid = relation
WHERE pid = pg_backend_pid() AND granted AND relkind IN ('r', 'p', 'm') AND mode = ANY(%s)
"""
DEFINITIONS = ("ALTER", "CREATE", "DROP", "COMMENT", "TRUNCATE", "LOCK", "REINDEX")


class Recorder:
    """Records the statements of each migration, and the locks that it takes on tables that exist before it."""

    def __init__(self, connection, tables):
        self.connection = connection
        self.tables = tables
        self.sql = []
        self.locks = {}

    def __call__(self, execute, sql, parameters, many, context):
        result = execute(sql, parameters, many, context)
        # With psycopg 3, Django passes composed SQL.
        text = sql.as_string(self.connection.connection) if hasattr(sql, "as_string") else str(sql)
        if text.lstrip().upper().startswith(DEFINITIONS):
            self.sql.append(" ".join(text.split())[:500])
            if self.connection.in_atomic_block:
                # Through the driver's cursor, so that this statement is not recorded.
                with self.connection.connection.cursor() as cursor:
                    cursor.execute(LOCKS, [list(BLOCKING)])
                    for table, mode in cursor.fetchall():
                        if table in self.tables:
                            self.locks.setdefault(table, set()).add(mode)
        return result

    def take(self):
        sql, locks = self.sql, self.locks
        self.sql, self.locks = [], {}
        return sql, locks


def check(request):
    with RunningVersion(request["running"], request["uvPython"]) as running:
        with throwaway_database(request["databaseUrl"]) as database:
            models = running.build_tables(database)
            if models is None:
                return {"migrations": [], "breaks": [], "warnings": [], "bridged": []}
            return apply_and_compare(models)


def apply_and_compare(models):
    """Applies the new migrations to the running version's tables, and compares the result with its models."""
    import bridge_defaults
    import catalogue

    from compare import compare
    from django.db import connection
    from django.db.migrations.exceptions import InconsistentMigrationHistory, NodeNotFoundError
    from django.db.migrations.executor import MigrationExecutor
    from history import data_operations

    old = catalogue.read(connection)
    try:
        executor = MigrationExecutor(connection)
        executor.loader.check_consistent_history(connection)
    except (InconsistentMigrationHistory, NodeNotFoundError) as error:
        raise Refused([str(error)]) from error
    conflicts = executor.loader.detect_conflicts()
    if conflicts:
        raise Refused([f"{app} has more than one last migration: {', '.join(names)}" for app, names in conflicts.items()])
    leaves = executor.loader.graph.leaf_nodes()
    plan = [migration for migration, _ in executor.migration_plan(leaves)]
    say(f"applying {len(plan)} new migrations")
    recorder = Recorder(connection, set(old))
    applied, first = [], {}

    def progress(action, migration=None, fake=False):
        if action != "apply_success":
            return
        sql, locks = recorder.take()
        name = f"{migration.app_label}.{migration.name}"
        applied.append({"name": name, "sql": sql, "locks": describe(locks), "data": data_operations(migration)})
        breaks, warnings = compare(old, catalogue.read(connection), models)
        for one in breaks + warnings:
            first.setdefault(key_of(one), name)

    bridge_defaults.keep_defaults(connection)
    executor.progress_callback = progress
    try:
        with connection.execute_wrapper(recorder):
            executor.migrate(leaves)
    except Exception as error:
        failed = plan[len(applied)] if len(applied) < len(plan) else None
        say(traceback.format_exc())
        raise Refused([f"{failed or 'the migration'} fails: {type(error).__name__}: {str(error).strip()}"]) from error
    new = catalogue.read(connection)
    breaks, warnings = compare(old, new, models)
    for one in breaks + warnings:
        one["migration"] = first.get(key_of(one))
    marked = bridge_defaults.read_marked(connection)
    bridged = [
        {"table": table, "column": column, "default": sql, "migration": bridge_defaults.migration_of(comment)}
        for table, column, comment, sql in marked
        if table in models
    ]
    return {"migrations": applied, "breaks": breaks, "warnings": warnings, "bridged": bridged}


def key_of(finding):
    return (finding["kind"], finding["table"], finding["column"], finding["text"])


def describe(locks):
    return [
        {"table": table, "mode": mode, "stops": BLOCKING[mode]}
        for table, modes in sorted(locks.items())
        for mode in [max(modes, key=list(BLOCKING).index)]
    ]


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hat.settings")
    # Django makes thousands of classes while it migrates; the collector's usual threshold costs a tenth of the time.
    gc.set_threshold(200_000, 20, 50)
    began = time.monotonic()
    with open(sys.argv[1]) as file:
        request = json.load(file)
    # The application may print to standard output.
    if "baseline" in request:
        answer = build_own(request["baseline"])
    else:
        try:
            answer = check(request)
        except Refused as error:
            answer = {"refusals": error.args[0]}
        except NotChecked as error:
            answer = {"notChecked": str(error)}
        answer["seconds"] = round(time.monotonic() - began, 1)
    with open(sys.argv[2], "w") as file:
        json.dump(answer, file)


if __name__ == "__main__":
    main()
