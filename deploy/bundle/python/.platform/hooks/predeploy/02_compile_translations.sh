#!/bin/bash
# Django reads compiled message files, which are not under version control.
set -euo pipefail

cd /var/app/staging
# shellcheck disable=SC1090 # Beanstalk names the virtual environment.
source /var/app/venv/*/bin/activate
export DJANGO_SETTINGS_MODULE="${DJANGO_SETTINGS_MODULE:-hat.settings}"
export PYTHONPATH=/var/app/staging
python -m django compilemessages --verbosity 0
