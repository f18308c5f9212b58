//! Every path with what it takes and answers.
//!
//! A new route needs its line here: a test finds the ones that have none.

use super::query::Kind::{Instant, Number, OneOf, Text, Texts};
use super::query::Parameter;
use crate::actors::messages::OUTCOMES;
use crate::http::access::{ADMIN, READ_OPS, READ_STATS, READ_STREAM};
use crate::http::{analytics_js, pixel, routes, session, settings};
use crate::spec::Endpoint;
use crate::spec::collect::Leaf;
use crate::stores::reports::Name;

/// One method of one path.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// `events`, `browser`, `health`, `operators`, `stream`.
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    /// The scope that a token needs; `None` where none is asked for.
    pub(super) scope: Option<&'static str>,
    pub(super) query: &'static [Parameter],
    /// Name of the schema of its body.
    pub(super) body: Option<&'static str>,
    pub(super) good: Good,
    /// Statuses of an error that are worth naming.
    pub(super) refusals: &'static [&'static str],
}

/// What a good answer is.
#[derive(Clone, Copy)]
pub(super) enum Good {
    /// JSON of this schema.
    Json(&'static str),
    /// The same, or CSV.
    Table(&'static str),
    /// Something else of this media type.
    Text(&'static str),
}

const LIST: &[Parameter] = &[
    Parameter::new("limit", Number(1000), "Most entries."),
    Parameter::new("cursor", Text, "`next` of the page before."),
];
const LETTERS: &[Parameter] = &[
    Parameter::new("destination", Text, "Only of this destination."),
    Parameter::new("reason", Text, "Only for this reason, or for those that begin so, with a `*` behind it."),
    Parameter::new("from", Instant, "Buried then or later."),
    Parameter::new("until", Instant, "Buried before."),
    Parameter::new("id", Text, "Only this one."),
    Parameter::new("limit", Number(1000), "Most entries."),
    Parameter::new("cursor", Text, "`next` of the page before."),
];
const SETTLED: &[Parameter] = &[
    Parameter::new("destination", Text, "Only of this destination."),
    Parameter::new("reason", Text, "Only for this reason, or for those that begin so, with a `*` behind it."),
    Parameter::new("from", Instant, "Buried then or later."),
    Parameter::new("until", Instant, "Buried before."),
    Parameter::new("id", Text, "Only this one."),
    Parameter::new("confirm", Text, "To drop: the name of the destination, or `all`."),
];
const ORDERED: &[Parameter] = &[
    Parameter::new("confirm", Text, "To drop: the name of the destination."),
    Parameter::new("stop", OneOf(&["true"]), "To end a replay."),
    Parameter::new("from", Instant, "To replay: first arrival."),
    Parameter::new("until", Instant, "To replay: arrivals before then."),
    Parameter::new("from_offset", Texts, "To replay, with a journal on Kafka: `PARTITION:OFFSET`."),
    Parameter::new("until_offset", Texts, "To replay, with a journal on Kafka: `PARTITION:OFFSET`."),
    Parameter::new("filter", Texts, "To replay: a kind, or `kind:name` with `*`."),
    Parameter::new("rate", Number(u32::MAX), "To replay: most events a second."),
];
const NEWEST: &[Parameter] = &[Parameter::new("limit", Number(1000), "Most entries.")];
const WHOSE: &[Parameter] = &[
    Parameter::new("userId", Text, "Events of this user."),
    Parameter::new("anonymousId", Text, "Or of this visitor."),
];
const WATCHED: &[Parameter] = &[
    Parameter::new(
        "type",
        OneOf(&["track", "identify", "page", "screen", "group", "alias"]),
        "Only this kind of call.",
    ),
    Parameter::new("event", Text, "Only events of this name; `*` stands for any text."),
    Parameter::new("user", Text, "Only events about this user or visitor."),
    Parameter::new("destination", Text, "Only what happens there."),
    Parameter::new("outcome", OneOf(&OUTCOMES), "Only what came to this."),
];
const SITE: &[Parameter] = &[Parameter::new("site", Text, "Only this source.")];
const HEARD: &[Parameter] = &[
    Parameter::new("site", Text, "Only this source."),
    Parameter::new("include", OneOf(&["events"]), "A sample of events too, without whoever they are about."),
];
const REPORT: &[Parameter] = &[
    Parameter::new("site", Text, "Only this source."),
    Parameter::new("from", Text, "A day, or an instant."),
    Parameter::new("to", Text, "A day, or an instant."),
    Parameter::new("tz", Text, "A time zone like Europe/Berlin."),
    Parameter::new("limit", Number(1000), "Most rows."),
    Parameter::new("filter", Texts, "`dimension:value`."),
    Parameter::new("bucket", OneOf(&["hour", "day"]), "Of `series`."),
    Parameter::new("by", Text, "Of `sources`, `geo`, `devices`, `vitals` and `revenue`."),
    Parameter::new("window", Text, "Of `funnel`: a time like 7d."),
    Parameter::new("step", Texts, "Of `funnel`: names of events, in order."),
    Parameter::new("format", OneOf(&["json", "csv"]), "What to answer with."),
];

const fn get(path: &'static str, tag: &'static str, summary: &'static str, good: Good) -> Operation {
    Operation { method: "get", path, tag, summary, scope: None, query: &[], body: None, good, refusals: &[] }
}

/// What an operator reads.
const fn read(
    path: &'static str,
    summary: &'static str,
    query: &'static [Parameter],
    good: Good,
) -> Operation {
    Operation { scope: Some(READ_OPS), query, ..get(path, "operators", summary, good) }
}

/// What an operator changes.
const fn change(
    path: &'static str,
    summary: &'static str,
    query: &'static [Parameter],
    good: Good,
) -> Operation {
    Operation { method: "post", scope: Some(ADMIN), ..read(path, summary, query, good) }
}

/// What a library sends.
const fn call(path: &'static str, summary: &'static str, body: &'static str, good: Good) -> Operation {
    let refusals = &["400", "401", "429", "503"];
    Operation { method: "post", body: Some(body), refusals, ..get(path, "events", summary, good) }
}

/// Where the browser's script tells of a shop.
const SHOP: &str = "/collect/ecommerce/{leaf}";

const LISTED: [Operation; 33] = [
    call(
        "/v1/m",
        "Counters of a library about itself: answered and forgotten.",
        "Anything",
        Good::Json("Success"),
    ),
    call(
        "/collect/{leaf}",
        "One call of the browser's script, or a flat one.",
        "Anything",
        Good::Json("Taken"),
    ),
    call(SHOP, "What somebody does in a shop.", "Anything", Good::Json("Taken")),
    get(
        "/collect/pixel.gif",
        "browser",
        "A call in an image's address: `data` in base64, `writeKey`.",
        Good::Text("image/gif"),
    ),
    get(
        "/tracker.js",
        "browser",
        "The browser's script, and its variants beside it.",
        Good::Text("text/javascript"),
    ),
    get(settings::PATTERN, "browser", "Where a library's events go.", Good::Json("Anything")),
    get(
        analytics_js::PATTERN,
        "browser",
        "Loads Segment's library for this key.",
        Good::Text("text/javascript"),
    ),
    get("/", "health", "The console.", Good::Text("text/html")),
    get("/console.{rest}", "health", "A file of the console.", Good::Text("text/javascript")),
    get(session::PATH, "operators", "Who is logged in.", Good::Json("Session")),
    Operation {
        method: "post",
        body: Some("Login"),
        refusals: &["401", "429"],
        ..get(session::PATH, "operators", "Logs in: a cookie.", Good::Json("Session"))
    },
    Operation { method: "delete", ..get(session::PATH, "operators", "Logs out.", Good::Json("Session")) },
    get("/health", "health", "The process runs.", Good::Json("Health")),
    get("/ready", "health", "The journal can append.", Good::Json("Ready")),
    get("/metrics", "health", "Everything that is counted.", Good::Text("application/openmetrics-text")),
    read("/api/openapi.json", "This document.", &[], Good::Json("Anything")),
    read("/api/destinations", "How every destination is.", &[], Good::Json("Destinations")),
    change(
        "/api/destinations/{name}/{action}",
        "An order for one destination.",
        ORDERED,
        Good::Json("Ordered"),
    ),
    read("/api/rejected", "What was set aside at the door, newest first.", LIST, Good::Json("RejectedPage")),
    read("/api/dead-letters", "What destinations refused, newest first.", LETTERS, Good::Json("LetterPage")),
    change("/api/dead-letters/retry", "Sends them again.", SETTLED, Good::Json("Count")),
    change("/api/dead-letters/drop", "Gives them up for good.", SETTLED, Good::Json("Count")),
    read("/api/sources", "Who may send, and what has come.", &[], Good::Json("Sources")),
    read(
        "/api/schema",
        "Tables of the warehouses, their changes and conflicts.",
        WAREHOUSE,
        Good::Json("Schema"),
    ),
    read("/api/events", "The events of one user or visitor, newest first.", OF_ONE, Good::Json("Timeline")),
    read("/api/privacy/regulations", "The newest regulations.", NEWEST, Good::Json("Regulations")),
    Operation {
        body: Some("Wish"),
        refusals: &["400", "503"],
        ..change(
            "/api/privacy/regulations",
            "Suppresses people, or erases them, or both.",
            &[],
            Good::Json("Regulation"),
        )
    },
    read("/api/privacy/regulations/{id}", "How far a regulation is.", &[], Good::Json("Regulation")),
    Operation {
        scope: Some(ADMIN),
        ..read(
            "/api/privacy/export",
            "What the journal has of one person.",
            WHOSE,
            Good::Text("application/x-ndjson"),
        )
    },
    read("/api/events/{message_id}", "The journey of one event.", &[], Good::Json("Journey")),
    Operation {
        tag: "stream",
        ..read(
            "/api/live",
            "What happens to single events, as it happens.",
            WATCHED,
            Good::Text("text/event-stream"),
        )
    },
    Operation {
        tag: "stream",
        scope: Some(READ_STREAM),
        ..read("/presence/stream", "Who is there now.", HEARD, Good::Text("text/event-stream"))
    },
    Operation {
        scope: Some(READ_STATS),
        ..read("/api/stats/realtime", "The numbers of `/presence/stream`, once.", SITE, Good::Json("Report"))
    },
];
const OF_ONE: &[Parameter] = &[
    Parameter::needed("user", Text, "A `userId` or an `anonymousId`."),
    Parameter::new("limit", Number(500), "Most events."),
    Parameter::new("cursor", Text, "`next` of the page before."),
];
const WAREHOUSE: &[Parameter] = &[Parameter::new("destination", Text, "Only this warehouse.")];

/// Returns every operation.
pub(super) fn all() -> impl Iterator<Item = Operation> {
    let ingest = routes::INGEST.into_iter().map(|(path, endpoint)| match endpoint {
        Endpoint::One(_) => call(path, "One call.", "Call", Good::Json("Taken")),
        Endpoint::Batch => call(path, "Calls in one body.", "Batch", Good::Json("Taken")),
    });
    let images = pixel::IMAGES.into_iter().map(|(path, _)| {
        get(path, "browser", "One call in an image's address: `data` in base64.", Good::Text("image/gif"))
    });
    let reports = Operation {
        scope: Some(READ_STATS),
        ..read("/api/stats/{report}", "A report.", REPORT, Good::Table("Report"))
    };
    ingest.chain(images).chain(LISTED).chain([reports])
}

/// Returns the names that stand in braces in a path.
pub(super) fn names_in(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('{').skip(1).filter_map(|rest| rest.split('}').next())
}

/// Returns what may stand in the place of a name; nothing where it may be any text.
pub(super) fn words_of(name: &str, operation: &Operation) -> Vec<&'static str> {
    match (operation.path, name) {
        (_, "action") => vec!["pause", "resume", "retry", "replay", "drop"],
        (_, "report") => Name::ALL.iter().map(|(_, word)| *word).collect(),
        ("/collect/{leaf}", _) => Leaf::names().filter(|name| !name.contains('/')).collect(),
        (SHOP, _) => Leaf::names().filter_map(|name| name.strip_prefix("ecommerce/")).collect(),
        _ => Vec::new(),
    }
}
