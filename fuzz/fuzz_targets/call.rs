//! A single call.
#![no_main]

use libfuzzer_sys::fuzz_target;
use opentrack::spec::{Endpoint, Kind, fuzzed};

fuzz_target!(|bytes: &[u8]| fuzzed::body(bytes, Endpoint::One(Kind::Track)));
