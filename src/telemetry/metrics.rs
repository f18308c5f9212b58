//! Every metric of the router: its name, its help text and its labels.
//!
//! With its parts the only place that spells a metric's name. Values change through [`super::events`] alone; readers get the whole page
//! as text. The crate appends `_total` to counters itself, so the names below go without it.

pub mod list;
mod live;
mod pool;
mod privacy;
mod process;
mod projections;
mod warehouse;

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use super::labels::{
    AnswerLabels, AttemptLabels, BreakerState, DeadLetterLabels, DestinationLabels, EndLabels, KindLabels,
    LetterEndLabels, OutcomeLabels, ReasonLabels, StateLabels,
};
use super::traces::Traces;
use crate::spec::{Code, Kind};
use live::LiveNumbers;
use pool::Pool;
use privacy::Regulations;
use process::Process;
use warehouse::Warehouse;

/// From a commit on a quiet disk to one on a busy host, in seconds.
const COMMIT_BUCKETS: [f64; 12] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5];
/// From a cached answer to the time at which senders hang up, in seconds.
const ANSWER_BUCKETS: [f64; 12] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];
/// From a healthy destination to one that was away for a day, in seconds.
const DELIVERY_BUCKETS: [f64; 14] =
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0, 600.0, 3600.0, 86400.0];

/// A gauge that is never negative.
pub(super) type Level = Gauge<u64, AtomicU64>;
/// A gauge with a fraction.
pub(super) type Measure = Gauge<f64, AtomicU64>;

/// Histograms of one family share their buckets.
#[derive(Debug, Clone, Copy)]
pub(super) struct DeliveryBuckets;

impl MetricConstructor<Histogram> for DeliveryBuckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(DELIVERY_BUCKETS)
    }
}

/// Why an event was accepted and not kept.
pub(super) const BOT: &str = "bot";
/// What became of spans: the collector took them, or nobody did.
pub(super) const SENT: &str = "sent";
/// The same.
pub(super) const LOST: &str = "lost";
/// Why a commit failed: there is no room, or the disk or the brokers do not take it.
pub(super) const FULL: &str = "full";
/// The same.
pub(super) const BROKEN: &str = "broken";
/// Likewise: whose it is does not want to be heard of.
pub(super) const SUPPRESSED: &str = "suppressed";

/// The numbers of one router. Held in an `Arc` by whoever emits events.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Where spans go; off unless somebody wants them.
    pub traces: Traces,
    pub(super) spans: Family<EndLabels, Counter>,
    /// One per kind, in the order of their numbers: the one counter that every commit touches.
    pub(super) accepted: [Counter; Kind::ALL.len()],
    pub(super) rejected: Family<ReasonLabels, Counter>,
    pub(super) duplicate: Counter,
    pub(super) turned_away: TurnedAway,
    pub(super) lost: Family<DestinationLabels, Counter>,
    pub(super) outcomes: Family<OutcomeLabels, Counter>,
    pub(super) attempts: Family<AttemptLabels, Counter>,
    pub(super) truncated: Family<DestinationLabels, Counter>,
    pub(super) backlog_events: Family<DestinationLabels, Level>,
    pub(super) backlog_bytes: Family<DestinationLabels, Level>,
    pub(super) oldest_seconds: Family<DestinationLabels, Measure>,
    pub(super) delivery_seconds: Family<DestinationLabels, Histogram, DeliveryBuckets>,
    pub(super) request_seconds: Family<DestinationLabels, Histogram, DeliveryBuckets>,
    pub(super) breaker: Family<DestinationLabels, Level>,
    pub(super) states: Family<StateLabels, Level>,
    pub(super) dead_letters: Family<DeadLetterLabels, Level>,
    pub(super) dead_letters_ended: Family<LetterEndLabels, Counter>,
    pub(super) journal_bytes: Level,
    pub(super) share: Share,
    pub(super) space: Space,
    pub(super) commit_seconds: Histogram,
    pub(super) commits_failed: Family<ReasonLabels, Counter>,
    pub(super) answers: Family<AnswerLabels, Counter>,
    pub(super) answer_seconds: Histogram,
    pub(super) warehouse: Warehouse,
    pub(super) pool: Pool,
    pub(super) live: LiveNumbers,
    pub(super) bytes_in_flight: Level,
    pub(super) requests_waiting: Level,
    pub(super) regulations: Regulations,
    pub(super) process: Process,
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics::new()
    }
}

