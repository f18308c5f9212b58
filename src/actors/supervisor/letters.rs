//! Dead letters: what operators ask about them and have done with them, and the end of old ones.
//!
//! A letter that is sent again is stored in the journal once more, for its destination alone, through the one writer; only
//! when that is durable is the letter taken out. A kill in between repeats the event, and loses none. Changes take turns, so
//! that no letter is sent again twice, and so does every single step on disk: a long search never takes more than one of the
//! threads that commits need.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::prelude::*;
use futures_util::future::join_all;
use tokio::sync::Mutex;

use super::wards::Ward;
use super::{Supervisor, trouble};
use crate::actors::delivery::Beacon;
use crate::actors::journal_writer::JournalWriter;
use crate::actors::messages::{
    Accept, LetterTrouble, ListLetters, ListRejected, NotAccepted, RefreshSchema, SettleLetters, Settled,
    Settling,
};
use crate::journal::{
    Journal, JournalError, Letter, LetterCounts, LetterFilter, LetterId, LetterList, PageLimit, Position,
    RejectedPage, Walk,
};
use crate::spec::{Event, Redelivery};
use crate::telemetry::{LetterEnd, Metrics, clock, events};

/// How often letters are counted for the metrics, and old ones given up.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long letters are kept unless told otherwise.
const RETENTION: Duration = Duration::from_secs(90 * 24 * 3600);
/// Letters that are sent again or dropped in one step: one commit each.
const STEP: PageLimit = PageLimit { letters: 256, bytes: 1 << 20, seen: 64 << 20 };
/// Letters are sent again while the backlog is less than this part of the journal.
const BACKLOG_SHARE: u64 = 2;
/// How long the tables of a warehouse may take to be read before its letters are sent again.
const READ_WITHIN: Duration = Duration::from_secs(10);
const START: LetterId = LetterId { file: 0, offset: 0 };

/// What the supervisor keeps for the letters.
pub(super) struct Desk {
    retention: Duration,
    /// A look at them is under way.
    looking: bool,
    /// Held during one step on disk.
    disk: Arc<Mutex<()>>,
    /// Held by the one who sends again or drops.
    settling: Arc<Mutex<()>>,
}

impl Default for Desk {
    fn default() -> Self {
        Desk { retention: RETENTION, looking: false, disk: Arc::default(), settling: Arc::default() }
    }
}

impl Supervisor {
    /// Gives up dead letters that are older than this.
    pub fn keeping_letters_for(mut self, retention: Duration) -> Self {
        self.letters.retention = retention;
        self
    }

    /// Begins to count letters and to give up old ones.
    pub(super) fn watch_letters(&mut self, ctx: &mut Context<Self>) {
        self.look_at_letters(ctx);
        ctx.run_interval(LOOK_EVERY, Self::look_at_letters);
    }

    fn look_at_letters(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.letters.looking, true) {
            return;
        }
        let (shelf, retention) = (self.shelf(), self.letters.retention);
        let work = async move {
            let look = move |journal: &dyn Journal| {
                let before = clock::now().checked_sub(retention).unwrap_or(jiff::Timestamp::MIN);
                let expired = journal.expire_letters(before)?;
                Ok((expired, journal.letter_counts()))
            };
            shelf.step(look).await
        };
        ctx.spawn(work.into_actor(self).map(|looked, supervisor, _| {
            supervisor.letters.looking = false;
            match looked {
                Ok((expired, counts)) => {
                    events::LettersCounted { counts: &counts }.emit(&supervisor.metrics);
                    ended(&by_destination(expired), LetterEnd::Expired, &supervisor.metrics);
                }
                Err(why) => trouble("give up old dead letters", &why.to_string()),
            }
        }));
    }

    fn shelf(&self) -> Shelf {
        Shelf { journal: Arc::clone(&self.journal), disk: Arc::clone(&self.letters.disk) }
    }
}

fn by_destination(counts: LetterCounts) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for ((destination, _), count) in counts {
        *sums.entry(destination).or_default() += count;
    }
    sums
}

fn ended(counts: &BTreeMap<String, u64>, end: LetterEnd, metrics: &Metrics) {
    for (destination, count) in counts {
        events::LettersEnded { destination, end, count: *count }.emit(metrics);
    }
}

/// Where the letters are.
#[derive(Clone)]
struct Shelf {
    journal: Arc<dyn Journal>,
    disk: Arc<Mutex<()>>,
}

