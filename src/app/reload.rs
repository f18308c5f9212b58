//! Reads the configuration again and carries out what has changed, while everything else goes on.
//!
//! Reading, comparing and building run on another thread and touch nothing that runs; carrying out is one message and one
//! swap. What is refused changes nothing at all.

use std::sync::Arc;

use actix::{Addr, ArbiterHandle};

use super::watch::{Reason, Watch};
use super::{ServeError, launch};
use crate::actors::messages::{ConfigChecked, Reconfigure};
use crate::actors::supervisor::{Child, Supervisor};
use crate::config::{self, Changes, Environment, Loaded, Problem, Settings};
use crate::http::DoorTerms;
use crate::journal::Journal;
use crate::telemetry::{Metrics, events};

/// What the running configuration was made of, to make another.
#[derive(Clone)]
pub(super) struct Origin {
    /// The variables of the process.
    pub(super) environment: Arc<Environment>,
    /// What was loaded at the start.
    pub(super) start: Arc<Loaded>,
    pub(super) journal: Arc<dyn Journal>,
    pub(super) metrics: Arc<Metrics>,
    /// Where destinations live.
    pub(super) arbiters: Vec<ArbiterHandle>,
}

/// Whom a change is told to.
pub(super) struct Targets {
    pub(super) supervisor: Addr<Supervisor>,
    pub(super) terms: DoorTerms,
}

/// See the module.
pub(super) struct Reloader {
    origin: Origin,
    targets: Targets,
    running: Arc<Running>,
    /// What `/ready` says now.
    said: ConfigChecked,
}

/// What is in force.
struct Running {
    settings: Settings,
    warnings: Vec<String>,
    /// It came from a file, not from the built-in defaults.
    from_file: bool,
}

/// A configuration that was read, compared, and is ready to be carried out.
struct Prepared {
    running: Running,
    changes: Changes,
    children: Vec<Child>,
}

/// Why a configuration was not taken.
enum Refused {
    /// It is wrong, and stays so until it is changed.
    Wrong(String),
    /// It could not be carried out now.
    NotNow(String),
}

impl Reloader {
    pub(super) fn new(origin: Origin, targets: Targets) -> Self {
        let start = &origin.start;
        let running = Running {
            settings: start.settings.clone(),
            warnings: start.warnings.clone(),
            from_file: start.path.is_some(),
        };
        let said = ConfigChecked { ok: true, message: "in force".to_owned() };
        Reloader { running: Arc::new(running), origin, targets, said }
    }

    /// Reloads whenever there is a reason to. Ends never; whoever drops it ends it.
    pub(super) async fn run(mut self, mut watch: Watch) {
        loop {
            let reason = watch.next().await;
            if !self.reload(reason).await {
                watch.again();
            }
        }
    }

    /// Returns false when the same must be tried again.
    async fn reload(&mut self, reason: Reason) -> bool {
        let (origin, running) = (self.origin.clone(), Arc::clone(&self.running));
        let prepared = tokio::task::spawn_blocking(move || prepare(&origin, &running)).await;
        let prepared = prepared.unwrap_or_else(|panic| Err(Refused::Wrong(panic.to_string())));
        // The next change begins at another arbiter.
        let count = self.origin.arbiters.len();
        self.origin.arbiters.rotate_left(1.min(count));
        match prepared {
            Ok(prepared) => self.carry_out(prepared, reason).await,
            Err(Refused::Wrong(problems)) => {
                self.refuse(&problems, reason).await;
                true
            }
            Err(Refused::NotNow(problem)) => {
                self.refuse(&problem, Reason::Noticed).await;
                false
            }
        }
    }

    async fn carry_out(&mut self, prepared: Prepared, reason: Reason) -> bool {
        let Prepared { running, changes, children } = prepared;
        if !changes.is_empty() {
            let change = Reconfigure { children, removed: changes.gone.clone() };
            if self.targets.supervisor.send(change).await.is_err() {
                self.refuse("the supervisor has ended", Reason::Noticed).await;
                return false;
            }
            self.targets.terms.change(&running.settings);
            let Changes { added, removed, changed, .. } = &changes;
            events::ConfigApplied { added, removed, changed }.emit();
        }
        let message = if changes.waiting.is_empty() {
            "in force".to_owned()
        } else {
            let keys: Vec<String> = changes.waiting.iter().map(|key| format!("`{key}`")).collect();
            format!("in force; takes effect at the next start: {}", keys.join(", "))
        };
        let is_news = self.said.message != message;
        if is_news {
            events::ConfigWaits { keys: &changes.waiting }.emit();
        }
        if reason == Reason::Asked && changes.is_empty() && !is_news {
            events::ConfigUnchanged.emit();
        }
        for message in running.warnings.iter().filter(|new| !self.running.warnings.contains(new)) {
            events::ConfigWarning { message }.emit();
        }
        self.running = Arc::new(running);
        self.say(true, message).await;
        true
    }

    /// Says what is wrong, once.
    async fn refuse(&mut self, problems: &str, reason: Reason) {
        let message = format!("refused, the one before stays: {}", problems.replace('\n', "; "));
        if reason == Reason::Asked || self.said.message != message {
            events::ConfigRefused { problems }.emit();
        }
        self.say(false, message).await;
    }

    async fn say(&mut self, ok: bool, message: String) {
        self.said = ConfigChecked { ok, message };
        if self.targets.supervisor.send(self.said.clone()).await.is_err() {
            events::NobodyThere { message: "the state of the configuration" }.emit();
        }
    }
}

/// Reads, compares and builds. Blocks. A new destination gets its first cursor here, as at the start.
fn prepare(origin: &Origin, running: &Running) -> Result<Prepared, Refused> {
    let source = &origin.start.source;
    let wrong = |problems: config::Problems| Refused::Wrong(problems.to_string());
    let mut read = config::load(source, &origin.environment).map_err(wrong)?;
    if running.from_file && read.path.is_none() {
        // The built-in defaults are a way to begin, not something to fall back to.
        let [file, _] = source.files();
        let gone = Problem::of_file(file.display().to_string(), "is there no more");
        return Err(Refused::Wrong(gone.to_string()));
    }
    let waiting = config::keep_what_cannot_change(&origin.start, &mut read);
    let changes = Changes { waiting, ..Changes::between(&running.settings, &read.settings) };
    let children = build(origin, &read.settings, &changes)?;
    let from_file = read.path.is_some();
    let running = Running { settings: read.settings, warnings: read.warnings, from_file };
    Ok(Prepared { running, changes, children })
}

fn build(origin: &Origin, settings: &Settings, changes: &Changes) -> Result<Vec<Child>, Refused> {
    let mut touched = settings.clone();
    touched.destinations.retain(|destination| changes.destinations.contains(&destination.name));
    let not_now = |error: ServeError| Refused::NotNow(error.to_string());
    launch::children(&touched, &origin.journal, &origin.metrics, &origin.arbiters).map_err(not_now)
}
