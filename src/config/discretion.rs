//! `[consent]`, and the keys of a destination that protect the people whom its events are about: `consent`.

use super::node::Node;
use super::read;
use super::section::{Section, Wrong};
use crate::policy::consent::{Consent, Mode, Rules};
use crate::policy::discretion::Discretion;

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

/// Reads the keys of one destination.
pub(super) fn discretion(section: &mut Section<'_>, rules: Rules) -> Discretion {
    let categories = section.value("consent", Vec::new(), read::list(category));
    Discretion { consent: Consent::to(&categories, rules) }
}

fn category(node: &Node) -> Result<String, Wrong> {
    let name = read::text(node)?;
    if name.trim().is_empty() {
        return Err(Wrong::at(node, "must not hold an empty category"));
    }
    Ok(name)
}
