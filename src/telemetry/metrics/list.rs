//! The list of all metrics, for the documentation, and for tests of dashboards and alerts.
//!
//! A family shows its labels only once it has a series, so each gets one here, in numbers that nobody else sees. Every field is
//! named, so that a new metric does not compile before it has a sample.

use std::collections::BTreeSet;

use super::privacy::Regulations;
use super::projections::Projections;
use super::warehouse::Warehouse;
use super::{Metrics, Share, Space, TurnedAway};
use crate::telemetry::labels::{
    AnswerLabels, AttemptLabels, CheckLabels, ConflictLabels, DeadLetterLabels, DestinationLabels,
    LaneLabels, LetterEndLabels, OutcomeLabels, PoolLabels, ProjectionLabels, ReasonLabels, RowErrorLabels,
    RowLabels, SchemaChangeLabels, StateLabels, TableLabels,
};

/// One metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// As queries name it; a histogram without `_bucket`, `_sum` and `_count`.
    pub name: String,
    /// `counter`, `gauge` or `histogram`.
    pub kind: String,
    /// Names of its labels, without `le`.
    pub labels: BTreeSet<String>,
    /// What it says.
    pub help: String,
}

/// Returns all metrics, in the order of their names.
pub fn list() -> Vec<Listed> {
    let metrics = Metrics::new();
    sample(&metrics);
    let mut listed = read(&metrics.encode());
    listed.sort_by(|one, other| one.name.cmp(&other.name));
    listed
}

fn name() -> DestinationLabels {
    DestinationLabels::new("d")
}

/// Gives every family a series.
#[expect(clippy::too_many_lines, reason = "a list of names, and nothing but that")]
fn sample(metrics: &Metrics) {
    let Metrics {
        registry: _,
        traces: _,
        spans: _,
        accepted: _,
        rejected: _,
        duplicate: _,
        turned_away,
        lost,
        outcomes,
        attempts,
        truncated,
        backlog_events,
        backlog_bytes,
        oldest_seconds,
        delivery_seconds,
        request_seconds,
        breaker,
        states,
        dead_letters,
        dead_letters_ended,
        journal_bytes: _,
        share,
        space,
        commit_seconds: _,
        commits_failed: _,
        answers,
        answer_seconds: _,
        warehouse,
        pool,
        live,
        bytes_in_flight: _,
        requests_waiting: _,
        regulations,
        process,
    } = metrics;
    let (destination, reason) = ("d".to_owned(), "r");
    lost.get_or_create(&name()).inc_by(0);
    truncated.get_or_create(&name()).inc_by(0);
    backlog_events.get_or_create(&name()).set(0);
    backlog_bytes.get_or_create(&name()).set(0);
    oldest_seconds.get_or_create(&name()).set(0.0);
    delivery_seconds.get_or_create(&name()).observe(0.0);
    request_seconds.get_or_create(&name()).observe(0.0);
    breaker.get_or_create(&name()).set(0);
    pool.waiting.get_or_create(&name()).set(0);
    pool.cut_values.get_or_create(&name()).inc_by(0);
    pool.connections.get_or_create(&PoolLabels { destination: destination.clone(), state: "used" }).set(0);
    outcomes
        .get_or_create(&OutcomeLabels { destination: destination.clone(), outcome: "dead", reason })
        .inc_by(0);
    attempts.get_or_create(&AttemptLabels { destination: destination.clone(), class: "broken" }).inc_by(0);
    states.get_or_create(&StateLabels { destination: destination.clone(), state: "held" }).set(0);
    dead_letters
        .get_or_create(&DeadLetterLabels { destination: destination.clone(), reason: reason.into() })
        .set(0);
    dead_letters_ended.get_or_create(&LetterEndLabels { destination, end: "dropped" }).inc_by(0);
    answers.get_or_create(&AnswerLabels { path: "/", status: 200 }).inc_by(0);
    process.checks.get_or_create(&CheckLabels { check: "journal".into() }).set(1);
    let TurnedAway { unwanted: _, pixels, connections: _ } = turned_away;
    pixels.get_or_create(&ReasonLabels { reason }).inc_by(0);
    // They have no labels, and so no fields that could be forgotten.
    let (Share { .. }, Space { .. }, Regulations { .. }) = (share, space, regulations);
    sample_projections(&live.projections);
    sample_warehouse(warehouse);
}

fn sample_projections(projections: &Projections) {
    let Projections { events, lag, rebuild_seconds, too_old: _ } = projections;
    let labels = ProjectionLabels { projection: "p" };
    events.get_or_create(&labels).inc_by(0);
    lag.get_or_create(&labels).set(0);
    rebuild_seconds.get_or_create(&labels).set(0.0);
}

