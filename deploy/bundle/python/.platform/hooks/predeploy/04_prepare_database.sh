#!/bin/bash
# Migrates the database before the new code serves requests. A failed migration stops the deployment while the old
# code still runs.
set -euo pipefail

cd /var/app/staging
export DJANGO_SETTINGS_MODULE="${DJANGO_SETTINGS_MODULE:-hat.settings}"
export PYTHONPATH=/var/app/staging
# The first deployment of a stack finds none.
aws s3 cp "s3://$ARTIFACTS_BUCKET/wheels/known-migrations.json" iaso-deploy/known-migrations.json \
  --region "$AWS_S3_REGION_NAME" --only-show-errors || rm -f iaso-deploy/known-migrations.json
.venv/bin/python iaso-deploy/prepare_database.py
