//! A signed request.
#![no_main]

use libfuzzer_sys::fuzz_target;
use opentrack::spec::fuzzed;

fuzz_target!(|bytes: &[u8]| fuzzed::signature(bytes));
