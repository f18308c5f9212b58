//! What fuzzers begin with, and what they once found, tried again with every run of the tests: no fuzzer and no other compiler
//! is needed for that. Each file in `fuzz/corpus/TARGET` is one input; a bounded number of others is made of them, always the same.
//! With `FUZZ_SECONDS` in the environment others are made for so long: blind, but fast, and without instrumentation.

use std::path::{Path, PathBuf};

use crate::spec::{Endpoint, Kind};

/// Inputs that are made of each file.
const MADE: u32 = 40;

/// Tries each input of a target, and some that differ from it a little.
fn replay(target: &str, check: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 2, "{} has no inputs", folder.display());
    let inputs: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
    for (file, bytes) in files.iter().zip(&inputs) {
        let mut dice = fastrand::Rng::with_seed(bytes.len() as u64);
        tried(&file.display().to_string(), bytes, &check);
        for _ in 0..MADE {
            tried(target, &changed(bytes.clone(), &mut dice), &check);
        }
    }
    go_on(target, &inputs, &check);
}

/// Goes on with chance for as long as the environment says.
#[expect(clippy::disallowed_methods, reason = "a test that is asked for more by whoever runs it")]
fn go_on(target: &str, inputs: &[Vec<u8>], check: &impl Fn(&[u8])) {
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let (begun, mut tries) = (std::time::Instant::now(), 0_u64);
    while begun.elapsed().as_secs() < seconds {
        let mut bytes = fastrand::choice(inputs).cloned().unwrap_or_default();
        for _ in 0..fastrand::usize(1..8) {
            bytes = changed(bytes, &mut fastrand::Rng::new());
        }
        if fastrand::u8(..) < 32 {
            let other = fastrand::choice(inputs).cloned().unwrap_or_default();
            bytes.truncate(fastrand::usize(0..=bytes.len()));
            bytes.extend_from_slice(&other[fastrand::usize(0..=other.len())..]);
        }
        tried(target, &bytes, check);
        tries += 1;
    }
    if tries > 0 {
        eprintln!("{target}: {tries} inputs in {seconds} s");
    }
}

/// Says which input it was when the check fails.
fn tried(name: &str, bytes: &[u8], check: &impl Fn(&[u8])) {
    let check = std::panic::AssertUnwindSafe(|| check(bytes));
    if let Err(panic) = std::panic::catch_unwind(check) {
        eprintln!("{name}: {}", bytes.escape_ascii());
        std::panic::resume_unwind(panic);
    }
}

fn changed(mut bytes: Vec<u8>, dice: &mut fastrand::Rng) -> Vec<u8> {
    for _ in 0..dice.usize(1..4) {
        let at = dice.usize(0..=bytes.len());
        match dice.u8(0..5) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, dice.u8(..)),
            2 if at < bytes.len() => bytes[at] ^= 1 << dice.u8(0..8),
            3 if at < bytes.len() => drop(bytes.remove(at)),
            _ => {
                let again = bytes[at.saturating_sub(16)..at].to_vec();
                bytes.splice(at..at, again);
            }
        }
    }
    bytes
}

#[test]
fn fuzzed_bodies() {
    replay("call", |bytes| crate::spec::fuzzed::body(bytes, Endpoint::One(Kind::Track)));
    replay("batch", |bytes| crate::spec::fuzzed::body(bytes, Endpoint::Batch));
}

#[test]
fn fuzzed_signatures() {
    replay("signature", crate::spec::fuzzed::signature);
}

#[test]
fn fuzzed_tables() {
    replay("planner", crate::warehouse::fuzzed::planner);
}

#[test]
fn fuzzed_configurations() {
    replay("config", crate::config::fuzzed::file);
}

#[test]
fn fuzzed_requests() {
    replay("request", crate::http::fuzzed::request);
}

#[test]
fn fuzzed_journals() {
    replay("recovery", |bytes| {
        let dir = tempfile::tempdir().unwrap();
        crate::journal::embedded::fuzzed::recovery(dir.path(), bytes);
    });
}
