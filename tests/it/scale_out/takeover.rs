//! A router that is killed, stopped or added while events come in as fast as they are answered.

use super::{PARTITIONS, cluster, config, expect_kept, metric, until_holding};
use crate::support::{Load, Oracle, Receiver, Router};

/// Senders; each has three users.
const SENDERS: usize = 6;

fn all(held: f64) -> bool {
    held >= f64::from(PARTITIONS)
}

fn some(held: f64) -> bool {
    held > 0.0 && !all(held)
}

#[tokio::test]
async fn one_of_two_routers_killed_at_full_load_loses_no_acknowledged_event_and_no_order() {
    let (cluster, receiver) = (cluster(), Receiver::start());
    let mut one = Router::start(config(&cluster, &receiver)).await;
    let other = Router::start(config(&cluster, &receiver)).await;
    until_holding(&one, "some", some).await;
    until_holding(&other, "some", some).await;
    let load = Load::over(&[one.url(""), other.url("")], SENDERS);
    load.until_more(1_000).await;
    one.kill9();
    // Goes on while nobody delivers the partitions of the router that is gone.
    load.until_more(500).await;
    until_holding(&other, "all", all).await;
    load.until_more(500).await;
    let oracle = Oracle::new(load.finish());
    expect_kept(&oracle, &receiver).await;
    assert!(metric(&other, "opentrack_events_lost_total{destination=\"hook\"}").await == 0.0);
}

#[tokio::test]
async fn a_router_that_was_killed_comes_back_and_takes_its_share_again() {
    let (cluster, receiver) = (cluster(), Receiver::start());
    let mut one = Router::start(config(&cluster, &receiver)).await;
    let other = Router::start(config(&cluster, &receiver)).await;
    until_holding(&one, "some", some).await;
    let load = Load::over(&[one.url(""), other.url("")], SENDERS);
    load.until_more(500).await;
    one.kill9();
    one.start_again().await;
    load.until_more(500).await;
    until_holding(&one, "some", some).await;
    until_holding(&other, "some", some).await;
    load.until_more(500).await;
    let oracle = Oracle::new(load.finish());
    expect_kept(&oracle, &receiver).await;
}

#[tokio::test]
async fn a_router_that_is_stopped_under_load_hands_over_and_nothing_is_delivered_twice() {
    let (cluster, receiver) = (cluster(), Receiver::start());
    let mut one = Router::start(config(&cluster, &receiver)).await;
    let other = Router::start(config(&cluster, &receiver)).await;
    until_holding(&one, "some", some).await;
    until_holding(&other, "some", some).await;
    let load = Load::over(&[one.url(""), other.url("")], SENDERS);
    load.until_more(1_000).await;
    one.stop().await;
    until_holding(&other, "all", all).await;
    load.until_more(500).await;
    let oracle = Oracle::new(load.finish());
    assert_eq!(expect_kept(&oracle, &receiver).await, 0, "{}", one.log());
}

#[tokio::test]
async fn a_second_router_that_joins_under_load_takes_its_share_and_nothing_is_delivered_twice() {
    let (cluster, receiver) = (cluster(), Receiver::start());
    let one = Router::start(config(&cluster, &receiver)).await;
    until_holding(&one, "all", all).await;
    let load = Load::start(&one.url(""), SENDERS);
    load.until_more(500).await;
    let other = Router::start(config(&cluster, &receiver)).await;
    until_holding(&other, "some", some).await;
    until_holding(&one, "some", some).await;
    load.until_more(1_000).await;
    let oracle = Oracle::new(load.finish());
    assert_eq!(expect_kept(&oracle, &receiver).await, 0, "{}", one.log());
    let delivered = "opentrack_delivery_events_total{destination=\"hook\",outcome=\"delivered\",reason=\"\"}";
    assert!(metric(&other, delivered).await > 0.0, "{}", other.get("/metrics").await.text);
}
