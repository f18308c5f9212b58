//! BigQuery: Segment's tables, written as rows by `tabledata.insertAll` or by load jobs, whose columns appear as events
//! bring them.
//!
//! Split into what things mean (`plan`, `row`, `ddl`, `errors`, `judge`, `propagation`: pure) and the wire (`client`,
//! `auth`, `store`). A batch becomes one request per table; each row has an outcome of its own, and an event is delivered
//! when all its rows are.

mod api;
mod auth;
mod client;
mod config;
mod ddl;
mod errors;
mod flat;
mod insert;
mod jobs;
mod judge;
mod ledger;
mod library;
mod listen;
mod memory;
pub(super) mod mock;
#[cfg(test)]
mod peer;
mod plan;
mod propagation;
pub mod request;
mod row;
mod store;
mod tables;
mod target;
mod types;
mod upload;
pub mod users;
pub mod views;
#[cfg(test)]
mod wire_tests;

pub use config::{AutoTableManagement, Config, DedupScope, MissingColumn, TableLayout, WriteMethod};