impl Metrics {
    /// Returns a fresh set. Kinds and rejection codes are there as 0 from the start.
    #[expect(clippy::too_many_lines, reason = "a line for each metric, and nothing but that")]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("opentrack");
        let (accepted, rejected, duplicate) = ingest(&mut registry);
        let (turned_away, delivery) = (TurnedAway::new(&mut registry), Delivery::new(&mut registry));
        let (states, live) = (states(&mut registry), LiveNumbers::new(&mut registry));
        let (dead_letters, dead_letters_ended) = letters(&mut registry);
        let (journal_bytes, commit_seconds, commits_failed) = journal(&mut registry);
        let (share, space) = (Share::new(&mut registry), Space::new(&mut registry));
        let (warehouse, pool) = (Warehouse::new(&mut registry), Pool::new(&mut registry));
        let (answers, answer_seconds) = door(&mut registry);
        let (bytes_in_flight, requests_waiting) = pressure(&mut registry);
        let (regulations, process) = (Regulations::new(&mut registry), Process::new(&mut registry));
        let spans = spans(&mut registry);
        Metrics {
            registry,
            traces: Traces::default(),
            spans,
            accepted,
            rejected,
            duplicate,
            turned_away,
            lost: delivery.lost,
            outcomes: delivery.outcomes,
            attempts: delivery.attempts,
            truncated: delivery.truncated,
            backlog_events: delivery.backlog_events,
            backlog_bytes: delivery.backlog_bytes,
            oldest_seconds: delivery.oldest_seconds,
            delivery_seconds: delivery.delivery_seconds,
            request_seconds: delivery.request_seconds,
            breaker: delivery.breaker,
            states,
            dead_letters,
            dead_letters_ended,
            journal_bytes,
            share,
            space,
            commit_seconds,
            commits_failed,
            answers,
            answer_seconds,
            warehouse,
            pool,
            live,
            bytes_in_flight,
            requests_waiting,
            regulations,
            process,
        }
    }

    /// Makes the series of one destination appear with 0, so that an alert on a loss can be written before the first one.
    pub fn declare_destination(&self, name: &str) {
        let labels = DestinationLabels::new(name);
        self.lost.get_or_create(&labels).inc_by(0);
        self.backlog_events.get_or_create(&labels).set(0);
        self.backlog_bytes.get_or_create(&labels).set(0);
        self.oldest_seconds.get_or_create(&labels).set(0.0);
        self.breaker.get_or_create(&labels).set(BreakerState::Closed as u64);
    }

    /// Returns everything in the OpenMetrics text format, version 1.0.0, which Prometheus reads.
    pub fn encode(&self) -> String {
        let mut page = String::with_capacity(16 * 1024);
        encode(&mut page, &self.registry).expect("writing to a string cannot fail");
        page
    }
}

/// The families that have a destination.
struct Delivery {
    lost: Family<DestinationLabels, Counter>,
    outcomes: Family<OutcomeLabels, Counter>,
    attempts: Family<AttemptLabels, Counter>,
    truncated: Family<DestinationLabels, Counter>,
    backlog_events: Family<DestinationLabels, Level>,
    backlog_bytes: Family<DestinationLabels, Level>,
    oldest_seconds: Family<DestinationLabels, Measure>,
    delivery_seconds: Family<DestinationLabels, Histogram, DeliveryBuckets>,
    request_seconds: Family<DestinationLabels, Histogram, DeliveryBuckets>,
    breaker: Family<DestinationLabels, Level>,
}

