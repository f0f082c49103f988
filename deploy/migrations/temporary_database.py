"""An empty database for one check, on the server of a URL or on a server of our own."""

import contextlib
import secrets
import sys

from urllib.parse import unquote, urlsplit


class NotChecked(Exception):
    """The check cannot be made here. The message says why."""


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
