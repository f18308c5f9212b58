#!/usr/bin/env bash
# Installs the unmodified client libraries that the end-to-end tests drive:
#   target/sdk/node         from tests/it/sdk/package.json (and its lock file)
#   target/sdk/python/NAME  from tests/it/sdk/requirements/NAME.txt; a folder each, their modules are not to mix
#                           (chdb among them: ClickHouse's engine, for the tests of that warehouse)
#   target/sdk/rust         from tests/it/sdk/rust, a project of its own
# and, for the tests of the tracker and of the console, node_modules of each from its lock file and Debian's Chromium.
# And Debian's PostgreSQL, Redis and nginx, where the system has none, and promtool, which reads the alerts.
# A folder whose list has not changed is left alone. What cannot be had is skipped loudly, or fails with CI=true.
set -euo pipefail
cd "$(dirname "$0")/.."
lists=tests/it/sdk
home=target/sdk

cannot() {
  if [ "${CI:-}" = true ]; then
    echo "test-deps: FAILED: $1" >&2
    exit 1
  fi
  echo "test-deps: SKIPPED: $1; the tests that need it are skipped too" >&2
}

# Prints the hash of these files; those that do not exist count as empty.
hash_of() { cat "$@" 2>/dev/null | sha256sum | cut -d' ' -f1; }

# True when the folder was made from the same list.
is_fresh() { [ "$(cat "$1/.stamp" 2>/dev/null)" = "$2" ]; }

# Puts a finished folder in its place, so that a broken installation is never taken for a whole one.
publish() {
  echo "$3" >"$1/.stamp"
  chmod 755 "$1"
  rm -rf "$2"
  mv "$1" "$2"
}

install_node() {
  local stamp new
  stamp=$(hash_of "$lists/package.json" "$lists/package-lock.json")
  if is_fresh "$home/node" "$stamp"; then return; fi
  if ! command -v npm >/dev/null; then cannot "npm is missing"; return; fi
  new=$(mktemp -d "$home/node.XXXXXX")
  cp "$lists/package.json" "$new/"
  local verb=install
  if [ -f "$lists/package-lock.json" ]; then cp "$lists/package-lock.json" "$new/"; verb=ci; fi
  echo "test-deps: installing the Node.js libraries into $home/node"
  if (cd "$new" && npm "$verb" --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null >/dev/null); then
    publish "$new" "$home/node" "$stamp"
  else
    rm -rf "$new"
    cannot "npm $verb failed"
  fi
}

# Prints a command that behaves like pip: Python's own, one from a virtual environment, or Debian's package.
find_pip() {
  if python3 -m pip --version >/dev/null 2>&1; then echo "python3 -m pip"; return; fi
  if python3 -m venv "$home/venv" >/dev/null 2>&1; then echo "$home/venv/bin/pip"; return; fi
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    if apt-get update -qq >&2 && apt-get install -y -qq --no-install-recommends python3-pip >&2; then
      echo "python3 -m pip"
      return
    fi
  fi
  return 1
}

# Installs one list of exact versions and hashes. It names all that is needed: what else a package asks for is not.
install_python() {
  local list=$1 name stamp new pip
  name=$(basename "$list" .txt)
  stamp=$(hash_of "$list")
  if is_fresh "$home/python/$name" "$stamp"; then return; fi
  if ! command -v python3 >/dev/null; then cannot "python3 is missing"; return; fi
  if ! pip=$(find_pip); then cannot "neither pip nor a virtual environment can be had"; return; fi
  mkdir -p "$home/python"
  new=$(mktemp -d "$home/python/new.XXXXXX")
  echo "test-deps: installing the Python library $name into $home/python/$name"
  # shellcheck disable=SC2086
  if $pip install --quiet --disable-pip-version-check --no-input --root-user-action=ignore --require-hashes --no-deps \
    --target "$new" -r "$list" </dev/null; then
    publish "$new" "$home/python/$name" "$stamp"
  else
    rm -rf "$new"
    cannot "pip install $name failed"
  fi
}

