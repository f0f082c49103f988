#!/bin/bash
# Stops the deployment if Docker Compose passes the application another value than Beanstalk has; see
# iaso-deploy/check_environment.py. Only digests of the values leave this shell, through a pipe.
set -euo pipefail

cd /var/app/staging
digests() {
  sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p' .env | sort -u | while read -r name; do
    case $name in
      # The shell or the image may set these variables itself, so their values may differ.
      PATH | HOME | USER | PWD | SHLVL | LANG | LC_ALL | TZ | PYTHONPATH | PYTHONUNBUFFERED | _) continue ;;
    esac
    if [[ -v $name ]]; then
      printf '%s %s\n' "$name" "$(printf %s "${!name}" | sha256sum | cut -d ' ' -f 1)"
    fi
  done
}
digests | docker compose run --rm --no-deps -T \
  --volume /var/app/staging/iaso-deploy:/opt/iaso-deploy:ro \
  --entrypoint python \
  iaso /opt/iaso-deploy/check_environment.py
