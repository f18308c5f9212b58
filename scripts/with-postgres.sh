#!/usr/bin/env bash
# A throw-away PostgreSQL server, from the system's own programs, on a free port, in a folder that is gone afterwards.
#   scripts/with-postgres.sh COMMAND…   runs the command with OPENTRACK_TEST_POSTGRES, the address of a superuser
#   scripts/with-postgres.sh --control  prints that address and then obeys: a line `crash` or `start`, answered when it is
#                                       done. It ends with its input, so it never outlives whoever started it
# As root the server runs as `nobody`, since PostgreSQL refuses to run as root. Where there are no programs, the command runs
# without the variable and the tests that need it are skipped; with CI=true that is a failure.
set -euo pipefail
name=with-postgres dir='' port=''
# shellcheck source=scripts/throw-away-server.sh
source "$(dirname "$0")/throw-away-server.sh"

# The newest version; Debian keeps its programs outside of the PATH.
bin=$(find /usr/lib/postgresql -mindepth 3 -maxdepth 3 -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1 || true)
bin=${bin:-$(command -v initdb || true)}
[ -n "$bin" ] || without "there is no initdb" "$@"
bin=$(dirname "$(readlink -f "$bin")")

run() { (cd "$dir" && "${as[@]}" env -i HOME="$dir" PATH="$PATH" LC_ALL=C "$@"); }

start() {
  run "$bin/pg_ctl" -D "$dir/data" -w -t 60 -l "$dir/log" -o "-p $port -k $dir -c listen_addresses=127.0.0.1 \
    -c fsync=off -c full_page_writes=off -c shared_buffers=32MB -c max_connections=100" start >/dev/null
}

stop() { run "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1 || true; }

as=()
prepare
if [ "$(id -u)" = 0 ]; then
  chown nobody "$dir"
  as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
fi
run "$bin/initdb" -D "$dir/data" -U ot -A trust --no-sync --no-locale -E UTF8 >/dev/null
begin
serve OPENTRACK_TEST_POSTGRES "postgres://ot@127.0.0.1:$port/postgres" "$@"