install_rust() {
  local stamp new
  stamp=$(hash_of "$lists/rust/Cargo.toml" "$lists/rust/Cargo.lock" "$lists/rust/src/main.rs")
  if is_fresh "$home/rust" "$stamp"; then return; fi
  if ! command -v cargo >/dev/null; then cannot "cargo is missing"; return; fi
  new=$(mktemp -d "$home/rust.XXXXXX")
  echo "test-deps: building the driver of the Rust library into $home/rust"
  if cargo build --quiet --locked --manifest-path "$lists/rust/Cargo.toml" --target-dir "$new/target" </dev/null; then
    mv "$new"/target/debug/segment-driver* "$new/"
    rm -rf "$new/target"
    publish "$new" "$home/rust" "$stamp"
  else
    rm -rf "$new"
    cannot "cargo build of $lists/rust failed"
  fi
}

# Debian's package makes a server of its own and starts it unless it is told not to; tests start theirs by themselves.
install_postgres() {
  if command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then return; fi
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    cannot "PostgreSQL is missing, and can be installed only by root of a Debian system"
    return
  fi
  echo "test-deps: installing PostgreSQL"
  mkdir -p /etc/postgresql-common
  if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
  fi
  if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql; } >&2 </dev/null; then
    cannot "apt-get install postgresql failed"
  fi
}

# The tools hold the server's program under another name, and no service that would be started.
install_redis() {
  if command -v redis-server >/dev/null || command -v redis-check-rdb >/dev/null; then return; fi
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    cannot "Redis is missing, and can be installed only by root of a Debian system"
    return
  fi
  echo "test-deps: installing Redis"
  if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends redis-tools; } >&2 </dev/null; then
    cannot "apt-get install redis-tools failed"
  fi
}

# Only the program, for `nginx -t`: it is unpacked and not installed, so that no service comes with it, and anybody may.
install_nginx() {
  local new
  if command -v nginx >/dev/null || "$home/nginx/usr/sbin/nginx" -v 2>/dev/null; then return; fi
  if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    cannot "nginx is missing, and can be had only on a Debian system"
    return
  fi
  echo "test-deps: unpacking nginx into $home/nginx"
  if [ "$(id -u)" = 0 ]; then apt-get update -qq >&2 </dev/null || true; fi
  new=$(mktemp -d "$home/nginx.XXXXXX")
  if (cd "$new" && apt-get download -qq nginx && dpkg-deb -x nginx_*.deb . && usr/sbin/nginx -v) >&2 </dev/null; then
    publish "$new" "$home/nginx" unpacked
  else
    rm -rf "$new"
    cannot "apt-get download nginx failed, or it does not run here"
  fi
}

# Unpacked and not installed: the package would start a server. Anybody may do that.
install_promtool() {
  if command -v promtool >/dev/null || [ -x target/promtool/usr/bin/promtool ]; then return; fi
  if ! command -v apt-get >/dev/null; then cannot "promtool is missing, and Debian's package cannot be had"; return; fi
  local new
  new=$(mktemp -d target/promtool.XXXXXX)
  echo "test-deps: unpacking promtool into target/promtool"
  if [ "$(id -u)" = 0 ]; then apt-get update -qq >&2 </dev/null || true; fi
  if (cd "$new" && apt-get download -qq prometheus && dpkg-deb -x prometheus_*.deb .) >&2 </dev/null; then
    rm -rf target/promtool "$new"/prometheus_*.deb "$new/usr/bin/prometheus" "$new/usr/share"
    chmod 755 "$new"
    mv "$new" target/promtool
  else
    rm -rf "$new"
    cannot "apt-get download prometheus failed"
  fi
}

# The packages of a project below web/, in their own place: editors and `npm run` look for them there.
install_web() {
  local project=web/$1 stamp
  stamp=$(hash_of "$project/package.json" "$project/package-lock.json")
  if is_fresh "$project/node_modules" "$stamp"; then return; fi
  if ! command -v npm >/dev/null; then cannot "npm is missing"; return; fi
  echo "test-deps: installing the packages of $project"
  if (cd "$project" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null >/dev/null); then
    echo "$stamp" >"$project/node_modules/.stamp"
  else
    cannot "npm ci in $project failed"
  fi
}

install_chromium() {
  if command -v chromium >/dev/null; then return; fi
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    cannot "Chromium is missing, and can be installed only by root of a Debian system"
    return
  fi
  echo "test-deps: installing Chromium"
  if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >&2 </dev/null; then
    cannot "apt-get install chromium failed"
  fi
}

mkdir -p "$home"
install_postgres
install_redis
install_nginx
install_chromium
install_promtool
install_web tracker
install_web console
install_node
for list in "$lists"/requirements/*.txt; do install_python "$list"; done
install_rust
