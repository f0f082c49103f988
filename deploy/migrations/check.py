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

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile

from pathlib import Path
from urllib.parse import unquote, urlsplit


HERE = Path(__file__).resolve().parent
sys.path[0:1] = [os.getcwd(), str(HERE), str(HERE.parent / "bundle/shared/iaso-deploy")]

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


# The migrations that a version knows, which the build writes into its bundle.
RECORD = "iaso-deploy/migrations.json"


class NotChecked(Exception):
    """The check cannot be made here. The message says why."""


class Gap(Exception):
    """The checkout's migrations cannot build the running version's tables."""


def say(text):
    print(f"migrations: {text}", file=sys.stderr, flush=True)


def use_database(parameters):
    """Points Django to a database, whatever the application's settings say."""
    from django.conf import settings

    for alias, one in settings.DATABASES.items():
        if alias == "default" or "postg" in one.get("ENGINE", ""):
            settings.DATABASES[alias] = {"ENGINE": one["ENGINE"], **parameters}
    if "postg" not in settings.DATABASES["default"]["ENGINE"]:
        raise NotChecked(f"the application's database is not PostgreSQL: {settings.DATABASES['default']['ENGINE']}")


def parameters_of(url):
    parts = urlsplit(url)
    return {
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "NAME": unquote(parts.path[1:]) or "postgres",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
    }


@contextlib.contextmanager
def empty_database(server):
    """Creates a database on a server, yields its parameters, and drops it."""
    from django.db import connection

    name = f"iaso_check_{secrets.token_hex(6)}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield {**server, "NAME": name}
    finally:
        connection.close()
        connection.settings_dict["NAME"] = server["NAME"]
        with contextlib.suppress(Exception), connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
        connection.close()


@contextlib.contextmanager
def throwaway_database(url):
    """Sets Django up with an empty database on the server of the URL, or on a server of our own."""
    from server import find_programs, running_server

    with contextlib.ExitStack() as stack:
        if url:
            server = parameters_of(url)
        else:
            programs = find_programs()
            if programs is None:
                raise NotChecked("there is no PostgreSQL server on this machine")
            server = stack.enter_context(running_server(programs))
        use_database(server)
        import django

        django.setup()
        database = stack.enter_context(empty_database(server))
        prepare()
        yield database


def prepare():
    """Does what an instance does before it migrates."""
    import prepare_database

    from django.db import connection
    from django.db.utils import Error

    try:
        # Creates the extensions that the engine needs, such as PostGIS.
        connection.prepare_database()
    except Error as error:
        raise NotChecked(f"the server lacks an extension: {str(error).strip()}") from error
    prepare_database.prepare_roles()


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


def build_running_tables(request, database):
    """Builds the running version's tables. Returns its columns, and why `migrate` would refuse the history."""
    running = request["running"]
    if "directory" in running:
        return run_baseline(running["directory"], request["uvPython"], database), []
    with zipfile.ZipFile(running["bundle"]) as bundle:
        names = bundle.namelist()
        reason = f"the running version's bundle has no {RECORD}"
        if RECORD in names:
            try:
                return build_from_record(json.loads(bundle.read(RECORD)))
            except Gap as error:
                reason = str(error)
        if "manage.py" not in names:
            raise NotChecked(f"{reason}, and the bundle does not contain its code")
        say(f"{reason}; using the running version's code")
        directory = os.path.join(tempfile.gettempdir(), "running-version")
        bundle.extractall(directory)
    return run_baseline(directory, request["uvPython"], database), []


def build_from_record(record):
    from django.db import connection
    from django.db.migrations.exceptions import NodeNotFoundError
    from history import executor_before, last_of, late_dependencies, shorten
    from model_columns import known_columns

    try:
        executor, applied, missing = executor_before(connection, [tuple(one) for one in record])
    except NodeNotFoundError as error:
        return {}, [str(error)]
    if missing:
        raise Gap(f"the checkout lacks migrations of the running version: {shorten(missing)}")
    refusals = late_dependencies(executor, applied)
    if refusals:
        return {}, refusals
    say(f"migrating an empty database to the running version ({len(applied)} migrations)")
    targets = last_of(executor, applied)
    executor.migrate(targets)
    return known_columns(executor.loader.project_state(targets).apps.get_models(include_auto_created=True)), []


def run_baseline(source, uv_python, database):
    """Runs this file in the running version's directory: with its Python if it has a uv.lock, otherwise with this one."""
    say("migrating an empty database with the running version's code")
    with tempfile.TemporaryDirectory() as directory:
        request, answer = (os.path.join(directory, name) for name in ("request.json", "answer.json"))
        with open(request, "w") as file:
            json.dump({"baseline": database}, file)
        has_lock = os.path.exists(os.path.join(source, "uv.lock"))
        command = [*(uv_python if has_lock else [sys.executable]), str(HERE / "check.py"), request, answer]
        result = subprocess.run(
            command,
            cwd=source,
            env={**os.environ, "UV_PROJECT_ENVIRONMENT": os.path.join(directory, "venv")},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if result.returncode != 0:
            raise NotChecked(f"the running version's code cannot build its tables here:\n{result.stdout[-3000:]}")
        with open(answer) as file:
            return json.load(file)


def baseline(database):
    """Migrates an empty database with the code in the current directory, and returns the columns of its models."""
    import django

    use_database(database)
    django.setup()
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor
    from model_columns import known_columns

    executor = MigrationExecutor(connection)
    leaves = executor.loader.graph.leaf_nodes()
    executor.migrate(leaves)
    return known_columns(executor.loader.project_state(leaves).apps.get_models(include_auto_created=True))


def check(request):
    with throwaway_database(request["databaseUrl"]) as database:
        import bridge_defaults
        import catalogue

        from compare import compare
        from django.db import connection
        from django.db.migrations.exceptions import InconsistentMigrationHistory, NodeNotFoundError
        from django.db.migrations.executor import MigrationExecutor
        from history import data_operations

        models, refusals = build_running_tables(request, database)
        if refusals:
            return {"refusals": refusals}
        old = catalogue.read(connection)
        try:
            executor = MigrationExecutor(connection)
            executor.loader.check_consistent_history(connection)
        except (InconsistentMigrationHistory, NodeNotFoundError) as error:
            return {"refusals": [str(error)]}
        conflicts = executor.loader.detect_conflicts()
        if conflicts:
            return {"refusals": [f"{app} has more than one last migration: {', '.join(names)}" for app, names in conflicts.items()]}
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
            return {"refusals": [f"{failed or 'the migration'} fails: {type(error).__name__}: {str(error).strip()}"]}
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
    began = time.monotonic()
    with open(sys.argv[1]) as file:
        request = json.load(file)
    # The application may print to standard output.
    if "baseline" in request:
        answer = baseline(request["baseline"])
    else:
        try:
            answer = check(request)
        except NotChecked as error:
            answer = {"notChecked": str(error)}
        answer["seconds"] = round(time.monotonic() - began, 1)
    with open(sys.argv[2], "w") as file:
        json.dump(answer, file)


if __name__ == "__main__":
    main()
