//! What a destination may have of people: whose events, by their consent. Pure.

use super::consent::Consent;

/// The settings of one destination that protect the people whom its events are about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discretion {
    /// Which categories its users must allow.
    pub consent: Consent,
}
