//! `opentrack import segment|rudderstack FILE`: writes a configuration from an exported workspace.
//!
//! Takes over sources with their write keys, and destinations that exist here with the settings that have the same meaning. A secret
//! is never copied: it becomes a variable. What is not taken over stands in the file as a comment.

mod read;
mod write;

use std::path::PathBuf;

use clap::ValueEnum;

use super::Exit;
use super::new_file;
use super::out::Out;

/// Whose export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Origin {
    /// Answers of the Public API: `GET /sources`, `/destinations`, `/warehouses`, one after the other in one file
    Segment,
    /// `workspaceConfig` of the control plane, or the file of its config generator
    Rudderstack,
}

/// What to import, as written on the command line.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Asked {
    /// Whose export
    origin: Origin,
    /// The export, JSON
    file: PathBuf,
    /// The file to write; `-` for standard output
    #[arg(long, value_name = "FILE", default_value = "config.toml")]
    output: PathBuf,
}

/// Writes the configuration.
pub(super) fn import(asked: &Asked, out: &mut Out) -> Exit {
    let shown = asked.file.display();
    let text = match std::fs::read_to_string(&asked.file) {
        Ok(text) => text,
        Err(error) => {
            out.error(&format!("could not read `{shown}`: {error}"));
            return Exit::Usage;
        }
    };
    let workspace = match read::workspace(asked.origin, &text) {
        Ok(workspace) => workspace,
        Err(problem) => {
            out.error(&format!("`{shown}`: {problem}"));
            return Exit::Usage;
        }
    };
    let made = write::config(&workspace);
    if asked.output.as_os_str() == "-" {
        out.text(&made.text);
        return Exit::Fine;
    }
    let written = new_file::expect_none(&asked.output, out)
        .and_then(|()| new_file::write(&asked.output, &made.text, out));
    match written {
        Ok(()) => {
            if workspace.is_cut {
                out.error(
                    "the export ends with a page that is not the last one: what comes after it is missing",
                );
            }
            told(asked, &made, out)
        }
        Err(exit) => exit,
    }
}

fn told(asked: &Asked, made: &write::Made, out: &mut Out) -> Exit {
    let file = asked.output.display().to_string();
    let write::Made { sources, destinations, unknown, variables, .. } = made;
    if out.json {
        out.value(&serde_json::json!({
            "file": file, "sources": sources, "destinations": destinations, "unknown": unknown,
            "variables": variables,
        }));
        return Exit::Fine;
    }
    out.line(&format!("wrote {file}: {sources} sources, {destinations} destinations"));
    if !unknown.is_empty() {
        out.line(&format!("not there: {}", unknown.join(", ")));
    }
    if !variables.is_empty() {
        out.line(&format!("to be set: {}", variables.join(", ")));
    }
    Exit::Fine
}

#[cfg(test)]
mod tests;
