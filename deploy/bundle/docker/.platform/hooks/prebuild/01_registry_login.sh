#!/bin/bash
# Logs in to the environment's own repository in Amazon ECR, with the instance's role.
set -euo pipefail

aws ecr get-login-password --region "$AWS_S3_REGION_NAME" |
  docker login --username AWS --password-stdin "${IMAGE_REPOSITORY%%/*}"
