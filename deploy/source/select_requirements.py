"""Selects the locked requirements that apply to the servers' Python, whatever Python and system this machine has.

pip evaluates environment markers for the Python that runs it, also where it downloads for another one. Standard input
is a requirements file with pinned versions; standard output is the same file without markers. The arguments are the
Python version of the servers and the project's requires-python. Exit code 3: requires-python excludes that version.
"""

import re
import sys

from packaging.markers import Marker
from packaging.specifiers import SpecifierSet


def main(python, requires_python):
    if not SpecifierSet(requires_python).contains(python):
        sys.exit(3)
    target = {
        "extra": "",
        "implementation_name": "cpython",
        "implementation_version": python,
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": python,
        "python_version": ".".join(python.split(".")[:2]),
        "sys_platform": "linux",
    }
    for line in re.sub(r"\\\r?\n", " ", sys.stdin.read()).splitlines():
        requirement, *hashes = re.split(r"\s+(?=--hash=)", line.strip())
        # A URL can contain a semicolon, but none beside a space.
        requirement, *marker = re.split(r"\s+;\s*|;\s+", requirement, maxsplit=1)
        if requirement == "" or requirement.startswith("#"):
            continue
        if not marker or Marker(marker[0]).evaluate(target):
            print(requirement, *hashes)


main(*sys.argv[1:])
