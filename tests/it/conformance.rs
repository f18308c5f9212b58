//! What every destination owes, whatever it is: asked of all of them through the registry, so that a new one is tested
//! on the day its line is added.
//!
//! Settings that parse back and refuse unknown keys, a configuration block that is right, plans that name every event
//! exactly once, and an outcome for every event of every answer. It never opens a connection.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use opentrack::destinations::mock::{Incoming, Mock, MockSettings};
use opentrack::destinations::{
    Answer, Attempt, Client, Destination, ENTRIES, Entry, FailureKind, Launcher, Plan, Planned, Reply,
    Setting, Settings, ShownBody, ShownRequest,
};
use opentrack::policy::outcome::{Outcome, Verdict};
use opentrack::spec::{Event, Kind, Receipt};
use toml::{Table, Value};

/// Keys that every destination has and that are parsed before its own.
const COMMON_KEYS: [&str; 11] = [
    "enabled",
    "type",
    "batch",
    "retry",
    "breaker",
    "hold",
    "concurrency",
    "rate_limit",
    "timeout",
    "events",
    "start",
];

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The shared Segment fixtures, in the order of their file names.
fn fixtures() -> Vec<Arc<Event>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/segment");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 12, "only {} fixtures", files.len());
    files.iter().map(|file| event(fs::read_to_string(file).unwrap().trim_end())).collect()
}

fn event(text: &str) -> Arc<Event> {
    let json: serde_json::Value = serde_json::from_str(text).unwrap();
    let receipt = Receipt {
        kind: Kind::from_name(json["type"].as_str().unwrap()).unwrap(),
        received_at: at("2026-01-02T03:04:06.789Z"),
        timestamp: at("2026-01-02T03:04:05.678Z"),
        sent_at: None,
        message_id: None,
        source: "fixtures".into(),
        ip: None,
        signals: Default::default(),
        redelivery: None,
    };
    Arc::new(Event::restore(Bytes::copy_from_slice(text.as_bytes()), receipt).unwrap())
}

/// The defaults with something in every required key.
fn settings(entry: &Entry) -> Settings {
    (entry.parse)(filled((entry.defaults)(), entry, "https://example.com/", "something")).unwrap()
}

/// What an operator has to choose, where a destination has no honest default for it.
fn chosen(kind: &str) -> Option<(String, Value)> {
    (kind == "slack").then(|| ("default_message".to_owned(), "{event} {messageId}".into()))
}

fn filled(mut table: Table, entry: &Entry, url: &str, text: &str) -> Table {
    table.extend(chosen(entry.kind));
    for (key, _) in entry.about.required {
        // A project's name is no secret, whatever stands in for it here.
        let plain = if is_secret(key) { text } else { "something" };
        let filled = if key.contains("url") { &*address(entry.kind, url) } else { plain };
        let value = match table.get(*key) {
            Some(Value::Array(_)) => Value::Array(vec![filled.into()]),
            _ => filled.into(),
        };
        table.insert((*key).to_owned(), value);
    }
    table
}

/// The same address as the destination writes it: not all of them are reached over HTTP.
fn address(kind: &str, url: &str) -> String {
    let (base, _) = url.split_once('?').unwrap_or((url, ""));
    match kind {
        "postgres" => base.replacen("https", kind, 1),
        // What is behind the host is the number of a database.
        "redis" => {
            let host = base.split('/').nth(2).unwrap_or_default();
            format!("redis://{host}/3")
        }
        _ => url.to_owned(),
    }
}

/// Builds every destination and hands it to a check.
fn each<L: Launcher<Output = ()>>(check: impl Fn() -> L) {
    for entry in ENTRIES {
        let folder = tempfile::tempdir().unwrap();
        let setting = Setting {
            name: entry.kind.to_owned(),
            data_dir: folder.path().to_owned(),
            production: false,
            timeout: Duration::from_secs(10),
            surroundings: Default::default(),
            site_salt: String::new().into(),
            meter: opentrack::telemetry::Meter::default(),
            live: Default::default(),
        };
        settings(entry).build(&setting, check()).unwrap();
        let left = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 0, "{}: building must open nothing", entry.kind);
    }
}

#[test]
fn defaults_parse_back_and_name_every_required_key() {
    for entry in ENTRIES {
        let defaults = (entry.defaults)();
        let parsed = (entry.parse)(defaults.clone()).unwrap();
        assert_eq!(parsed.kind(), entry.kind);
        for (key, _) in entry.about.required {
            assert!(defaults.contains_key(*key), "{}: required key `{key}` has no default", entry.kind);
        }
    }
}

