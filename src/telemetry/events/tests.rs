//! Each event is read back from the encoded page.

use super::*;
use crate::spec::{Code, Kind};
use crate::telemetry::{AttemptClass, BreakerState, Meter, Metrics, RowFate, RowLane, SchemaChangeKind};

fn page(emit: impl FnOnce(&Metrics)) -> String {
    let metrics = Metrics::new();
    emit(&metrics);
    metrics.encode()
}

#[test]
fn accepted_events_are_counted_by_kind() {
    let accepted = EventsAccepted::of([Kind::Track, Kind::Alias, Kind::Track]);
    let page = page(|metrics| accepted.emit(metrics));
    assert!(page.contains("opentrack_events_accepted_total{kind=\"track\"} 2"), "{page}");
    assert!(page.contains("opentrack_events_accepted_total{kind=\"alias\"} 1"), "{page}");
    assert!(page.contains("opentrack_events_accepted_total{kind=\"page\"} 0"), "{page}");
}

#[test]
fn rejected_events_are_counted_by_their_code() {
    let rejected = EventsRejected { source: "web", reason: Code::TooLarge, count: 3 };
    let page = page(|metrics| rejected.emit(metrics));
    assert!(page.contains("opentrack_events_rejected_total{reason=\"too_large\"} 3"), "{page}");
}

#[test]
fn an_answer_is_counted_by_route_and_status() {
    let answered = RequestAnswered { path: "/v1/batch", status: 200, took: Duration::from_millis(3) };
    let page = page(|metrics| answered.emit(metrics));
    let counted = "opentrack_http_requests_total{path=\"/v1/batch\",status=\"200\"} 1";
    assert!(page.contains(counted), "{page}");
    assert!(page.contains("opentrack_http_request_seconds_bucket{le=\"0.005\"} 1"), "{page}");
}

#[test]
fn a_state_is_one_series_of_seven_and_goes_with_its_destination() {
    let metrics = Metrics::new();
    StatesSeen { states: [("crm", "held"), ("old", "off")].into_iter() }.emit(&metrics);
    StatesSeen { states: [("crm", "paused")].into_iter() }.emit(&metrics);
    let page = metrics.encode();
    let series: Vec<_> = page.lines().filter(|line| line.starts_with("opentrack_delivery_state{")).collect();
    assert_eq!(series.len(), 7, "{page}");
    let present: Vec<_> = series.iter().filter(|line| line.ends_with(" 1")).collect();
    assert_eq!(present, [&"opentrack_delivery_state{destination=\"crm\",state=\"paused\"} 1"]);
}

#[test]
fn the_door_tells_what_it_holds_and_who_waits() {
    let page = page(|metrics| DoorMeasured { bytes_in_flight: 8192, waiting: 3 }.emit(metrics));
    assert!(page.contains("opentrack_http_bytes_in_flight 8192"), "{page}");
    assert!(page.contains("opentrack_http_requests_waiting 3"), "{page}");
}

#[test]
fn a_delivered_batch_counts_its_events_and_their_latencies() {
    let latencies = [Duration::from_millis(20), Duration::from_secs(3)];
    let delivered = EventsDelivered { destination: "hook", latencies: &latencies, replayed: false };
    let page = page(|metrics| delivered.emit(metrics));
    let counted = "opentrack_delivery_events_total{destination=\"hook\",outcome=\"delivered\",reason=\"\"} 2";
    assert!(page.contains(counted), "{page}");
    assert!(page.contains("opentrack_delivery_latency_seconds_count{destination=\"hook\"} 2"), "{page}");
}

#[test]
fn a_failed_attempt_is_counted_by_its_class() {
    let failed = AttemptFailed {
        destination: "hook",
        class: AttemptClass::Throttled,
        reason: "throttled",
        status: Some(429),
        events: 10,
        attempt: 2,
        took: Duration::ZERO,
    };
    let page = page(|metrics| failed.emit(metrics));
    let counted = "opentrack_delivery_attempts_total{destination=\"hook\",class=\"throttled\"} 1";
    assert!(page.contains(counted), "{page}");
}

