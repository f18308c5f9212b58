//! The tracker of `web/tracker`, in a real Chromium, against the real router; and whether what is checked in is what its
//! source makes.
//!
//! The tests themselves are those of `web/tracker/test`, run by Node.js: one process, and so one browser and one router, for
//! each of its files. `make test` installs what they need; without it they are skipped loudly, or fail with CI=true.

use std::path::Path;
use std::process::Command;

use crate::support::{chromium, web_node};

/// Runs a file of `web/tracker/test` and fails with what it said.
fn run(file: &str, prepare: impl FnOnce(&mut Command)) {
    let Some(mut node) = web_node("tracker") else { return };
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
fn the_tracker_is_built_from_its_source_and_fits_its_budgets() {
    run("test/build.test.mjs", |_| {});
}

#[test]
fn the_tracker_starts_and_sees_what_happens_on_a_page() {
    browse("test/browser/page.test.mjs");
}

#[test]
fn the_tracker_delivers_and_obeys_the_visitor() {
    browse("test/browser/delivery.test.mjs");
}

#[test]
fn what_the_guides_say_works_when_it_is_pasted() {
    browse("test/browser/guides.test.mjs");
}
