//! The tables and columns of an event.
#![no_main]

use libfuzzer_sys::fuzz_target;
use opentrack::warehouse::fuzzed;

fuzz_target!(|bytes: &[u8]| fuzzed::planner(bytes));
