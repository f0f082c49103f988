#!/bin/bash
# The application shows when this version was deployed. The date cannot be part of the bundle, which is the same
# for every deployment of a version, so it is written here.
set -euo pipefail

cd /var/app/staging
echo "DEPLOYED_ON=$(date --utc +%Y-%m-%dT%H:%M:%SZ)" >deployed-on.env
