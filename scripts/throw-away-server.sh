#!/usr/bin/env bash
# What with-postgres.sh and with-redis.sh have in common; they source it and say the rest. A server runs in a folder that is gone
# afterwards, on a free port, while a command runs or until the input ends (`--control`), whatever ends the script.
#   They set `name`, `dir` and `port` (empty), and define `start`, which returns false when the server does not come up on `port`,
#   `stop`, which ends it as a power cut would, also when there is none, and `serve VARIABLE ADDRESS COMMAND…` is called last.

# For where there are no programs: runs the command without the server, or fails where CI=true says that it must be there.
without() {
  local what=$1; shift
  if [ "${CI:-}" = true ]; then echo "$name: FAILED: $what" >&2; exit 1; fi
  echo "$name: SKIPPED: $what; the tests that need it are skipped too" >&2
  if [ "$1" = --control ]; then exit 0; fi
  exec "$@"
}

# Makes `dir`, and has everything cleaned up at the end.
prepare() {
  dir=$(mktemp -d "${TMPDIR:-/tmp}/opentrack-$name.XXXXXX")
  trap clean EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

clean() {
  trap - EXIT
  stop
  rm -rf "$dir"
}

# Starts the server. A port that is taken makes the start fail: another is tried. Below those that systems give to outgoing
# connections.
begin() {
  local try
  for try in $(seq 20); do
    port=$((16000 + RANDOM % 16000))
    if start; then return 0; fi
    stop
    tail -n 3 "$dir/log" >&2
    port=
  done
  echo "$name: FAILED: the server does not start" >&2
  exit 1
}

# Runs the command, which finds the address in the variable; or prints the address and obeys.
serve() {
  local order
  export "$1=$2"
  if [ "$3" != --control ]; then
    "${@:3}"
    exit
  fi
  echo "$2"
  while read -r order; do
    case "$order" in
      crash) stop; echo done ;;
      start) start; echo done ;;
      *) echo "unknown: $order" ;;
    esac
  done
}
