#!/usr/bin/env bash
# A throw-away Redis server, from the system's own programs, on a free port, in a folder that is gone afterwards.
#   scripts/with-redis.sh COMMAND…   runs the command with OPENTRACK_TEST_REDIS, the address of the server
#   scripts/with-redis.sh --control  prints that address and then obeys: a line `crash` or `start`, answered when it is done.
#                                    It ends with its input, so it never outlives whoever started it
# What was acknowledged survives a crash. Where there are no programs, the command runs without the variable and the tests that
# need it are skipped; with CI=true that is a failure.
set -euo pipefail

# Debian's redis-tools has the server too: redis-check-rdb is the same program under another name, and no service comes with it.
bin=$(command -v redis-server || command -v redis-check-rdb || true)
if [ -z "$bin" ]; then
  if [ "${CI:-}" = true ]; then echo "with-redis: FAILED: there is no redis-server" >&2; exit 1; fi
  echo "with-redis: SKIPPED: there is no redis-server; the tests that need Redis are skipped too" >&2
  if [ "$1" = --control ]; then exit 0; fi
  exec "$@"
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/opentrack-redis.XXXXXX")
port=
pid=

# Answers PONG once the server is ready, whatever it asks for before it says more.
is_up() { (exec 3<>"/dev/tcp/127.0.0.1/$port" && printf 'PING\r\n' >&3 && read -r -t 1 answer <&3 && [[ $answer == +PONG* || $answer == -NOAUTH* ]]) 2>/dev/null; }

start() {
  (cd "$dir" && exec -a redis-server "$bin" --port "$port" --bind 127.0.0.1 --dir "$dir" --save '' --appendonly yes \
    --appendfsync always --daemonize no >>"$dir/log" 2>&1 </dev/null) &
  pid=$!
  for _ in $(seq 200); do
    if is_up; then return 0; fi
    kill -0 "$pid" 2>/dev/null || return 1
    sleep 0.05
  done
  return 1
}

stop() {
  [ -n "$pid" ] || return 0
  kill -9 "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  pid=
}

clean() {
  trap - EXIT
  stop
  rm -rf "$dir"
}
trap clean EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# A port that is taken makes the start fail: another is tried. Below those that systems give to outgoing connections.
for _ in $(seq 20); do
  port=$((16000 + RANDOM % 16000))
  if start && kill -0 "$pid" 2>/dev/null; then break; fi
  stop
  tail -n 3 "$dir/log" >&2
  port=
done
[ -n "$port" ] || { echo "with-redis: FAILED: the server does not start" >&2; exit 1; }
export OPENTRACK_TEST_REDIS="redis://127.0.0.1:$port"

if [ "$1" != --control ]; then
  "$@"
  exit
fi
echo "$OPENTRACK_TEST_REDIS"
while read -r order; do
  case "$order" in
    crash) stop; echo done ;;
    start) start; echo done ;;
    *) echo "unknown: $order" ;;
  esac
done
