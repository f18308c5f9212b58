//! `[consent]`, `[privacy]`, and the keys of a destination that protect the people whom its events are about: `consent` and
//! `privacy`.

use std::sync::Arc;

use super::environment::Environment;
use super::node::{Field, Node};
use super::problem::did_you_mean;
use super::read;
use super::section::{Section, Wrong};
use super::settings;
use crate::destinations::Entry;
use crate::policy::consent::{Consent, Mode, Rules};
use crate::policy::discretion::Discretion;
use crate::spec::privacy::cipher::{Key, Keyring};
use crate::spec::privacy::{Pointer, Privacy, Rule, Treatment};

/// The members of an event in which people are described. Another one is possible, and more likely a slip.
const MEMBERS: [&str; 10] = [
    "anonymousId",
    "category",
    "context",
    "groupId",
    "name",
    "previousId",
    "properties",
    "traits",
    "userId",
    "channel",
];

/// Reads `[consent]`.
pub(super) fn rules(section: &mut Section<'_>) -> Rules {
    let default = Rules::default();
    let mode = read::word(&[("opt-out", Mode::OptOut), ("opt-in", Mode::OptIn)]);
    Rules {
        mode: section.value("mode", default.mode, mode),
        honour_gpc: section.value("honour_gpc", default.honour_gpc, read::boolean),
        honour_dnt: section.value("honour_dnt", default.honour_dnt, read::boolean),
    }
}

/// Fills `encryption_keys` where nothing is said of them.
const KEYS: &str = "PII_KEY";

/// Reads `[privacy]`.
pub(super) fn privacy(section: &mut Section<'_>, environment: &Environment) -> settings::Privacy {
    let ip = read::word(&[
        ("truncate", Treatment::Truncate),
        ("keep", Treatment::Keep),
        ("drop", Treatment::Drop),
    ]);
    let ip = section.value("ip", Treatment::Truncate, ip);
    let encrypt = section.value("encrypt", Vec::new(), read::list(encrypted));
    let encrypt = apart(section, encrypt);
    let named = section.optional("encryption_keys", read::list(|node| keys(node, &read::text(node)?)));
    let keys = named.unwrap_or_else(|| vec![keys_of(section, environment)]).concat();
    let keyring = Keyring::new(keys).map(Arc::new);
    if keyring.is_none() && !encrypt.is_empty() {
        section.lacks("encrypt", NO_KEY);
    }
    let tell_deletions = section.value("tell_deletions", Vec::new(), read::list(read::text));
    settings::Privacy { ip, encrypt, keyring, tell_deletions }
}

const NO_KEY: &str = "needs a key: `encryption_keys` in [privacy] (PII_KEY) has none";

/// One place that is encrypted wherever rows are kept.
fn encrypted(node: &Node) -> Result<Rule, Wrong> {
    let text = read::text(node)?;
    let rule = text.parse::<Pointer>().and_then(|pointer| Rule::new(pointer, Treatment::Encrypt));
    rule.map_err(|message| Wrong::at(node, format!("holds `{text}`, which {message}")))
}

/// Returns the rules when each is about a place of its own.
fn apart(section: &Section<'_>, rules: Vec<Rule>) -> Vec<Rule> {
    rules.iter().for_each(|rule| warn_of_a_slip(section, &rule.pointer().to_string()));
    match Privacy::new(&rules, Treatment::Keep) {
        Ok(_) => rules,
        Err((one, two)) => {
            let message =
                format!("holds `{two}`, which lies within `{one}` or holds it: one place has one rule");
            section.wrong("encrypt", message);
            Vec::new()
        }
    }
}

/// One text may hold several keys with commas between them, so that a variable can.
fn keys(node: &Node, text: &str) -> Result<Vec<Key>, Wrong> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| Key::read(part).map_err(|message| Wrong::at(node, message))).collect()
}

/// The keys of the environment, as if the file named the variable.
fn keys_of(section: &Section<'_>, environment: &Environment) -> Vec<Key> {
    let node = Node::of_variable(KEYS, environment.filled(KEYS).unwrap_or_default());
    let text = environment.filled(KEYS).unwrap_or_default();
    keys(&node, text).map_err(|wrong| section.add("encryption_keys", wrong)).unwrap_or_default()
}

/// Reads the keys of one destination.
pub(super) fn discretion(
    section: &mut Section<'_>,
    entry: &Entry,
    (rules, privacy): &(Rules, settings::Privacy),
) -> Discretion {
    let categories = section.value("consent", Vec::new(), read::list(category));
    let address = if entry.whole_ip { Treatment::Keep } else { privacy.ip };
    // Where rows are kept for long, and many people read them.
    let everywhere = if entry.about.is_warehouse { privacy.encrypt.as_slice() } else { &[] };
    let keyring = privacy.keyring.as_ref();
    let own = section.within("privacy", |section| {
        let own = own_rules(section, keyring.is_some());
        whole(section, (everywhere, own), address)
    });
    let own = own.with_keys(keyring);
    // Another spelling of a name fills the same column.
    let privacy = own.named_by(entry.about.naming());
    Discretion { consent: Consent::to(&categories, *rules), privacy }
}

fn category(node: &Node) -> Result<String, Wrong> {
    let name = read::text(node)?;
    if name.trim().is_empty() {
        return Err(Wrong::at(node, "must not hold an empty category"));
    }
    Ok(name)
}

/// Every key of the table is a pointer.
fn own_rules(section: &mut Section<'_>, has_key: bool) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (key, field) in section.rest() {
        let Some(rule) = rule(section, key, field) else { continue };
        if rule.encrypts() && !has_key {
            section.lacks(key, NO_KEY);
        }
        rules.push(rule);
    }
    rules
}

/// What a destination says of a place itself comes before what is said of it for everywhere.
fn whole(section: &Section<'_>, (everywhere, own): (&[Rule], Vec<Rule>), address: Treatment) -> Privacy {
    let others = everywhere.iter().filter(|rule| own.iter().all(|own| !own.covers(rule)));
    let rules: Vec<Rule> = others.chain(&own).cloned().collect();
    Privacy::new(&rules, address).unwrap_or_else(|(one, two)| {
        section.wrong(&two.to_string(), format!("lies within `{one}` or holds it: one place has one rule"));
        Privacy::default()
    })
}

fn rule(section: &Section<'_>, key: &str, field: &Field) -> Option<Rule> {
    let treatment = read::word(&[
        ("hash", Treatment::Hash),
        ("encrypt", Treatment::Encrypt),
        ("truncate", Treatment::Truncate),
        ("drop", Treatment::Drop),
        ("keep", Treatment::Keep),
    ])(&field.node);
    let treatment = treatment.map_err(|wrong| section.add(key, wrong)).ok()?;
    let rule = key.parse::<Pointer>().and_then(|pointer| Rule::new(pointer, treatment));
    warn_of_a_slip(section, key);
    rule.map_err(|message| section.add(key, Wrong::from(field.origin.clone(), message))).ok()
}

/// A rule about a member that no event has protects nobody, and nobody would notice.
fn warn_of_a_slip(section: &Section<'_>, key: &str) {
    let first = key.split('/').nth(1).unwrap_or_default();
    if let Some(meant) = did_you_mean(first, MEMBERS).filter(|_| !MEMBERS.contains(&first)) {
        section
            .report
            .warn(format!("the privacy rule `{key}` is about no usual member; did you mean `/{meant}`?"));
    }
}
