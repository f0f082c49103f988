"""Writes the migrations of the checkout in the current directory to the file named as the argument, as JSON."""

import json
import os
import sys

from pathlib import Path


sys.path[0:1] = [os.getcwd(), str(Path(__file__).resolve().parent)]


def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hat.settings")
    import django

    django.setup()
    from history import known_migrations

    with open(sys.argv[1], "w") as file:
        json.dump(known_migrations(), file)


if __name__ == "__main__":
    main()
