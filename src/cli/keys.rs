//! `opentrack keys new`: a write key that nobody can guess. `opentrack keys password`: the hash of a password. Stores nothing.

use std::io::{BufRead, IsTerminal, Read};

use super::Exit;
use super::out::Out;
use crate::config;

/// Longest password in bytes: nobody remembers more, and nothing endless is read.
const LONGEST: u64 = 1_024;

/// Prints a new write key.
pub(super) fn new(out: &mut Out) -> Exit {
    let key: String = config::random_text().chars().take(40).collect();
    if out.json {
        out.value(&serde_json::json!({ "write_key": key }));
    } else {
        out.line(&key);
    }
    Exit::Fine
}

/// Prints the hash of the password that is the first line of `input`. A password in an argument would stand in the history of
/// the shell and in the list of processes.
pub(super) fn password(input: &mut dyn BufRead, out: &mut Out) -> Exit {
    if std::io::stdin().is_terminal() {
        out.error("the password (what is typed is seen; `read -rs P; printf %s \"$P\" | opentrack keys password` hides it):");
    }
    let mut line = String::new();
    if let Err(error) = input.take(LONGEST + 1).read_line(&mut line) {
        out.error(&format!("could not read the password: {error}"));
        return Exit::Usage;
    }
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() || line.len() as u64 > LONGEST {
        out.error(&format!("standard input must hold a password of at most {LONGEST} bytes"));
        return Exit::Usage;
    }
    match config::password::hash(password, uuid::Uuid::new_v4().as_bytes()) {
        Ok(hash) if out.json => out.value(&serde_json::json!({ "password_hash": hash })),
        Ok(hash) => out.line(&hash),
        Err(error) => {
            out.error(&error);
            return Exit::Failed;
        }
    }
    out.error("put it between single quotes: in .env and in a shell, `$` begins a variable");
    Exit::Fine
}
