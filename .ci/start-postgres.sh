#!/usr/bin/env bash
# A PostgreSQL server for the tests, without a port: prints the address to put into CLIENTCARE_POSTGRES.
#   export CLIENTCARE_POSTGRES=$(.ci/start-postgres.sh)      start (and install where apt-get can)
#   .ci/start-postgres.sh stop                               stop and remove
set -euo pipefail
home=${CLIENTCARE_POSTGRES_HOME:-/tmp/clientcare-postgres}
find_bin() { ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1; }
as_postgres() { if [ "$(id -u)" = 0 ]; then su postgres -s /bin/bash -c "$1"; else bash -c "$1"; fi; }

bin=$(find_bin)
if [ "${1:-start}" = stop ]; then
    as_postgres "'$bin/pg_ctl' -D '$home/data' -m immediate stop" >/dev/null 2>&1 || true
    rm -rf "$home"
    exit 0
fi
if [ -z "$bin" ]; then
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql; } >&2
    bin=$(find_bin)
fi
if [ ! -d "$home/data" ]; then
    mkdir -p "$home/socket"
    if [ "$(id -u)" = 0 ]; then chown -R postgres "$home"; fi
    chmod 755 "$home" "$home/socket"
    as_postgres "'$bin/initdb' -D '$home/data' -U postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8" >&2
fi
if ! as_postgres "'$bin/pg_ctl' -D '$home/data' status" >/dev/null 2>&1; then
    as_postgres "'$bin/pg_ctl' -D '$home/data' -w -l '$home/log' -o \"-c listen_addresses='' -c unix_socket_directories='$home/socket' -c fsync=off\" start" >&2
fi
echo "postgresql+psycopg://postgres@/postgres?host=$home/socket"
