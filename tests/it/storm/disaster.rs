//! What happens to the router itself in a storm.

use std::time::Duration;

use fastrand::Rng;

use crate::support::{Load, Router, until};

/// One blow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disaster {
    /// SIGKILL, and a new start.
    Kill,
    /// SIGKILL, and another one in the middle of the new start.
    KillTwice,
    /// SIGSTOP until a client has waited in vain, and SIGCONT.
    Freeze,
    /// SIGTERM, and a new start.
    Stop,
}

/// Deals these blows one after the other, each after a random number of further acknowledgements.
pub(super) async fn blows(router: &mut Router, load: &Load, rng: &mut Rng, disasters: &[Disaster]) {
    for disaster in disasters {
        load.until_more(rng.usize(5..150)).await;
        match disaster {
            Disaster::Kill => kill(router).await,
            Disaster::KillTwice => {
                router.kill9();
                router.begin_again();
                until_begun(router, rng.u64(..40)).await;
                kill(router).await;
            }
            Disaster::Freeze => freeze(router).await,
            Disaster::Stop => router.restart().await,
        }
    }
}

async fn kill(router: &mut Router) {
    router.kill9();
    router.start_again().await;
}

/// Waits until the new process holds this much memory, a measure of how far its start has got, or answers.
async fn until_begun(router: &Router, mib: u64) {
    until("the start has got somewhere", 20, async || {
        router.memory_mib() >= mib || router.request("GET", "/ready").send().await.is_ok()
    })
    .await;
}

async fn freeze(router: &Router) {
    router.signal("STOP");
    until("a client waits in vain", 20, async || {
        let request = router.request("GET", "/health").timeout(Duration::from_millis(200));
        request.send().await.is_err()
    })
    .await;
    router.signal("CONT");
}

/// Returns a random sequence of blows in which kills are the most frequent.
pub(super) fn chance(rng: &mut Rng, count: usize) -> Vec<Disaster> {
    let one = |rng: &mut Rng| match rng.u8(..10) {
        0 => Disaster::Freeze,
        1 => Disaster::Stop,
        2 | 3 => Disaster::KillTwice,
        _ => Disaster::Kill,
    };
    (0..count).map(|_| one(rng)).collect()
}
