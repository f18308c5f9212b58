//! A configuration file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use opentrack::config::fuzzed;

fuzz_target!(|bytes: &[u8]| fuzzed::file(bytes));
