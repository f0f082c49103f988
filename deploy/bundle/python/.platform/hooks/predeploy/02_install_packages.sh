#!/bin/bash
# Installs the packages of this version into a virtual environment of its own, from the wheels that the build collected.
# Nothing comes from outside the account, and nothing is resolved again. The virtual environment moves with the
# application from staging to current: programs in it start with "python -m", because their scripts name staging.
set -euo pipefail

cd /var/app/staging
umask 022
list=/var/app/staging/iaso-deploy/wheels.txt
# In the application's file system, so that uv links the files instead of copying them.
downloads=$(mktemp --directory --tmpdir=/var/app/staging)
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
# uv unpacks and compiles on all cores, pip on one.
/usr/bin/python3.9 -m zipfile --extract ./*/uv-[0-9]*.whl installer
uv=$(echo "$downloads"/installer/uv-*.data/scripts/uv)
chmod 755 "$uv"
# Settings of the application are for its developers' uv.
options=(--quiet --offline --no-config --cache-dir "$downloads/cache")
"$uv" venv "${options[@]}" --clear --no-project --python /usr/bin/python3.9 /var/app/staging/.venv
"$uv" pip install "${options[@]}" --python /var/app/staging/.venv/bin/python \
  --no-index --no-deps --compile-bytecode "${paths[@]}"
if ! /var/app/staging/.venv/bin/python -c "import gunicorn"; then
  echo "The locked packages lack gunicorn: add it to the dependency group prod (uv add --group prod gunicorn)." >&2
  exit 1
fi
