//! What a journal that several routers share tells the supervisor.
//!
//! Separate because it is called on the journal's own threads, which may wait; the actors may not.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::time::Instant;

use super::messages::{GoOn, Grown, StandBy};
use crate::journal::Follower;
use crate::journal::follow::{Noticed, Share};
use crate::policy::outcome::Reason;
use crate::policy::route::Kinds;
use crate::spec::Kind;
use crate::telemetry::{Metrics, events};

/// How soon a full mailbox is tried again.
const FULL_PAUSE: Duration = Duration::from_millis(5);

/// How long deliveries may take to stop: two seconds and a write that cannot be cut. A partition that stays longer is missed by
/// the router that is to have it.
const STILL: Duration = Duration::from_secs(10);

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
        if insist(&self.stand_by, StandBy { done }, "a rebalance", rest) {
            let deadline = Instant::now() + STILL;
            if !wait(is_done, || Instant::now() >= deadline, rest) {
                let error =
                    "a delivery is at work still; what it does is done again where the partition goes";
                events::Trouble { whom: "journal", doing: "wait for deliveries", error }.emit();
            }
        }
    }

    fn resume(&self) {
        insist(&self.go_on, GoOn, "the end of a rebalance", rest);
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

fn rest() {
    std::thread::park_timeout(FULL_PAUSE);
}

/// Waits until it is done, or nobody is there to do it; returns whether that came before it took too long.
fn wait(mut is_done: oneshot::Receiver<()>, is_late: impl Fn() -> bool, mut rest: impl FnMut()) -> bool {
    while matches!(is_done.try_recv(), Err(TryRecvError::Empty)) {
        if is_late() {
            return false;
        }
        rest();
    }
    true
}

/// Sends what must not be lost: without the one a partition would go while it is served, without the other nobody would be
/// served any more. Waits while the mailbox is full; returns whether the message is in it, and not when nobody is there.
fn insist<M>(to: &Recipient<M>, mut message: M, name: &'static str, mut rest: impl FnMut()) -> bool
where
    M: Message<Result = ()> + Send + 'static,
{
    loop {
        match to.try_send(message) {
            Ok(()) => return true,
            Err(SendError::Full(unsent)) => message = unsent,
            Err(SendError::Closed(_)) => {
                events::NobodyThere { message: name }.emit();
                return false;
            }
        }
        rest();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::Notify;

    use super::*;

    /// Is busy until it is let go, and counts.
    struct Busy {
        go: Arc<Notify>,
        heard: Arc<AtomicU32>,
    }

    impl Actor for Busy {
        type Context = Context<Self>;

        fn started(&mut self, ctx: &mut Context<Self>) {
            ctx.set_mailbox_capacity(1);
            let go = Arc::clone(&self.go);
            ctx.wait(async move { go.notified().await }.into_actor(self));
        }
    }

    impl Handler<GoOn> for Busy {
        type Result = ();

        fn handle(&mut self, _: GoOn, _: &mut Context<Self>) {
            self.heard.fetch_add(1, Ordering::SeqCst);
        }
    }

    impl Handler<StandBy> for Busy {
        type Result = ();

        fn handle(&mut self, StandBy { done }: StandBy, _: &mut Context<Self>) {
            done.send(()).unwrap();
        }
    }

    impl Handler<Grown> for Busy {
        type Result = ();

        fn handle(&mut self, _: Grown, _: &mut Context<Self>) {}
    }

    #[test]
    fn deliveries_are_waited_for_until_they_stand_still_and_not_for_ever() {
        let never = || -> bool { panic!("it is no matter of time") };
        let (done, is_done) = oneshot::channel();
        let mut done = Some(done);
        let mut rests = 0;
        let stop_the_third_time = || {
            rests += 1;
            if rests == 3 {
                done.take().unwrap().send(()).unwrap();
            }
        };
        assert!(wait(is_done, || false, stop_the_third_time));
        assert_eq!(rests, 3);
        let (nobody, is_done) = oneshot::channel();
        drop(nobody);
        assert!(wait(is_done, never, || ()));
        let (_at_work, is_done) = oneshot::channel();
        assert!(!wait(is_done, || true, || panic!("it is late")));
    }

    #[test]
    fn a_rebalance_is_heard_also_by_a_supervisor_whose_mailbox_is_full() {
        let system = System::new();
        let arbiter = Arbiter::new();
        let (go, heard) = (Arc::new(Notify::new()), Arc::new(AtomicU32::new(0)));
        let busy = Busy { go: Arc::clone(&go), heard: Arc::clone(&heard) };
        let busy = Busy::start_in_arbiter(&arbiter.handle(), |_| busy);
        let (grown, stand_by) = (busy.clone().recipient::<Grown>(), busy.clone().recipient::<StandBy>());
        let go_on = busy.recipient::<GoOn>();
        // Until it began to be busy it takes some more.
        let mut in_a_row = 0;
        while in_a_row < 1_000 {
            in_a_row = if go_on.try_send(GoOn).is_err() { in_a_row + 1 } else { 0 };
            std::thread::yield_now();
        }
        let before = heard.load(Ordering::SeqCst);
        let passer = Passer { grown, stand_by, go_on: go_on.clone(), metrics: Arc::new(Metrics::new()) };
        let mut waits = 0;
        let is_sent = insist(&go_on, GoOn, "a test", || {
            waits += 1;
            go.notify_one();
            std::thread::yield_now();
        });
        assert!(is_sent && waits > 0, "it was full");
        passer.pause();
        assert!(heard.load(Ordering::SeqCst) > before, "what was insisted on came first");
        arbiter.stop();
        arbiter.join().unwrap();
        assert!(!insist(&go_on, GoOn, "a test", || ()), "nobody is there any more");
        drop(system);
    }
}
