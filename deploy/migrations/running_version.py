"""The running version: builds its tables, and tells the columns that its models know."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile

from pathlib import Path

from temporary_database import NotChecked, say, use_database


HERE = Path(__file__).resolve().parent

# The migrations that a version knows, which the build writes into its bundle.
RECORD = "iaso-deploy/migrations.json"

SHOWN_CHARACTERS = 3000


class Refused(Exception):
    """`migrate` would refuse the history. The argument is the list of reasons."""


class Gap(Exception):
    """The checkout's migrations cannot build the running version's tables."""


class RunningVersion:
    """
    The running version, of which there is a bundle, or a directory with its code.

    As a context, it lists the migrations of a directory in a process of its own while this process starts the code of
    the checkout, and a server.
    """

    def __init__(self, running, uv_python):
        self.bundle = running.get("bundle")
        self.directory = running.get("directory")
        self.uv_python = uv_python
        self.lister = None

    def __enter__(self):
        self.temporary = tempfile.TemporaryDirectory()
        if self.directory:
            self.lister = self.start("list_migrations.py", self.path_of("migrations.json"))
        return self

    def __exit__(self, *_):
        if self.lister is not None and self.lister.poll() is None:
            self.lister.terminate()
            self.lister.communicate()
        self.temporary.cleanup()

    def build_tables(self, database):
        """
        Returns the columns that the running version's models know, as `known_columns` does; None if the checkout has no
        migration that the running version lacks: then the tables are not built.

        :raises Refused: if `migrate` would refuse the checkout's migrations.
        """
        record, reason = self.read_record()
        if record is not None:
            try:
                return build_from_record(record)
            except Gap as error:
                reason = str(error)
        if not self.directory:
            self.unpack(reason)
        say(f"{reason}; using the running version's code")
        return self.build_with_code(database)

    def read_record(self):
        """Returns the list of the migrations, or None and the reason."""
        if self.bundle:
            with zipfile.ZipFile(self.bundle) as bundle:
                if RECORD in bundle.namelist():
                    return json.loads(bundle.read(RECORD)), None
                return None, f"the running version's bundle has no {RECORD}"
        output, _ = self.lister.communicate()
        if self.lister.returncode != 0:
            raise NotChecked(f"the running version's code does not start here:\n{output[-SHOWN_CHARACTERS:]}")
        with open(self.path_of("migrations.json")) as file:
            return json.load(file), None

    def unpack(self, reason):
        with zipfile.ZipFile(self.bundle) as bundle:
            if "manage.py" not in bundle.namelist():
                raise NotChecked(f"{reason}, and the bundle does not contain its code")
            self.directory = self.path_of("code")
            bundle.extractall(self.directory)

    def build_with_code(self, database):
        """Builds the tables with the version's own code, which check.py runs in a process of its own."""
        request, answer = self.path_of("request.json"), self.path_of("answer.json")
        with open(request, "w") as file:
            json.dump({"baseline": database}, file)
        process = self.start("check.py", request, answer)
        output, _ = process.communicate()
        if process.returncode != 0:
            raise NotChecked(f"the running version's code cannot build its tables here:\n{output[-SHOWN_CHARACTERS:]}")
        with open(answer) as file:
            return json.load(file)

    def start(self, script, *arguments):
        """Starts a script in the directory: with the directory's Python if it has a uv.lock, otherwise with this one."""
        has_lock = os.path.exists(os.path.join(self.directory, "uv.lock"))
        return subprocess.Popen(
            [*(self.uv_python if has_lock else [sys.executable]), str(HERE / script), *arguments],
            cwd=self.directory,
            env={**os.environ, "UV_PROJECT_ENVIRONMENT": self.path_of("venv")},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def path_of(self, name):
        return os.path.join(self.temporary.name, name)


def build_from_record(record):
    from django.db import connection
    from django.db.migrations.exceptions import NodeNotFoundError
    from history import executor_before, last_of, late_dependencies, shorten
    from model_columns import known_columns

    try:
        executor, applied, missing = executor_before(connection, [tuple(one) for one in record])
    except NodeNotFoundError as error:
        raise Refused([str(error)]) from error
    if missing:
        raise Gap(f"the checkout lacks migrations of the running version: {shorten(missing)}")
    refusals = late_dependencies(executor, applied)
    if refusals:
        raise Refused(refusals)
    loader = executor.loader
    if applied == set(loader.graph.nodes) and not loader.detect_conflicts():
        return None
    say(f"migrating an empty database to the running version ({len(applied)} migrations)")
    targets = last_of(executor, applied)
    executor.migrate(targets)
    return known_columns(loader.project_state(targets).apps.get_models(include_auto_created=True))


def build_own(database):
    """Builds the tables of the code in the current directory, and returns the columns that its models know."""
    import django

    use_database(database)
    django.setup()
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor
    from model_columns import known_columns

    say("migrating an empty database with the running version's code")
    executor = MigrationExecutor(connection)
    leaves = executor.loader.graph.leaf_nodes()
    executor.migrate(leaves)
    return known_columns(executor.loader.project_state(leaves).apps.get_models(include_auto_created=True))
