//! Replays from the topic: what no spool holds any more, once each, by any router, to one destination.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    PARTITIONS, TOPIC, cluster, config, disordered, repeated, round, send, until_held, with_journal,
};
use crate::support::{Kafka, Receiver, Reply, Router, batch, ids_of, until};

/// Orders a replay to `hook` and returns how many records it looks at.
async fn order(router: &Router, query: &str) -> u64 {
    let answer = router.post_text(&format!("/api/destinations/hook/replay?{query}"), "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["count"].as_u64().expect("a count")
}

async fn until_replayed(router: &Router) {
    until("the replay has ended", 60, async || router.destination("hook").await["replay"].is_null()).await;
}

/// Orders a replay, waits for its end, and returns what it sent.
async fn replayed(router: &Router, receiver: &Receiver, query: &str) -> Vec<String> {
    let before = receiver.taken_ids().len();
    order(router, query).await;
    until_replayed(router).await;
    receiver.taken_ids().split_off(before)
}

/// Waits until the brokers know that `hook` has settled so many records.
async fn until_told(cluster: &Kafka, count: i64) {
    let what = format!("{count} are told as settled");
    until(&what, 20, async || cluster.committed("opentrack.hook", TOPIC, PARTITIONS) == count).await;
}

#[expect(clippy::disallowed_methods, reason = "the router runs by the same clock")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

#[tokio::test]
async fn what_the_spool_no_longer_holds_is_sent_again_once_and_to_nobody_else() {
    let cluster = cluster();
    let (receiver, other) = (Receiver::start(), Receiver::start());
    let config = config(&cluster, "").webhook("hook", &receiver.url(), "").webhook("other", &other.url(), "");
    let mut router = Router::start(config).await;
    let events = round(40, 0);
    let ids = ids_of(&events);
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    receiver.until_taken(&ids).await;
    // A client that did not hear the answer: the topic has each twice.
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    until_told(&cluster, 80).await;
    other.until_taken(&ids).await;
    router.stop().await;
    std::fs::remove_dir_all(router.data()).unwrap();
    router.start_again().await;
    until_held(&router, 4).await;
    let fresh = send(&router, 40, 1).await;
    receiver.until_taken(&fresh).await;
    assert!(repeated(&receiver).is_empty(), "nothing came again by itself");
    let again = replayed(&router, &receiver, "").await;
    assert_eq!(sorted(again), sorted([ids.clone(), fresh.clone()].concat()), "each once");
    other.until_taken(&fresh).await;
    assert_eq!(other.taken_ids().len(), 80, "nobody else gets anything");
    let last = send(&router, 40, 2).await;
    receiver.until_taken(&last).await;
    until_told(&cluster, 160).await;
    assert!(disordered_before(&receiver, 80).is_empty(), "each user's events were sent again in their order");
    let trace = router.get(&format!("/api/events/{}", fresh[0])).await.json();
    assert_eq!(trace["destinations"]["hook"]["attempts"].as_array().map(Vec::len), Some(1), "{trace}");
    let missing = router.get(&format!("/api/events/{}", ids[0])).await;
    assert_eq!(missing.status, 404, "nothing of it came into the spool");
}

/// Returns the users whose events were not sent again in their order: what came after so many.
fn disordered_before(receiver: &Receiver, first: usize) -> Vec<String> {
    let mut last = BTreeMap::<String, u64>::new();
    let mut found = Vec::new();
    for event in receiver.taken().split_off(first) {
        let user = event["userId"].as_str().unwrap_or_default().to_owned();
        let n = event["properties"]["n"].as_u64().unwrap_or_default();
        if last.insert(user.clone(), n).is_some_and(|before| before > n) {
            found.push(user);
        }
    }
    found
}

#[tokio::test]
async fn a_replay_from_the_topic_is_cut_by_the_time_of_arrival() {
    let cluster = cluster();
    let receiver = Receiver::start();
    let router = Router::start(config(&cluster, "").webhook("hook", &receiver.url(), "")).await;
    let early = send(&router, 20, 0).await;
    receiver.until_taken(&early).await;
    let at = |event: &Value| event["receivedAt"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let last = receiver.taken().iter().map(at).max().unwrap();
    let from = last + std::time::Duration::from_micros(1);
    until("time has passed", 5, async || now() > from).await;
    let late = send(&router, 20, 1).await;
    receiver.until_taken(&late).await;
    assert_eq!(sorted(replayed(&router, &receiver, &format!("from={from}")).await), sorted(late.clone()));
    assert_eq!(sorted(replayed(&router, &receiver, &format!("until={from}")).await), sorted(early));
    let none = order(&router, "from=2100-01-01T00:00:00Z").await;
    assert_eq!(none, 0, "no partition has anything that late");
    assert_eq!(order(&router, &format!("from={from}&until={from}")).await, 0);
    let filtered = replayed(&router, &receiver, &format!("from={from}&filter=page")).await;
    assert!(filtered.is_empty(), "{filtered:?}");
}

#[tokio::test]
async fn a_replay_from_the_topic_is_cut_by_offsets() {
    let cluster = cluster();
    let receiver = Receiver::start();
    let router = Router::start(config(&cluster, "").webhook("hook", &receiver.url(), "")).await;
    let mut rounds = Vec::new();
    for n in 0..3 {
        rounds.push(send(&router, 40, n).await);
        receiver.until_taken(&rounds[rounds.len() - 1]).await;
    }
    let mut all = Vec::new();
    for partition in 0..PARTITIONS {
        all.extend(replayed(&router, &receiver, &format!("from_offset={partition}:0")).await);
    }
    assert_eq!(sorted(all), sorted(rounds.concat()), "each event is in one partition");
    let first = replayed(&router, &receiver, "from_offset=1:0").await;
    let users = first.len() as u64 / 3;
    let (from, until) = (users, users * 2);
    let middle = replayed(&router, &receiver, &format!("from_offset=1:{from}&until_offset=1:{until}")).await;
    let of_round = |n: usize| first.iter().filter(|id| rounds[n].contains(id)).cloned().collect::<Vec<_>>();
    assert_eq!(sorted(middle), sorted(of_round(1)));
    let last = replayed(&router, &receiver, &format!("from_offset=1:{until}&until_offset=1:999999")).await;
    assert_eq!(sorted(last), sorted(of_round(2)));
    let post =
        async |query: &str| router.post_text(&format!("/api/destinations/hook/replay?{query}"), "").await;
    for wrong in ["from_offset=4:0", "until_offset=17:5", "from_offset=1", "from_offset=1:0&from_offset=1:2"]
    {
        post(wrong).await.expect_error(400, "bad_parameter");
    }
    let output = router.run(&["replay", "--to", "hook", "--from-offset", "1:0", "--until-offset", "1:3"]);
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && words.contains("3 events") && words.contains("done"), "{output:?}");
    cluster.all_down();
    let refused = post("").await;
    assert_eq!(refused.status, 409, "{refused:?}");
    assert!(refused.text.contains("opentrack.journal"), "it says what does not answer: {}", refused.text);
    cluster.all_up();
}

/// Two routers with two partitions each, which have delivered 400 events.
async fn two(cluster: &Kafka, receiver: &Receiver) -> (Router, Router) {
    let extra = "batch = { max_events = 20, max_delay = \"10ms\" }";
    let config = config(cluster, "").webhook("hook", &receiver.url(), extra);
    let one = Router::start(config.clone()).await;
    let mut ids = Vec::new();
    for n in 0..10 {
        ids.extend(send(&one, 40, n).await);
    }
    receiver.until_taken(&ids).await;
    let other = Router::start(config).await;
    until_held(&other, 2).await;
    until_held(&one, 2).await;
    until_told(cluster, 400).await;
    (one, other)
}

#[tokio::test]
async fn any_router_replays_all_partitions_and_goes_on_after_a_kill() {
    let cluster = cluster();
    let receiver = Receiver::start();
    let (one, mut other) = two(&cluster, &receiver).await;
    let live = receiver.taken_ids().len();
    let mut taken = 0;
    receiver.follow(move |_| {
        taken += 1;
        if taken <= 3 { Reply::Status(200) } else { Reply::Status(503) }
    });
    assert_eq!(order(&other, "").await, 400, "all partitions, not those that it holds");
    let position = async |router: &Router| router.destination("hook").await["replay"]["position"].as_u64();
    until("a part is done with, and no more", 20, async || {
        position(&other).await > Some(0)
            && receiver.requests().last().and_then(|last| last.status) == Some(503)
    })
    .await;
    let conflict = other.post_text("/api/destinations/hook/replay", "").await;
    conflict.expect_error(409, "conflict");
    other.kill9();
    let sent = receiver.taken_ids().split_off(live).len();
    other.start_again().await;
    let before = position(&other).await;
    assert!(before > Some(0), "it goes on and does not begin anew: {before:?}");
    assert!(!other.log().contains("cursors are ahead"), "the spool's positions are its own");
    receiver.recover();
    until_replayed(&other).await;
    let again: Vec<String> = receiver.taken_ids().split_off(live);
    let distinct: BTreeSet<&String> = again.iter().collect();
    assert_eq!(distinct.len(), 400, "everything was sent again");
    let twice = again.len() - distinct.len();
    assert!(twice < sent, "after a kill at most what was not noted yet: {twice} of {sent}");
    assert_eq!(one.destination("hook").await["replay"], Value::Null, "the other router does nothing of it");
}

#[tokio::test]
async fn a_replay_takes_no_room_in_a_spool_that_is_full() {
    let cluster = cluster();
    let (receiver, sick) = (Receiver::start(), Receiver::scripted(|_| Reply::Status(503)));
    let small = with_journal(&cluster, "max_bytes = \"1MiB\"", "");
    let router =
        Router::start(small.webhook("hook", &receiver.url(), "").webhook("sick", &sick.url(), "")).await;
    let mut ids = Vec::new();
    for n in 0..25 {
        ids.extend(send(&router, 300, n).await);
    }
    until("the spool is full", 20, async || router.log().contains("events wait in the topic")).await;
    let live: BTreeSet<String> = receiver.taken_ids().into_iter().collect();
    assert!(live.len() < ids.len(), "not all of it can be in the spool");
    let again = replayed(&router, &receiver, "").await;
    let again: BTreeSet<String> = again.into_iter().collect();
    assert_eq!(again.len(), ids.len(), "also what the spool has never held");
    sick.recover();
    sick.until_taken(&ids).await;
    receiver.until_taken(&ids).await;
    assert_eq!(disordered(&sick), Vec::<String>::new());
    assert_eq!(repeated(&sick), Vec::<String>::new());
}

#[tokio::test]
async fn what_a_replay_has_read_and_not_sent_is_read_again_when_its_turn_comes() {
    let cluster = cluster();
    let receiver = Receiver::start();
    let extra = "batch = { max_events = 100, max_bytes = \"2KiB\", max_delay = \"10ms\" }\nconcurrency = 1";
    let router = Router::start(config(&cluster, "").webhook("hook", &receiver.url(), extra)).await;
    let ids = send(&router, 200, 0).await;
    receiver.until_taken(&ids).await;
    receiver.follow(|_| Reply::Status(503));
    order(&router, "").await;
    let failed = receiver.requests().len();
    until("it was tried", 20, async || receiver.requests().len() > failed + 2).await;
    let fresh = send(&router, 40, 1).await;
    receiver.recover();
    until_replayed(&router).await;
    receiver.until_taken(&fresh).await;
    let taken = receiver.taken_ids();
    let times = |id: &String| taken.iter().filter(|one| *one == id).count();
    let odd: Vec<_> = ids.iter().map(|id| (id, times(id))).filter(|(_, times)| *times != 2).collect();
    assert!(odd.is_empty(), "each once more: {odd:?}");
    // The new events may have been in the topic when the replay was ordered, or not: they came after.
    assert!(fresh.iter().all(|id| times(id) == 1), "what came later is no part of it");
    assert_eq!(router.destination("hook").await["counts"]["dead"], json!({}));
}

#[tokio::test]
async fn a_partition_that_ends_before_it_did_is_waited_for() {
    let cluster = cluster();
    let receiver = Receiver::start();
    let mut router = Router::start(config(&cluster, "").webhook("hook", &receiver.url(), "")).await;
    let ids = send(&router, 40, 0).await;
    receiver.until_taken(&ids).await;
    until_told(&cluster, 40).await;
    receiver.follow(|_| Reply::Status(503));
    let count = order(&router, "from_offset=1:0").await;
    router.kill9();
    // As if its leader were lost, and the next one did not know of all records yet.
    let path = router.data().join("journal/orders/hook.json");
    let mut orders: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    orders["replay"]["until"] = json!(count * 2);
    orders["replay"]["passage"]["stretches"][0]["until"] = json!(count * 2);
    std::fs::write(&path, orders.to_string()).unwrap();
    let before = receiver.taken_ids().len();
    receiver.recover();
    router.start_again().await;
    until("it is noticed", 30, async || router.log().contains(&format!("partition 1 ends at {count}"))).await;
    until("what there is was sent", 20, async || {
        router.destination("hook").await["replay"]["position"] == json!(count)
    })
    .await;
    let fresh = send(&router, 40, 1).await;
    receiver.until_taken(&fresh).await;
    until_replayed(&router).await;
    let again: Vec<String> = receiver.taken_ids().split_off(before);
    let times = |ids: &[String]| again.iter().filter(|id| ids.contains(id)).count() as u64;
    assert_eq!((times(&ids), times(&fresh)), (count, 40 + count), "and what came to be there, too");
}
