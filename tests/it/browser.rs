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
fn the_trackers_source_keeps_its_rules_and_its_documentation() {
    run("test/source.test.mjs", |_| {});
}

#[test]
fn the_tracker_starts_and_sees_clicks_and_errors() {
    browse("test/browser/events.test.mjs");
}

#[test]
fn the_tracker_sees_every_view_and_how_long_it_was_looked_at() {
    browse("test/browser/views.test.mjs");
}

#[test]
fn the_tracker_loses_no_event_and_sends_none_twice() {
    browse("test/browser/delivery.test.mjs");
}

#[test]
fn the_tracker_knows_its_visitor_and_obeys_them() {
    browse("test/browser/visitor.test.mjs");
}

#[test]
fn the_warehouse_has_every_event_once_whatever_happened() {
    browse("test/browser/witness.test.mjs");
}

#[test]
fn the_router_serves_and_hears_its_own_tracker() {
    browse("test/browser/router.test.mjs");
}

#[test]
fn what_the_guides_say_works_when_it_is_pasted() {
    browse("test/browser/guides.test.mjs");
}
