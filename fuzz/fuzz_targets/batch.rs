//! A batch body.
#![no_main]

use libfuzzer_sys::fuzz_target;
use opentrack::spec::Endpoint;

fuzz_target!(|bytes: &[u8]| opentrack_fuzz::check(bytes, Endpoint::Batch));
