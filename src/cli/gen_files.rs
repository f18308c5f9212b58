//! `opentrack gen`: writes the shipped files, so that they say what the program does. A test compares the committed ones.

use std::path::Path;

use super::Exit;
use super::out::Out;
use crate::config::shipped;

/// Writes every generated file below `directory`.
pub(super) fn write(directory: &Path, out: &mut Out) -> Exit {
    for (name, text) in [("config.toml", shipped::config_toml()), ("env.example", shipped::env_example())] {
        let path = directory.join(name);
        if let Err(error) = std::fs::write(&path, text) {
            out.error(&format!("could not write `{}`: {error}", path.display()));
            return Exit::Failed;
        }
    }
    Exit::Fine
}
