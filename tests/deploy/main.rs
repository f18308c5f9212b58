//! What is shipped beside the binary must not rot: dashboard, alerts, image, compose files, units, manifests, and what the runbook
//! says about them. Small and without a router, so that it builds and runs apart from the end-to-end tests.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

mod compose;
mod image;
mod kubernetes;
mod numbers;
mod units;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use yaml_rust2::{Yaml, YamlLoader};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("`{path}`: {error}"))
}

/// Reads strictly: a key that is there twice, an anchor that is not there or a wrong indentation is an error.
fn documents(path: &str) -> Vec<Yaml> {
    YamlLoader::load_from_str(&text(path)).unwrap_or_else(|error| panic!("`{path}`: {error}"))
}

fn document(path: &str) -> Yaml {
    let mut all = documents(path);
    assert_eq!(all.len(), 1, "`{path}` is one document");
    all.remove(0)
}

/// Returns the names that a mapping has.
fn names(mapping: &Yaml) -> Vec<String> {
    let keys = mapping.as_hash().into_iter().flat_map(|hash| hash.keys());
    keys.map(|name| name.as_str().unwrap().to_owned()).collect()
}

fn items(list: &Yaml) -> &[Yaml] {
    list.as_vec().map_or(&[], Vec::as_slice)
}

/// Runs `opentrack check` on this configuration, with secrets of the length that production wants.
fn check(config: &str, variables: &[(&str, &str)]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    fs::write(&path, config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_opentrack"));
    command.env_clear().current_dir(dir.path()).arg("check").arg(&path);
    command.env("OPENTRACK__SERVER__DATA_DIR", dir.path().join("data"));
    command.env("SITE_SALT", "s".repeat(32)).env("JWT_SECRET", "j".repeat(32)).env("WEB_WRITE_KEY", "k");
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let words = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{words}");
    words.into_owned()
}

/// Returns a program of the system, or one that `scripts/test-deps.sh` has put below `target`; `None` where it may be missing.
#[expect(clippy::disallowed_methods, reason = "CI belongs to the test run, not to the router")]
fn program(name: &str, unpacked: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let own = root().join(unpacked);
    let found =
        std::env::split_paths(&paths).map(|dir| dir.join(name)).chain([own]).find(|path| path.is_file());
    if found.is_none() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "`{name}` is missing");
        eprintln!("SKIPPED: `{name}` is missing; run `make test-deps`");
    }
    found
}
