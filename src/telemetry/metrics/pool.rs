//! The metrics of destinations that talk to a database server: their connections, and what it cannot hold.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::{Level, family};
use crate::telemetry::labels::{DestinationLabels, PoolLabels};

/// See the module.
#[derive(Debug)]
pub(in crate::telemetry) struct Pool {
    pub(in crate::telemetry) connections: Family<PoolLabels, Level>,
    pub(in crate::telemetry) waiting: Family<DestinationLabels, Level>,
    pub(in crate::telemetry) cut_values: Family<DestinationLabels, Counter>,
}

impl Pool {
    pub(super) fn new(to: &mut Registry) -> Self {
        Pool {
            connections: family(to, "pool_connections", "Open connections to a database, used or idle"),
            waiting: family(to, "pool_waiting", "Requests that wait for a connection"),
            cut_values: family(
                to,
                "warehouse_cut_values",
                "Values that lost characters which the database cannot hold",
            ),
        }
    }
}
