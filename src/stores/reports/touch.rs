//! Which visit an order is credited to: the visitor's first one before it, or the last one that something led to. Pure.

use super::query::Touch;

/// How long before an order a visit may have begun, in milliseconds: 90 days, as in `PostgreSQL`'s table `orders`. Not longer, so
/// that stores which keep events for different times say the same.
pub const LASTS_MS: i64 = 90 * 86_400_000;
/// The channel of visits that nothing led to.
pub const DIRECT: &str = "Direct";
/// What is said of an order of which no visit is known, as of those that servers tell of.
pub const UNKNOWN: &str = "(none)";

/// Returns the channel that an order of this instant is credited to, of the visitor's visits with their beginnings, in the order
/// of these.
pub fn credited<'v>(touch: Touch, at: i64, visits: impl Iterator<Item = (i64, &'v str)>) -> &'v str {
    let counts = |(start, _): &(i64, &str)| (at.saturating_sub(LASTS_MS)..=at).contains(start);
    let mut channels = visits.filter(counts).map(|(_, channel)| channel);
    let Some(first) = channels.next() else { return UNKNOWN };
    match touch {
        Touch::First => first,
        Touch::Last => {
            let led = std::iter::once(first).chain(channels).filter(|channel| *channel != DIRECT).last();
            led.unwrap_or(DIRECT)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_visit_and_the_last_that_was_led_to_within_ninety_days() {
        let day = 86_400_000;
        let visits = [(0, "Email"), (day, "Paid Search"), (2 * day, DIRECT), (200 * day, "Referral")];
        let both = |at: i64| [Touch::First, Touch::Last].map(|touch| credited(touch, at, visits.into_iter()));
        assert_eq!(both(-1), [UNKNOWN, UNKNOWN], "a visit after the order is none before it");
        assert_eq!(both(0), ["Email", "Email"]);
        assert_eq!(both(3 * day), ["Email", "Paid Search"]);
        assert_eq!(both(90 * day), ["Email", "Paid Search"]);
        assert_eq!(both(90 * day + 1), ["Paid Search", "Paid Search"]);
        assert_eq!(both(91 * day + 1), [DIRECT, DIRECT]);
        assert_eq!(both(150 * day), [UNKNOWN, UNKNOWN]);
    }
}
