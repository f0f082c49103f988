#!/bin/bash
# Django reads compiled message files, which are not under version control. Those of packages are compiled already.
set -euo pipefail

cd /var/app/staging
export DJANGO_SETTINGS_MODULE="${DJANGO_SETTINGS_MODULE:-hat.settings}"
export PYTHONPATH=/var/app/staging
.venv/bin/python -m django compilemessages --verbosity 0 --ignore .venv
