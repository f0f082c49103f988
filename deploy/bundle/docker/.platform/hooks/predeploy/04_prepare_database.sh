#!/bin/bash
# Migrates the database before the new containers serve requests. A failed migration stops the deployment while the
# old containers still run.
set -euo pipefail

cd /var/app/staging
docker compose run --rm --no-deps -T \
  --volume /var/app/staging/iaso-deploy:/opt/iaso-deploy:ro \
  --env DJANGO_SETTINGS_MODULE="${DJANGO_SETTINGS_MODULE:-hat.settings}" \
  --env PYTHONPATH=/opt/app \
  --entrypoint python \
  iaso /opt/iaso-deploy/prepare_database.py
