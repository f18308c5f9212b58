//! `[consent]`, `[privacy]`, and the keys of a destination that protect the people whom its events are about: `consent` and
//! `privacy`.

use super::node::{Field, Node};
use super::problem::did_you_mean;
use super::read;
use super::section::{Section, Wrong};
use super::settings;
use crate::destinations::Entry;
use crate::policy::consent::{Consent, Mode, Rules};
use crate::policy::discretion::Discretion;
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

/// Reads `[privacy]`.
pub(super) fn privacy(section: &mut Section<'_>) -> settings::Privacy {
    let ip = read::word(&[
        ("truncate", Treatment::Truncate),
        ("keep", Treatment::Keep),
        ("drop", Treatment::Drop),
    ]);
    settings::Privacy {
        ip: section.value("ip", Treatment::Truncate, ip),
        tell_deletions: section.value("tell_deletions", Vec::new(), read::list(read::text)),
    }
}

/// Reads the keys of one destination.
pub(super) fn discretion(
    section: &mut Section<'_>,
    entry: &Entry,
    (rules, ip): (Rules, Treatment),
) -> Discretion {
    let categories = section.value("consent", Vec::new(), read::list(category));
    let address = if entry.whole_ip { Treatment::Keep } else { ip };
    Discretion {
        consent: Consent::to(&categories, rules),
        privacy: section.within("privacy", |section| own_rules(section, address)),
    }
}

fn category(node: &Node) -> Result<String, Wrong> {
    let name = read::text(node)?;
    if name.trim().is_empty() {
        return Err(Wrong::at(node, "must not hold an empty category"));
    }
    Ok(name)
}

/// Every key of the table is a pointer.
fn own_rules(section: &mut Section<'_>, address: Treatment) -> Privacy {
    let fields = section.rest();
    let rules: Vec<Rule> = fields.iter().filter_map(|(key, field)| rule(section, key, field)).collect();
    Privacy::new(&rules, address).unwrap_or_else(|(one, two)| {
        section.wrong(&two.to_string(), format!("lies within `{one}` or holds it: one place has one rule"));
        Privacy::default()
    })
}

fn rule(section: &Section<'_>, key: &str, field: &Field) -> Option<Rule> {
    let treatment = read::word(&[
        ("hash", Treatment::Hash),
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
