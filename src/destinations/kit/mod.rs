//! What destinations that speak HTTP have in common, so that the author of the next one writes only what differs: its
//! settings, its mapping, and what its answers mean.
//!
//! [`Call`] is a request before it is on the wire, [`Api`] the wire, [`answers`] the table of statuses that most APIs share,
//! [`pack`] cuts items into bodies that the other side takes, [`Secrets`] keeps keys out of its words. It knows no
//! destination and decides nothing that a vendor's documentation decides.

pub mod answers;
mod api;
mod call;
pub mod pack;
mod secrets;
pub mod setting;
#[cfg(test)]
pub(crate) mod testing;
pub mod text;

pub(crate) use api::compressed;
pub use api::{Api, Auth, Peer};
pub use call::{Call, Verb};
pub use secrets::Secrets;
