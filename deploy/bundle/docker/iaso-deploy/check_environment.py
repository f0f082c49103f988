"""Checks, in the container, that its variables have the values that Elastic Beanstalk holds.

Docker Compose reads the file .env by rules of its own: it replaces $NAME, and takes quotes and " #" for syntax. A
changed key would not be noticed before data is written with it. Standard input has one line for each variable: its
name and the SHA-256 of its value. Names are printed, values and digests never.
"""

import hashlib
import os
import sys


def main():
    changed = []
    for line in sys.stdin:
        name, expected = line.split()
        value = os.environ.get(name, "")
        if hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest() != expected:
            changed.append(name)
    if changed:
        sys.exit(
            f"check_environment: Docker Compose changes the value of {', '.join(changed)}."
            " Use values without $, quotes, backslashes and spaces before #."
        )


if __name__ == "__main__":
    main()
