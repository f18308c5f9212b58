//! The one chain that decides whether a destination gets an event: asked by its delivery and by whoever explains it, so
//! that the two cannot differ. Pure.

use super::Destination;
use crate::policy::discretion::Discretion;
use crate::policy::filter::EventFilter;
use crate::policy::outcome::{Reason, Verdict};
use crate::spec::{Event, deletion};

/// Returns whether the destination of this configured name gets the event: first the event's own `integrations`, then the
/// destination's `events` filter, then its user's consent, then the destination itself. The one by which it is told whom to
/// erase needs neither a filter that names it nor a consent: a person who said no to a destination is erased there, too.
pub fn wants<D: Destination>(
    destination: &D,
    name: &str,
    (filter, discretion): (&EventFilter, &Discretion),
    event: &Event,
) -> Verdict {
    let names = [name, D::KIND, D::ABOUT.title];
    if !event.head.integrations.allow(&names, D::ABOUT.is_warehouse) {
        return Verdict::No(Reason::Integrations);
    }
    let is_told = deletion::is_told(event);
    if !is_told && !filter.passes(event) {
        return Verdict::No(Reason::Filtered);
    }
    if !is_told && !discretion.consent.allows(event) {
        return Verdict::No(Reason::Consent);
    }
    destination.wants(event)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destinations::redis::Redis;
    use crate::policy::consent::{Consent, Mode, Rules};

    #[test]
    fn whom_to_erase_is_told_whatever_the_filter_and_the_consent_are() {
        let rules = Rules { mode: Mode::OptIn, honour_gpc: true, honour_dnt: true };
        let consent = Consent::to(&["Advertising".to_owned()], rules);
        let strict = Discretion { consent, ..Discretion::default() };
        let pages = EventFilter { include: vec!["page".parse().unwrap()], ..EventFilter::default() };
        let told = deletion::fixture("anna");
        let mut other = deletion::fixture("anna");
        other.receipt.source = "web".into();
        let asked = |event: &Event, filter: &EventFilter, discretion: &Discretion| {
            wants(&Redis::default(), "x", (filter, discretion), event)
        };
        let (all, any) = (EventFilter::default(), Discretion::default());
        assert_eq!(asked(&other, &pages, &any), Verdict::No(Reason::Filtered));
        assert_eq!(asked(&other, &all, &strict), Verdict::No(Reason::Consent));
        assert_eq!(asked(&told, &pages, &strict), asked(&other, &all, &any), "as if there were neither");
        assert_eq!(asked(&told, &pages, &strict), Verdict::Yes);
    }
}
