//! What every end-to-end test needs: a running router, a client as simple as an SDK's, a scripted receiver, and a look
//! into the warehouse.

mod bigquery;
mod clickhouse;
mod client;
mod db;
mod event;
mod fault_proxy;
mod fault_proxy_tests;
#[cfg(feature = "kafka")]
mod kafka;
mod loader;
mod oracle;
mod ports;
mod postgres;
mod receiver;
mod receiver_http;
mod receiver_tests;
mod redis;
mod router;
mod sdk_home;
mod stand_in;
mod tmpfs;
mod wait;
mod weather;
mod witness;

pub(crate) use bigquery::BigQuery;
pub(crate) use clickhouse::ClickHouse;
pub(crate) use client::{Answer, basic, gzip, http};
pub(crate) use db::{Db, Row};
pub(crate) use event::{batch, fresh_id, ids_of, track};
pub(crate) use fault_proxy::{Fault, FaultProxy};
#[cfg(feature = "kafka")]
pub(crate) use kafka::{Kafka, Message};
pub(crate) use loader::{Load, Sent};
pub(crate) use oracle::{Oracle, Place, Poison};
pub(crate) use ports::free_port;
pub(crate) use postgres::{Postgres, Server};
pub(crate) use receiver::{Received, Receiver, Reply};
pub(crate) use redis::{RedisServer, Site};
pub(crate) use router::{Config, Router, opentrack};
pub(crate) use sdk_home::{
    chromium, nginx, node, node_modules, plain_python, python, python_library, rust, tool, web_node,
};
pub(crate) use stand_in::StandIn;
pub(crate) use tmpfs::SmallDisk;
pub(crate) use wait::{until, until_some};
pub(crate) use weather::{ALL_MOODS, Mood, Refusal, Weather, refuse};
pub(crate) use witness::expect_kept;
