//! What the shared Redis knows, for whoever shows it: who is there now, on which pages, and what was counted.
//!
//! It reads keys that routers write, and never writes: what several routers keep beside numbers is in `state`. Times are milliseconds since 1970, given by the caller.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use redis::{Cmd, FromRedisValue, cmd};

use super::config::Config;
use super::kept;
use super::shop;
use super::plan::{day_key, hour_key, key, minute_key};
use super::wire::Line;
use super::address;
use crate::destinations::{BoxFuture, Failure, Present, Setting, SettingError, SharedPresence, Trade};
use crate::projections::active::{Counts, WINDOWS_MS};
use crate::projections::live::Options;
use crate::projections::live::vitals::{self, Tally};
use crate::stores::reports::Fault;
use crate::telemetry::Meter;

/// Pages of which vitals are read.
const MOST_PAGES: usize = 10;

/// What was counted in one minute.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Minute {
    /// Events.
    pub events: u64,
    /// Completed orders.
    pub orders: u64,
    /// Hundredths that were earned, by currency; an empty one where none was told.
    pub revenue_cents: BTreeMap<String, i64>,
}

/// What several routers know together of one site.
#[async_trait]
pub trait Live: Send + Sync {
    /// Returns how many visitors are active at `now`.
    ///
    /// # Errors
    /// Why it is not known: then whoever asks falls back on what its own router has seen.
    async fn active(&self, site: &str, now: i64) -> Result<Counts, Failure>;

    /// Returns the pages with the most visitors, and how many, for at most `count` pages.
    ///
    /// # Errors
    /// As of [`Live::active`].
    async fn pages(&self, site: &str, count: usize) -> Result<Vec<(String, u64)>, Failure>;

    /// Returns what was counted in the minute of `at`; nothing when it is more than two hours ago.
    ///
    /// # Errors
    /// As of [`Live::active`].
    async fn minute(&self, site: &str, at: i64) -> Result<Minute, Failure>;

    /// Returns about how many visitors came on the day of `at`, kept for 35 days; days are those of UTC.
    ///
    /// # Errors
    /// As of [`Live::active`].
    async fn day(&self, site: &str, at: i64) -> Result<u64, Failure>;

    /// Returns about how many visitors came in the hour of `at`, kept for two days.
    ///
    /// # Errors
    /// As of [`Live::active`].
    async fn hour(&self, site: &str, at: i64) -> Result<u64, Failure>;
}

/// Reads a Redis.
pub struct Store {
    pub(super) line: Line,
    rules: Options,
}

impl Store {
    /// Returns a reader of the Redis that these settings name. Opens nothing.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub fn new(config: &Config, setting: &Setting) -> Result<Store, SettingError> {
        Store::counted_by(config, setting, setting.meter.clone())
    }

    /// Returns one that stands beside a delivery, whose connections alone are counted.
    pub(super) fn uncounted(config: &Config, setting: &Setting) -> Result<Store, SettingError> {
        Store::counted_by(config, setting, Meter::default())
    }

    fn counted_by(config: &Config, setting: &Setting, meter: Meter) -> Result<Store, SettingError> {
        use secrecy::ExposeSecret as _;
        let address = address::parse(config.url.expose_secret());
        let address = address.map_err(|message| SettingError { key: "url", message })?;
        let line = Line::new(address, &config.ca_file, setting.timeout, meter);
        Ok(Store { line, rules: setting.live.clone() })
    }

    /// Returns how many sessions are open at `now`.
    async fn sessions(&self, site: &str, now: i64) -> Result<u64, Failure> {
        let since = now - self.rules.sessions.timeout_ms;
        self.line.ask(cmd("ZCOUNT").arg(key(site, kept::SESSIONS)).arg(since).arg("+inf")).await
    }

    /// Returns what was measured on the day of `now`, on all pages and on those with the most values.
    async fn vitals(&self, site: &str, now: i64) -> Result<Tally, Failure> {
        let (sketches, pages) = kept::day_keys(now, &self.rules);
        let heaviest = cmd("ZREVRANGE").arg(key(site, &pages)).arg(0).arg(MOST_PAGES - 1).to_owned();
        let mut paths: Vec<String> = self.line.ask(&heaviest).await?;
        paths.push(vitals::OTHER.to_owned());
        let fields = kept::fields(&paths);
        let texts: Vec<Option<String>> =
            self.line.ask(cmd("HMGET").arg(key(site, &sketches)).arg(&fields)).await?;
        Ok(kept::tally(paths, &texts))
    }

    /// Returns what was sold on the day of `now`, how far visitors came within a day, and how many carts have something in them.
    async fn trade(&self, site: &str, now: i64) -> Result<Trade, Failure> {
        let sums = self.line.ask(cmd("HGETALL").arg(key(site, &shop::sums_key(now, &self.rules)))).await?;
        let mut levels = [0; shop::STEPS];
        for (level, count) in (1..).zip(&mut levels) {
            let since = format!("({}", now - shop::FOLLOWED_MS);
            *count = self.line.ask(cmd("ZCOUNT").arg(key(site, &shop::level_key(level))).arg(since).arg("+inf")).await?;
        }
        let carts = self.line.ask(cmd("ZCOUNT").arg(key(site, shop::CARTS)).arg(format!("({now}")).arg("+inf")).await?;
        Ok(shop::trade(sums, levels, carts))
    }

    /// Sends one command for whoever wants to know no more than why it failed.
    pub(super) async fn tell<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Fault> {
        self.line.ask(command).await.map_err(|failure| Fault::Failed(failure.message))
    }

    async fn visitors(&self, key: String) -> Result<u64, Failure> {
        self.line.ask(cmd("PFCOUNT").arg(key)).await
    }
}