impl Shelf {
    /// Does one step of blocking work.
    async fn step<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Journal) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, LetterTrouble> {
        let turn = Arc::clone(&self.disk).lock_owned().await;
        let journal = Arc::clone(&self.journal);
        let work = move || {
            // Given back at the end of the work, not when nobody waits for it any more.
            let _turn = turn;
            work(journal.as_ref())
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => done.map_err(|error| match error {
                JournalError::Full(why) => LetterTrouble::Full(why),
                other => LetterTrouble::Unavailable(other.to_string()),
            }),
            Err(panic) => Err(LetterTrouble::Unavailable(panic.to_string())),
        }
    }
}

impl Handler<ListLetters> for Supervisor {
    type Result = ResponseFuture<Result<LetterList, LetterTrouble>>;

    fn handle(&mut self, list: ListLetters, _: &mut Context<Self>) -> Self::Result {
        let (shelf, limit) = (self.shelf(), PageLimit::of(list.limit));
        let read = move |journal: &dyn Journal| {
            journal.letters(&list.filter, Walk::Back(list.before), limit).map(LetterList::from)
        };
        Box::pin(async move { shelf.step(read).await })
    }
}

impl Handler<ListRejected> for Supervisor {
    type Result = ResponseFuture<Result<RejectedPage, String>>;

    fn handle(&mut self, list: ListRejected, _: &mut Context<Self>) -> Self::Result {
        let shelf = self.shelf();
        let read = move |journal: &dyn Journal| journal.rejected(list.limit, list.cursor.as_deref());
        Box::pin(async move { shelf.step(read).await.map_err(|trouble| trouble.to_string()) })
    }
}

impl Handler<SettleLetters> for Supervisor {
    type Result = ResponseFuture<Result<Settled, LetterTrouble>>;

    /// Runs to its end also when nobody waits for the answer any more.
    fn handle(&mut self, settle: SettleLetters, _: &mut Context<Self>) -> Self::Result {
        let is_on = |ward: &&Ward| ward.is_on() && ward.child.replayed.is_none();
        let on: Vec<&Ward> = self.wards.iter().filter(is_on).collect();
        let job = Job {
            shelf: self.shelf(),
            metrics: Arc::clone(&self.metrics),
            writer: self.writer.clone().filter(|_| !self.draining),
            beacons: on.iter().map(|ward| Arc::clone(&ward.child.beacon)).collect(),
            on: on.iter().map(|ward| ward.child.name.clone()).collect(),
            filter: settle.filter,
            how: settle.how,
            schemas: on.iter().filter_map(|ward| Some(ward.child.schema.as_ref()?.refresh.clone())).collect(),
        };
        let turn = Arc::clone(&self.letters.settling);
        Box::pin(async move {
            let _turn = turn.lock().await;
            job.run().await
        })
    }
}

/// One order about letters.
struct Job {
    shelf: Shelf,
    metrics: Arc<Metrics>,
    writer: Option<Addr<JournalWriter>>,
    /// Of the destinations that are on.
    beacons: Vec<Arc<Beacon>>,
    /// Their names.
    on: BTreeSet<String>,
    filter: LetterFilter,
    how: Settling,
    /// What reads the tables of warehouses anew.
    schemas: Vec<Recipient<RefreshSchema>>,
}

/// What one step did.
#[derive(Default)]
struct Done {
    by_destination: BTreeMap<String, u64>,
    left: u64,
}

impl Done {
    fn count(&mut self, letters: &[Letter]) {
        for letter in letters {
            *self.by_destination.entry(letter.destination.clone()).or_default() += 1;
        }
    }
}

impl Job {
    async fn run(self) -> Result<Settled, LetterTrouble> {
        self.check()?;
        if self.how == Settling::Retry {
            self.look_at_tables().await;
        }
        let mut done = Done::default();
        let worked = self.work(&mut done).await;
        let end = match self.how {
            Settling::Retry => LetterEnd::Retried,
            Settling::Drop => LetterEnd::Dropped,
        };
        ended(&done.by_destination, end, &self.metrics);
        let counts = self.shelf.step(|journal| Ok(journal.letter_counts())).await;
        worked?;
        events::LettersCounted { counts: &counts? }.emit(&self.metrics);
        let settled = Settled { count: done.by_destination.values().sum(), left: done.left };
        match self.filter.id {
            Some(id) if settled == Settled::default() => Err(no_letter(id)),
            Some(id) if settled.count == 0 => Err(LetterTrouble::NotFound(format!(
                "the destination of dead letter `{id}` is not configured or switched off; the letter stays"
            ))),
            _ => Ok(settled),
        }
    }

