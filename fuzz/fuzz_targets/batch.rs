//! A batch body.
#![no_main]

use libfuzzer_sys::fuzz_target;
use opentrack::spec::{Endpoint, fuzzed};

fuzz_target!(|bytes: &[u8]| fuzzed::body(bytes, Endpoint::Batch));
