run() {
  systemd-run --unit=iaso-rehearsal --pipe --wait --quiet --collect "${limits[@]}" \
    --property=EnvironmentFile=/opt/elasticbeanstalk/deployment/env --setenv=HOME="$root" \
    --working-directory="$root" "$@"
}

# The version's own hook, in the folder of this run.
sed "s#/var/app/staging#$root#g" .platform/hooks/predeploy/02_install_packages.sh >install.sh
run bash install.sh >&2

# A file, because systemd expands variables in arguments.
cat >prepare.sh <<'END'
export DJANGO_SETTINGS_MODULE="${DJANGO_SETTINGS_MODULE:-hat.settings}" PYTHONPATH="$1" RDS_HOSTNAME="$2"
exec .venv/bin/python iaso-deploy/prepare_database.py
END
migrate run --uid=webapp --property=PrivateTmp=yes --property=ProtectSystem=strict --property=NoNewPrivileges=yes \
  --property=IPAddressDeny=any --property=IPAddressAllow="${allowed[*]}" bash prepare.sh "$root" "$host"
