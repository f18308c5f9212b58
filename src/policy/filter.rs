//! Which events a destination gets by its `events` setting: kind, or kind:name with `*`.

use crate::spec::{Event, Kind};

/// `events = { include = […], exclude = […] }`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// When not empty an event must match one of these.
    pub include: Vec<EventPattern>,
    /// An event must match none of these.
    pub exclude: Vec<EventPattern>,
    /// An event must not be one that the browser's script sent by itself.
    pub without_automatic: bool,
}

/// One pattern of an [`EventFilter`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPattern {
    /// The call kind.
    pub kind: Kind,
    /// The event's name, where `*` stands for any text; `None` matches every name.
    pub name: Option<String>,
}

impl EventFilter {
    /// Returns whether the event passes.
    pub fn passes(&self, event: &Event) -> bool {
        let (kind, name) = (event.head.kind, event.head.name.as_deref().unwrap_or(""));
        let included =
            self.include.is_empty() || self.include.iter().any(|pattern| pattern.matches(kind, name));
        let excluded = self.exclude.iter().any(|pattern| pattern.matches(kind, name));
        included && !excluded && !(self.without_automatic && event.is_automatic())
    }

    /// Returns whether any event of this kind could pass.
    pub fn concerns(&self, kind: Kind) -> bool {
        let included = self.include.is_empty() || self.include.iter().any(|pattern| pattern.kind == kind);
        included && !self.exclude.iter().any(|pattern| pattern.kind == kind && pattern.name.is_none())
    }
}

impl std::str::FromStr for EventPattern {
    type Err = String;

    /// Reads a kind, or `kind:name`. The error is to be read after "must hold".
    fn from_str(text: &str) -> Result<EventPattern, String> {
        let (kind, name) = match text.split_once(':') {
            Some((kind, name)) => (kind, Some(name.to_owned())),
            None => (text, None),
        };
        let found = Kind::from_name(kind).map(|kind| EventPattern { kind, name });
        let kinds = || Kind::ALL.map(Kind::as_str).join(", ");
        found.ok_or_else(|| format!("a kind ({}) or `kind:name`, not \"{text}\"", kinds()))
    }
}

impl EventPattern {
    /// Returns whether a call of this kind and name matches.
    pub fn matches(&self, kind: Kind, name: &str) -> bool {
        self.kind == kind && self.name.as_deref().is_none_or(|pattern| wildcard(pattern, name))
    }
}

/// Matches `*` against any text, everything else literally. Linear in both lengths for each `*`.
pub fn wildcard(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or("");
    for part in parts {
        let Some((_, after)) = text.split_once(part) else { return false };
        text = after;
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, matches) in [
            ("Order *", "Order Completed", true),
            ("Order *", "Order", false),
            ("*", "", true),
            ("*Viewed", "Product Viewed", true),
            ("*Viewed", "Viewed Product", false),
            ("A*B*C", "A1B2C", true),
            ("A*B*C", "AC", false),
            ("a*a", "a", false),
            ("Exact", "Exact", true),
            ("Exact", "Exactly", false),
        ] {
            assert_eq!(wildcard(pattern, text), matches, "{pattern} ~ {text}");
        }
    }

    #[test]
    fn a_kind_is_of_no_concern_when_it_is_excluded_whole_or_not_included() {
        let pattern = |kind, name: Option<&str>| EventPattern { kind, name: name.map(String::from) };
        let filter = EventFilter {
            include: vec![pattern(Kind::Track, Some("Order *")), pattern(Kind::Page, None)],
            exclude: vec![pattern(Kind::Page, None)],
            without_automatic: false,
        };
        assert!(filter.concerns(Kind::Track));
        assert!(!filter.concerns(Kind::Page));
        assert!(!filter.concerns(Kind::Identify));
    }
}
