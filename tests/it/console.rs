//! The console of `web/console`, in a real Chromium, against the real router; and whether what is checked in is what its
//! source makes.
//!
//! The tests themselves are those of `web/console/test`, run by Node.js. `make test` installs what they need; without it they
//! are skipped loudly, or fail with CI=true.

use std::path::Path;
use std::process::Command;

use crate::support::{chromium, web_node};

/// Runs a file of `web/console/test` and fails with what it said.
fn run(file: &str, prepare: impl FnOnce(&mut Command)) {
    let Some(mut node) = web_node("console") else { return };
    prepare(&mut node);
    let output = node.args(["--test", "--test-reporter=spec", file]).output().expect("Node.js starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}

fn browse(file: &str) {
    let Some(browser) = chromium() else { return };
    run(file, |node| {
        node.env("CHROMIUM", browser).env("OPENTRACK", Path::new(env!("CARGO_BIN_EXE_opentrack")));
    });
}

#[test]
fn the_console_is_built_from_its_source_and_fits_its_budget() {
    run("test/build.test.mjs", |_| {});
}

#[test]
fn the_consoles_source_keeps_its_rules() {
    run("test/source.test.mjs", |_| {});
}

#[test]
fn the_console_shows_what_there_is_to_every_eye() {
    browse("test/browser/walk.test.mjs");
}

#[test]
fn a_revoked_key_is_found_and_repaired_within_the_console() {
    browse("test/browser/repair.test.mjs");
}
