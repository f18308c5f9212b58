//! The files that are shipped beside the program: `config.toml`, `env.example`, the pages about destinations.
//!
//! All are generated, from a template and from what each destination says about itself, so that a new destination is in
//! them without a change here. `config.toml` is also the built-in configuration. Writes nothing.

mod pages;

use std::fmt::Write;
use std::time::Duration;

use super::read::size_text;
use crate::destinations::{ENTRIES, Entry};
use crate::policy::patience::Patience;

pub use pages::readme;

/// Where the pages about destinations are, below the repository.
pub const PAGES: &str = "docs/destinations";

/// Where the list of metrics is.
pub const METRICS: &str = "docs/metrics.md";

const TEMPLATE: &str = include_str!("template.toml");

/// One environment variable of the router itself: name, example, explanation.
const VARIABLES: &[(&str, &str, &str)] = &[
    ("PORT", "3000", "The first listener becomes 0.0.0.0:PORT."),
    ("OPENTRACK_ENV", "production", "`server.environment`: development or production."),
    (
        "NODE_ENV",
        "production",
        "The same where OPENTRACK_ENV is not set; every other word means development.",
    ),
    ("OPENTRACK_LOG", "info", "`server.log`, a log filter."),
    ("JWT_SECRET", "", "Signs operator tokens. Production: at least 32 bytes (openssl rand -hex 32)."),
    (
        "JWT_SECRET_OLD",
        "",
        "The one before, during a rotation: what it has signed is believed as long as it stands here.",
    ),
    (
        "SITE_SALT",
        "",
        "Salts visitor ids and what `privacy` hashes. Production: at least 32 bytes, not equal to JWT_SECRET.",
    ),
    (
        "HMAC_SECRET",
        "",
        "Key of signed requests to sources without `signing_secrets`. Production, where such a source has \
         `require_signature`: at least 32 bytes, not equal to the others.",
    ),
    (
        "CONSOLE_PASSWORD",
        "",
        "`console.password`: lets its holder log in to the console with every right. A hash stands between single quotes.",
    ),
    (
        "PII_KEY",
        "",
        "`privacy.encryption_keys`: encrypts what `privacy` says (openssl rand -base64 32). During a rotation: new,old.",
    ),
    ("TRUSTED_PROXIES", "10.0.0.0/8,192.168.0.0/16", "Fills `server.trusted_proxies` where it is empty."),
    ("CORS_ORIGINS", "https://shop.example", "Fills `origins` of every source without its own."),
    ("WEB_WRITE_KEY", "", "The write key of the example source in config.toml."),
    ("OPENTRACK__SERVER__MAX_BODY_BYTES", "8MiB", "Any key of config.toml: OPENTRACK__SECTION__KEY."),
];

/// Returns every file that is generated as a whole: its path below the repository, and its text.
pub fn files() -> Vec<(String, String)> {
    let mut files =
        vec![("config.toml".to_owned(), config_toml()), ("env.example".to_owned(), env_example())];
    files.push((METRICS.to_owned(), pages::metrics()));
    files.extend(ENTRIES.iter().map(|entry| (format!("{PAGES}/{}.md", entry.kind), pages::page(entry))));
    files
}

/// Returns the shipped `config.toml`.
pub fn config_toml() -> String {
    let blocks = ENTRIES.iter().map(|entry| format!("\n{}", config_block(entry)));
    TEMPLATE.to_owned() + &blocks.collect::<String>()
}

/// Puts the common keys, commented out, where the destination's own table ends.
fn config_block(entry: &Entry) -> String {
    let common = common_keys(&(entry.patience)());
    let mut out = String::new();
    let mut inside = false;
    let mut common = Some(common);
    for line in entry.about.config_block.trim().lines() {
        let is_header = line.trim_start_matches(['#', ' ']).starts_with("[destinations.");
        if is_header && inside {
            out.push_str(&common.take().unwrap_or_default());
        }
        inside |= is_header;
        out.push_str(line);
        out.push('\n');
    }
    out.push_str(&common.take().filter(|_| inside).unwrap_or_default());
    out
}

fn common_keys(patience: &Patience) -> String {
    let span = |duration: Duration| format!("\"{}\"", duration_text(duration));
    let size = |bytes: usize| format!("\"{}\"", size_text(bytes as u64));
    let lines = [
        format!(
            "batch = {{ max_events = {}, max_bytes = {}, max_delay = {} }}",
            patience.batch.max_events,
            size(patience.batch.max_bytes),
            span(patience.batch.max_delay)
        ),
        format!(
            "retry = {{ initial = {}, max = {}, give_up_after = {} }}",
            span(patience.retry.initial),
            span(patience.retry.max),
            span(patience.retry.give_up_after)
        ),
        format!(
            "breaker = {{ failures = {}, open_for = {} }}",
            patience.breaker.failures,
            span(patience.breaker.open_for)
        ),
        format!("hold = {{ probe_every = {} }}", span(patience.probe_every)),
        format!("concurrency = {}", patience.concurrency),
        format!(
            "rate_limit = {{ events_per_second = {}, requests_per_second = {} }}",
            patience.rate_limit.events_per_second, patience.rate_limit.requests_per_second
        ),
        format!("timeout = {}", span(patience.timeout)),
        "events = { include = [], exclude = [] }".to_owned(),
        "consent = []".to_owned(),
        "privacy = {}".to_owned(),
        "start = \"now\"".to_owned(),
    ];
    lines.iter().map(|line| format!("# {line}\n")).collect()
}

/// Written by the same package that reads durations back.
fn duration_text(duration: Duration) -> String {
    let mut out = String::new();
    let written = humantime_serde::serialize(&duration, toml::ser::ValueSerializer::new(&mut out));
    debug_assert!(written.is_ok(), "a duration is a string");
    out.trim_matches('"').to_owned()
}

/// Returns the shipped `env.example`: every line a comment, so that a copy of it as `.env` changes nothing.
pub fn env_example() -> String {
    let mut out = String::from(
        "# Environment variables of OpenTrack. Copy this file to `.env` beside config.toml and take the # away from\n\
         # what you need. The real environment wins over `.env`.\n",
    );
    for (name, example, explanation) in VARIABLES {
        push(&mut out, name, example, explanation);
    }
    for entry in ENTRIES {
        let all = entry.about.required.iter().chain(entry.about.variables);
        for (key, variable) in all.filter(|(_, variable)| !variable.is_empty()) {
            let title = entry.about.title;
            push(&mut out, variable, "", &format!("{title}: fills `{key}` where it is empty."));
        }
        for (key, variable) in parts(entry) {
            let title = entry.about.title;
            push(&mut out, variable, "", &format!("{title}: a part of `{key}`."));
        }
    }
    out
}

/// The variables that say a part of a setting, without the one that was named as its own.
fn parts(entry: &Entry) -> impl Iterator<Item = (&'static str, &'static str)> {
    let all = entry.composed.iter();
    let all = all.flat_map(|composed| composed.variables.iter().map(|variable| (composed.key, *variable)));
    all.filter(|(_, variable)| entry.about.required.iter().all(|(_, own)| own != variable))
}

fn push(out: &mut String, name: &str, example: &str, explanation: &str) {
    let written = write!(out, "\n# {explanation}\n# {name}={example}\n");
    debug_assert!(written.is_ok(), "a string takes everything");
}
