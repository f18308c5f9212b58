//! A kill at any moment: no event is lost or there twice, and what a person did before and after a merge is in order.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::stand_in::{StandIn, send, until_delivered};
use crate::support::{Config, Router, fresh_id, until};

const USERS: u64 = 12;
/// Events of each user before and after the merge.
const EVENTS: u64 = 8;

/// Who somebody was first, and is from the merge on.
fn names(user: u64) -> (String, String) {
    (format!("old-{user}"), format!("new-{user}"))
}

fn track(who: &str, n: u64) -> Value {
    json!({ "type": "track", "event": format!("Step {n}"), "userId": who, "messageId": fresh_id("m") })
}

/// A life: known under one name, merged, known under another.
fn life(user: u64) -> Vec<Value> {
    let (old, new) = names(user);
    let identify = |who: &str| json!({ "type": "identify", "userId": who, "messageId": fresh_id("m") });
    let alias = json!({ "type": "alias", "userId": new, "previousId": old, "messageId": fresh_id("m") });
    let before = (0..EVENTS).map(|n| track(&old, n));
    let after = (EVENTS..2 * EVENTS).map(|n| track(&new, n));
    [identify(&old)].into_iter().chain(before).chain([alias]).chain(after).collect()
}

/// What was done with somebody, without what may be done again after a kill, since it changes nothing: identifies, and the same
/// merge once more.
fn steps(log: &[Value], user: u64) -> Vec<String> {
    let (old, new) = names(user);
    let is_theirs = |line: &&str| [&old, &new].iter().any(|who| line.starts_with(&format!("id:{who} ")));
    let lines =
        log.iter().filter_map(Value::as_str).filter(is_theirs).filter(|line| !line.ends_with("identify"));
    let without_id = |line: &str| match line.contains(" event ") {
        true => line.rsplit_once(' ').map_or(line, |(head, _)| head).to_owned(),
        false => line.to_owned(),
    };
    let mut steps: Vec<String> = lines.map(without_id).collect();
    let mut merges = HashSet::new();
    steps.retain(|step| !step.contains(" merge ") || merges.insert(step.clone()));
    steps
}

fn expected(user: u64) -> Vec<String> {
    let (old, new) = names(user);
    let before = (0..EVENTS).map(|n| format!("id:{old} event Step {n}"));
    let after = (EVENTS..2 * EVENTS).map(|n| format!("id:{new} event Step {n}"));
    before.chain([format!("id:{new} merge id:{old}")]).chain(after).collect()
}

#[tokio::test]
async fn kills_cost_no_event_no_exactness_and_no_order_around_a_merge() {
    let stand_in = StandIn::start(&[]);
    let small = stand_in.table("key-0123456789", "").replace("max_events = 100", "max_events = 10");
    let mut router = Router::start(Config::new().table(&small)).await;
    let lives: Vec<Vec<Value>> = (0..USERS).map(life).collect();
    // Every third answer is cut off after the items were taken.
    stand_in.behave(json!({ "mode": "half", "every": 3 })).await;
    for part in 0..3 {
        let length = lives[0].len();
        let (from, to) = (part * length / 3, (part + 1) * length / 3);
        let events: Vec<Value> = lives.iter().flat_map(|life| life[from..to].to_vec()).collect();
        send(&router, &events).await;
        let before = stand_in.seen().await["requests"].as_u64();
        until("something was sent", 20, async || stand_in.seen().await["requests"].as_u64() > before).await;
        router.kill9();
        router.start_again().await;
    }
    let all = (USERS * 2 * EVENTS) as usize;
    stand_in.until_events(all).await;
    until("all is settled", 25, async || router.destination("crm").await["backlog"]["events"] == 0).await;
    until_delivered(&router, 0).await;
    let world = stand_in.world().await;
    assert_eq!(world["events"].as_array().map(Vec::len), Some(all), "each event once");
    let log = world["log"].as_array().unwrap();
    for user in 0..USERS {
        assert_eq!(steps(log, user), expected(user));
    }
}
