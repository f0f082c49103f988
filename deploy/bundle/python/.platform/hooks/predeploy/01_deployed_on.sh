#!/bin/bash
# The application shows when this version was deployed. The date cannot be part of the bundle, which is the same
# for every deployment of a version, so it is written here; the application reads .env beside its variables.
set -euo pipefail

cd /var/app/staging
umask 022
echo "DEPLOYED_ON=$(date --utc +%Y-%m-%dT%H:%M:%SZ)" >.env