    /// Has the tables of warehouses read anew: an operator may have repaired by hand what the letters died of. Who takes too
    /// long is not waited for.
    async fn look_at_tables(&self) {
        let reads = self.schemas.iter().map(|schema| schema.send(RefreshSchema).timeout(READ_WITHIN));
        let _read: Vec<Result<(), MailboxError>> = join_all(reads).await;
    }

    /// A destination that takes nothing is an error when it was named, and its letters are passed over when it was not.
    fn check(&self) -> Result<(), LetterTrouble> {
        match &self.filter.destination {
            Some(name) if self.how == Settling::Retry && !self.on.contains(name) => {
                Err(LetterTrouble::NotFound(format!(
                    "destination `{name}` is not configured or switched off; its dead letters stay"
                )))
            }
            _ => Ok(()),
        }
    }

    /// Goes over the letters that are there now, oldest first. One that dies again meanwhile is a new one, and stays.
    async fn work(&self, done: &mut Done) -> Result<(), LetterTrouble> {
        let end = self.shelf.step(|journal| Ok(journal.letters_end())).await?;
        let mut from = Some(START);
        while let Some(start) = from {
            let filter = self.filter.clone();
            let read = move |journal: &dyn Journal| journal.letters(&filter, Walk::Forth(start, end), STEP);
            let page = self.shelf.step(read).await?;
            match self.how {
                Settling::Retry => {
                    self.expect_room().await?;
                    self.retry(page.letters, done).await?;
                }
                Settling::Drop => self.take_out(page.letters, done).await?,
            }
            from = page.next;
        }
        Ok(())
    }

    async fn retry(&self, letters: Vec<Letter>, done: &mut Done) -> Result<(), LetterTrouble> {
        let found = letters.len() as u64;
        let on = self.on.clone();
        let (letters, events) = self.shelf.step(move |_| Ok(again(letters, &on))).await?;
        done.left += found - letters.len() as u64;
        if letters.is_empty() {
            return Ok(());
        }
        let down = || LetterTrouble::Unavailable("the journal writer is down".to_owned());
        let writer = self.writer.as_ref().ok_or_else(down)?;
        let stored = writer.send(Accept::own(events)).await;
        stored.map_err(|_| down())?.map_err(|error| match error {
            NotAccepted::Full(why) => LetterTrouble::Full(why),
            NotAccepted::Unavailable(why) => LetterTrouble::Unavailable(why),
            NotAccepted::TooLarge => LetterTrouble::Unavailable(error.to_string()),
        })?;
        self.take_out(letters, done).await
    }

    /// A retry is no reason to refuse new events: it ends while what waits takes less than half of the journal.
    async fn expect_room(&self) -> Result<(), LetterTrouble> {
        let marks = self.beacons.iter().map(|beacon| beacon.mark.load(Ordering::Acquire));
        let floor = Position(marks.min().unwrap_or(0));
        let waits = move |journal: &dyn Journal| Ok((journal.bytes_since(floor), journal.extent().max_bytes));
        let (waiting, max_bytes) = self.shelf.step(waits).await?;
        if waiting > max_bytes / BACKLOG_SHARE {
            return Err(LetterTrouble::Full(format!("{waiting} of {max_bytes} bytes wait for delivery")));
        }
        Ok(())
    }

    async fn take_out(&self, letters: Vec<Letter>, done: &mut Done) -> Result<(), LetterTrouble> {
        if letters.is_empty() {
            return Ok(());
        }
        let take = move |journal: &dyn Journal| journal.take_out(&letters).map(|_| letters);
        let taken = self.shelf.step(take).await?;
        done.count(&taken);
        Ok(())
    }
}

fn no_letter(id: LetterId) -> LetterTrouble {
    LetterTrouble::NotFound(format!("there is no dead letter `{id}`"))
}

/// Makes the events of the letters again, each for its destination alone; letters that cannot be sent are left out.
fn again(letters: Vec<Letter>, on: &BTreeSet<String>) -> (Vec<Letter>, Vec<Event>) {
    let event = |letter: &Letter| {
        let event = letter.event();
        let mut event =
            event.map_err(|why| trouble("make the event of a dead letter again", &why.message)).ok()?;
        let previous = letter.position.map(|position| position.0);
        let destination = Arc::from(letter.destination.as_str());
        event.receipt.redelivery = Some(Box::new(Redelivery { destination, previous }));
        Some(event)
    };
    let wanted = letters.into_iter().filter(|letter| on.contains(&letter.destination));
    wanted.filter_map(|letter| event(&letter).map(|event| (letter, event))).unzip()
}

#[cfg(test)]
mod tests;