impl Delivery {
    fn new(to: &mut Registry) -> Self {
        let latency = Family::new_with_constructor(DeliveryBuckets);
        let delivery_seconds =
            add(to, "delivery_latency_seconds", "Time from acceptance to delivery", latency);
        let requests = Family::new_with_constructor(DeliveryBuckets);
        let request_seconds =
            add(to, "delivery_request_seconds", "Time that a destination took over one request", requests);
        Delivery {
            lost: family(to, "events_lost", "Accepted events that a destination will never get"),
            outcomes: family(to, "delivery_events", "Events settled at a destination, by outcome and reason"),
            attempts: family(to, "delivery_attempts", "Requests sent to a destination, by what came of them"),
            truncated: family(to, "truncated_values", "Texts and names cut to what the other side takes"),
            backlog_events: family(to, "delivery_backlog_events", "Events that wait for a destination"),
            backlog_bytes: family(
                to,
                "delivery_backlog_bytes",
                "Bytes of events that wait for a destination",
            ),
            oldest_seconds: family(to, "delivery_oldest_seconds", "Age of the oldest event that waits"),
            delivery_seconds,
            request_seconds,
            breaker: family(to, "breaker_state", "0 closed, 1 half-open, 2 open"),
        }
    }
}

fn letters(to: &mut Registry) -> (Family<DeadLetterLabels, Level>, Family<LetterEndLabels, Counter>) {
    let kept = family(to, "dead_letters", "Dead letters that are kept");
    (kept, family(to, "dead_letters_ended", "Dead letters that are gone, by how they ended"))
}

type Ingest = ([Counter; Kind::ALL.len()], Family<ReasonLabels, Counter>, Counter);

fn ingest(to: &mut Registry) -> Ingest {
    let kinds: Family<KindLabels, Counter> =
        family(to, "events_accepted", "Events that are durable, by call kind");
    let accepted = Kind::ALL.map(|kind| kinds.get_or_create_owned(&KindLabels { kind: kind.as_str() }));
    let rejected: Family<ReasonLabels, Counter> =
        family(to, "events_rejected", "Events that were set aside, by reason");
    for code in Code::ALL {
        rejected.get_or_create(&ReasonLabels { reason: code.as_str() }).inc_by(0);
    }
    let duplicate =
        add(to, "events_duplicate", "Events whose messageId was known already", Counter::default());
    (accepted, rejected, duplicate)
}

/// What came in and was neither kept nor set aside.
#[derive(Debug)]
pub(super) struct TurnedAway {
    pub(super) unwanted: Family<ReasonLabels, Counter>,
    pub(super) pixels: Family<ReasonLabels, Counter>,
    pub(super) connections: Counter,
}

impl TurnedAway {
    fn new(to: &mut Registry) -> Self {
        let unwanted: Family<ReasonLabels, Counter> =
            family(to, "events_unwanted", "Events that were accepted and not kept, as configured, by reason");
        for reason in [BOT, SUPPRESSED] {
            unwanted.get_or_create(&ReasonLabels { reason }).inc_by(0);
        }
        let pixels = family(to, "pixels_refused", "Calls of images that were not taken, by reason");
        let connections = "Connections that were closed because their address has too many";
        let connections = add(to, "http_connections_refused", connections, Counter::default());
        TurnedAway { unwanted, pixels, connections }
    }
}

fn states(to: &mut Registry) -> Family<StateLabels, Level> {
    family(to, "delivery_state", "1 for the state that a destination is in, else 0")
}

fn journal(to: &mut Registry) -> (Level, Histogram, Family<ReasonLabels, Counter>) {
    let bytes = add(to, "journal_bytes", "Bytes of the journal on disk", Level::default());
    let commits = Histogram::new(COMMIT_BUCKETS);
    let commits = add(to, "journal_commit_seconds", "Time that one group commit took", commits);
    let failed: Family<ReasonLabels, Counter> = family(
        to,
        "journal_commits_failed",
        "Group commits that the journal refused, by reason: full or broken",
    );
    for reason in [FULL, BROKEN] {
        failed.get_or_create(&ReasonLabels { reason }).inc_by(0);
    }
    (bytes, commits, failed)
}

/// The share of a router in a journal that is not its own; 0 where it is.
#[derive(Debug)]
pub(super) struct Share {
    pub(super) partitions: Level,
    pub(super) lag: Level,
    pub(super) blocked: Level,
    pub(super) resets: Counter,
    pub(super) foreign: Counter,
}

