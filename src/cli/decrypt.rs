//! `opentrack decrypt`: what `encrypt` has made unreadable, for whoever has the key; or the same under a new key.
//!
//! Standard input goes line by line to standard output: JSON of any layout, CSV, or bare values, as a warehouse writes them out.
//! What is not encrypted passes through byte for byte. Never says a key, and keeps nothing.

mod lines;

use std::io::BufRead;

use clap::Args;

use self::lines::{Reader, Work};
use super::Exit;
use super::out::Out;
use crate::config::Settings;

/// What is asked for.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// The JSON pointer that the values were encrypted by; may be given more than once. Default: all that the configuration names
    #[arg(long = "field", value_name = "POINTER")]
    fields: Vec<String>,
    /// Write what the newest key makes of it instead of the value, so that an old key can go
    #[arg(long)]
    rotate: bool,
}

/// Reads `input` to its end. Fails when a value cannot be read; such a one passes through as it is.
pub(super) fn decrypt(settings: &Settings, asked: &Asked, input: &mut dyn BufRead, out: &mut Out) -> Exit {
    let Some(keyring) = &settings.privacy.keyring else {
        out.error("there is no key: `encryption_keys` in [privacy] (PII_KEY) has none");
        return Exit::Secret;
    };
    let fields = if asked.fields.is_empty() { fields_of(settings) } else { asked.fields.clone() };
    if fields.is_empty() {
        out.error("the configuration encrypts nothing: say what it was, `--field /traits/email`");
        return Exit::Usage;
    }
    let work = if asked.rotate { Work::Renew } else { Work::Open };
    let mut reader = Reader::new((keyring, &fields), work);
    if let Err(error) = pass(&mut reader, input, out) {
        out.error(&format!("standard input could not be read: {error}"));
        return Exit::Failed;
    }
    let newest = keyring.newest();
    reader.tally().words(asked.rotate.then_some(&*newest)).iter().for_each(|line| out.error(line));
    if reader.tally().is_whole() { Exit::Fine } else { Exit::Failed }
}

fn pass(reader: &mut Reader<'_>, input: &mut dyn BufRead, out: &mut Out) -> std::io::Result<()> {
    let mut line = String::new();
    while !out.is_closed && !out.is_cut && input.read_line(&mut line)? > 0 {
        out.text(&reader.line(&line));
        line.clear();
    }
    Ok(())
}

/// Returns the pointers of everything that is encrypted for some destination, each once.
fn fields_of(settings: &Settings) -> Vec<String> {
    let everywhere = settings.privacy.encrypt.iter().map(|rule| rule.pointer().to_string());
    let own = settings.destinations.iter().flat_map(|one| one.discretion.privacy.encrypted());
    let mut fields: Vec<String> = everywhere.chain(own).collect();
    fields.sort_unstable();
    fields.dedup();
    fields
}

#[cfg(test)]
mod tests;