#[test]
fn skipped_buried_and_lost_events_are_three_series() {
    let page = page(|metrics| {
        EventsSkipped { destination: "hook", reason: "filtered", count: 2 }.emit(metrics);
        EventsBuried { destination: "hook", reason: "rejected", count: 1, message_id: "m" }.emit(metrics);
        EventsLost { destination: "hook", reason: "journal_full", count: 7 }.emit(metrics);
    });
    assert!(page.contains("outcome=\"skipped\",reason=\"filtered\"} 2"), "{page}");
    assert!(page.contains("outcome=\"dead\",reason=\"rejected\"} 1"), "{page}");
    assert!(page.contains("outcome=\"dead\",reason=\"journal_full\"} 7"), "{page}");
    assert!(page.contains("opentrack_events_lost_total{destination=\"hook\"} 7"), "{page}");
}

#[test]
fn gauges_follow_the_last_word() {
    let page = page(|metrics| {
        let oldest = Duration::from_millis(1500);
        BacklogMeasured { destination: "hook", events: 4, bytes: 900, oldest }.emit(metrics);
        BreakerChanged { destination: "hook", state: BreakerState::Open, failures: 5 }.emit(metrics);
        SpaceMeasured { max_bytes: 1 << 20, full_in: Some(Duration::from_secs(720)) }.emit(metrics);
        CommitDone { events: 1, took: Duration::from_micros(700), journal_bytes: 4096 }.emit(metrics);
    });
    assert!(page.contains("opentrack_delivery_backlog_events{destination=\"hook\"} 4"), "{page}");
    assert!(page.contains("opentrack_delivery_oldest_seconds{destination=\"hook\"} 1.5"), "{page}");
    assert!(page.contains("opentrack_breaker_state{destination=\"hook\"} 2"), "{page}");
    assert!(page.contains("opentrack_journal_bytes 4096"), "{page}");
    assert!(page.contains("opentrack_journal_max_bytes 1048576"), "{page}");
    assert!(page.contains("opentrack_journal_full_in_seconds 720.0"), "{page}");
    assert!(page.contains("opentrack_journal_commit_seconds_bucket{le=\"0.001\"} 1"), "{page}");
}

fn metered(emit: impl FnOnce(&Meter)) -> String {
    let metrics = std::sync::Arc::new(Metrics::new());
    emit(&Meter::new("bq", std::sync::Arc::clone(&metrics)));
    metrics.encode()
}

#[test]
fn rows_are_counted_by_table_and_fate() {
    let page = metered(|meter| {
        RowsSettled { table: "tracks", fate: RowFate::Inserted, count: 7 }.emit(meter);
        let took = Duration::from_millis(30);
        RowsSent { table: "tracks", rows: 7, bytes: 900, took }.emit(meter);
        RowsRefused { reason: "invalid", count: 2 }.emit(meter);
    });
    let rows = "opentrack_bq_rows_total{destination=\"bq\",table=\"tracks\",outcome=\"inserted\"} 7";
    assert!(page.contains(rows), "{page}");
    let bytes = "opentrack_bq_table_bytes_sent_total{destination=\"bq\",table=\"tracks\"} 900";
    assert!(page.contains(bytes), "{page}");
    assert!(page.contains("opentrack_bq_insert_seconds_bucket{le=\"0.05\",destination=\"bq\"} 1"), "{page}");
    assert!(page.contains("opentrack_bq_batch_rows_sum{destination=\"bq\"} 7"), "{page}");
    let errors = "opentrack_bq_row_errors_total{destination=\"bq\",reason=\"invalid\"} 2";
    assert!(page.contains(errors), "{page}");
}

