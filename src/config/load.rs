//! From a file and an environment to settings that cannot be wrong, or to every reason why not.
//!
//! Reading the two files is one function; everything after it is a function of their texts, so that a reload and a test
//! are nothing special. Creates nothing on disk.

use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;
use toml::de::DeTable;

use super::destinations::{self, Context, Switch};
use super::environment::Environment;
use super::node::{self, Origin, Table};
use super::problem::{Place, Problem, Problems};
use super::report::Report;
use super::section::Section;
use super::settings::{Limits, Server, Settings};
use super::{
    additions, console, discretion, interpolate, journal, overrides, realtime, secrets, server, shipped,
    sources, telemetry, tracker,
};
use crate::destinations::{ENTRIES, Entry};
use crate::spec::signature::Signer;

/// The sections that say nothing about how the router is reached.
const ELSEWHERE: [&str; 12] = [
    "bots",
    "consent",
    "console",
    "destinations",
    "geo",
    "journal",
    "limits",
    "privacy",
    "realtime",
    "sources",
    "telemetry",
    "tracker",
];

/// Where the configuration is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// This file; it is an error when it is missing.
    Named(PathBuf),
    /// `config.toml` in this directory; without it the built-in defaults, which are the shipped file.
    Directory(PathBuf),
}

impl Source {
    /// Returns the file and the `.env` file beside it, whether they are there or not.
    pub fn files(&self) -> [PathBuf; 2] {
        let file = match self {
            Source::Named(path) => path.clone(),
            Source::Directory(directory) => directory.join("config.toml"),
        };
        let absolute = std::path::absolute(&file).unwrap_or_else(|_| file.clone());
        let beside = absolute.parent().unwrap_or(Path::new("/")).join(".env");
        [file, beside]
    }
}

/// A configuration without problems.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What the program runs with.
    pub settings: Settings,
    /// What works and may surprise.
    pub warnings: Vec<String>,
    /// The file, absolute; `None` for the built-in defaults.
    pub path: Option<PathBuf>,
    /// Which destinations are on, and why, in the order of their names.
    pub switches: Vec<Switch>,
    /// Where it came from, to load it again.
    pub source: Source,
}

/// The text of a configuration and what its places are named by.
pub(super) struct Document {
    /// The file as the operator named it.
    pub(super) label: String,
    /// Its text.
    pub(super) text: String,
    /// Where relative paths start; absolute.
    pub(super) directory: PathBuf,
    /// The file, absolute.
    pub(super) path: Option<PathBuf>,
    /// The destinations that exist.
    pub(super) entries: &'static [Entry],
}

/// Reads the configuration and the `.env` file beside it.
///
/// # Errors
/// Every problem there is.
pub fn load(source: &Source, environment: &Environment) -> Result<Loaded, Problems> {
    let document = read(source)?;
    let environment = environment.with_file(&document.directory.join(".env"))?;
    interpret(&document, &environment, source)
}

/// Reads the configuration for a command that asks the running router, which needs `[server]` alone: what is wrong elsewhere
/// comes back beside it. While a file is broken the router goes on with the one before, and its operator has to reach it.
///
/// # Errors
/// Every problem there is, when one of them concerns `[server]`, a secret or the file as a whole.
pub fn load_to_ask(
    source: &Source,
    environment: &Environment,
) -> Result<(Loaded, Option<Problems>), Problems> {
    let document = read(source)?;
    let environment = environment.with_file(&document.directory.join(".env"))?;
    match understand(&document, &environment, source) {
        (Some(loaded), None) => Ok((loaded, None)),
        (Some(loaded), Some(problems)) if problems.all().iter().all(is_elsewhere) => {
            Ok((loaded, Some(problems)))
        }
        (_, problems) => Err(problems.unwrap_or_else(|| no_toml(&document))),
    }
}

/// Returns whether a command that asks the running router need not care.
fn is_elsewhere(problem: &Problem) -> bool {
    let section = problem.key.split('.').next().unwrap_or_default();
    !problem.secret && ELSEWHERE.contains(&section)
}

fn no_toml(document: &Document) -> Problems {
    Problem::of_file(&document.label, "is no TOML").into()
}

fn read(source: &Source) -> Result<Document, Problem> {
    let (path, may_be_missing) = match source {
        Source::Named(path) => (path.clone(), false),
        Source::Directory(directory) => (directory.join("config.toml"), true),
    };
    let label = path.strip_prefix(".").unwrap_or(&path).display().to_string();
    let absolute = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
    let directory = absolute.parent().unwrap_or(Path::new("/")).to_owned();
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Document { label, text, directory, path: Some(absolute), entries: ENTRIES }),
        Err(error) if may_be_missing && error.kind() == std::io::ErrorKind::NotFound => Ok(Document {
            label: "built-in defaults".to_owned(),
            text: shipped::config_toml(),
            directory,
            path: None,
            entries: ENTRIES,
        }),
        Err(error) => Err(Problem::of_file(label, format!("could not be read: {error}"))),
    }
}

/// Understands a configuration that was read.
pub(super) fn interpret(
    document: &Document,
    environment: &Environment,
    source: &Source,
) -> Result<Loaded, Problems> {
    match understand(document, environment, source) {
        (Some(loaded), None) => Ok(loaded),
        (_, problems) => Err(problems.unwrap_or_else(|| no_toml(document))),
    }
}

