"""Checks in the container that its environment variables have the same values as in Elastic Beanstalk.

Docker Compose interprets the file .env: it replaces $NAME, and quotes and " #" are syntax. Without this check, a changed
key would be noticed only after data is written with it. Standard input has one line for each variable: its name and the
SHA-256 of its value. The script prints names, but never values or digests.
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
