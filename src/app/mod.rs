//! Composition root: the only place that knows everybody.
//!
//! Start: lock, bind, open the journal, start the actors, open the door. Stop: close the door, drain the destinations, then
//! the journal. The listening sockets are bound before recovery and held until exit, so that a connection made meanwhile
//! waits instead of being refused.

mod at_rest;
mod collector;
mod engine;
mod files;
mod launch;
mod listen;
mod live;
mod lock;
mod privacy;
mod reload;
mod reports;
mod signals;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;

use crate::actors::follower::Passer;
use crate::actors::messages::Drain;
use crate::actors::supervisor::{Child, Supervisor};
use crate::actors::tap::TapLine;
use crate::config::{self, Environment, Loaded, Problems, Settings};
use crate::http::{self, Door, LetterDesk, PrivacyDesk};
use crate::journal::attempts::Note;
use crate::journal::{Begins, Cursor, Journal, JournalError, Position, Served};
use crate::policy::outcome::Reason;
use crate::privacy::Suppression;
use crate::stores::ReportStore;
use crate::telemetry::{Metrics, clock, events};

pub use at_rest::{AtRest, at_rest};

/// Arbiters that the destinations share, beside the one of supervisor and journal writer.
const DELIVERY_ARBITERS: usize = 2;

/// Threads of each arbiter for disk and mapping. More would wait for the same two things, and each keeps memory of its own.
const BLOCKING_THREADS: usize = 4;

/// Why the router did not start, or did not stop cleanly. Each kind has its exit code.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A port is taken, or another process uses the data directory: 69.
    #[error("{0}")]
    Unavailable(String),
    /// The configuration is wrong: 64.
    #[error("{0}")]
    Config(Problems),
    /// A secret is missing: 78.
    #[error("{0}")]
    Secret(String),
    /// Anything else: 1.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
}

/// Runs the router until it is told to stop. Blocks.
///
/// # Errors
/// See [`ServeError`].
pub fn serve(loaded: Loaded, environment: &Environment) -> Result<(), ServeError> {
    let begun = tokio::time::Instant::now();
    let data_dir = loaded.settings.server.data_dir.clone();
    let lock = lock::take(&data_dir)?;
    if lock::is_open_to_all(&data_dir, &lock) {
        events::DataOpenToAll { path: &data_dir }.emit();
    }
    let listeners = listen::bind(&loaded.settings.server.listen)?;
    let system = actix::System::new();
    let start = (Arc::new(loaded), Arc::new(environment.clone()));
    let outcome = system.block_on(run(start, listeners, begun));
    drop(lock);
    outcome
}

async fn run(
    (loaded, environment): (Arc<Loaded>, Arc<Environment>),
    listeners: listen::Listeners,
    begun: tokio::time::Instant,
) -> Result<(), ServeError> {
    let metrics = Arc::new(Metrics::new());
    let settings = Arc::new(within_files(&loaded.settings));
    let mut signals = signals::Signals::new().map_err(anyhow::Error::from)?;
    let hangup = signals::Signals::hangup().map_err(anyhow::Error::from)?;
    let collector = collector::Collector::start(settings.telemetry.otlp_endpoint.as_deref(), &metrics)?;
    let journal = engine::open(&settings, &metrics)?;
    // Before anybody reads: a record that is overwritten in part can be read by nobody.
    let privacy = privacy::open(&settings, journal.as_ref())?;
    let arbiters = Arbiters::start();
    journal.serve(served(&settings));
    let tap = TapLine::default();
    let (children, reports) = launch::children(&settings, &journal, &metrics, &arbiters.deliveries, &tap)?;
    let live = live::Live::start(&settings, &metrics, &arbiters.live, &tap);
    let crew = (&metrics, children, live.clone(), Arc::clone(&privacy.suppression));
    let supervisor = start_supervisor(&arbiters, &journal, &settings, crew);
    live.attend(&supervisor, launch::shared_presence(&settings));
    journal.follow(Arc::new(passer(&supervisor, &metrics)));
    let privacy = privacy.start(&settings, (&journal, &metrics), &supervisor, &arbiters.live);
    let door = door(&settings, &supervisor, (&metrics, privacy, reports), &live);
    let (server, terms) = http::serve(door, listeners.serving).map_err(anyhow::Error::from)?;
    events::DoorOpened { listen: &listeners.words, took: begun.elapsed() }.emit();
    let handle = server.handle();
    #[expect(
        clippy::disallowed_methods,
        reason = "the server restarts its own workers, and ends only when told to"
    )]
    let server = actix_rt::spawn(server);
    let watch = watch::Watch::new(loaded.source.files(), hangup);
    let arbiters = arbiters.deliveries;
    let origin = reload::Origin { environment, start: loaded, journal, metrics, arbiters, tap };
    let targets = reload::Targets { supervisor: supervisor.clone(), terms, live: live.clone() };
    until_stopped(&mut signals, reload::Reloader::new(origin, targets).run(watch)).await;
    stop(&handle, (&supervisor, &live), &mut signals, settings.server.shutdown_timeout).await.emit();
    if let Some(collector) = collector {
        collector.farewell().await;
    }
    server.abort();
    drop(listeners.held);
    Ok(())
}

/// Returns the settings with no more connections than the process may have files for.
fn within_files(wished: &Settings) -> Settings {
    let mut settings = wished.clone();
    settings.server.max_connections = files::connections(settings.server.max_connections);
    settings
}

/// Waits for a signal, and reloads meanwhile: from then on nothing is reloaded any more.
async fn until_stopped(signals: &mut signals::Signals, reloads: impl Future<Output = ()>) {
    tokio::select! {
        () = signals.next() => {}
        () = reloads => {}
    }
}

