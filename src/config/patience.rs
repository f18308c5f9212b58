//! The common keys of every destination: batch, retry, breaker, hold, concurrency, rate_limit, timeout,
//! events, start.
//!
//! The defaults are the destination's own. Never knows which destination it reads for.

use std::path::Path;

use super::node::{Node, Value};
use super::problem::did_you_mean;
use super::read;
use super::section::{Section, Wrong};
use super::settings::{EventFilter, EventPattern, Start};
use crate::policy::patience::{BatchLimits, BreakerSettings, Patience, RateLimit, Retry};
use crate::spec::Kind;

/// Reads the patience of one destination; what the table leaves out is as in `default`.
pub(super) fn patience(section: &mut Section<'_>, default: Patience) -> Patience {
    Patience {
        batch: section.within("batch", |section| batch(section, default.batch)),
        retry: section.within("retry", |section| retry(section, default.retry)),
        breaker: section.within("breaker", |section| breaker(section, default.breaker)),
        probe_every: section
            .within("hold", |section| section.value("probe_every", default.probe_every, read::some_duration)),
        concurrency: section.value("concurrency", default.concurrency, read::count),
        rate_limit: section.within("rate_limit", |section| rate_limit(section, default.rate_limit)),
        timeout: section.value("timeout", default.timeout, read::some_duration),
    }
}

fn batch(section: &mut Section<'_>, default: BatchLimits) -> BatchLimits {
    BatchLimits {
        max_events: section.value("max_events", default.max_events, read::count),
        max_bytes: section.value("max_bytes", default.max_bytes, read::size(1)),
        max_delay: section.value("max_delay", default.max_delay, read::duration),
    }
}

fn retry(section: &mut Section<'_>, default: Retry) -> Retry {
    let retry = Retry {
        initial: section.value("initial", default.initial, read::some_duration),
        max: section.value("max", default.max, read::some_duration),
        give_up_after: section.value("give_up_after", default.give_up_after, read::duration),
    };
    if retry.max < retry.initial {
        let key = if section.field("max").is_some() { "max" } else { "initial" };
        section.wrong(key, "must leave `max` at or above `initial`");
    }
    retry
}

fn breaker(section: &mut Section<'_>, default: BreakerSettings) -> BreakerSettings {
    BreakerSettings {
        failures: section.value("failures", default.failures, read::integer(1)),
        open_for: section.value("open_for", default.open_for, read::some_duration),
    }
}

fn rate_limit(section: &mut Section<'_>, default: RateLimit) -> RateLimit {
    RateLimit {
        events_per_second: section.value("events_per_second", default.events_per_second, read::integer(0)),
        requests_per_second: section.value(
            "requests_per_second",
            default.requests_per_second,
            read::integer(0),
        ),
    }
}

/// Reads `events = { include, exclude }`.
pub(super) fn events(section: &mut Section<'_>) -> EventFilter {
    EventFilter {
        include: section.value("include", Vec::new(), read::list(pattern)),
        exclude: section.value("exclude", Vec::new(), read::list(pattern)),
        without_automatic: false,
    }
}

fn pattern(node: &Node) -> Result<EventPattern, Wrong> {
    let text = read::text(node)?;
    text.parse().map_err(|wrong| {
        let kind = text.split(':').next().unwrap_or_default();
        let suggestion = did_you_mean(kind, Kind::ALL.map(Kind::as_str));
        Wrong { suggestion, ..Wrong::at(node, format!("must hold {wrong}")) }
    })
}

/// Reads `start`.
pub(super) fn start(node: &Node) -> Result<Start, Wrong> {
    let text = match &node.value {
        Value::Instant(instant) => instant.to_string(),
        _ => read::text(node)?,
    };
    match text.as_str() {
        "now" => Ok(Start::Now),
        "beginning" => Ok(Start::Beginning),
        other => other.parse().map(Start::At).map_err(|_| {
            Wrong::at(node, "must be \"now\", \"beginning\" or an instant like \"2026-01-31T12:00:00Z\"")
        }),
    }
}

/// Makes a path of the file absolute; an empty one stays empty and means the default.
pub(super) fn absolute(directory: &Path, text: &str) -> String {
    if text.is_empty() { String::new() } else { directory.join(text).display().to_string() }
}
