//! Looks at every place after a load and holds it against the oracle, within a deadline.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::{Oracle, Place, Poison, Receiver, Router, until};

/// Seconds in which everything that is owed must arrive once the faults are over.
const DEADLINE: u64 = 60;

/// Waits until every acknowledged event is in the warehouse and at every receiver, or dead there, and fails the test for
/// each way in which the promise was broken. A receiver is given with its destination's name and what it refuses.
pub(crate) async fn expect_kept(router: &Router, oracle: &Oracle, receivers: &[(&str, &Receiver, Poison)]) {
    let mut breaches = Vec::new();
    for (name, receiver, poison) in receivers {
        until_arrived(oracle, name, || at_receiver(router, name, receiver)).await;
        breaches.extend(oracle.breaches(&at_receiver(router, name, receiver), *poison));
    }
    until_arrived(oracle, "warehouse", || in_warehouse(router)).await;
    breaches.extend(oracle.breaches(&in_warehouse(router), Poison::NONE));
    breaches.extend(wrong_rows(router, oracle));
    breaches.extend(losses(&router.get("/metrics").await.text));
    assert!(breaches.is_empty(), "{} broken promises:\n{}", breaches.len(), breaches.join("\n"));
}

/// Waits until everything owed has arrived; after the deadline the oracle tells what has not.
async fn until_arrived(oracle: &Oracle, name: &str, look: impl Fn() -> Place) {
    let what = format!("`{name}` has all of {} acknowledged events", oracle.owed());
    let arrived = until(&what, 2 * DEADLINE, async || oracle.missing(&look()) == 0);
    tokio::time::timeout(Duration::from_secs(DEADLINE), arrived).await.ok();
}

fn at_receiver(router: &Router, name: &str, receiver: &Receiver) -> Place {
    Place {
        name: name.to_owned(),
        arrived: receiver.taken_ids(),
        dead: dead_ids(&router.dead_letters(), name),
        once: false,
        ordered: true,
    }
}

/// The table of the load's events; its rows have no order.
fn in_warehouse(router: &Router) -> Place {
    let dead = dead_ids(&router.dead_letters(), "warehouse");
    let arrived = router.db().ids("load_sent");
    Place { name: "warehouse".into(), arrived, dead, once: true, ordered: false }
}

/// Rows whose contents are not those of their event, and events that are in one of their two tables alone.
fn wrong_rows(router: &Router, oracle: &Oracle) -> Vec<String> {
    let rows = router.db().rows("load_sent");
    let text =
        |row: &super::Row, name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let ids: BTreeSet<String> = rows.iter().map(|row| text(row, "id")).collect();
    let mut all: Vec<String> = rows
        .iter()
        .filter(|row| {
            let n = row.get("n").and_then(Value::as_u64);
            !oracle.is_event(&text(row, "id"), &text(row, "user_id"), n)
        })
        .map(|row| format!("warehouse: this row is no event that was sent: {row:?}"))
        .collect();
    let tracks: BTreeSet<String> = router.db().ids("tracks").into_iter().collect();
    if tracks != ids {
        let odd = tracks.symmetric_difference(&ids).count();
        all.push(format!("warehouse: {odd} events are in one of `tracks` and `load_sent` alone"));
    }
    all
}

/// The destination's dead letters among these lines of JSON.
fn dead_ids(lines: &str, destination: &str) -> BTreeSet<String> {
    let letters =
        lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("a dead letter is JSON"));
    let mine = letters.filter(|letter| letter["destination"] == destination);
    mine.map(|letter| letter["message_id"].as_str().expect("it names its event").to_owned()).collect()
}

/// What the router itself says it lost.
fn losses(metrics: &str) -> Vec<String> {
    let lines = metrics.lines().filter(|line| line.starts_with("opentrack_events_lost_total"));
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return vec!["no `opentrack_events_lost_total` in the metrics".to_owned()];
    }
    lines.filter(|line| !line.ends_with(" 0")).map(str::to_owned).collect()
}
