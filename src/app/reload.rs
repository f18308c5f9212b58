//! Reads the configuration again and carries out what has changed, while everything else goes on.
//!
//! Reading, comparing and building run on another thread and touch nothing that runs; carrying out is one message and one
//! swap. What is refused changes nothing at all.

use std::sync::Arc;

use actix::{Addr, ArbiterHandle};

use super::live::Live;
use super::watch::{Reason, Watch};
use super::{ServeError, launch};
use crate::actors::messages::{ConfigChecked, Reconfigure, Unpark};
use crate::actors::supervisor::{Child, Supervisor};
use crate::actors::tap::TapLine;
use crate::config::{self, Changes, Environment, Loaded, Problem, Settings};
use crate::destinations::SharedPresence;
use crate::http::DoorTerms;
use crate::journal::Journal;
use crate::stores::shared::SharedState;
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
    pub(super) tap: TapLine,
}

/// Whom a change is told to.
pub(super) struct Targets {
    pub(super) supervisor: Addr<Supervisor>,
    pub(super) terms: DoorTerms,
    /// Who tells what is live.
    pub(super) live: Live,
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
    /// What is shared with other routers from now on; `None` where that stays as it is.
    together: Option<Together>,
}

/// What routers share, as far as a destination keeps it for them.
struct Together {
    state: Option<Arc<dyn SharedState>>,
    presence: Option<Arc<dyn SharedPresence>>,
}

/// Why a configuration was not taken.
enum Refused {
    /// It is wrong, and stays so until it is changed.
    Wrong(Told),
    /// It could not be carried out now.
    NotNow(String),
}

/// What is wrong.
struct Told {
    /// With what is in the files, a problem a line.
    problems: String,
    /// Without: for anybody.
    in_short: String,
}

impl Told {
    /// Of a configuration that cannot be read.
    fn of(problems: &config::Problems) -> Told {
        let in_short = match problems.all().len() {
            1 => "refused: 1 problem; `opentrack check` names it".to_owned(),
            count => format!("refused: {count} problems; `opentrack check` names them"),
        };
        Told { problems: problems.to_string(), in_short }
    }

    /// Of one that can be read and not be carried out.
    fn later(problems: impl Into<String>) -> Told {
        let in_short = "refused: it cannot be carried out; the log says why".to_owned();
        Told { problems: problems.into(), in_short }
    }
}

impl Reloader {
    pub(super) fn new(origin: Origin, targets: Targets) -> Self {
        let start = &origin.start;
        let running = Running {
            settings: start.settings.clone(),
            warnings: start.warnings.clone(),
            from_file: start.path.is_some(),
        };
        let said = ConfigChecked { ok: true, message: "in force".to_owned(), in_short: None };
        Reloader { running: Arc::new(running), origin, targets, said }
    }

    /// Follows the files that the router was started with. Ends never; whoever drops it ends it.
    pub(super) async fn run(self, watch: Watch) {
        let terms = self.targets.terms.clone();
        tokio::join!(self.follow(watch), terms.follow());
    }

    /// Reloads whenever there is a reason to.
    async fn follow(mut self, mut watch: Watch) {
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
        let prepared = prepared.unwrap_or_else(|panic| Err(Refused::Wrong(Told::later(panic.to_string()))));
        // The next change begins at another arbiter.
        let count = self.origin.arbiters.len();
        self.origin.arbiters.rotate_left(1.min(count));
        match prepared {
            Ok(prepared) => self.carry_out(prepared, reason).await,
            Err(Refused::Wrong(problems)) => {
                self.refuse(problems, reason).await;
                true
            }
            Err(Refused::NotNow(problem)) => {
                self.refuse(Told::later(problem), Reason::Noticed).await;
                false
            }
        }
    }