/// Returns the settings as far as they can be read, and what is wrong with them.
fn understand(
    document: &Document,
    environment: &Environment,
    source: &Source,
) -> (Option<Loaded>, Option<Problems>) {
    let report = Report::new(&document.label, &document.text);
    let read =
        tree(document, environment, &report).map(|root| settings(&root, document, environment, &report));
    let (problems, warnings) = report.finish();
    let loaded = read.map(|(settings, switches)| Loaded {
        settings,
        warnings,
        path: document.path.clone(),
        switches,
        source: source.clone(),
    });
    (loaded, Problems::of(problems))
}

/// Returns the tree of the file with the environment laid over it; `None` when the file is no TOML.
fn tree(document: &Document, environment: &Environment, report: &Report<'_>) -> Option<Table> {
    let (parsed, errors) = DeTable::parse_recoverable(&document.text);
    for error in &errors {
        let offset = error.span().map_or(0, |span| span.start);
        report.problem(&Origin::File(offset), "", error.message().replace('\n', ", "));
    }
    if !errors.is_empty() {
        return None;
    }
    let mut root = node::of_file(parsed.get_ref());
    overrides::apply(&mut root, environment, report);
    destinations::add_those_of_the_environment(&mut root, document.entries, environment);
    interpolate::expand_all(&mut root, "", environment, report);
    Some(root)
}

#[expect(clippy::too_many_lines, reason = "a line for each section, and nothing but that")]
fn settings(
    root: &Table,
    document: &Document,
    environment: &Environment,
    report: &Report<'_>,
) -> (Settings, Vec<Switch>) {
    let mut section = Section::root(report, root);
    let server =
        section.within("server", |section| server::server(section, &document.directory, environment));
    let journal =
        section.within("journal", |section| journal::journal(section, server.production, environment));
    let limits: Limits = section.within("limits", server::limits);
    let consent = section.within("consent", discretion::rules);
    let privacy = section.within("privacy", |section| discretion::privacy(section, environment));
    let tracker = section.within("tracker", |section| tracker::tracker(section, consent));
    let realtime = section.within("realtime", realtime::realtime);
    let console = section.within("console", console::console);
    let telemetry = section.within("telemetry", telemetry::telemetry);
    let additions = additions::additions(&mut section, &document.directory);
    let sources = section.within("sources", |section| sources::sources(section, environment));
    let context = Context {
        directory: document.directory.clone(),
        environment,
        server: &server,
        discretion: (consent, privacy.clone()),
        exclude_automatic: tracker.exclude_automatic,
        entries: document.entries,
    };
    let read = section.within("destinations", |section| destinations::destinations(section, &context));
    section.finish();
    let (destinations, switches) = read.into_iter().unzip();
    let settings = Settings {
        server,
        journal,
        limits,
        additions,
        consent,
        privacy,
        tracker,
        realtime,
        console,
        telemetry,
        sources,
        destinations,
    };
    check_whole(&settings, environment, report);
    (settings, switches)
}

/// The rules about more than one section.
fn check_whole(settings: &Settings, environment: &Environment, report: &Report<'_>) {
    if settings.server.production {
        let signs = settings
            .sources
            .iter()
            .any(|source| source.require_signature && source.signing_secrets.is_empty());
        secrets::check_production(environment, signs, report);
    }
    if settings.sources.is_empty() && settings.server.production {
        let message = "production needs at least one source: add a table `[sources.NAME]` with `write_keys`";
        report.add(Problem::new(Place::Nowhere {}, "sources", message));
    } else if settings.sources.is_empty() {
        report.warn("no source is configured: any write key, or none, is accepted");
    }
    for name in &settings.privacy.tell_deletions {
        if !settings.destinations.iter().any(|one| one.name == *name) {
            let message =
                format!("`tell_deletions` in [privacy] names `{name}`, and no destination has this name");
            report.add(Problem::new(Place::Nowhere {}, "privacy.tell_deletions", message));
        }
    }
    check_signing_key(environment, report);
    warn_of_small_things(&settings.server, settings, report);
}

/// The message does not repeat the secret.
fn check_signing_key(environment: &Environment, report: &Report<'_>) {
    let key = environment.filled("HMAC_SECRET").map(Signer::new);
    if let Some(Err(message)) = key {
        let message = format!("the environment variable `HMAC_SECRET` {message}");
        report.add(Problem { secret: true, ..Problem::new(Place::Nowhere {}, "HMAC_SECRET", message) });
    }
}

fn warn_of_small_things(server: &Server, settings: &Settings, report: &Report<'_>) {
    if server.max_event_bytes > server.max_body_bytes {
        report.warn("`max_event_bytes` is above `max_body_bytes`, so that it has no effect");
    }
    if !settings.destinations.iter().any(|destination| destination.enabled) {
        report.warn("no destination is on: events are kept in the journal alone");
    }
    let key = server.jwt_secret.expose_secret();
    if !server.production && !key.is_empty() && key.len() < secrets::SHORTEST {
        report.warn("`JWT_SECRET` is shorter than 32 bytes, which production refuses");
    }
}
