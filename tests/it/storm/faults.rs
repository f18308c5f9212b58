//! The storms that every test run goes through; their sizes are chosen for seconds.

use super::disaster::{Disaster, blows};
use super::seed::Seed;
use super::{PATIENCE, Station, config, places};
use crate::support::{ALL_MOODS, Load, Mood, Oracle, Poison, Refusal, Router, expect_kept, until};

/// Waits until every station has seen this many requests.
async fn until_visited(stations: &[Station], requests: usize) {
    for one in stations {
        let what = format!("`{}` has seen {requests} requests", one.name);
        until(&what, 60, async || one.receiver.requests().len() >= requests).await;
    }
}

/// Ends the load and the bad weather, and expects everything to be in its place.
async fn expect_all(router: &Router, load: Load, stations: &[Station]) {
    stations.iter().for_each(Station::clear_up);
    let oracle = Oracle::new(load.finish());
    expect_kept(router, &oracle, &places(stations)).await;
}

#[tokio::test]
async fn a_router_that_is_killed_frozen_and_stopped_keeps_its_promise_to_sick_destinations() {
    let seed = Seed::or(11);
    let mut rng = seed.rng();
    let well = (Poison::NONE, Refusal::Whole);
    let stations = ["one", "two"].map(|name| Station::start(name, &mut rng, &ALL_MOODS, well));
    let mut router = Router::start(config(&stations, PATIENCE)).await;
    let load = Load::start(&router.url(""), 4);
    let disasters = [Disaster::Kill, Disaster::Freeze, Disaster::KillTwice, Disaster::Stop, Disaster::Kill];
    blows(&mut router, &load, &mut rng, &disasters).await;
    until_visited(&stations, 40).await;
    expect_all(&router, load, &stations).await;
}

#[tokio::test]
async fn four_destinations_with_different_faults_at_once_get_everything_and_the_warehouse_does_not_wait() {
    let seed = Seed::or(12);
    let mut rng = seed.rng();
    let faults: [(&'static str, &[Mood]); 4] = [
        ("hangs", &[Mood::Hang, Mood::Slow]),
        ("breaks", &[Mood::Reset, Mood::Cut, Mood::Half]),
        ("throttles", &[Mood::Throttle, Mood::ThrottleDate, Mood::Busy]),
        ("refuses", &[Mood::Unauthorized, Mood::Unavailable, Mood::Page]),
    ];
    let well = (Poison::NONE, Refusal::Whole);
    let stations = faults.map(|(name, moods)| Station::start(name, &mut rng, moods, well));
    let router = Router::start(config(&stations, PATIENCE)).await;
    let load = Load::start(&router.url(""), 4);
    load.until_more(300).await;
    until_visited(&stations, 12).await;
    let acknowledged: Vec<String> = load.acknowledged_ids();
    router.until_rows("load_sent", &acknowledged).await;
    expect_all(&router, load, &stations).await;
}

/// One event in a hundred of each sender is poison for one of two destinations, in bad weather and with a kill.
async fn expect_isolated(seed: &Seed, refusal: Refusal) {
    let mut rng = seed.rng();
    let poison = Poison::one_in(100);
    let stations = [
        Station::start("picky", &mut rng, &ALL_MOODS, (poison, refusal)),
        Station::start("other", &mut rng, &[Mood::Slow], (Poison::NONE, refusal)),
    ];
    let mut router = Router::start(config(&stations, PATIENCE)).await;
    let load = Load::start(&router.url(""), 4);
    load.until_more(500).await;
    blows(&mut router, &load, &mut rng, &[Disaster::Kill]).await;
    load.until_more(300).await;
    until_visited(&stations, 25).await;
    expect_all(&router, load, &stations).await;
    let dead = router.dead_letters();
    assert!(dead.lines().count() >= 4, "only these are dead: {dead}");
}

#[tokio::test]
async fn poison_that_spoils_a_whole_request_dies_alone_in_a_storm() {
    expect_isolated(&Seed::or(13), Refusal::Whole).await;
}

#[tokio::test]
async fn poison_that_a_207_names_dies_alone_in_a_storm() {
    expect_isolated(&Seed::or(14), Refusal::Named).await;
}
