//! The event by which a destination is told that somebody is erased: what it is called, and how it is told from others.
//!
//! Separate because it is made in one place and let through in others: it is about people who may be suppressed, and is no
//! message to them that they could have refused. Never decides who is told.

use super::Event;

/// What it is called, as Segment has it.
pub const NAME: &str = "User Deleted";
/// Its source, which no configured source may be called.
pub const SOURCE: &str = "opentrack";

/// Returns whether the router itself tells one destination by this event that somebody is erased, also when it is sent again.
/// An event of that name that came in at the door is none.
pub fn is_told(event: &Event) -> bool {
    let receipt = &event.receipt;
    receipt.redelivery.is_some() && *receipt.source == *SOURCE && event.head.name.as_deref() == Some(NAME)
}

/// Returns such an event of `user`, for the destination `x`.
#[cfg(test)]
pub(crate) fn fixture(user: &str) -> Event {
    use std::sync::Arc;

    use super::{Kind, Receipt, Redelivery};

    let raw =
        format!(r#"{{"type":"track","event":"{NAME}","userId":"{user}","messageId":"ot-deleted-r-0"}}"#);
    let receipt = Receipt {
        kind: Kind::Track,
        received_at: jiff::Timestamp::UNIX_EPOCH,
        timestamp: jiff::Timestamp::UNIX_EPOCH,
        sent_at: None,
        message_id: None,
        source: Arc::from(SOURCE),
        ip: None,
        signals: Default::default(),
        redelivery: Some(Box::new(Redelivery { destination: Arc::from("x"), previous: None })),
    };
    Event::restore(raw, receipt).unwrap_or_else(|refused| panic!("{refused:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_known_by_its_name_its_source_and_its_address() {
        let told = fixture("anna");
        assert!(is_told(&told));
        let with = |change: fn(&mut Event)| {
            let mut event = fixture("anna");
            change(&mut event);
            is_told(&event)
        };
        assert!(!with(|event| event.receipt.redelivery = None), "it came in");
        assert!(!with(|event| event.receipt.source = "web".into()), "it came in, and is sent again");
        let other = told.text().replace(NAME, "Cart Abandoned");
        assert!(!is_told(&Event::restore(other, told.receipt.clone()).unwrap()));
    }
}
