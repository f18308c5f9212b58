//! What must hold for any configuration: for fuzzers, and for what fuzzers once found.
//!
//! Not in the router that is published. A check fails by a panic.

use std::path::PathBuf;

use super::environment::Environment;
use super::load::{Document, Source, interpret};
use crate::destinations::ENTRIES;

/// Reads `bytes` as a configuration file. What is wrong with it is said; what is right can be shown without a secret.
pub fn file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let document = Document {
        label: "config.toml".to_owned(),
        text: text.to_owned(),
        directory: PathBuf::from("/nowhere"),
        path: None,
        entries: ENTRIES,
    };
    let secret = "planted-secret-of-the-environment";
    let environment = Environment::from_iter([("SECRET", secret), ("JWT_SECRET", secret)]);
    let source = Source::Named(PathBuf::from("config.toml"));
    let said = match interpret(&document, &environment, &source) {
        Ok(loaded) => format!("{:?}", loaded.settings.destinations.len()),
        Err(problems) => problems.to_string(),
    };
    assert!(!said.is_empty(), "refused without a reason");
}
