#!/usr/bin/env bash
# A throw-away Redis server, from the system's own programs, on a free port, in a folder that is gone afterwards.
#   scripts/with-redis.sh COMMAND…   runs the command with OPENTRACK_TEST_REDIS, the address of the server
#   scripts/with-redis.sh --control  prints that address and then obeys: a line `crash` or `start`, answered when it is done.
#                                    It ends with its input, so it never outlives whoever started it
# What was acknowledged survives a crash. Where there are no programs, the command runs without the variable and the tests that
# need it are skipped; with CI=true that is a failure.
set -euo pipefail
name=with-redis dir='' port='' pid=''
# shellcheck source=scripts/throw-away-server.sh
source "$(dirname "$0")/throw-away-server.sh"

# Debian's redis-tools has the server too: redis-check-rdb is the same program under another name, and no service comes with it.
bin=$(command -v redis-server || command -v redis-check-rdb || true)
[ -n "$bin" ] || without "there is no redis-server" "$@"

# Answers PONG once the server is ready, whatever it asks for before it says more.
is_up() { (exec 3<>"/dev/tcp/127.0.0.1/$port" && printf 'PING\r\n' >&3 && read -r -t 1 answer <&3 && [[ $answer == +PONG* || $answer == -NOAUTH* ]]) 2>/dev/null; }

# Another server on the port would answer too: this one must live then.
start() {
  (cd "$dir" && exec -a redis-server "$bin" --port "$port" --bind 127.0.0.1 --dir "$dir" --save '' --appendonly yes \
    --appendfsync always --daemonize no >>"$dir/log" 2>&1 </dev/null) &
  pid=$!
  for _ in $(seq 200); do
    if is_up; then kill -0 "$pid" 2>/dev/null; return; fi
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

prepare
begin
serve OPENTRACK_TEST_REDIS "redis://127.0.0.1:$port" "$@"
