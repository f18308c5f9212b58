#!/usr/bin/env bash
# A throw-away PostgreSQL server, from the system's own programs, on a free port, in a folder that is gone afterwards.
#   scripts/with-postgres.sh COMMAND…   runs the command with OPENTRACK_TEST_POSTGRES, the address of a superuser
#   scripts/with-postgres.sh --control  prints that address and then obeys: a line `crash` or `start`, answered when it is
#                                       done. It ends with its input, so it never outlives whoever started it
# As root the server runs as `nobody`, since PostgreSQL refuses to run as root. Where there are no programs, the command runs
# without the variable and the tests that need it are skipped; with CI=true that is a failure.
set -euo pipefail

# The newest version; Debian keeps its programs outside of the PATH.
bin=$(find /usr/lib/postgresql -mindepth 3 -maxdepth 3 -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1 || true)
bin=${bin:-$(command -v initdb || true)}
if [ -z "$bin" ]; then
  if [ "${CI:-}" = true ]; then echo "with-postgres: FAILED: there is no initdb" >&2; exit 1; fi
  echo "with-postgres: SKIPPED: there is no initdb; the tests that need PostgreSQL are skipped too" >&2
  if [ "$1" = --control ]; then exit 0; fi
  exec "$@"
fi
bin=$(dirname "$(readlink -f "$bin")")

dir=$(mktemp -d "${TMPDIR:-/tmp}/opentrack-postgres.XXXXXX")
as=()
if [ "$(id -u)" = 0 ]; then
  chown nobody "$dir"
  as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
fi
port=

run() { (cd "$dir" && "${as[@]}" env -i HOME="$dir" PATH="$PATH" LC_ALL=C "$@"); }

start() {
  run "$bin/pg_ctl" -D "$dir/data" -w -t 60 -l "$dir/log" -o "-p $port -k $dir -c listen_addresses=127.0.0.1 \
    -c fsync=off -c full_page_writes=off -c shared_buffers=32MB -c max_connections=100" start >/dev/null
}

stop() { run "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1 || true; }

clean() {
  trap - EXIT
  [ -z "$port" ] || stop
  rm -rf "$dir"
}
trap clean EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

run "$bin/initdb" -D "$dir/data" -U ot -A trust --no-sync --no-locale -E UTF8 >/dev/null
# A port that is taken makes the start fail: another is tried. Below those that systems give to outgoing connections.
for _ in $(seq 20); do
  port=$((16000 + RANDOM % 16000))
  if start; then break; fi
  tail -n 3 "$dir/log" >&2
  port=
done
[ -n "$port" ] || { echo "with-postgres: FAILED: the server does not start" >&2; exit 1; }
export OPENTRACK_TEST_POSTGRES="postgres://ot@127.0.0.1:$port/postgres"

if [ "$1" != --control ]; then
  "$@"
  exit
fi
echo "$OPENTRACK_TEST_POSTGRES"
while read -r order; do
  case "$order" in
    crash) stop; echo done ;;
    start) start; echo done ;;
    *) echo "unknown: $order" ;;
  esac
done