fn sample_warehouse(warehouse: &Warehouse) {
    let (destination, table, reason) = (|| "d".to_owned(), || "t".to_owned(), "r");
    let of_table = TableLabels { destination: destination(), table: table() };
    let of_column = ConflictLabels {
        destination: destination(),
        table: table(),
        column: "c".into(),
        have: "INT64",
        got: "STRING",
    };
    warehouse
        .rows
        .get_or_create(&RowLabels { destination: destination(), table: table(), outcome: "dead" })
        .inc_by(0);
    warehouse.insert_seconds.get_or_create(&name()).observe(0.0);
    warehouse.batch_rows.get_or_create(&name()).observe(0.0);
    warehouse.row_errors.get_or_create(&RowErrorLabels { destination: destination(), reason }).inc_by(0);
    let change = SchemaChangeLabels { destination: destination(), kind: "add", result: "ok" };
    warehouse.schema_changes.get_or_create(&change).inc_by(0);
    let lane = LaneLabels { destination: destination(), lane: "cold" };
    warehouse.schema_wait_seconds.get_or_create(&lane).observe(0.0);
    warehouse.schema_age_seconds.get_or_create(&name()).set(0.0);
    warehouse.type_conflicts.get_or_create(&of_column).inc_by(0);
    warehouse.column_guard.get_or_create(&name()).inc_by(0);
    warehouse.table_guard.get_or_create(&name()).inc_by(0);
    warehouse.columns.get_or_create(&of_table).set(0);
    warehouse.bytes_sent.get_or_create(&of_table).inc_by(0);
    warehouse.circuit.get_or_create(&name()).set(0);
    warehouse.oldest_row_seconds.get_or_create(&name()).set(0.0);
}

/// Reads a page back.
fn read(page: &str) -> Vec<Listed> {
    let mut listed: Vec<Listed> = Vec::new();
    for line in page.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            let name = name.to_owned();
            listed.push(Listed {
                name,
                kind: String::new(),
                labels: BTreeSet::new(),
                help: help.trim_end_matches('.').to_owned(),
            });
        } else if let Some(last) = listed.last_mut() {
            describe(last, line);
        }
    }
    listed
}

fn describe(metric: &mut Listed, line: &str) {
    if let Some((_, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
        kind.clone_into(&mut metric.kind);
        if kind == "counter" {
            metric.name.push_str("_total");
        }
    } else if let Some((labels, _)) = line.split_once('{').and_then(|(_, rest)| rest.split_once('}')) {
        // The samples above hold no comma and no quotation mark.
        let names = labels.split(',').filter_map(|label| label.split_once('='));
        metric.labels.extend(names.map(|(name, _)| name.to_owned()).filter(|name| name != "le"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_kinds_are_those_of_the_page() {
        let all = list();
        let of = |name: &str| {
            all.iter().find(|one| one.name == name).unwrap_or_else(|| panic!("{name}: {all:#?}"))
        };
        let labels = |name: &str| of(name).labels.iter().map(String::as_str).collect::<Vec<_>>().join(",");
        assert_eq!(labels("opentrack_delivery_events_total"), "destination,outcome,reason");
        assert_eq!(labels("opentrack_delivery_request_seconds"), "destination");
        assert_eq!(of("opentrack_delivery_request_seconds").kind, "histogram");
        assert_eq!(of("opentrack_journal_bytes").kind, "gauge");
        assert_eq!(of("opentrack_events_duplicate_total").help, "Events whose messageId was known already");
    }

    /// A family without a series is not on the page, and so not in the list.
    #[test]
    fn every_metric_that_is_registered_is_in_the_list() {
        let sources = [
            include_str!("../metrics.rs"),
            include_str!("live.rs"),
            include_str!("pool.rs"),
            include_str!("privacy.rs"),
            include_str!("process.rs"),
            include_str!("projections.rs"),
            include_str!("warehouse.rs"),
        ];
        let all = list();
        let mut seen = 0;
        for call in sources.iter().flat_map(|source| {
            source
                .match_indices("to, \"")
                .chain(source.match_indices("to,\n"))
                .map(|(at, _)| source.get(at + 3..).unwrap_or_default())
        }) {
            let Some(name) = call.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next())
            else {
                continue;
            };
            let name = format!("opentrack_{name}");
            let is_listed = all.iter().any(|one| one.name == name || one.name == format!("{name}_total"));
            assert!(is_listed, "`{name}` has no sample in `metrics::list`");
            seen += 1;
        }
        assert_eq!(seen, all.len(), "every metric is registered by `add` or `family`");
    }
}
