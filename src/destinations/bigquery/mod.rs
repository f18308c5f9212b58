//! BigQuery: Segment's tables, written as rows by `tabledata.insertAll` or by load jobs, whose columns appear as events
//! bring them.
//!
//! Split into what things mean (`plan`, `row`, `ddl`, `errors`, `judge`, `propagation`: pure) and the wire (`client`,
//! `auth`, `store`). A batch becomes one request per table; each row has an outcome of its own, and an event is delivered
//! when all its rows are.

pub(super) mod mock;
pub mod request;