/// Reads it for whoever shows who is there now.
pub(super) struct Shared(pub(super) Arc<Store>);

impl SharedPresence for Shared {
    fn look(&self, site: Arc<str>, now: i64, pages: usize) -> BoxFuture<Result<Present, Failure>> {
        let store = Arc::clone(&self.0);
        Box::pin(async move {
            let counts = store.active(&site, now).await?;
            let (pages, sessions) = (store.pages(&site, pages).await?, store.sessions(&site, now).await?);
            let (vitals, trade) = (store.vitals(&site, now).await?, store.trade(&site, now).await?);
            Ok(Present { counts, pages, sessions, vitals, trade })
        })
    }
}

#[async_trait]
impl Live for Store {
    async fn active(&self, site: &str, now: i64) -> Result<Counts, Failure> {
        let seen = key(site, "seen");
        let mut counts = [0; WINDOWS_MS.len()];
        for (count, window) in counts.iter_mut().zip(WINDOWS_MS) {
            *count = self.line.ask(cmd("ZCOUNT").arg(&seen).arg(format!("({}", now - window)).arg(now)).await?;
        }
        let [m1, m5, m30] = counts;
        Ok(Counts { m1, m5, m30 })
    }

    async fn pages(&self, site: &str, count: usize) -> Result<Vec<(String, u64)>, Failure> {
        let Some(last) = count.checked_sub(1) else { return Ok(Vec::new()) };
        self.line.ask(cmd("ZREVRANGE").arg(key(site, "pages")).arg(0).arg(last).arg("WITHSCORES")).await
    }

    async fn minute(&self, site: &str, at: i64) -> Result<Minute, Failure> {
        let fields: BTreeMap<String, i64> = self.line.ask(cmd("HGETALL").arg(key(site, &minute_key(at)))).await?;
        let mut minute = Minute::default();
        for (field, value) in fields {
            match field.as_str() {
                "events" => minute.events = value.unsigned_abs(),
                "orders" => minute.orders = value.unsigned_abs(),
                other => {
                    let currency = other.strip_prefix("revenue-cents").map(|rest| rest.trim_start_matches(':'));
                    minute.revenue_cents.extend(currency.map(|currency| (currency.to_owned(), value)));
                }
            }
        }
        Ok(minute)
    }

    async fn day(&self, site: &str, at: i64) -> Result<u64, Failure> {
        self.visitors(key(site, &day_key(at))).await
    }

    async fn hour(&self, site: &str, at: i64) -> Result<u64, Failure> {
        self.visitors(key(site, &hour_key(at))).await
    }
}