impl Share {
    fn new(to: &mut Registry) -> Self {
        let partitions = "Partitions of the shared journal that this router holds";
        let lag = "Events in the partitions held that were not read yet";
        let blocked = "Partitions held that are blocked by a record of a newer version";
        let resets = "Times that the offsets of a partition began anew";
        let foreign = "Records of the topic that are none of a router, or damaged";
        Share {
            partitions: add(to, "journal_partitions", partitions, Level::default()),
            lag: add(to, "journal_lag_events", lag, Level::default()),
            blocked: add(to, "journal_partitions_blocked", blocked, Level::default()),
            resets: add(to, "journal_offset_resets", resets, Counter::default()),
            foreign: add(to, "journal_foreign_records", foreign, Counter::default()),
        }
    }
}

/// The journal's bound, and when it will be reached.
#[derive(Debug)]
pub(super) struct Space {
    pub(super) max_bytes: Level,
    pub(super) full_in_seconds: Measure,
}

impl Space {
    fn new(to: &mut Registry) -> Self {
        let full_in =
            "Time until the journal is full at the rate of the last minute; infinite when it is not filling";
        let full_in_seconds = add(to, "journal_full_in_seconds", full_in, Measure::default());
        full_in_seconds.set(f64::INFINITY);
        let max_bytes = add(
            to,
            "journal_max_bytes",
            "Most bytes of the journal on disk, as configured",
            Level::default(),
        );
        Space { max_bytes, full_in_seconds }
    }
}

fn door(to: &mut Registry) -> (Family<AnswerLabels, Counter>, Histogram) {
    let answers = family(to, "http_requests", "Answered requests, by route and status");
    let seconds = Histogram::new(ANSWER_BUCKETS);
    (answers, add(to, "http_request_seconds", "Time from the request's head to its answer", seconds))
}

fn spans(to: &mut Registry) -> Family<EndLabels, Counter> {
    let spans: Family<EndLabels, Counter> =
        family(to, "spans", "Spans of traces, by what became of them: sent or lost");
    for end in [SENT, LOST] {
        spans.get_or_create(&EndLabels { end }).inc_by(0);
    }
    spans
}

fn pressure(to: &mut Registry) -> (Level, Level) {
    let held = "Bytes that requests hold between their sockets and the commit";
    let held = add(to, "http_bytes_in_flight", held, Level::default());
    let waiting = "Requests that wait for room, unread; those that wait in vain are answered with 503";
    (held, add(to, "http_requests_waiting", waiting, Level::default()))
}

fn family<L, M>(to: &mut Registry, name: &'static str, help: &'static str) -> Family<L, M>
where
    L: EncodeLabelSet + Clone + std::hash::Hash + Eq + Send + Sync + std::fmt::Debug + 'static,
    M: Default + Send + Sync + std::fmt::Debug + 'static,
    Family<L, M>: Metric,
{
    add(to, name, help, Family::default())
}

fn add<M: Metric + Clone>(to: &mut Registry, name: &'static str, help: &'static str, metric: M) -> M {
    to.register(name, help, metric.clone());
    metric
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_codes_are_there_before_the_first_event() {
        let page = Metrics::new().encode();
        assert!(page.contains("opentrack_events_accepted_total{kind=\"track\"} 0"), "{page}");
        assert!(page.contains("opentrack_events_rejected_total{reason=\"missing_identity\"} 0"), "{page}");
        assert!(page.contains("opentrack_events_duplicate_total 0"), "{page}");
    }

    #[test]
    fn a_declared_destination_has_lost_nothing_yet() {
        let metrics = Metrics::new();
        metrics.declare_destination("hook");
        let page = metrics.encode();
        assert!(page.contains("opentrack_events_lost_total{destination=\"hook\"} 0"), "{page}");
        assert!(page.contains("opentrack_breaker_state{destination=\"hook\"} 0"), "{page}");
    }

    #[test]
    fn two_sets_do_not_mix() {
        let (one, other) = (Metrics::new(), Metrics::new());
        one.duplicate.inc();
        assert!(other.encode().contains("opentrack_events_duplicate_total 0"));
    }
}
