//! The path and the headers of a request: cookies, credentials, origins, addresses of proxies.
#![no_main]

use libfuzzer_sys::fuzz_target;
use opentrack::http::fuzzed;

fuzz_target!(|bytes: &[u8]| fuzzed::request(bytes));
