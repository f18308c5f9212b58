//! `[sources.NAME]`: who may send events, by write key and by origin.
//!
//! A write key is a secret: it is compared here and never shown.

use std::collections::BTreeSet;

use secrecy::SecretString;

use super::environment::Environment;
use super::node::{Node, Origin};
use super::read;
use super::section::{Section, Wrong};
use super::settings::Source;
use crate::spec::signature::Signer;

/// Reads every table of `[sources]`.
pub(super) fn sources(section: &mut Section<'_>, environment: &Environment) -> Vec<Source> {
    let shared_origins =
        environment.filled("CORS_ORIGINS").map(|text| every_source_without_its_own(section, text));
    let shared_origins = shared_origins.unwrap_or_default();
    let mut seen = BTreeSet::new();
    let names: Vec<&str> = section.rest().into_iter().map(|(name, _)| name).collect();
    let read_one = |name| section.within(name, |table| source(name, table, &shared_origins, &mut seen));
    names.into_iter().map(read_one).collect()
}

/// Names of what is no source: of events that the router itself makes, such as carts that were left, and of the sites beyond
/// those that are told apart.
const RESERVED: [&str; 2] = ["opentrack", "(other)"];

fn source(name: &str, section: &mut Section<'_>, shared: &[String], seen: &mut BTreeSet<String>) -> Source {
    if RESERVED.contains(&name) {
        section.this_is_wrong("the name is reserved for the router itself; choose another one");
    }
    let write_keys = section.value("write_keys", Vec::new(), read::list(write_key));
    let is_left_out = || section.field("write_keys").is_none_or(|field| field.node.value.is_empty());
    if section.is_present() && write_keys.is_empty() && is_left_out() {
        section.wrong("write_keys", "must hold at least one key (`opentrack keys new` makes one)");
    }
    if write_keys.iter().any(|key| !seen.insert(key.clone())) {
        section.wrong("write_keys", "holds a key twice, or one of another source");
    }
    let origins = section.value("origins", Vec::new(), read::list(origin));
    Source {
        name: name.into(),
        write_keys: write_keys.into_iter().map(SecretString::from).collect(),
        origins: open(if origins.is_empty() { shared.to_vec() } else { origins }),
        enforce_origin: section.value("enforce_origin", false, read::boolean),
        require_signature: section.value("require_signature", false, read::boolean),
        signing_secrets: section.value("signing_secrets", Vec::new(), read::list(signing_secret)),
    }
}

fn every_source_without_its_own(section: &Section<'_>, text: &str) -> Vec<String> {
    let variable = Origin::Variable("CORS_ORIGINS".to_owned());
    let whole = Node { origin: variable, ..Node::of_variable("CORS_ORIGINS", text) };
    read::list(origin)(&whole).unwrap_or_else(|mut wrong| {
        let others = std::mem::take(&mut wrong.others);
        for wrong in std::iter::once(wrong).chain(others) {
            section.report.problem(&wrong.origin, "sources.*.origins", wrong.message);
        }
        Vec::new()
    })
}

/// `*` is how other systems write "every origin", which is the empty list here.
fn open(origins: Vec<String>) -> Vec<String> {
    if origins.iter().any(|origin| origin == "*") { Vec::new() } else { origins }
}

fn write_key(node: &Node) -> Result<String, Wrong> {
    let key = read::text(node)?;
    if key.trim().is_empty() { Err(Wrong::at(node, "must not hold an empty key")) } else { Ok(key) }
}

/// The message does not repeat the secret.
fn signing_secret(node: &Node) -> Result<SecretString, Wrong> {
    let secret = read::text(node)?;
    match Signer::new(&secret) {
        Ok(Some(_)) => Ok(secret.into()),
        Ok(None) => Err(Wrong::at(node, "must not hold an empty secret")),
        Err(message) => Err(Wrong::at(node, format!("must not hold a secret that {message}"))),
    }
}

/// Browsers send scheme, host and port in lower case and nothing more. `*.` stands for one or more names before the host.
fn origin(node: &Node) -> Result<String, Wrong> {
    let text = read::text(node)?.to_ascii_lowercase();
    let host = text.split_once("://").map(|(_, host)| host.strip_prefix("*.").unwrap_or(host));
    let is_origin = host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '*', ' ']));
    if is_origin || text == "*" {
        return Ok(text);
    }
    Err(Wrong::at(
        node,
        format!("must hold origins like \"https://shop.example\", without a path, not \"{text}\""),
    ))
}
