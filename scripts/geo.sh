#!/usr/bin/env bash
# Fetches a free file of countries by address for `[geo] database`, from the package that publishes it on npm: CC0, so that
# nobody has to be named. Puts it into data/geo/country.mmdb, or into the file that is named.
set -euo pipefail
target=${1:-data/geo/country.mmdb}
package=@ip-location-db/geo-whois-asn-country-mmdb
command -v npm >/dev/null || { echo "geo: npm is missing; any file of MaxMind's format will do" >&2; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
archive=$(npm pack --silent --pack-destination "$folder" "$package")
tar -xzf "$folder/$archive" -C "$folder"
mkdir -p "$(dirname "$target")"
# Renamed into its place, so that a running router never reads half of it.
cp "$folder/package/geo-whois-asn-country.mmdb" "$target.new"
mv "$target.new" "$target"
echo "geo: $target, $(stat -c %s "$target") bytes; set \`[geo] database = \"$target\"\`"