#[test]
fn an_unknown_key_is_refused_by_name() {
    for entry in ENTRIES {
        let mut table = (entry.defaults)();
        table.insert("no_such_key".to_owned(), Value::Boolean(true));
        let message = (entry.parse)(table).unwrap_err().to_string();
        assert!(message.contains("no_such_key"), "{}: {message}", entry.kind);
    }
}

#[test]
fn every_destination_says_what_it_is() {
    for entry in ENTRIES {
        let about = entry.about;
        for (field, text) in [("title", about.title), ("summary", about.summary), ("link", about.link)] {
            assert!(!text.trim().is_empty(), "{}: `{field}` is empty", entry.kind);
        }
        assert!(about.link.starts_with("https://"), "{}: {}", entry.kind, about.link);
    }
}

#[test]
fn the_configuration_block_is_right_and_knows_only_real_keys() {
    for entry in ENTRIES {
        let block = entry.about.config_block;
        let header = uncommented(block.lines().next().unwrap_or_default());
        assert!(header.starts_with("[destinations."), "{}: the block begins with `{header}`", entry.kind);
        let text: String = block.lines().map(|line| uncommented(line).to_owned() + "\n").collect();
        let parsed: Table =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}\n{text}", entry.kind));
        let destinations = parsed["destinations"].as_table().unwrap();
        let own = destinations.values().next().and_then(Value::as_table).unwrap();
        let known = (entry.defaults)();
        for key in own.keys().filter(|key| !COMMON_KEYS.contains(&key.as_str())) {
            assert!(known.contains_key(key), "{}: the block names `{key}`, which does not exist", entry.kind);
        }
        assert!(
            !own.contains_key("enabled"),
            "{}: required settings switch it on, not `enabled`",
            entry.kind
        );
    }
}

/// The line without the `#` before a key or a header; prose stays a comment.
fn uncommented(line: &str) -> &str {
    let bare = line.trim_start_matches('#').trim_start();
    let key = bare.split_once('=').is_some_and(|(key, _)| {
        !key.trim().is_empty() && key.trim().chars().all(|c| c.is_ascii_alphanumeric() || "_.".contains(c))
    });
    if key || bare.starts_with("[destinations.") { bare } else { line }
}

#[test]
fn patience_is_within_reason() {
    for entry in ENTRIES {
        let patience = (entry.patience)();
        assert!(patience.retry.initial <= patience.retry.max, "{}", entry.kind);
        assert!(patience.retry.give_up_after > patience.retry.max, "{}", entry.kind);
        assert!(patience.breaker.failures > 0 && !patience.timeout.is_zero(), "{}", entry.kind);
        assert!(patience.batch.max_bytes > 0 && !patience.probe_every.is_zero(), "{}", entry.kind);
    }
}

/// Plans, after the tables that it asks for have come about.
fn planned<D: Destination>(destination: &D, events: &[Arc<Event>], attempt: &Attempt) -> Plan<D::Request> {
    for _ in 0..3 {
        let plan = destination.plan(events, attempt);
        let Some(diff) = &plan.needs else { return plan };
        assert!(!diff.is_empty(), "{}: an empty need", D::KIND);
        let is_void = plan.requests.is_empty() && plan.refused.is_empty() && plan.skipped.is_empty();
        // Where the batch does not wait as a whole, each event that does is named.
        assert!(is_void || !plan.waiting.is_empty(), "{}", D::KIND);
        let cell = destination.schema().expect("what has needs has a schema");
        cell.store((*cell.load()).clone().with(diff));
    }
    panic!("{}: the plan never has what it needs", D::KIND);
}

fn attempt(number: u32) -> Attempt {
    Attempt { number, first_at: at("2026-01-02T03:04:07Z"), at: at("2026-01-02T03:04:07Z") }
}

/// How often the plan names each event; one that becomes rows of several tables is in several requests and counts once.
fn named<R>(plan: &Plan<R>) -> BTreeMap<usize, usize> {
    let sent = plan.requests.iter().flat_map(|planned| planned.events.iter().copied());
    let sent: std::collections::BTreeSet<usize> = sent.collect();
    let refused = plan.refused.iter().map(|(index, _)| *index);
    let skipped = plan.skipped.iter().map(|(index, _)| *index);
    let mut count = BTreeMap::new();
    sent.into_iter().chain(refused).chain(skipped).for_each(|index| *count.entry(index).or_default() += 1);
    count
}

struct PlansEachEventOnce;