    async fn carry_out(&mut self, prepared: Prepared, reason: Reason) -> bool {
        let Prepared { running, changes, children, together } = prepared;
        if !changes.is_empty() {
            let change = Reconfigure { children, removed: changes.gone.clone() };
            if self.targets.supervisor.send(change).await.is_err() {
                self.refuse(Told::later("the supervisor has ended"), Reason::Noticed).await;
                return false;
            }
            self.targets.terms.change(&running.settings);
            if let Some(Together { state, presence }) = together {
                self.targets.terms.share(state);
                self.targets.live.attend(&self.targets.supervisor, presence);
            }
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
        self.unpark(reason).await;
        if reason == Reason::Asked && changes.is_empty() && !is_news {
            events::ConfigUnchanged.emit();
        }
        for message in running.warnings.iter().filter(|new| !self.running.warnings.contains(new)) {
            events::ConfigWarning { message }.emit();
        }
        self.running = Arc::new(running);
        self.say(ConfigChecked { ok: true, message, in_short: None }).await;
        true
    }

    /// Starts again what was parked, where somebody asked; a file that is refused does not stand in its way.
    async fn unpark(&self, reason: Reason) {
        if reason == Reason::Asked && self.targets.supervisor.send(Unpark).await.is_err() {
            events::NobodyThere { message: "the start of what is parked" }.emit();
        }
    }

    /// Says what is wrong, once.
    async fn refuse(&mut self, told: Told, reason: Reason) {
        let Told { problems, in_short } = told;
        self.unpark(reason).await;
        let message = format!("refused, the one before stays: {}", problems.replace('\n', "; "));
        if reason == Reason::Asked || self.said.message != message {
            events::ConfigRefused { problems: &problems }.emit();
        }
        self.say(ConfigChecked { ok: false, message, in_short: Some(in_short) }).await;
    }

    async fn say(&mut self, said: ConfigChecked) {
        self.said = said;
        if self.targets.supervisor.send(self.said.clone()).await.is_err() {
            events::NobodyThere { message: "the state of the configuration" }.emit();
        }
    }
}

/// Reads, compares and builds. Blocks. A new destination gets its first cursor here, as at the start.
fn prepare(origin: &Origin, running: &Running) -> Result<Prepared, Refused> {
    let source = &origin.start.source;
    let wrong = |problems: config::Problems| Refused::Wrong(Told::of(&problems));
    let mut read = config::load(source, &origin.environment).map_err(wrong)?;
    if running.from_file && read.path.is_none() {
        // The built-in defaults are a way to begin, not something to fall back to.
        let [file, _] = source.files();
        let gone = Problem::of_file(file.display().to_string(), "is there no more");
        return Err(wrong(gone.into()));
    }
    let waiting = config::keep_what_cannot_change(&origin.start, &mut read);
    let changes = Changes { waiting, ..Changes::between(&running.settings, &read.settings) };
    let (new, old) = (super::served(&read.settings), super::served(&running.settings));
    // Those that run are served until it is known that they go: a journal forgets what it knows of whoever it does not serve.
    let leaving = old.iter().filter(|old| new.iter().all(|new| new.name != old.name)).cloned();
    origin.journal.serve(new.iter().cloned().chain(leaving).collect());
    let children = build(origin, &read.settings, &changes).inspect_err(|_| origin.journal.serve(old))?;
    origin.journal.serve(new);
    // Who keeps it is one of the destinations, and nobody here knows which.
    let moves = !changes.destinations.is_empty() || !changes.gone.is_empty();
    let together = moves.then(|| Together {
        state: launch::shared_state(&read.settings),
        presence: launch::shared_presence(&read.settings),
    });
    let from_file = read.path.is_some();
    let running = Running { settings: read.settings, warnings: read.warnings, from_file };
    Ok(Prepared { running, changes, children, together })
}

fn build(origin: &Origin, settings: &Settings, changes: &Changes) -> Result<Vec<Child>, Refused> {
    let mut touched = settings.clone();
    touched.destinations.retain(|destination| changes.destinations.contains(&destination.name));
    let not_now = |error: ServeError| Refused::NotNow(error.to_string());
    let made = launch::children(&touched, &origin.journal, &origin.metrics, &origin.arbiters, &origin.tap);
    // Who answers reports is decided at the start.
    made.map(|(children, _)| children).map_err(not_now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Source;
    use crate::journal::MemoryJournal;

    const WITH_SOURCE: &str =
        "[sources.web]\nwrite_keys = [\"key\"]\n[destinations.warehouse]\ntype = \"sqlite\"\n";

    fn begin(directory: &std::path::Path) -> (Origin, Running) {
        let environment = Environment::default();
        let start = config::load(&Source::Directory(directory.to_owned()), &environment).unwrap();
        let (settings, from_file) = (start.settings.clone(), start.path.is_some());
        let origin = Origin {
            environment: Arc::new(environment),
            start: Arc::new(start),
            journal: Arc::new(MemoryJournal::default()),
            metrics: Arc::new(Metrics::new()),
            arbiters: Vec::new(),
            tap: TapLine::default(),
        };
        (origin, Running { settings, warnings: Vec::new(), from_file })
    }

    fn refusal(prepared: Result<Prepared, Refused>) -> Told {
        match prepared {
            Err(Refused::Wrong(told)) => told,
            Err(Refused::NotNow(problem)) => panic!("it would be tried again: {problem}"),
            Ok(prepared) => panic!("it was taken: {:?}", prepared.changes),
        }
    }

    #[test]
    fn a_file_that_appears_is_taken_and_one_that_is_gone_does_not_bring_the_defaults_back() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        let (origin, running) = begin(dir.path());
        let unchanged = prepare(&origin, &running).unwrap_or_else(|_| panic!("nothing is wrong"));
        assert!(unchanged.changes.is_empty() && unchanged.children.is_empty());
        std::fs::write(&file, WITH_SOURCE).unwrap();
        let taken = prepare(&origin, &running).unwrap_or_else(|_| panic!("nothing is wrong"));
        assert_eq!(taken.changes.added, ["sources.web"]);
        std::fs::remove_file(&file).unwrap();
        let gone = refusal(prepare(&origin, &taken.running));
        assert!(gone.problems.ends_with("config.toml: is there no more"), "{}", gone.problems);
        assert_eq!(gone.in_short, "refused: 1 problem; `opentrack check` names it");
        std::fs::write(&file, "[sources.web]\nwrite_key = 1\n[limits]\nper_iq = 2\n").unwrap();
        let Told { problems, in_short } = refusal(prepare(&origin, &taken.running));
        // The misspelt key is missed as well.
        assert_eq!(in_short, "refused: 3 problems; `opentrack check` names them");
        assert!(problems.contains("config.toml:2:1") && problems.contains("config.toml:4:1"), "{problems}");
    }

    #[test]
    fn only_what_differs_is_built() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        std::fs::write(&file, WITH_SOURCE).unwrap();
        let (origin, running) = begin(dir.path());
        let hook = "[destinations.hook]\ntype = \"webhook\"\nurl = \"http://127.0.0.1:1/\"\n";
        std::fs::write(&file, format!("{WITH_SOURCE}{hook}")).unwrap();
        let prepared = prepare(&origin, &running).unwrap_or_else(|_| panic!("nothing is wrong"));
        let names: Vec<&str> = prepared.children.iter().map(|child| child.name.as_str()).collect();
        assert_eq!((names, prepared.changes.gone), (vec!["hook"], Vec::new()));
    }
}