/// Closes the door, drains everything. Takes no longer than `limit` after the signal.
async fn stop(
    door: &actix_web::dev::ServerHandle,
    (supervisor, live): (&Addr<Supervisor>, &live::Live),
    signals: &mut signals::Signals,
    limit: Duration,
) -> events::Stopped {
    events::Stopping.emit();
    let begun = tokio::time::Instant::now();
    let drain = async {
        // Their answers have no end, and the door waits for the end of every answer; but not for one that nobody reads.
        live.farewell().await;
        drop(tokio::time::timeout(limit / 2, door.stop(true)).await);
        supervisor.send(Drain).await.map_or(0, |drained| drained.left)
    };
    tokio::select! {
        drained = tokio::time::timeout(limit, drain) => match drained {
            Ok(left) => events::Stopped::Drained { left, took: begun.elapsed() },
            Err(_) => events::Stopped::Late,
        },
        () = signals.next() => events::Stopped::AtOnce,
    }
}

/// The threads that the actors live on. An arbiter is one thread: a slow neighbour delays those who share it.
struct Arbiters {
    core: Arbiter,
    deliveries: Vec<ArbiterHandle>,
    /// Of the projections and of whoever tells what they know: they have no part in accepting and delivering.
    live: ArbiterHandle,
}

impl Arbiters {
    fn start() -> Self {
        let deliveries = (0..DELIVERY_ARBITERS).map(|_| arbiter().handle()).collect();
        Arbiters { core: arbiter(), deliveries, live: arbiter().handle() }
    }
}

fn arbiter() -> Arbiter {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(BLOCKING_THREADS)
            .build()
            .expect("the kernel gives a process its first few threads and sockets")
    };
    Arbiter::with_tokio_rt(runtime)
}

/// What the supervisor works with: where to count, the destinations, who tells what is live, and who is suppressed.
type Crew<'a> = (&'a Arc<Metrics>, Vec<Child>, live::Live, Arc<Suppression>);

fn start_supervisor(
    arbiters: &Arbiters,
    journal: &Arc<dyn Journal>,
    settings: &Settings,
    (metrics, children, live, suppression): Crew<'_>,
) -> Addr<Supervisor> {
    let (journal, metrics) = (Arc::clone(journal), Arc::clone(metrics));
    let durability = engine::durability(settings);
    let retention = settings.journal.dead_letter_retention;
    let reports = reports::follow(settings, &journal, &metrics, &arbiters.live);
    Supervisor::start_in_arbiter(&arbiters.core.handle(), move |ctx| {
        let mut follows = live.follows(&journal, &ctx.address());
        follows.extend(reports);
        let supervisor = Supervisor::new(journal, durability, metrics, children).tapped(live.line());
        supervisor.sifting(suppression).keeping_letters_for(retention).following(follows)
    })
}

fn door(
    settings: &Arc<Settings>,
    supervisor: &Addr<Supervisor>,
    (metrics, privacy, reports): (&Arc<Metrics>, PrivacyDesk, Option<Arc<dyn ReportStore>>),
    live: &live::Live,
) -> Door {
    Door {
        settings: Arc::clone(settings),
        accept: supervisor.clone().recipient(),
        snapshot: supervisor.clone().recipient(),
        readiness: supervisor.clone().recipient(),
        rejected: supervisor.clone().recipient(),
        letters: LetterDesk { list: supervisor.clone().recipient(), settle: supervisor.clone().recipient() },
        orders: supervisor.clone().recipient(),
        trace: supervisor.clone().recipient(),
        timeline: supervisor.clone().recipient(),
        schemas: supervisor.clone().recipient(),
        privacy,
        reports: reports::desk(settings, reports),
        live: live.desk(),
        tap: live.tap(),
        shared: launch::shared_state(settings),
        metrics: Arc::clone(metrics),
    }
}

fn passer(supervisor: &Addr<Supervisor>, metrics: &Arc<Metrics>) -> Passer {
    Passer {
        grown: supervisor.clone().recipient(),
        stand_by: supervisor.clone().recipient(),
        go_on: supervisor.clone().recipient(),
        metrics: Arc::clone(metrics),
    }
}

/// Returns the destinations that events wait for.
fn served(settings: &Settings) -> Vec<Served> {
    let begins = |start| match start {
        config::settings::Start::Now => Begins::Now,
        config::settings::Start::Beginning => Begins::Beginning,
        config::settings::Start::At(at) => Begins::At(at),
    };
    let on = settings.destinations.iter().filter(|destination| destination.enabled);
    on.map(|one| Served { name: one.name.clone(), begins: begins(one.start) }).collect()
}

/// Returns the position where a destination begins, storing its first cursor before any event can arrive: otherwise a kill
/// before its first commit would make it begin after events that were promised to it.
fn first_mark(
    journal: &dyn Journal,
    destination: &config::settings::Destination,
) -> Result<Position, JournalError> {
    if let Some(cursor) = journal.cursor(&destination.name)? {
        return Ok(cursor.mark);
    }
    let extent = journal.extent();
    let mark = match destination.start {
        config::settings::Start::Now => extent.next,
        config::settings::Start::Beginning => extent.first,
        config::settings::Start::At(at) => journal.position_at(at)?,
    };
    if extent.first < mark {
        let passed = extent.first.0..mark.0;
        let reason = Reason::BeforeStart.as_str();
        journal.note(&[Note::skipped(&destination.name, passed, reason, clock::now())])?;
    }
    journal.commit(&destination.name, &Cursor { mark, ..Cursor::default() })?;
    Ok(mark)
}

fn broken(what: &str, error: JournalError) -> ServeError {
    ServeError::Failed(anyhow::Error::new(error).context(format!("could not {what}")))
}
