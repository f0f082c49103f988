#!/bin/bash
# Migrates the database before the new code serves requests. A failed migration stops the deployment while the old
# code still runs.
set -euo pipefail

cd /var/app/staging
export DJANGO_SETTINGS_MODULE="${DJANGO_SETTINGS_MODULE:-hat.settings}"
export PYTHONPATH=/var/app/staging
.venv/bin/python iaso-deploy/prepare_database.py
