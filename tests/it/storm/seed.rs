//! Where the chance of a storm comes from: a fixed seed, or the one of `OPENTRACK_SEED`, told when the test fails.

use fastrand::Rng;

/// A seed that prints itself when its test panics.
pub(super) struct Seed(u64);

impl Seed {
    /// Returns the seed of the environment, else this one.
    pub(super) fn or(default: u64) -> Seed {
        Seed(number("OPENTRACK_SEED").unwrap_or(default))
    }

    /// Returns this seed, whatever the environment says.
    pub(super) fn fixed(seed: u64) -> Seed {
        Seed(seed)
    }

    pub(super) fn value(&self) -> u64 {
        self.0
    }

    pub(super) fn rng(&self) -> Rng {
        Rng::with_seed(self.0)
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- OPENTRACK_SEED={} runs this storm again ---", self.0);
        }
    }
}

/// Returns the number that this variable holds.
#[expect(
    clippy::disallowed_methods,
    reason = "the length of a test run belongs to who runs it, not to the router"
)]
pub(super) fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is `{text}`, which is no whole number")))
}
