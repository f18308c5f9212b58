#!/usr/bin/env bash
# Fuzzes every target of fuzz/ for FUZZ_SECONDS on the stable compiler: libFuzzer's instrumentation is a pass of LLVM and
# needs no nightly. The fuzz crate is outside of the package and has a target directory of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-60}
if [ ! -f fuzz/Cargo.toml ]; then
  echo "fuzz: there is no fuzz/Cargo.toml" >&2
  exit 1
fi
triple=$(rustc -vV | sed -n 's/^host: //p')
export CARGO_TARGET_DIR=$PWD/target/fuzz
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Cdebug-assertions --cfg fuzzing"
# The versions that the router is built with; cargo adds the fuzzer's own.
cp Cargo.lock fuzz/Cargo.lock
cargo build --manifest-path fuzz/Cargo.toml --release --target "$triple"
for source in fuzz/fuzz_targets/*.rs; do
  name=$(basename "$source" .rs)
  found=target/fuzz/found/$name
  mkdir -p "fuzz/corpus/$name" "$found"
  echo "fuzz: $name for $seconds s"
  # New inputs go to the first directory; the committed corpus is only read.
  "$CARGO_TARGET_DIR/$triple/release/$name" -max_total_time="$seconds" -artifact_prefix="$found/" "$found" "fuzz/corpus/$name"
done
