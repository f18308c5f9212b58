//! End-to-end tests of the real binary: one process per test, with its own directory, its own port and real clients.
//!
//! They know the public contract alone (HTTP, configuration, command line, tables, exit codes) and nothing of the
//! program's inside. They never sleep for luck: they wait for a condition with a deadline.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

mod api;
mod backup;
mod bench;
mod bigquery;
mod browser;
mod cli;
mod clickhouse;
mod conformance;
mod console;
mod crash;
mod customerio;
mod delivery;
mod disk;
mod door;
mod explain;
mod forget;
#[cfg(feature = "kafka")]
mod kafka;
mod letters;
mod meta_capi;
mod mock;
mod ops;
mod orders;
mod postgres;
mod promises;
mod realtime;
mod redis;
mod reload;
mod reports;
#[cfg(feature = "kafka")]
mod scale_out;
mod schema;
mod sdk;
mod secrets;
#[cfg(feature = "kafka")]
mod shared_journal;
mod slack;
mod start;
mod storm;
mod strangers;
mod support;
mod tap;
mod template;
mod trace;
mod traces;
