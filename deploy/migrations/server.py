"""A PostgreSQL server of our own in a temporary directory, for one check."""

import contextlib
import glob
import os
import secrets
import shutil
import subprocess
import tempfile
import time


# PostgreSQL's programs are not on the PATH on Debian and its like, Red Hat's packages, Homebrew and Postgres.app.
PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
START_SECONDS = 60


def find_programs():
    """Returns the directory of a server that has PostGIS; of any server if none has; None if there is no server."""
    directories = os.environ.get("PATH", "").split(os.pathsep)
    directories += sorted((path for place in PLACES for path in glob.glob(place)), reverse=True)
    servers = [one for one in directories if os.access(os.path.join(one, "initdb"), os.X_OK)]
    return next(filter(has_postgis, servers), servers[0] if servers else None)


def has_postgis(programs):
    try:
        command = [os.path.join(programs, "pg_config"), "--sharedir"]
        shared = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        # Debian has the program only in a package for developers; there, the name of the directory tells the version.
        shared = "/usr/share/postgresql/" + os.path.basename(os.path.dirname(programs))
    return os.path.exists(os.path.join(shared, "extension", "postgis.control"))


@contextlib.contextmanager
def running_server(programs):
    """Runs a server that only this process can reach, and yields Django's settings of its database."""
    # A path of a socket may have about 100 characters.
    directory = tempfile.mkdtemp(prefix="pg-")
    process = None
    try:
        prefix = []
        if os.geteuid() == 0:
            # The server refuses to run as root. In a user namespace root has another number, and keeps its files.
            prefix = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
            if subprocess.run([*prefix, "true"], stderr=subprocess.DEVNULL).returncode != 0:
                prefix = ["runuser", "-u", "postgres", "--"]
                shutil.chown(directory, "postgres")
        data = os.path.join(directory, "data")
        password = secrets.token_hex(16)
        path = os.path.join(directory, "password")
        with open(path, "w") as file:
            file.write(password)
        if prefix[:1] == ["runuser"]:
            shutil.chown(path, "postgres")

        def run(program, *arguments, **options):
            command = [*prefix, os.path.join(programs, program), *arguments]
            return subprocess.Popen(command, cwd=directory, text=True, **options)

        arguments = ["-D", data, "-U", "iaso", "-A", "scram-sha-256", "--pwfile", path, "-E", "UTF8", "--locale=C"]
        initdb = run("initdb", *arguments, "--no-sync", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output, _ = initdb.communicate()
        if initdb.returncode != 0:
            raise RuntimeError(f"initdb failed:\n{output}")
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": directory,
            "dynamic_shared_memory_type": "mmap",
            "max_connections": "20",
            # The database is thrown away.
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
        }
        log = os.path.join(directory, "log")
        with open(log, "w") as file:
            options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
            process = run("postgres", "-D", data, *options, stdout=file, stderr=file)
        wait_until_ready(process, os.path.join(data, "postmaster.pid"), log)
        yield {"HOST": directory, "PORT": "", "NAME": "postgres", "USER": "iaso", "PASSWORD": password}
    finally:
        if process is not None:
            # Immediate shutdown: nothing has to be saved.
            stop(process, os.path.join(directory, "data", "postmaster.pid"))
        shutil.rmtree(directory, ignore_errors=True)


def wait_until_ready(process, pid_file, log):
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(OSError), open(pid_file) as file:
            if file.read().rstrip().endswith("ready"):
                return
        if process.poll() is not None or time.monotonic() > deadline:
            with open(log) as file:
                raise RuntimeError(f"PostgreSQL did not start:\n{file.read()}")
        time.sleep(0.05)


def stop(process, pid_file):
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        # A signal for runuser does not reach the server.
        process.kill()
    with contextlib.suppress(OSError, ValueError):
        with open(pid_file) as file:
            os.kill(int(file.readline()), 3)
