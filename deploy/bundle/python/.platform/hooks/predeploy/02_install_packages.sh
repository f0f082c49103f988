#!/bin/bash
# Installs the packages of this version into a virtual environment of its own, from the wheels that the build collected.
# Nothing comes from outside the account, and nothing is resolved again. The virtual environment moves with the
# application from staging to current: programs in it start with "python -m", because their scripts name staging.
set -euo pipefail

cd /var/app/staging
umask 022
list=/var/app/staging/iaso-deploy/wheels.txt
# /tmp is in memory on Amazon Linux 2023.
export TMPDIR=/var/tmp
downloads=$(mktemp --directory)
trap 'rm -rf "$downloads"' EXIT

paths=()
filters=()
while read -r _ path; do
  paths+=("$path")
  filters+=(--include "$path")
done <"$list"
aws s3 cp "s3://$ARTIFACTS_BUCKET/wheels/" "$downloads" --region "$AWS_S3_REGION_NAME" \
  --recursive --only-show-errors --exclude '*' "${filters[@]}"
cd "$downloads"
sha256sum --check --strict --quiet "$list"

unset PYTHONPATH
/usr/bin/python3.9 -m venv --clear /var/app/staging/.venv
/var/app/staging/.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-cache-dir \
  --no-index --no-deps "${paths[@]}"
if ! /var/app/staging/.venv/bin/python -c "import gunicorn"; then
  echo "The locked packages lack gunicorn: add it to the dependency group prod (uv add --group prod gunicorn)." >&2
  exit 1
fi
