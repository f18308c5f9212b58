//! What a destination may have of people: whose events, by their consent, and what of them, by its privacy rules. Pure.

use super::consent::Consent;
use crate::spec::privacy::Privacy;

/// The settings of one destination that protect the people whom its events are about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discretion {
    /// Which categories its users must allow.
    pub consent: Consent,
    /// What it sees of an event.
    pub privacy: Privacy,
}
