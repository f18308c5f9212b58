//! OpenTrack: a Segment-compatible customer-event router.
//!
//! # The path of an event
//!
//! ```text
//! Bytes ─▶ Call ─▶ Event ─▶ Record ─▶ Batch ─▶ Request ─▶ Reply ─▶ Outcome ─▶ Cursor
//! http     spec    spec     journal   policy   destination client   destination journal
//! (edge)   (pure)  (pure)      │      (pure)   plan (pure) (edge)   judge (pure) (edge)
//!                              └── 200 is answered here, and only here
//! ```
//!
//! Pure code holds the meaning ([`spec`], [`policy`], [`warehouse`], [`enrich`], [`projections`], `plan` and `judge` of each
//! destination).
//! Actors hold the patience ([`actors`]). The journal holds the data ([`journal`]).
//! `ARCHITECTURE.md` is the longer map; `tests/layers.rs` keeps the arrows pointing one way.

pub mod actors;
pub mod app;
pub mod cli;
pub mod config;
pub mod destinations;
pub mod enrich;
#[cfg(test)]
mod fuzz_tests;
pub mod http;
pub mod journal;
pub mod kafka;
pub mod policy;
pub mod privacy;
pub mod projections;
pub mod spec;
pub mod stores;
pub mod telemetry;
pub mod warehouse;
