//! The writer of every command: answers on standard output, what is wrong on standard error.
//!
//! A reader that went away (`| head`) is no failure; a full disk is one, since half an answer looks like a whole one.

use std::io::{ErrorKind, Write};

/// Where a command writes.
pub(super) struct Out {
    stdout: Box<dyn Write>,
    stderr: Box<dyn Write>,
    /// Answer in JSON.
    pub(super) json: bool,
    /// A part of the answer could not be written.
    pub(super) is_cut: bool,
    /// Nobody reads the answer any more.
    pub(super) is_closed: bool,
}

impl Out {
    /// Returns the streams of this process.
    pub(super) fn of_process() -> Out {
        Out::new(Box::new(std::io::stdout()), Box::new(std::io::stderr()))
    }

    /// Returns a writer to these two.
    pub(super) fn new(stdout: Box<dyn Write>, stderr: Box<dyn Write>) -> Out {
        Out { stdout, stderr, json: false, is_cut: false, is_closed: false }
    }

    /// Writes one line of the answer.
    pub(super) fn line(&mut self, text: &str) {
        self.text(&format!("{text}\n"));
    }

    /// Writes a part of the answer as it stands.
    pub(super) fn text(&mut self, text: &str) {
        let written = self.stdout.write_all(text.as_bytes()).and_then(|()| self.stdout.flush());
        let Err(error) = written else { return };
        self.is_closed |= error.kind() == ErrorKind::BrokenPipe;
        if error.kind() != ErrorKind::BrokenPipe && !self.is_cut {
            self.is_cut = true;
            self.error(&format!("the answer could not be written: {error}"));
        }
    }

    /// Writes one line about what is wrong.
    pub(super) fn error(&mut self, text: &str) {
        self.stderr.write_all(format!("{text}\n").as_bytes()).unwrap_or_default();
    }

    /// Writes a JSON value on one line.
    pub(super) fn value(&mut self, value: &serde_json::Value) {
        self.line(&value.to_string());
    }
}
