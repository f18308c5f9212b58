//! Segment's language: what a call is, which ones are believed, and what the server adds to them.
//!
//! Pure: no I/O, no clock, no async. A body is split by [`read()`] into the calls of an [`Envelope`] without parsing their contents, each is
//! checked on its own, and a believed one becomes an immutable [`Event`] whose raw text is never rewritten.

pub mod additions;
mod address;
mod alias;
mod batch;
mod believe;
pub mod collect;
mod compose;
pub mod consent;
pub mod deletion;
pub mod event;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
pub mod glance;
mod group;
mod head;
mod identify;
pub mod integrations;
pub mod kind;
mod layout;
pub mod mentions;
mod page;
pub mod people;
pub mod pixel;
pub mod privacy;
mod proof;
pub mod raw;
pub mod read;
pub mod reject;
mod repair;
pub mod repeat;
mod scan;
mod screen;
pub mod signature;
#[cfg(test)]
mod tests;
pub mod time;
mod track;
mod validate;
pub mod whose;

pub use event::{Event, Head, Receipt, Redelivery};
pub use glance::Glance;
pub use integrations::Integrations;
pub use kind::Kind;
pub use mentions::Seeker;
pub use people::{IdKind, People};
pub use raw::Raw;
pub use read::{Arrival, Endpoint, Envelope, Intake, Limits, RequestError, read};
pub use reject::{Code, Problem, Rejected};
pub use validate::beginning_of_id;
