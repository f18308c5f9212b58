//! The long storm: rounds of random disasters, each with a new router, until the kills or the minutes that were asked for
//! are over. One short round unless `make soak` asks for more.

use std::time::Duration;

use fastrand::Rng;
use tokio::time::Instant;

use super::disaster::{Disaster, blows, chance};
use super::seed::{Seed, number};
use super::{Station, config, places};
use crate::support::{ALL_MOODS, Load, Oracle, Poison, Refusal, Router, expect_kept};

/// Blows in one round of a soak: few enough that what the receivers remember stays small.
const BLOWS: usize = 25;
/// Blows in the one round of every test run.
const FEW_BLOWS: usize = 3;

/// What happened so far.
#[derive(Debug, Default)]
struct Total {
    rounds: u64,
    kills: usize,
    acknowledged: usize,
    dead: usize,
}

#[tokio::test]
async fn nothing_is_lost_doubled_or_disordered_however_long_the_storm() {
    let kills = number("SOAK_KILLS").map(|kills| kills as usize);
    let minutes = number("SOAK_MINUTES").unwrap_or(60);
    let blows = if kills.is_some() { BLOWS } else { FEW_BLOWS };
    let first = number("OPENTRACK_SEED").unwrap_or_else(|| fastrand::u64(..1 << 32));
    let begun = Instant::now();
    let mut total = Total::default();
    while (total.rounds == 0 || kills.is_some_and(|kills| total.kills < kills))
        && begun.elapsed() < Duration::from_secs(60 * minutes)
    {
        let seed = Seed::fixed(first + total.rounds);
        round(&seed, blows, &mut total).await;
        eprintln!("{} s, seed {}: {total:?}, 0 broken promises", begun.elapsed().as_secs(), seed.value());
    }
}

/// One router's life.
async fn round(seed: &Seed, count: usize, total: &mut Total) {
    let mut rng = seed.rng();
    let whole = (Poison::one_in(500), Refusal::Whole);
    let named = (Poison::one_in(500), Refusal::Named);
    let stations = [
        Station::start("one", &mut rng, &ALL_MOODS, whole),
        Station::start("two", &mut rng, &ALL_MOODS, named),
    ];
    let mut router = Router::start(config(&stations, &patience(&mut rng))).await;
    let load = Load::start(&router.url(""), 4);
    let disasters = chance(&mut rng, count);
    blows(&mut router, &load, &mut rng, &disasters).await;
    stations.iter().for_each(Station::clear_up);
    let oracle = Oracle::new(load.finish());
    expect_kept(&router, &oracle, &places(&stations)).await;
    total.rounds += 1;
    total.kills += disasters.iter().map(kills).sum::<usize>();
    total.acknowledged += oracle.owed();
    total.dead += router.dead_letters().lines().count();
}

/// Batches of one event and of many, one request at a time and several.
fn patience(rng: &mut Rng) -> String {
    let batch = *rng.choice(&[1, 3, 50, 500]).expect("there are some");
    let (requests, delay) = (rng.u8(1..=6), rng.u8(5..=100));
    format!(
        "timeout = \"1s\"\nconcurrency = {requests}\nbatch = {{ max_events = {batch}, max_delay = \"{delay}ms\" }}"
    )
}

fn kills(disaster: &Disaster) -> usize {
    match disaster {
        Disaster::Kill => 1,
        Disaster::KillTwice => 2,
        Disaster::Freeze | Disaster::Stop => 0,
    }
}
