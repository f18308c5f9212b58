//! What tells two configurations of one destination apart without keeping or showing its secrets.

use std::fmt;

use sha2::{Digest, Sha256};

use super::node::{Node, Origin, Table, Value};

/// A digest of everything that a destination is configured with, secrets and variables included.
///
/// Equal for equal settings, wherever in the file they stand. Never shown: a short secret could be guessed from it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Returns the fingerprint of a table as it was read, and of the settings that were made of it.
    pub(super) fn of(table: Option<&Table>, own: &toml::Table) -> Fingerprint {
        let written = table.cloned().unwrap_or_default();
        let written = Node { origin: Origin::File(0), value: Value::Table(written), raw: None }.to_toml();
        let mut digest = Sha256::new();
        for text in [written.to_string(), own.to_string()] {
            digest.update(text.len().to_le_bytes());
            digest.update(text);
        }
        Fingerprint(digest.finalize().into())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(…)")
    }
}
