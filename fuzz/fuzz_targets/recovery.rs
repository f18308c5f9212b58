//! The files of a journal at a start.
#![no_main]

use libfuzzer_sys::fuzz_target;
use opentrack::journal::embedded::fuzzed;

fuzz_target!(|bytes: &[u8]| {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    fuzzed::recovery(dir.path(), bytes);
});
