//! The first room of the console: how every destination is, for whoever may see it.
//!
//! The words are those of `/api/destinations`, which the metrics and the command line use as well. Everything that is not a
//! number may have been written by a stranger.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::html::Html;
use super::words;
use crate::actors::messages::{BreakerStatus, DestinationStatus, LastError, ReadyCheck, ReplayStatus};

/// What is shown.
pub(super) struct View<'a> {
    /// Every destination, in the order in which they are shown.
    pub(super) destinations: &'a [DestinationStatus],
    /// The lines of `/ready`, of which those of the router itself are shown when they are not fine.
    pub(super) checks: &'a [ReadyCheck],
    /// An answer 200 does not wait for the disk.
    pub(super) durability_os: bool,
    /// The page comes again by itself.
    pub(super) refreshes: bool,
    /// When it was looked at.
    pub(super) now: Timestamp,
}

/// Returns the room.
pub(super) fn render(view: &View<'_>) -> Html {
    let mut html = Html::default();
    notices(&mut html, view);
    html.markup("<section aria-labelledby=\"destinations\">\n<div class=\"bar\">");
    html.markup("<h2 id=\"destinations\">Destinations</h2>\n<p>");
    html.text(&words::moment(view.now)).markup(" · ");
    html.markup(if view.refreshes {
        "comes again every 5 seconds, <a href=\"/\">hold it</a>"
    } else {
        "<a href=\"/\">look again</a>, or <a href=\"/?refresh=on\">every 5 seconds</a>"
    });
    html.markup("</p></div>\n");
    if view.destinations.is_empty() {
        html.markup("<p>None is configured: events are kept in the journal and go nowhere.</p>\n");
    }
    for one in view.destinations {
        destination(&mut html, one, view.now);
    }
    html.markup("</section>\n");
    html
}

fn notices(html: &mut Html, view: &View<'_>) {
    if view.durability_os {
        html.markup(
            "<p class=\"notice\" role=\"note\"><strong>durability = \"os\"</strong> An answer 200 does not wait for the \
             disk: a power cut loses the last seconds of acknowledged events.</p>\n",
        );
    }
    let own = |check: &&ReadyCheck| view.destinations.iter().all(|one| one.name != check.name);
    for check in view.checks.iter().filter(own).filter(|check| !check.ok) {
        html.markup("<p class=\"notice bad\" role=\"alert\"><strong>").text(&check.name);
        html.markup("</strong> <bdi>").text(&check.message).markup("</bdi></p>\n");
    }
}

fn destination(html: &mut Html, one: &DestinationStatus, now: Timestamp) {
    html.markup("<article class=\"").text(one.state).markup("\">\n<header><h3>").text(&one.name);
    html.markup("</h3><span class=\"type\">").text(one.kind);
    html.markup("</span><span class=\"state\">").text(one.state).markup("</span></header>\n");
    // An error is shown below, with its time; a reason that only repeats it would be read twice.
    let repeats = |reason: &String| one.last_error.as_ref().is_some_and(|error| error.message == *reason);
    if let Some(reason) = one.reason.as_ref().filter(|reason| !repeats(reason)) {
        html.markup("<p class=\"reason\"><bdi>").text(reason).markup("</bdi></p>\n");
    }
    if one.enabled {
        figures(html, one, now);
    }
    if let Some(error) = &one.last_error {
        last_error(html, error, now);
    }
    counts(html, "skipped", &one.counts.skipped);
    counts(html, "dead", &one.counts.dead);
    if let Some(replay) = &one.replay {
        replaying(html, replay);
    }
    html.markup("</article>\n");
}

fn figures(html: &mut Html, one: &DestinationStatus, now: Timestamp) {
    let backlog = one.backlog;
    let waits = backlog.events > 0;
    html.markup("<dl>\n");
    let size = if waits { words::bytes(backlog.bytes) } else { String::new() };
    figure(html, "backlog", &words::count(backlog.events), &size);
    figure(html, "oldest", &words::span(one.oldest_age_ms), "");
    figure(html, "in", &words::rate(one.rate.incoming), "");
    figure(html, "out", &words::rate(one.rate.outgoing), "");
    figure(html, "delivered", &words::count(one.counts.delivered), "");
    figure(html, "breaker", one.breaker.state, &breaker(&one.breaker, now));
    if let Some(concurrency) = one.concurrency {
        figure(html, "at once", &format!("{} of {}", concurrency.limit, concurrency.cap), "");
    }
    if let Some(at) = one.next_attempt_at {
        figure(html, "next attempt", &format!("in {}", words::span(words::until(at, now))), "");
    }
    if let Some(eta) = one.drain_eta_ms.filter(|_| waits) {
        figure(html, "drained", &format!("in about {}", words::span(eta.max(1000))), "");
    }
    if let Some(holds) = one.holds_journal {
        let full = holds.full_in_ms.map(|ms| format!("full in {}", words::span(ms)));
        let full = full.as_deref().unwrap_or("not growing");
        figure(html, "holds the journal", &format!("{} %", holds.percent), full);
    }
    html.markup("</dl>\n");
}

/// One figure, and what is to be said beside it.
fn figure(html: &mut Html, name: &'static str, value: &str, beside: &str) {
    html.markup("<div><dt>").markup(name).markup("</dt><dd>").text(value);
    if !beside.is_empty() {
        html.markup("<small>").text(beside).markup("</small>");
    }
    html.markup("</dd></div>\n");
}

fn breaker(breaker: &BreakerStatus, now: Timestamp) -> String {
    let failed =
        (breaker.failures > 0).then(|| format!("{} failed in a row", words::count(breaker.failures.into())));
    let tries = breaker.reopens_at.map(|at| format!("tries in {}", words::span(words::until(at, now))));
    failed.into_iter().chain(tries).collect::<Vec<_>>().join(", ")
}

fn last_error(html: &mut Html, error: &LastError, now: Timestamp) {
    html.markup("<figure><figcaption>last error, <time datetime=\"")
        .text(&error.at.to_string())
        .markup("\">");
    html.text(&words::span(words::until(now, error.at))).markup(" ago</time>");
    if let Some(status) = error.status {
        html.markup(", status ").text(&status.to_string());
    }
    html.markup("</figcaption><pre><bdi>").text(&error.message).markup("</bdi></pre></figure>\n");
}

fn counts(html: &mut Html, name: &'static str, counts: &BTreeMap<String, u64>) {
    if counts.is_empty() {
        return;
    }
    html.markup("<p class=\"counts\">").markup(name);
    for (reason, number) in counts {
        html.markup(" <span><code>").text(reason).markup("</code> ").text(&words::count(*number));
        html.markup("</span>");
    }
    html.markup("</p>\n");
}

fn replaying(html: &mut Html, replay: &ReplayStatus) {
    html.markup("<p class=\"counts\">replay <span><code>").text(replay.state).markup("</code></span> <span>");
    html.text(&words::count(replay.delivered)).markup(" delivered</span> <span>");
    html.text(&words::count(replay.dead)).markup(" dead</span> <span>");
    html.text(&words::count(replay.left)).markup(" to look at</span></p>\n");
}
