"""Prepares the database for this version: roles, migrations, cache table.

Every instance of web and worker runs this before its new code serves requests. A PostgreSQL advisory lock admits one
instance at a time: the first migrates, the others wait and find nothing to do. The lock belongs to a separate session,
so PostgreSQL releases it however this process ends.

Exit code 0 means that the database is ready. With any other, Beanstalk stops the deployment on this instance.
"""

import json
import os
import socket
import sys
import time

import django

from django.core.management import call_command
from django.db import connection, connections

import bridge_defaults
import table_changes


# An arbitrary constant: "iaso" in ASCII.
LOCK = 0x6961736F

# Time limit for another instance's migrations, in seconds. Beanstalk's limit for a command
# (aws:elasticbeanstalk:command, Timeout) may be shorter.
WAIT = int(os.environ.get("IASO_MIGRATION_WAIT_SECONDS", "3000"))
REPORT_EVERY = 30

HOLDER = """
SELECT activity.application_name, now() - activity.backend_start
FROM pg_locks JOIN pg_stat_activity AS activity USING (pid)
WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = %s AND objsubid = 1
  AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

READ_ONLY_ROLE = "readonlyrole"

HERE = os.path.dirname(os.path.abspath(__file__))
# Written by the deploy tool before each switch; see deploy/knownMigrations.ts. The hook fetches it.
KNOWN = os.path.join(HERE, "known-migrations.json")
# The record of this version in its bundle.
VERSION = os.path.join(HERE, "version.json")


def say(message):
    print(f"prepare_database: {message}", flush=True)


def open_lock_session():
    """Opens a session for the lock, separate from the session of the migrations, which Django may close."""
    session = connection.copy()
    options = session.settings_dict.setdefault("OPTIONS", {})
    # A long migration leaves this session idle. Keepalives stop network devices from dropping it.
    options.update(keepalives=1, keepalives_idle=30, keepalives_interval=10, keepalives_count=6)
    options["application_name"] = f"iaso-migrate {socket.gethostname()}"[:63]
    return session


def acquire(cursor):
    deadline = time.monotonic() + WAIT
    next_report = time.monotonic()
    while True:
        # Polls instead of pg_advisory_lock, because a role may have a statement_timeout.
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if cursor.fetchone()[0]:
            return
        if time.monotonic() >= deadline:
            sys.exit(f"prepare_database: another instance has held the lock for more than {WAIT} seconds")
        if time.monotonic() >= next_report:
            cursor.execute(HOLDER, [LOCK])
            holder = cursor.fetchone()
            say("waiting" if holder is None else f"waiting for {holder[0]}, connected for {holder[1]}")
            next_report = time.monotonic() + REPORT_EVERY
        time.sleep(1)


def still_held(cursor):
    cursor.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = %s"
        " AND pid = pg_backend_pid()",
        [LOCK],
    )
    return cursor.fetchone()[0] == 1


def prepare_roles():
    """Creates the read-only role, which squashed migrations no longer create, and its login user.

    The role has no access to tables until a migration or an administrator grants it.
    """
    # Iaso uses psycopg2. The import is here so that tests can load this file without it.
    from psycopg2 import sql
    from psycopg2.extensions import encrypt_password

    with connection.cursor() as cursor:

        def exists(role):
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
            return cursor.fetchone() is not None

        role = sql.Identifier(READ_ONLY_ROLE)
        if not exists(READ_ONLY_ROLE):
            cursor.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
            cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role))
            say(f"made the role {READ_ONLY_ROLE}")
        name, password = os.environ.get("DB_READONLY_USERNAME"), os.environ.get("DB_READONLY_PASSWORD")
        if not name or not password:
            return
        if not exists(name):
            cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
            say(f"made the role {name}")
        # Sent as a SCRAM verifier, because the server may log statements, and with them the password.
        verifier = encrypt_password(password, name, connection.connection, "scram-sha-256")
        cursor.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(name), sql.Literal(verifier)))
        cursor.execute(
            "SELECT pg_has_role(%s, %s, 'MEMBER')",
            [name, READ_ONLY_ROLE],
        )
        if not cursor.fetchone()[0]:
            cursor.execute(sql.SQL("GRANT {} TO {}").format(role, sql.Identifier(name)))


def read_known():
    """Returns the names of the migrations that all versions have which may run, and whether this code must fit."""
    try:
        with open(KNOWN) as file:
            answer = json.load(file)
        with open(VERSION) as file:
            version = json.load(file)["version"]
        lists = [{".".join(one) for one in migrations or []} for migrations in answer["versions"].values()]
        # The label is the version and a digest. The version to which a failed rollback returns has to start in any case.
        return set.intersection(*lists), (answer["mustFit"] or "").rpartition("-")[0] == version
    except (OSError, ValueError, KeyError, TypeError) as error:
        say(f"no versions are known, so temporary defaults stay: {error}")
        return set(), False


def check_fit(must_fit):
    """Checks the code against what migrations did that it does not have. Django ignores them."""
    unknown, later = table_changes.unknown_migrations(connection)
    if not unknown:
        return
    say(f"the database has {len(unknown)} migrations that this code does not have, such as {unknown[-1]}")
    misfits = table_changes.find_misfits(connection, unknown, later)
    for one in misfits:
        say(f"this code may fail on the database: {one}")
    if misfits and must_fit:
        sys.exit("prepare_database: this code does not start, because it may fail on the database (--migrations-unchecked)")


def main():
    django.setup()
    session = open_lock_session()
    with session.cursor() as cursor:
        acquire(cursor)
        say("this instance has the lock")
        prepare_roles()
        known, must_fit = read_known()
        table_changes.create_table(connection)
        # Before anything is changed.
        check_fit(must_fit)
        bridge_defaults.drop_defaults(connection, known, say)
        # The old code serves until the switch ends, and after a rollback.
        bridge_defaults.keep_defaults(connection)
        table_changes.record_changes(connection)
        call_command("migrate", interactive=False)
        call_command("createcachetable")
        if not still_held(cursor):
            sys.exit("prepare_database: the lock was lost while migrating; look at the database before deploying again")
    session.close()
    connections.close_all()
    say("the database is ready")


if __name__ == "__main__":
    main()