impl Launcher for PlansEachEventOnce {
    type Output = ();

    fn launch<D: Destination>(self, destination: D, _: D::Client) {
        let all = fixtures();
        let batches = all.chunks(1).chain(all.chunks(5)).chain([all.as_slice(), &[]]);
        for batch in batches {
            let plan = planned(&destination, batch, &attempt(1));
            let expected: BTreeMap<_, _> = (0..batch.len()).map(|index| (index, 1)).collect();
            assert_eq!(named(&plan), expected, "{}: a batch of {}", D::KIND, batch.len());
            assert!(
                plan.requests.iter().all(|planned| !planned.events.is_empty()),
                "{}: an empty request",
                D::KIND
            );
            let is_once = |events: &[usize]| events.windows(2).all(|pair| pair[0] < pair[1]);
            assert!(
                plan.requests.iter().all(|planned| is_once(&planned.events)),
                "{}: events in order",
                D::KIND
            );
            let again = planned(&destination, batch, &attempt(2));
            let shape = |plan: &Plan<D::Request>| -> Vec<Vec<usize>> {
                plan.requests.iter().map(|planned| planned.events.clone()).collect()
            };
            assert_eq!(shape(&plan), shape(&again), "{}: a retry is planned alike", D::KIND);
        }
    }
}

#[test]
fn every_event_is_in_a_plan_exactly_once() {
    each(|| PlansEachEventOnce);
}

