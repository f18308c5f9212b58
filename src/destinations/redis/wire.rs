//! The connection to one Redis: made when it is needed, shared by all requests, and given up when it is in doubt.
//!
//! Signing in is done by hand, so that the server's own words say why it failed. Never tries anything again, but for a
//! script that the server does not know yet. Never repeats a password.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, RedisError, Script, TlsCertificates, cmd};
use tokio::sync::Mutex;

use super::address::Address;
use super::judge::{Meaning, meaning};
use super::trouble;
use crate::destinations::{Failure, FailureKind};
use crate::policy::outcome::Reason;
use crate::telemetry::{Meter, events};

/// How long connecting may take, where a request may take longer.
const CONNECT: Duration = Duration::from_secs(3);

/// See the module.
pub(super) struct Line {
    address: Address,
    ca_file: PathBuf,
    timeout: Duration,
    meter: Meter,
    /// The connection with its number, by which the one that failed is told from its successor.
    place: Mutex<Option<(usize, MultiplexedConnection)>>,
    made: AtomicUsize,
    open: AtomicUsize,
    used: AtomicUsize,
    waiting: AtomicUsize,
}

/// Counts what lasts as long as it.
struct Tally<'a>(&'a AtomicUsize);

impl<'a> Tally<'a> {
    fn of(count: &'a AtomicUsize) -> Tally<'a> {
        count.fetch_add(1, Ordering::Relaxed);
        Tally(count)
    }
}

impl Drop for Tally<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Line {
    /// Returns a line that has contacted nobody; no command takes longer than `timeout`.
    pub(super) fn new(address: Address, ca_file: &Path, timeout: Duration, meter: Meter) -> Line {
        let count = || AtomicUsize::new(0);
        let ca_file = ca_file.to_owned();
        Line { address, ca_file, timeout, meter, place: Mutex::new(None), made: count(), open: count(), used: count(), waiting: count() }
    }

    /// Returns the address without credentials.
    pub(super) fn shown(&self) -> String {
        self.address.shown()
    }

    /// Sends one command.
    ///
    /// # Errors
    /// Why there is no answer, or what the server refused.
    pub(super) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Failure> {
        self.ask_raw(command).await.map_err(|error| self.failure(&error))
    }

    /// Runs a script, which is sent whole only where the server does not know it.
    ///
    /// # Errors
    /// As of [`Line::ask`].
    pub(super) async fn run<T: FromRedisValue>(&self, script: &Script, code: &str, keys: &[String], argument: &str) -> Result<T, Failure> {
        let command = |name: &str, what: &str| {
            let mut command = cmd(name);
            command.arg(what).arg(keys.len()).arg(keys).arg(argument);
            command
        };
        match self.ask_raw(&command("EVALSHA", script.get_hash())).await {
            Err(error) if error.code() == Some("NOSCRIPT") => self.ask(&command("EVAL", code)).await,
            other => other.map_err(|error| self.failure(&error)),
        }
    }

    async fn ask_raw<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RedisError> {
        let (number, mut connection) = self.connection().await?;
        let used = Tally::of(&self.used);
        self.measure();
        let answer = command.query_async(&mut connection).await;
        drop(used);
        if let Err(error) = &answer
            && is_doubtful(error)
        {
            self.give_up(number).await;
        }
        self.measure();
        answer
    }

    /// Returns the connection, however many others wait for one: each of them would try for itself, one after the other, and
    /// the last would wait for all.
    async fn connection(&self) -> Result<(usize, MultiplexedConnection), RedisError> {
        let waiting = Tally::of(&self.waiting);
        let connected = tokio::time::timeout(CONNECT.min(self.timeout), self.connected()).await;
        drop(waiting);
        connected.unwrap_or_else(|_| Err(trouble::no_connection()))
    }

    async fn connected(&self) -> Result<(usize, MultiplexedConnection), RedisError> {
        let mut place = self.place.lock().await;
        if let Some((number, connection)) = &*place {
            return Ok((*number, connection.clone()));
        }
        let connection = self.connect().await?;
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        self.open.store(1, Ordering::Relaxed);
        *place = Some((number, connection.clone()));
        Ok((number, connection))
    }

