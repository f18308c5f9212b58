//! Reports out of the wide table: the events of a question are read, and what they mean is said where it is said for all stores.
//!
//! What a question needs is asked of the server: the time, the source, and the kinds of events. More events than a router should
//! hold are a sample of the visitors, and the answer says so. A report that takes too long is given up here and at the server.

mod line;
mod statement;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::super::{Reply, Setting, SettingError};
use super::api::{Api, MAX_DESCRIPTION};
use super::config::Config;
use super::errors::code;
use super::target::Target;
use super::wide::TABLE;
use crate::destinations::reply::words;
use crate::stores::ReportStore;
use crate::stores::reports::fact::{Fact, Rules};
use crate::stores::reports::history::History;
use crate::stores::reports::{Fault, Query, Report, make};
use line::Line;
use statement::Asking;

/// How often a sample is made smaller that has still too many events or bytes, and by how much.
const SMALLER: (u32, u64) = (4, 4);
/// Reports that are made at the same time; more wait.
const AT_ONCE: usize = 2;

/// What one report may take, here and at the server.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Most events that are to be looked at for one question: some 100 MB. More are a sample of about as many.
    pub most: u64,
    /// Most events that are looked at, where some visitors have many more than others.
    pub at_most: usize,
    /// Most events of one visitor in a sample: whoever makes up millions of events of one is not to be all that is seen.
    pub of_one: u64,
    /// How long a report may wait and take, all of its statements together.
    pub within: Duration,
    /// Most memory that the server may take for one statement, in bytes.
    pub memory: u64,
    /// Most visitors with an order of whom the server finds the visits.
    pub most_buyers: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds {
            most: 200_000,
            at_most: 400_000,
            of_one: 10_000,
            within: Duration::from_secs(8),
            memory: 2_000_000_000,
            most_buyers: 1_000_000,
        }
    }
}

/// The store of one server. See the module.
#[derive(Debug, Clone)]
pub struct Reports {
    api: Arc<Api>,
    rules: Rules,
    bounds: Bounds,
    permits: Arc<Semaphore>,
}

/// What came of a sample.
enum Read {
    Facts(Vec<Fact<'static>>),
    TooMuch,
}

impl Reports {
    /// Returns the store of the server that these settings name. Opens nothing.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub fn open(config: &Config, setting: &Setting, rules: Rules, bounds: Bounds) -> Result<Reports, SettingError> {
        let api = Api::new(Target::new(config, setting)?);
        let api = api.map_err(|(key, message)| SettingError { key, message })?;
        Ok(Reports { bounds, ..Reports::new(Arc::new(api), rules) })
    }

