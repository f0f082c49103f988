#!/bin/bash
# Logs in to the registry of the application's image, where that needs a login: Amazon ECR with the instance's
# role, another registry with the variables DOCKER_REGISTRY_USERNAME and DOCKER_REGISTRY_PASSWORD.
set -euo pipefail

cd /var/app/staging
image=$(sed -n 's/^ *image: *//p' docker-compose.yml | head -n 1)
registry=${image%%/*}
if [[ $registry =~ \.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com$ ]]; then
  aws ecr get-login-password --region "${BASH_REMATCH[1]}" |
    docker login --username AWS --password-stdin "$registry"
elif [[ -n ${DOCKER_REGISTRY_USERNAME:-} && -n ${DOCKER_REGISTRY_PASSWORD:-} ]]; then
  docker login --username "$DOCKER_REGISTRY_USERNAME" --password-stdin "$registry" <<<"$DOCKER_REGISTRY_PASSWORD"
fi
