#!/bin/bash
# Pulled while the old containers still serve.
set -euo pipefail

cd /var/app/staging
docker compose pull --quiet
