//! A single call.
#![no_main]

use libfuzzer_sys::fuzz_target;
use opentrack::spec::{Endpoint, Kind};

fuzz_target!(|bytes: &[u8]| opentrack_fuzz::check(bytes, Endpoint::One(Kind::Track)));
