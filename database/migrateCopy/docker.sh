# Docker puts the container below this slice, whose limits apply to all that is in it.
{
  echo '[Slice]'
  for limit in "${limits[@]}"; do
    case $limit in
      *=CPUWeight=* | *=IOWeight=* | *=Memory*) echo "${limit#--property=}" ;;
    esac
  done
  echo IPAddressDeny=any
  echo "IPAddressAllow=${allowed[*]}"
} >/run/systemd/system/iasorehearsal.slice
systemctl daemon-reload
cat >rehearsal.yml <<END
services:
  iaso:
    cgroup_parent: iasorehearsal.slice
    oom_score_adj: 1000
    security_opt: [no-new-privileges:true]
END
compose=(docker compose --project-name iaso-rehearsal --file docker-compose.yml --file rehearsal.yml)
left=$(docker ps --all --quiet --filter label=com.docker.compose.project=iaso-rehearsal)
# Word splitting: one id in each line.
# shellcheck disable=SC2086
[[ -z $left ]] || docker rm --force $left >/dev/null

install --mode=600 /var/app/current/.env .env
value() { sed -n "s/^$1=//p" .env; }
AWS_S3_REGION_NAME=$(value AWS_S3_REGION_NAME) IMAGE_REPOSITORY=$(value IMAGE_REPOSITORY) \
  bash .platform/hooks/prebuild/01_registry_login.sh >&2
image=$("${compose[@]}" config --images iaso)
docker image inspect "$image" >/dev/null 2>&1 || trap 'rm -rf "$root"; docker image rm "$image" >/dev/null' EXIT
"${compose[@]}" pull --quiet iaso >&2

settings=$(value DJANGO_SETTINGS_MODULE)
migrate timeout --kill-after=60s 4h "${compose[@]}" run --rm --no-deps -T \
  --volume "$root/iaso-deploy:/opt/iaso-deploy:ro" \
  --env RDS_HOSTNAME="$host" --env DJANGO_SETTINGS_MODULE="${settings:-hat.settings}" --env PYTHONPATH=/opt/app \
  --entrypoint python iaso /opt/iaso-deploy/prepare_database.py
