#!/bin/bash
# Migrates the database before the new containers serve requests. A failed migration stops the deployment while the
# old containers still run.
set -euo pipefail

cd /var/app/staging
# The container's user reads the file.
umask 022
# The first deployment of a stack finds none.
aws s3 cp "s3://$ARTIFACTS_BUCKET/wheels/known-migrations.json" iaso-deploy/known-migrations.json \
  --region "$AWS_S3_REGION_NAME" --only-show-errors || rm -f iaso-deploy/known-migrations.json
docker compose run --rm --no-deps -T \
  --volume /var/app/staging/iaso-deploy:/opt/iaso-deploy:ro \
  --env DJANGO_SETTINGS_MODULE="${DJANGO_SETTINGS_MODULE:-hat.settings}" \
  --env PYTHONPATH=/opt/app \
  --entrypoint python \
  iaso /opt/iaso-deploy/prepare_database.py