fn answer(status: u16, headers: &[(&'static str, &str)], body: &'static str) -> Reply {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let body = Bytes::from_static(body.as_bytes());
    Reply::Answer(Answer { status, headers, body, at: at("2026-01-02T03:04:08Z") })
}

/// Replies, and whether events may count as delivered after them.
fn replies() -> Vec<(Reply, bool)> {
    vec![
        (answer(200, &[], ""), true),
        (answer(200, &[], "{}"), true),
        (answer(200, &[], "<html>captive portal</html>"), true),
        (answer(207, &[], r#"{"errors":[]}"#), true),
        (answer(207, &[], r#"{"errors":[{"index":99999,"message":"x"}]}"#), true),
        (answer(207, &[], "{"), true),
        (answer(302, &[("location", "/login")], ""), false),
        (answer(400, &[], r#"{"error":"bad"}"#), false),
        (answer(401, &[], ""), false),
        (answer(403, &[], "\u{0}\u{1b}[31m"), false),
        (answer(404, &[], "<html>no</html>"), false),
        (answer(410, &[], ""), false),
        (answer(413, &[], ""), false),
        (answer(429, &[("retry-after", "3")], ""), false),
        (answer(500, &[], "oops"), false),
        (answer(503, &[("retry-after", "never")], ""), false),
        (Reply::failed(FailureKind::Timeout, "no answer"), false),
        (Reply::failed(FailureKind::Connection, "cut"), false),
        (Reply::failed(FailureKind::Dns, "no such name"), false),
        (Reply::failed(FailureKind::Tls, "expired"), false),
        (Reply::failed(FailureKind::PrivateAddress, "inside"), false),
        (Reply::failed(FailureKind::Store, "disk full"), false),
    ]
}

/// Builds every destination with a secret wherever one may stand.
fn each_with_secrets<L: Launcher<Output = ()>>(check: impl Fn() -> L) {
    for entry in ENTRIES {
        let mut table = (entry.defaults)();
        let secret_keys: Vec<String> = table.keys().filter(|key| is_secret(key)).cloned().collect();
        secret_keys.into_iter().for_each(|key| drop(table.insert(key, SECRET.into())));
        if let Some(Value::Table(headers)) = table.get_mut("headers") {
            headers.insert("x-key".to_owned(), SECRET.into());
        }
        let url = format!("https://user:{SECRET}@example.com/{SECRET}?k={SECRET}");
        let setting = Setting {
            name: entry.kind.to_owned(),
            data_dir: "nowhere".into(),
            production: false,
            timeout: Duration::from_secs(10),
            surroundings: Default::default(),
            site_salt: String::new().into(),
            meter: opentrack::telemetry::Meter::default(),
            live: Default::default(),
        };
        let settings = (entry.parse)(filled(table, entry, &url, SECRET)).unwrap();
        settings.build(&setting, check()).unwrap();
    }
}

const SECRET: &str = "geheim0123456789";

fn is_secret(key: &str) -> bool {
    // A key alone is that of a message, which is no secret.
    key != "key" && ["secret", "password", "token", "key"].iter().any(|word| key.contains(word))
}

struct ShowsEachEvent;

impl Launcher for ShowsEachEvent {
    type Output = ();

    fn launch<D: Destination>(self, destination: D, client: D::Client) {
        for event in fixtures() {
            if destination.wants(&event) != Verdict::Yes {
                continue;
            }
            for Planned { request, .. } in planned(&destination, &[Arc::clone(&event)], &attempt(1)).requests
            {
                let shown = client.show(&request);
                assert!(!shown.is_empty(), "{}: nothing to see of {}", D::KIND, event.head.message_id);
                let text = serde_json::to_string(&shown).unwrap();
                assert!(tells_of(&text, &event), "{}: not the event: {text}", D::KIND);
                assert!(!text.contains(SECRET), "{}: a secret is shown: {text}", D::KIND);
            }
        }
        for request in destination.probe() {
            let text = serde_json::to_string(&client.show(&request)).unwrap();
            assert!(!text.contains(SECRET), "{}: a secret is shown: {text}", D::KIND);
        }
    }
}

/// By its own id, or by somebody or something that it is about: not every API has a place for the id.
fn tells_of(text: &str, event: &Event) -> bool {
    let head = &event.head;
    let ids = [&head.user_id, &head.anonymous_id, &head.group_id].into_iter().flatten();
    ids.chain([&head.message_id]).any(|id| text.contains(&**id))
}

#[test]
fn every_event_can_be_shown_and_no_secret_is() {
    each_with_secrets(|| ShowsEachEvent);
}

struct IsUnderstoodByItsMock;

impl Launcher for IsUnderstoodByItsMock {
    type Output = ();

    fn launch<D: Destination>(self, destination: D, client: D::Client) {
        let Some(new) = D::MOCK else { return };
        let mock = new(&MockSettings { set: lenient(D::KIND), ..MockSettings::default() }).unwrap();
        for Planned { request, events } in planned(&destination, &fixtures(), &attempt(1)).requests {
            let read: usize = client.show(&request).requests.into_iter().map(|one| found(&*mock, one)).sum();
            assert_eq!(read, events.len(), "{}", D::KIND);
        }
    }
}

/// Settings under which a stand-in lets in what nobody signed.
fn lenient(kind: &str) -> Vec<(String, String)> {
    let set: &[(&str, &str)] = if kind == "bigquery" { &[("auth", "off"), ("project", "")] } else { &[] };
    set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// How many events the stand-in finds in a request, as it is before compression.
fn found(mock: &dyn Mock, request: ShownRequest) -> usize {
    let body = match request.body {
        Some(ShownBody::Json(json)) => json.get().to_owned(),
        Some(ShownBody::Text(text)) => text,
        None => String::new(),
    };
    let headers = request.headers.into_iter().filter(|(name, _)| name != "content-encoding").collect();
    let url = reqwest::Url::parse(&request.url).unwrap();
    let incoming = Incoming {
        method: request.method,
        path: url.path().to_owned(),
        query: url.query().unwrap_or_default().to_owned(),
        headers,
        body: body.into(),
        at: at("2026-01-02T03:04:07Z"),
    };
    mock.read(&incoming).unwrap_or_else(|said| panic!("refused: {said:?}")).len()
}

#[test]
fn every_stand_in_finds_every_event_of_its_destination() {
    each(|| IsUnderstoodByItsMock);
}

struct JudgesEachEvent;

impl Launcher for JudgesEachEvent {
    type Output = ();

    fn launch<D: Destination>(self, destination: D, _: D::Client) {
        let events = fixtures();
        for batch in [&events[..1], events.as_slice()] {
            for Planned { request, events } in planned(&destination, batch, &attempt(1)).requests {
                check_judge(&destination, &request, events.len(), false);
            }
        }
        for request in destination.probe() {
            check_judge(&destination, &request, 1, true);
        }
    }
}

/// A probe carries nothing that could be lost, so its answers may mean what they like.
fn check_judge<D: Destination>(destination: &D, request: &D::Request, events: usize, probe: bool) {
    for (reply, may_deliver) in replies() {
        let outcomes = destination.judge(request, events, &reply);
        assert_eq!(outcomes.len(), events, "{}: {reply:?}", D::KIND);
        let delivered = outcomes.contains(&Outcome::Delivered);
        assert!(may_deliver || probe || !delivered, "{}: delivered by {reply:?}", D::KIND);
    }
}

#[test]
fn every_event_has_an_outcome_whatever_the_answer() {
    each(|| JudgesEachEvent);
}
