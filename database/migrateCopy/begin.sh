#!/bin/bash
# Migrates a copy of the database with another version of Iaso, beside the version that serves on this instance. Run
# Command runs this as root: the variables copy, host, url and digest, this file, then that of the platform.
#
# Nothing of the version that serves is changed. The other version is in a folder of its own, its processes have limits,
# and the kernel ends them first if memory is short. While it migrates, it reaches the copy only: no queue, no bucket, no
# mail server, and no credentials of the instance.
set -euo pipefail
umask 022

root=/var/app/rehearsal
result=/run/iaso-rehearsal-$copy
limits=(--property=CPUWeight=10 --property=IOWeight=10 --property=MemoryMax=40% --property=MemorySwapMax=0
  --property=OOMScoreAdjust=1000 --property=RuntimeMaxSec=4h)

# A request that is repeated because its answer was lost starts this twice.
exec 9>/run/iaso-rehearsal.lock
flock 9
if [[ -e $result ]]; then
  cat "$result"
  exit
fi
# A run that Systems Manager ended may have left its processes.
systemctl stop iaso-rehearsal.service 2>/dev/null || true
rm -rf "$root"
mkdir -p "$root"
trap 'rm -rf "$root"' EXIT
cd "$root"

curl --silent --show-error --fail --output bundle.zip "$url"
if [[ $(sha256sum <bundle.zip) != "$digest"* ]]; then
  echo "The bundle has another digest than the label of the version." >&2
  exit 1
fi
/usr/bin/python3.9 -m zipfile --extract bundle.zip .

# The addresses that the migrations reach.
allowed=()
while read -r address; do allowed+=("$address"); done < <(
  getent ahosts "$host" | cut -d ' ' -f 1 | sort -u
  sed -n 's/^nameserver *//p' /etc/resolv.conf
)

# Runs the migrations, and prints how many there were, and the seconds of both steps.
migrate() {
  local prepared=$SECONDS
  if ! "$@" >migrate.log 2>&1; then
    tail -n 40 migrate.log >&2
    exit 1
  fi
  echo "migrated $(grep -c '^  Applying ' migrate.log || true) $prepared $((SECONDS - prepared))" | tee "$result"
}
