//! Storms: a load, receivers in changing moods, and a router that is killed, frozen and stopped meanwhile, all as a seed
//! says. Afterwards every place is held against the oracle.
//!
//! A test that fails prints its seed; `OPENTRACK_SEED=N` runs the same storm again. `make soak` runs storms for as long as
//! one likes.

mod disaster;
mod faults;
mod seed;
mod soak;

use fastrand::Rng;

use crate::support::{Config, Mood, Poison, Receiver, Refusal, Weather, refuse};

/// Patience short enough for a test; a hanging request is given up after a second.
const PATIENCE: &str = "timeout = \"1s\"\nconcurrency = 4\nbatch = { max_events = 50, max_delay = \"50ms\" }";

/// A receiver with its destination's name and its weather.
struct Station {
    name: &'static str,
    receiver: Receiver,
    poison: Poison,
    refusal: Refusal,
}

impl Station {
    /// Starts a receiver with these moods, and this poison that is refused in each of them.
    fn start(name: &'static str, rng: &mut Rng, moods: &[Mood], poison: (Poison, Refusal)) -> Station {
        let (poison, refusal) = poison;
        let mut weather = Weather::new(rng.u64(..), moods).with_poison(poison, refusal);
        let receiver = Receiver::scripted(move |request| weather.reply(request));
        Station { name, receiver, poison, refusal }
    }

    /// Ends the bad weather; what is poison stays poison.
    fn clear_up(&self) {
        let (poison, refusal) = (self.poison, self.refusal);
        self.receiver.follow(move |request| {
            refuse(request, poison, refusal).unwrap_or(crate::support::Reply::Status(200))
        });
    }
}

/// The warehouse and a webhook for each station, with these lines in each.
fn config(stations: &[Station], patience: &str) -> Config {
    let add = |config: Config, one: &Station| config.webhook(one.name, &one.receiver.url(), patience);
    stations.iter().fold(Config::new(), add)
}

/// What the oracle needs to know of the stations.
fn places(stations: &[Station]) -> Vec<(&str, &Receiver, Poison)> {
    stations.iter().map(|one| (one.name, &one.receiver, one.poison)).collect()
}