#[test]
fn what_waits_for_a_schema_is_measured_by_lane() {
    let page = metered(|meter| {
        RowWaited { lane: RowLane::Cold, waited: Duration::from_secs(31) }.emit(meter);
        OldestRow { age: Duration::from_secs(9) }.emit(meter);
        CircuitChanged { state: BreakerState::Open }.emit(meter);
        SchemaGuarded { columns: 3, tables: 1 }.emit(meter);
        TypeConflict { table: "viewed", column: "n", have: "int", got: "text" }.emit(meter);
    });
    let wait = "opentrack_bq_schema_wait_seconds_bucket{le=\"60.0\",destination=\"bq\",lane=\"cold\"} 1";
    assert!(page.contains(wait), "{page}");
    assert!(page.contains("opentrack_bq_oldest_row_seconds{destination=\"bq\"} 9.0"), "{page}");
    assert!(page.contains("opentrack_bq_circuit_state{destination=\"bq\"} 2"), "{page}");
    assert!(page.contains("opentrack_bq_column_guard_total{destination=\"bq\"} 3"), "{page}");
    assert!(page.contains("opentrack_bq_table_guard_total{destination=\"bq\"} 1"), "{page}");
    let conflict = "opentrack_bq_type_conflict_total{destination=\"bq\",table=\"viewed\",column=\"n\",have=\"int\",got=\"text\"} 1";
    assert!(page.contains(conflict), "{page}");
}

#[test]
fn a_schema_change_is_counted_by_kind_and_result() {
    let took = Duration::from_millis(800);
    let page = page(|metrics| {
        SchemaChanged { destination: "bq", tables: 1, columns: 4, widened: 0, took }.emit(metrics);
        let kind = SchemaChangeKind::Widen;
        SchemaRefused {
            destination: "bq",
            kind,
            result: "denied",
            reason: "forbidden",
            status: Some(403),
            took,
        }
        .emit(metrics);
        let columns = [("viewed".to_owned(), 12)];
        SchemaMeasured { destination: "bq", columns: &columns, age: Some(took) }.emit(metrics);
    });
    let changed = |kind, result| {
        format!(
            "opentrack_bq_schema_changes_total{{destination=\"bq\",kind=\"{kind}\",result=\"{result}\"}} 1"
        )
    };
    assert!(page.contains(&changed("create", "done")), "{page}");
    assert!(page.contains(&changed("add", "done")), "{page}");
    assert!(page.contains(&changed("widen", "denied")), "{page}");
    assert!(!page.contains(&changed("widen", "done")), "{page}");
    assert!(page.contains("opentrack_bq_columns{destination=\"bq\",table=\"viewed\"} 12"), "{page}");
    assert!(page.contains("opentrack_bq_schema_cache_age_seconds{destination=\"bq\"} 0.8"), "{page}");
}

#[test]
fn values_that_were_cut_are_counted_by_destination() {
    let page = metered(|meter| {
        ValuesTruncated { count: 2 }.emit(meter);
        ValuesTruncated { count: 3 }.emit(meter);
    });
    assert!(page.contains("opentrack_truncated_values_total{destination=\"bq\"} 5"), "{page}");
}

#[test]
fn a_share_is_shown_with_what_blocks_it_and_what_was_odd_about_the_topic() {
    let page = page(|metrics| {
        ShareMeasured { partitions: 4, lag: 70, blocked: 1 }.emit(metrics);
        OffsetsBegunAnew { partition: 2, was_at: 90, offset: 0 }.emit(metrics);
        ForeignRecord { partition: 2, offset: 7 }.emit(metrics);
    });
    for line in [
        "opentrack_journal_partitions 4",
        "opentrack_journal_lag_events 70",
        "opentrack_journal_partitions_blocked 1",
        "opentrack_journal_offset_resets_total 1",
        "opentrack_journal_foreign_records_total 1",
    ] {
        assert!(page.lines().any(|found| found == line), "{line}: {page}");
    }
}
