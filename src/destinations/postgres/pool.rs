//! The connections to one database: made when they are needed, set up alike, and given up when their work was broken off.
//!
//! A connection that somebody stopped waiting for may still be at work, so it is closed and never lent again. Never
//! retries anything.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::tokio_postgres::SimpleQueryMessage;
use deadpool_postgres::{
    ClientWrapper, Hook, HookError, Manager, ManagerConfig, Object, Pool as Inner, PoolError, RecyclingMethod, Runtime, Timeouts,
};

use super::super::{Failure, FailureKind};
use super::address::Address;
use super::tls::Tls;
use super::trouble;
use crate::telemetry::{Meter, events};

/// Most connections; as many as are used at a time are made, which `concurrency` says, and one for changes of tables.
const MOST: usize = 64;

/// How long a connection may be idle.
const IDLE: Duration = Duration::from_secs(300);

/// How long one address may take to answer, where `url` does not say it.
const CONNECT: Duration = Duration::from_secs(10);

/// How long nothing is heard before the system asks whether the other side is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// The oldest version that there is a promise for, as `server_version_num` writes it.
const OLDEST: u32 = 130_000;

/// The name under which the server lists our connections, where `url` gives none.
const NAME: &str = "opentrack";

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    inner: Inner,
    schema: Arc<str>,
    timeout: Duration,
    meter: Meter,
}

impl Pool {
    /// Returns a pool that has contacted nobody; no statement takes longer than `timeout`.
    ///
    /// # Errors
    /// In words.
    pub(super) fn new(address: Address, schema: &str, timeout: Duration, meter: Meter) -> Result<Pool, String> {
        let Address { mut config, trust } = address;
        if config.get_application_name().is_none() {
            config.application_name(NAME);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT.min(timeout));
        }
        config.keepalives_idle(KEEPALIVE);
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(timeout);
        }
        let how = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(config, Tls(trust), how);
        let set_up = Arc::<str>::from(set_up(timeout));
        let hook = Hook::async_fn(move |client: &mut ClientWrapper, _| {
            let set_up = Arc::clone(&set_up);
            Box::pin(async move { prepare(client, &set_up).await })
        });
        let inner = Inner::builder(manager).max_size(MOST).post_create(hook);
        let inner = inner.runtime(Runtime::Tokio1).timeouts(bounded(timeout)).build();
        let inner = inner.map_err(|error| error.to_string())?;
        Ok(Pool { inner, schema: schema.into(), timeout, meter })
    }

    /// Returns a connection that is ready for work.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn get(&self) -> Result<Lease, Failure> {
        // Setting a connection up is none of the steps that the pool itself bounds.
        let got = tokio::time::timeout(self.timeout, self.inner.get()).await;
        self.measure();
        let got = got.map_err(|_| no_connection())?;
        got.map(|object| Lease(Some(object))).map_err(|error| self.failure(&error))
    }

    /// Returns what a failed statement means.
    pub(super) fn trouble(&self, error: &tokio_postgres::Error) -> Failure {
        trouble::failure(error, &self.schema)
    }

    /// Gives up connections that nobody needed for a while.
    pub(super) fn tidy(&self) {
        self.inner.retain(|_, metrics| metrics.last_used() < IDLE);
        self.measure();
    }

    /// Has every connection forget what it keeps prepared; the server is told so.
    pub(super) fn forget_prepared(&self) {
        self.inner.manager().statement_caches.clear();
    }

    fn measure(&self) {
        let status = self.inner.status();
        let used = status.size.saturating_sub(status.available);
        events::PoolMeasured { used, idle: status.available, waiting: status.waiting }.emit(&self.meter);
    }

    fn failure(&self, error: &PoolError) -> Failure {
        match error {
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => self.trouble(error),
            PoolError::PostCreateHook(HookError::Message(said)) => {
                Failure { kind: FailureKind::Store, message: said.to_string() }
            }
            PoolError::Timeout(_) => no_connection(),
            PoolError::Closed | PoolError::NoRuntimeSpecified => {
                Failure { kind: FailureKind::Connection, message: error.to_string() }
            }
        }
    }
}

/// Bounds each step to a connection.
fn bounded(timeout: Duration) -> Timeouts {
    Timeouts { wait: Some(timeout), create: Some(timeout), recycle: Some(timeout) }
}

fn no_connection() -> Failure {
    Failure { kind: FailureKind::Timeout, message: "no connection in time".to_owned() }
}

/// Times without a zone are those of Greenwich, as everywhere; a statement ends before somebody stops waiting for it.
fn set_up(timeout: Duration) -> String {
    let most = timeout.as_millis().saturating_mul(9) / 10;
    format!("SET TimeZone = 'UTC'; SET statement_timeout = {most}; SHOW server_version_num")
}

async fn prepare(client: &ClientWrapper, set_up: &str) -> Result<(), HookError> {
    let answers = client.simple_query(set_up).await.map_err(HookError::Backend)?;
    let version = answers.iter().find_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
        _ => None,
    });
    refuse_old(version).map_err(HookError::message)
}

/// The code is that of a feature that a server does not have.
fn refuse_old(version: Option<u32>) -> Result<(), String> {
    match version {
        Some(version) if version < OLDEST => Err(format!(
            "0A000: the server is PostgreSQL {}, and 13 or newer is needed",
            version / 10_000
        )),
        _ => Ok(()),
    }
}

/// A connection on loan. Dropped in the middle of its work it is closed; [`Lease::done`] gives it back.
pub(super) struct Lease(Option<Object>);

impl Lease {
    /// Returns the connection.
    pub(super) fn client(&mut self) -> Result<&mut ClientWrapper, Failure> {
        let given_back = || Failure { kind: FailureKind::Connection, message: "the connection was given back".to_owned() };
        self.0.as_deref_mut().ok_or_else(given_back)
    }

    /// Gives the connection back.
    pub(super) fn done(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            drop(Object::take(object));
        }
    }
}
