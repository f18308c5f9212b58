//! `[tracker]`: where the browser script and the collection of its events are found, and who owns the visitor's id.
//!
//! Paths are looked at here, so that none hides a path of the router.

use super::node::Node;
use super::read;
use super::section::{Section, Wrong};
use super::settings::{EventPattern, Tracker};
use crate::policy::consent::{Consent, Rules};
use crate::spec::Kind;

/// Path of the script in the shipped configuration. It is served beside any other name.
pub const SCRIPT_PATH: &str = "/tracker.js";
/// Path of the collection in the shipped configuration. It is served beside any other name.
pub const COLLECT_PATH: &str = "/collect";
/// The category of `context.consent.categoryPreferences` that is about keeping something in the browser.
const STORAGE: &str = "storage";
/// What the script sends by itself.
const AUTOMATIC: [&str; 6] = [
    "Element Clicked",
    "Outbound Link Clicked",
    "File Downloaded",
    "Error Occurred",
    "Page Engaged",
    "Web Vital",
];
/// First parts of the paths that the router has already.
const TAKEN: [&str; 8] = ["api", "analytics.js", "beacon", "health", "metrics", "pixel", "presence", "ready"];
const LONGEST: usize = 100;

/// Reads `[tracker]`; the rules are those of `[consent]`.
pub(super) fn tracker(section: &mut Section<'_>, rules: Rules) -> Tracker {
    let tracker = Tracker {
        script_path: section.value("script_path", SCRIPT_PATH.to_owned(), path),
        collect_path: section.value("collect_path", COLLECT_PATH.to_owned(), path),
        cookie_domain: section.value("cookie_domain", None, domain),
        cookie_http_only: section.value("cookie_http_only", false, read::boolean),
        exclude_automatic: section.value("exclude_automatic", false, read::boolean),
        storage: Consent::to(&[STORAGE.to_owned()], rules),
    };
    let (script, collect) = (&tracker.script_path, &tracker.collect_path);
    let below = |path: &str, above: &str| path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'));
    if script == collect || below(script, collect) || below(collect, script) {
        section.wrong("collect_path", format!("must not be, hold or lie below `script_path` (\"{script}\")"));
    }
    tracker
}

/// Returns the patterns of what the script sends by itself.
pub(super) fn automatic() -> impl Iterator<Item = EventPattern> {
    AUTOMATIC.iter().map(|name| EventPattern { kind: Kind::Track, name: Some((*name).to_owned()) })
}

fn path(node: &Node) -> Result<String, Wrong> {
    let text = read::text(node)?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let parts: Vec<&str> = text.split('/').collect();
    let is_path = text.len() <= LONGEST
        && text.bytes().all(is_plain)
        && parts.len() > 1
        && parts.iter().enumerate().all(|(index, part)| part.is_empty() == (index == 0))
        && !parts.iter().any(|part| *part == "." || *part == "..");
    if !is_path {
        return Err(Wrong::at(
            node,
            format!(
                "must be a path like \"/t.js\" of letters, digits and `-._~`, without a slash at its end, not \"{text}\""
            ),
        ));
    }
    let first = parts.get(1).copied().unwrap_or_default();
    if TAKEN.contains(&first) || first == "v1" {
        return Err(Wrong::at(
            node,
            format!("must not begin with \"/{first}\", which the router uses itself"),
        ));
    }
    Ok(text)
}

/// A leading dot is how the domain of a cookie was written once.
fn domain(node: &Node) -> Result<Option<String>, Wrong> {
    let text = read::text(node)?.to_ascii_lowercase();
    let name = text.strip_prefix('.').unwrap_or(&text);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_name =
        name.len() < 254 && name.split('.').all(|label| !label.is_empty() && label.bytes().all(is_plain));
    match text.as_str() {
        "" => Ok(None),
        _ if is_name => Ok(Some(name.to_owned())),
        _ => Err(Wrong::at(node, format!("must be a domain like \"shop.example\", not \"{text}\""))),
    }
}
