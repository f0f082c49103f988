#!/bin/bash
# Pulls the images while the old containers still serve requests.
set -euo pipefail

cd /var/app/staging
docker compose pull --quiet
