//! Where the client's address stands in the text of an event.
//!
//! Separate because who adds an address and who hides one must look for it in the same way: with a search that costs nearly
//! nothing where no member can be of that name, and by reading the context where one may be.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::Event;
use super::layout::{self, Field, Found};

/// The member of the context that holds it.
pub(super) const NAME: &str = "ip";

/// How the name stands in nearly every text.
static PLAIN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"ip\""));
/// How each of its letters begins when it is escaped.
static ESCAPED: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\\u00"));

/// The client's address in the text of an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The client gave none.
    None,
    /// One value, at this place.
    At(Range<usize>),
    /// Several contexts or several addresses.
    Unclear,
}

/// Returns where the client's address stands in what was sent.
pub(super) fn place(event: &Event) -> Place {
    let mut contexts = event.marks().iter().filter(|mark| mark.field == Field::Context);
    let (Some(context), next) = (contexts.next(), contexts.next()) else { return Place::None };
    if next.is_some() {
        return Place::Unclear;
    }
    let base = context.value.start as usize;
    match find(context.value.bytes(event.sent())) {
        Found::None => Place::None,
        Found::One(place) => Place::At(base + place.start..base + place.end),
        Found::Several => Place::Unclear,
    }
}

/// Returns whether an object has an address.
pub(super) fn is_in(context: &[u8]) -> bool {
    find(context) != Found::None
}

fn find(context: &[u8]) -> Found {
    let may_be = PLAIN.find(context).is_some() || ESCAPED.find(context).is_some();
    let text = may_be.then(|| std::str::from_utf8(context).ok()).flatten();
    text.map_or(Found::None, |text| layout::find(text, NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_by_its_name_and_nothing_else_is() {
        for (context, found) in [
            (r#"{"ip":"1.2.3.4"}"#, Found::One(6..15)),
            (r#"{"a":{"ip":1}, "\u0069p" : null }"#, Found::One(27..31)),
            (r#"{"ip":1,"i\u0070":2}"#, Found::Several),
            (r#"{"zip":1,"a":"ip","b":"\u00fc","page":{"ip":1}}"#, Found::None),
            (r#"["ip"]"#, Found::None),
            (r#""ip""#, Found::None),
            ("null", Found::None),
        ] {
            assert_eq!(find(context.as_bytes()), found, "{context}");
            assert_eq!(is_in(context.as_bytes()), found != Found::None, "{context}");
        }
    }
}
