//! The one chain that decides whether a destination gets an event: asked by its delivery and by whoever explains it, so
//! that the two cannot differ. Pure.

use super::Destination;
use crate::policy::discretion::Discretion;
use crate::policy::filter::EventFilter;
use crate::policy::outcome::{Reason, Verdict};
use crate::spec::Event;

/// Returns whether the destination of this configured name gets the event: first the event's own `integrations`, then the
/// destination's `events` filter, then its user's consent, then the destination itself.
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
    if !filter.passes(event) {
        return Verdict::No(Reason::Filtered);
    }
    if !discretion.consent.allows(event) {
        return Verdict::No(Reason::Consent);
    }
    destination.wants(event)
}
