//! What a journal that several routers share tells the supervisor.
//!
//! Separate because it is called on the journal's own threads, which may wait; the actors may not.

use std::sync::Arc;

use actix::Recipient;
use tokio::sync::oneshot;

use super::messages::{GoOn, Grown, StandBy};
use crate::journal::Follower;
use crate::journal::follow::{Noticed, Share};
use crate::policy::outcome::Reason;
use crate::policy::route::Kinds;
use crate::spec::Kind;
use crate::telemetry::{Metrics, events};

/// Passes on what the journal says.
pub struct Passer {
    /// Wakes the destinations.
    pub grown: Recipient<Grown>,
    /// Stops them.
    pub stand_by: Recipient<StandBy>,
    /// Starts them again.
    pub go_on: Recipient<GoOn>,
    /// Where to count.
    pub metrics: Arc<Metrics>,
}

impl Follower for Passer {
    fn grown(&self, kinds: &[Kind], duplicates: u64) {
        events::EventsDuplicate { count: duplicates }.emit(&self.metrics);
        let kinds: Kinds = kinds.iter().copied().collect();
        // A full mailbox is no harm: every destination looks by itself within a second.
        if kinds != Kinds::default() && self.grown.try_send(Grown { kinds }).is_err() {
            events::NobodyThere { message: "new records" }.emit();
        }
    }

    fn pause(&self) {
        let (done, is_done) = oneshot::channel();
        // When nobody hears it, nobody delivers; when the supervisor ends meanwhile, neither.
        if self.stand_by.try_send(StandBy { done }).is_ok() {
            drop(is_done.blocking_recv());
        }
    }

    fn resume(&self) {
        if self.go_on.try_send(GoOn).is_err() {
            events::NobodyThere { message: "the end of a rebalance" }.emit();
        }
    }

    fn lost(&self, destination: &str, count: u64) {
        events::EventsLost { destination, reason: Reason::Expired.as_str(), count }.emit(&self.metrics);
    }

    fn noticed(&self, what: Noticed) {
        match what {
            Noticed::BegunAnew { partition, was_at, offset } => {
                events::OffsetsBegunAnew { partition, was_at, offset }.emit(&self.metrics);
            }
            Noticed::Foreign { partition, offset } => {
                events::ForeignRecord { partition, offset }.emit(&self.metrics);
            }
            Noticed::Newer { partition, offset, version } => {
                events::NewerRecord { partition, offset, version }.emit();
            }
        }
    }

    fn shares(&self, Share { partitions, lag, blocked }: Share) {
        events::ShareMeasured { partitions, lag, blocked }.emit(&self.metrics);
    }
}