    /// Returns the store of a server that has the wide table.
    pub(super) fn new(api: Arc<Api>, rules: Rules) -> Reports {
        Reports { api, rules, bounds: Bounds::default(), permits: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    fn late(&self) -> Fault {
        Fault::Failed(format!("the report took longer than {} s", self.bounds.within.as_secs()))
    }
}

/// One report, and until when it may be made.
struct Making<'r> {
    store: &'r Reports,
    query: Query,
    until: Instant,
    table: String,
}

impl Making<'_> {
    /// Runs a statement that ends at the server when the report's time does.
    async fn ask(&self, statement: impl Fn(Asking<'_>) -> String) -> Result<String, Fault> {
        let left = self.until.saturating_duration_since(Instant::now());
        let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        let asking = Asking { table: &self.table, bounds: &self.store.bounds, seconds: seconds.max(1) };
        let said = self.store.api.report(&statement(asking), left).await;
        said.map_err(|reply| match reply {
            Reply::Answer(answer) => refused(answer.words()),
            Reply::Failed(failure) => Fault::Failed(words(&failure.message)),
        })
    }

    /// Returns one in how many visitors is looked at.
    async fn part(&self) -> Result<u64, Fault> {
        let said = self.ask(|asking| asking.count(&self.query)).await?;
        let wrong = |_| Fault::Failed(format!("the server counted `{}`", words(&said)));
        let count: u64 = said.trim().parse().map_err(wrong)?;
        Ok(count.div_ceil(self.store.bounds.most.max(1)).max(1))
    }

    async fn read(&self, part: u64) -> Result<Read, Fault> {
        let rules = self.store.rules.clone();
        let keeps_query = !rules.spelling.keep_query.is_empty();
        let said = self.ask(|asking| asking.read(&self.query, part, keeps_query)).await?;
        if said.len() >= MAX_DESCRIPTION || said.lines().count() > self.store.bounds.at_most {
            return Ok(Read::TooMuch);
        }
        let reading = tokio::task::spawn_blocking(move || {
            let read = |text: &str| {
                let read: Line = serde_json::from_str(text)
                    .map_err(|error| Fault::Failed(format!("the server's answer cannot be read: {error}")))?;
                Ok(line::fact(read, &rules))
            };
            said.lines().map(read).collect::<Result<Vec<Fact<'static>>, Fault>>()
        });
        reading.await.unwrap_or_else(|error| Err(not_made(&error))).map(Read::Facts)
    }

    /// Returns the facts of a sample that is small enough, and of one in how many visitors they are.
    async fn facts(&self) -> Result<(Vec<Fact<'static>>, u64), Fault> {
        let mut part = self.part().await?;
        for _ in 0..SMALLER.0 {
            match self.read(part).await? {
                Read::Facts(facts) => return Ok((facts, part)),
                Read::TooMuch => part = part.saturating_mul(SMALLER.1),
            }
        }
        let what = format!("events or {} MiB of texts, also of one in {part} visitors", MAX_DESCRIPTION >> 20);
        Err(Fault::more_than(self.store.bounds.at_most, &what))
    }

    async fn made(self) -> Result<Report, Fault> {
        let permits = Arc::clone(&self.store.permits);
        let Ok(permit) = permits.acquire_owned().await else { return Err(self.store.late()) };
        let (facts, part) = self.facts().await?;
        let (rules, query) = (self.store.rules.clone(), self.query);
        let making = tokio::task::spawn_blocking(move || {
            let made = make::answer(&query, &History::of(facts, &rules));
            drop(permit);
            made.map(|mut report| {
                report.scale(part);
                report
            })
        });
        making.await.unwrap_or_else(|error| Err(not_made(&error)))
    }
}

/// Returns what a refusal of the server means. Its memory, and the rows that it may hold, are bounds of ours: as
/// src/Common/ErrorCodes.cpp has them, `MEMORY_LIMIT_EXCEEDED` of the query and `SET_SIZE_LIMIT_EXCEEDED`.
fn refused(said: String) -> Fault {
    match code(&said) {
        // The server's memory as a whole is another thing, and passes: it says "(total)" then.
        Some(241) if !said.contains("(total)") => {
            Fault::TooMuch("would take more memory than the server may give; ask for less time, one site, or with a filter".to_owned())
        }
        Some(191) => Fault::TooMuch("is about more visitors with orders than may be looked at; ask for less time or one site".to_owned()),
        _ => Fault::Failed(said),
    }
}

fn not_made(error: &tokio::task::JoinError) -> Fault {
    Fault::Failed(format!("the report could not be made: {error}"))
}

#[async_trait]
impl ReportStore for Reports {
    fn name(&self) -> &'static str {
        "clickhouse"
    }

    async fn answer(&self, query: Query) -> Result<Report, Fault> {
        let (until, table) = (Instant::now() + self.bounds.within, self.api.target.names.table(TABLE));
        // Dropped when it is late: the connection closes, at which the server gives up what it does for it.
        let made = Making { store: self, query, until, table }.made();
        tokio::time::timeout_at(until, made).await.unwrap_or_else(|_| Err(self.late()))
    }
}