    async fn connect(&self) -> Result<MultiplexedConnection, RedisError> {
        let config = AsyncConnectionConfig::new();
        let config = config.set_connection_timeout(Some(CONNECT.min(self.timeout)));
        // A little less than whoever waits for the request, so that the connection is known to be in doubt.
        let config = config.set_response_timeout(Some(self.timeout.mul_f32(0.9)));
        let client = self.client().await?;
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        if let Some(password) = &self.address.password {
            let mut auth = cmd("AUTH");
            if let Some(user) = &self.address.user {
                auth.arg(user);
            }
            auth.arg(password).query_async::<()>(&mut connection).await?;
        }
        if self.address.database > 0 {
            cmd("SELECT").arg(self.address.database).query_async::<()>(&mut connection).await?;
        }
        // Who may not name himself is served without a name.
        let _is_named = cmd("CLIENT").arg("SETNAME").arg("opentrack").query_async::<()>(&mut connection).await.is_ok();
        Ok(connection)
    }

    /// The file is read anew for each connection, so that a replaced one counts from the next on.
    async fn client(&self) -> Result<Client, RedisError> {
        if !self.address.is_encrypted() || self.ca_file.as_os_str().is_empty() {
            return Client::open(self.address.info.clone());
        }
        let unreadable = |why: &dyn std::fmt::Display| {
            let words = format!("`ca_file` `{}`: {why}", self.ca_file.display());
            RedisError::from((ErrorKind::InvalidClientConfig, "TLS", words))
        };
        let root_cert = tokio::fs::read(&self.ca_file).await.map_err(|error| unreadable(&error))?;
        let certificates = TlsCertificates { client_tls: None, root_cert: Some(root_cert) };
        Client::build_with_tls(self.address.info.clone(), certificates).map_err(|error| unreadable(&error))
    }

    /// Gives up the connection of this number, where it is still the one in use.
    async fn give_up(&self, number: usize) {
        let mut place = self.place.lock().await;
        if place.take_if(|(current, _)| *current == number).is_some() {
            self.open.store(0, Ordering::Relaxed);
        }
    }

    fn measure(&self) {
        let open = self.open.load(Ordering::Relaxed);
        let used = open.min(self.used.load(Ordering::Relaxed));
        let waiting = self.waiting.load(Ordering::Relaxed);
        events::PoolMeasured { used, idle: open - used, waiting }.emit(&self.meter);
    }

    fn failure(&self, error: &RedisError) -> Failure {
        let failure = trouble::failure(error);
        let hide = |text: &str| match &self.address.password {
            Some(password) if password.len() >= 4 => text.replace(password.as_str(), "***"),
            _ => text.to_owned(),
        };
        Failure { kind: failure.kind, message: hide(&failure.message) }
    }
}

/// Returns whether the next command needs another connection: this one broke, is silent, was never signed in, or leads to a
/// server that only reads.
fn is_doubtful(error: &RedisError) -> bool {
    let failure = trouble::failure(error);
    let of_connection = [Meaning::Elsewhere, Meaning::Repair(Reason::Unauthorized)];
    failure.kind != FailureKind::Store || of_connection.contains(&meaning(&failure.message))
}

#[cfg(test)]
mod tests {
    use super::super::address;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_connection_waits_no_longer_than_one_may_take() {
        // Connections are made by the system and never answered.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = address::parse(&format!("redis://{}", silent.local_addr().unwrap())).unwrap();
        let line = Line::new(address, Path::new(""), Duration::from_secs(60), Meter::default());
        let begun = tokio::time::Instant::now();
        let ping = cmd("PING");
        let answers = futures_util::future::join_all((0..5).map(|_| line.ask::<String>(&ping))).await;
        let kinds: Vec<FailureKind> = answers.into_iter().map(|answer| answer.unwrap_err().kind).collect();
        assert!(kinds.iter().all(|kind| *kind == FailureKind::Timeout), "{kinds:?}");
        // By the clock of the test, which only timers move.
        assert!(begun.elapsed() < CONNECT * 2, "{:?}", begun.elapsed());
        assert_eq!(line.waiting.load(Ordering::Relaxed), 0);
    }
}
