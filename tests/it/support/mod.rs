//! What every end-to-end test needs: a running router, a client as simple as an SDK's, a scripted receiver, and a look
//! into the warehouse.

mod client;
mod db;
mod event;
mod fault_proxy;
mod fault_proxy_tests;
mod loader;
mod ports;
mod receiver;
mod receiver_http;
mod receiver_tests;
mod router;
mod sdk_home;
mod wait;

pub(crate) use client::{Answer, basic, gzip, http};
pub(crate) use db::{Db, Row};
pub(crate) use event::{batch, fresh_id, ids_of, track};
pub(crate) use fault_proxy::{Fault, FaultProxy};
pub(crate) use loader::{Load, Sent};
pub(crate) use ports::free_port;
pub(crate) use receiver::{Received, Receiver, Reply};
pub(crate) use router::{Config, Router, opentrack};
pub(crate) use sdk_home::{node, plain_python, python, rust};
pub(crate) use wait::{until, until_some};
