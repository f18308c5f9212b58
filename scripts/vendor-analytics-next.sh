#!/usr/bin/env bash
# Fetches the browser library that `/analytics.js/v1/KEY/analytics.min.js` serves: scripts/vendor-analytics-next.sh VERSION
# Nothing of it is changed. Beside it stand the same bytes packed, since they never change while the router runs.
set -euo pipefail
cd "$(dirname "$0")/.."
version=${1:?a version of @segment/analytics-next}
home=$PWD/web/vendor/analytics-next
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# npm compares the archive with the registry's hash.
(cd "$dir" && npm pack --silent "@segment/analytics-next@$version" >/dev/null && tar xzf ./*.tgz)
mkdir -p "$home"
cp "$dir/package/dist/umd/standalone.js" "$home/standalone.js"
cp "$dir/package/LICENSE.MD" "$home/LICENSE"
node -e '
  const fs = require("fs"), zlib = require("zlib"), file = process.argv[1], raw = fs.readFileSync(file)
  fs.writeFileSync(file + ".gz", zlib.gzipSync(raw, { level: 9 }))
  fs.writeFileSync(file + ".br", zlib.brotliCompressSync(raw, { params: {
    [zlib.constants.BROTLI_PARAM_QUALITY]: 11, [zlib.constants.BROTLI_PARAM_SIZE_HINT]: raw.length } }))
' "$home/standalone.js"
cat >"$home/README.md" <<TEXT
# @segment/analytics-next $version

\`standalone.js\` is \`dist/umd/standalone.js\` of the npm package, unchanged; \`LICENSE\` (MIT) is the package's own. \`.gz\` and \`.br\` hold the
same bytes. Made by \`scripts/vendor-analytics-next.sh $version\`.

SHA-256 of \`standalone.js\`: \`$(sha256sum "$home/standalone.js" | cut -d' ' -f1)\`
TEXT
