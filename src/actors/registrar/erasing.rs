//! One erasure from its first step to its last.
//!
//! Separate from the actor because it is one line of thought with waits in it: the records are found; everything stands still;
//! they are overwritten, and what lies beside them; everything goes on; then each store is asked until it has done it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, oneshot};

use super::{Parts, trouble};
use crate::actors::messages::{Erasable, Hold, ListErasers, Release};
use crate::journal::{Journal, JournalError, Position, ReadLimit, erasure};
use crate::privacy::regulation::{Kind, Regulation};
use crate::privacy::{Register, Status, StoreState, StoreStatus};
use crate::spec::People;
use crate::spec::privacy::keyed_hash;
use crate::telemetry::{clock, events};

/// How long everything may take to stand still: deliveries are cut after two seconds, and end when their last write does.
const STILL_WITHIN: Duration = Duration::from_secs(60);
/// How long one store may take over one try.
const STORE_WITHIN: Duration = Duration::from_secs(900);
/// How long until what failed is tried again: the first wait, doubled up to the last.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LAST_WAIT: Duration = Duration::from_secs(300);
/// How often the journal is looked through for what came in while a suppression began to hold.
const MOST_PASSES: usize = 3;

/// What is no destination; none has a name with a slash.
const JOURNAL: &str = "data_dir/journal";
const LETTERS: &str = "data_dir/letters";
/// What a journal of several routers keeps, and why.
const STAYS: [(&str, &str); 2] = [
    (
        "journal/topic",
        "the topic of a shared journal cannot be overwritten: its records go with its retention",
    ),
    (
        "journal/dead_letters",
        "every router is told that their letters are gone; the topic keeps the texts until it is compacted or its retention is over",
    ),
];
/// One record.
const ONE: ReadLimit = ReadLimit { records: 1, bytes: 0 };

/// See the module.
pub(super) struct Erasing {
    parts: Arc<Parts>,
    /// One at a time stops everything.
    still: Mutex<()>,
}

/// Lets everything go on, whatever becomes of whoever had it stand still.
struct Standstill<'a> {
    parts: &'a Parts,
    is_over: bool,
}

impl Standstill<'_> {
    /// Has everything go on, however many messages wait before.
    async fn end(mut self) {
        // Once: a second word could reach whoever stands still for the next one.
        self.is_over = self.parts.release.send(Release).await.is_ok();
    }
}

impl Drop for Standstill<'_> {
    fn drop(&mut self) {
        if !self.is_over && self.parts.release.try_send(Release).is_err() {
            events::NobodyThere { message: "that everything goes on" }.emit();
        }
    }
}

/// What overwriting came to, by store.
type Overwritten = Vec<(&'static str, u64)>;

impl Erasing {
    pub(super) fn new(parts: Arc<Parts>) -> Erasing {
        Erasing { parts, still: Mutex::new(()) }
    }

    /// Carries a regulation out. What fails is tried again until it does not.
    pub(super) async fn carry_out(&self, id: &str) {
        let begun = self.change(id, |one| {
            one.status = Status::Running;
            // Those of an earlier start were overwritten when this one began.
            one.positions.clear();
        });
        let Some(regulation) = begun.await else { return };
        let people = Arc::new(regulation.people());
        let mut wait = FIRST_WAIT;
        while let Err(why) = self.erase_here(&regulation, &people).await {
            trouble("erase people from the journal", &why);
            self.say(id, JOURNAL, StoreState::Running, (0, Some(why))).await;
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LAST_WAIT);
        }
        self.erase_elsewhere(id, &people).await;
        let done = self.change(id, |one| {
            one.ids.clear();
            one.positions.clear();
            one.status = Status::Done;
            one.finished_at = Some(clock::now());
        });
        if done.await.is_some() {
            events::RegulationDone { id }.emit();
        }
    }

    /// Overwrites what is in the journal and beside it.
    async fn erase_here(&self, regulation: &Regulation, people: &Arc<People>) -> Result<(), String> {
        let _alone = self.still.lock().await;
        let id = regulation.id.as_str();
        let mut from = Position(0);
        // What was on its way in when a suppression began to hold is in the journal a moment later.
        let passes = if regulation.kind == Kind::SuppressWithDelete { MOST_PASSES } else { 1 };
        for pass in 0..passes {
            let until = self.parts.journal.extent().next;
            let found = self.find(people, (from, until)).await?;
            if pass > 0 && found.is_empty() {
                break;
            }
            let kept = self.change(id, |one| one.positions.extend(found.iter().map(|found| found.0))).await;
            let positions = kept.ok_or("the regulation cannot be kept")?.positions;
            let gone = self.overwrite(people, positions).await?;
            for (store, erased) in gone {
                self.say(id, store, StoreState::Done, (erased, None)).await;
            }
            from = until;
        }
        self.say_what_stays(id).await;
        Ok(())
    }

    /// Says what no router can overwrite.
    async fn say_what_stays(&self, id: &str) {
        let told = if self.parts.is_shared { &STAYS[..] } else { &[] };
        for (store, reason) in told {
            self.say(id, store, StoreState::NotErasable, (0, Some((*reason).to_owned()))).await;
        }
    }

    async fn find(&self, people: &Arc<People>, range: (Position, Position)) -> Result<Vec<Position>, String> {
        let (journal, people) = (Arc::clone(&self.parts.journal), Arc::clone(people));
        blocking(move || erasure::find(journal.as_ref(), &people, range).map_err(|error| error.to_string()))
            .await
    }

    /// Has everything stand still, and overwrites meanwhile.
    async fn overwrite(&self, people: &Arc<People>, positions: Vec<u64>) -> Result<Overwritten, String> {
        let standstill = self.stand_still().await?;
        let overwritten = self.overwrite_still(people, positions).await;
        standstill.end().await;
        overwritten
    }

    async fn overwrite_still(
        &self,
        people: &Arc<People>,
        positions: Vec<u64>,
    ) -> Result<Overwritten, String> {
        let (journal, of) = (Arc::clone(&self.parts.journal), Arc::clone(people));
        let records = positions.len() as u64;
        let beside = blocking(move || {
            let positions: Vec<Position> = positions.into_iter().map(Position).collect();
            journal.erase(&positions).and_then(|()| journal.redact(&of)).map_err(|error| error.to_string())
        })
        .await?;
        let mut gone = vec![(JOURNAL, records), (LETTERS, beside)];
        for (name, eraser) in &self.parts.own {
            gone.push((name, eraser.erase(Arc::clone(people)).await?));
        }
        Ok(gone)
    }

    async fn stand_still(&self) -> Result<Standstill<'_>, String> {
        let (done, still) = oneshot::channel();
        self.parts.hold.send(Hold { done }).await.map_err(|_| "the router is stopping")?;
        let standstill = Standstill { parts: &self.parts, is_over: false };
        let waited = tokio::time::timeout(STILL_WITHIN, still).await;
        waited
            .map_err(|_| "deliveries did not stand still in time")?
            .map_err(|_| "the router is stopping")?;
        Ok(standstill)
    }

    /// Asks every store until each has done it. Those that are taken out of the configuration meanwhile are not asked any more.
    async fn erase_elsewhere(&self, id: &str, people: &Arc<People>) {
        // What a destination sees in the place of an id stands in its tables as the id does.
        let salt = &self.parts.salt;
        let people = Arc::new(people.also_as(|id| keyed_hash(salt, "id", id)));
        let mut wait = FIRST_WAIT;
        loop {
            let Ok(stores) = self.parts.erasers.send(ListErasers).await else {
                return std::future::pending().await;
            };
            let mut is_done = true;
            for store in stores {
                is_done &= self.erase_at(id, store, &people).await;
            }
            if is_done {
                return;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LAST_WAIT);
        }
    }

    /// Returns whether nothing is left to do there.
    async fn erase_at(&self, id: &str, store: Erasable, people: &Arc<People>) -> bool {
        let known =
            self.parts.register.get(id).and_then(|one| one.stores.get(&store.name).map(|one| one.state));
        if known == Some(StoreState::Done) {
            return true;
        }
        let Some(eraser) = store.eraser.filter(|_| store.is_on) else {
            let reason = if store.is_on {
                "nothing can be erased there from here: whoever runs it has to be told"
            } else {
                "it is switched off: what it was given before has to be erased there"
            };
            self.say(id, &store.name, StoreState::NotErasable, (0, Some(reason.to_owned()))).await;
            return true;
        };
        self.say(id, &store.name, StoreState::Running, (0, None)).await;
        let erased = tokio::time::timeout(STORE_WITHIN, eraser.erase(Arc::clone(people))).await;
        match erased.unwrap_or_else(|_| Err("it took too long".to_owned())) {
            Ok(erased) => {
                self.say(id, &store.name, StoreState::Done, (erased, None)).await;
                true
            }
            Err(why) => {
                trouble("erase people from a store", &why);
                self.say(id, &store.name, StoreState::Running, (0, Some(why))).await;
                false
            }
        }
    }

    async fn say(&self, id: &str, store: &str, state: StoreState, (erased, reason): (u64, Option<String>)) {
        let store = store.to_owned();
        self.change(id, move |one| {
            let before = one.stores.get(&store).map_or(0, |before| before.erased);
            one.stores.insert(store, StoreStatus { state, erased: before + erased, reason });
        })
        .await;
    }

    /// Changes what is kept of a regulation; tried again until the disk takes it.
    async fn change(&self, id: &str, change: impl FnOnce(&mut Regulation)) -> Option<Regulation> {
        let mut changed = self.parts.register.get(id)?;
        change(&mut changed);
        let mut wait = FIRST_WAIT;
        loop {
            let (parts, next) = (Arc::clone(&self.parts), changed.clone());
            match blocking(move || parts.register.put(next).map_err(|error| error.to_string())).await {
                Ok(()) => return Some(changed),
                Err(why) => trouble("keep how far an erasure is", &why),
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LAST_WAIT);
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| Err(panic.to_string()))
}

/// Overwrites what was being overwritten when the process ended, before anybody reads the journal.
///
/// # Errors
/// The disk failed: nobody may read on.
pub fn go_on(journal: &dyn Journal, register: &Register) -> Result<(), JournalError> {
    for regulation in register.unfinished().iter().filter_map(|id| register.get(id)) {
        let people = regulation.people();
        let positions = regulation.positions.iter().copied().map(Position);
        let left: Vec<Position> = positions.filter(|at| is_left(journal, &people, *at)).collect();
        journal.erase(&left)?;
    }
    Ok(())
}

/// Returns whether a record is theirs, or can be read by nobody. In a journal that was made anew others have its position.
fn is_left(journal: &dyn Journal, people: &People, at: Position) -> bool {
    match journal.read(at, ONE) {
        Ok(records) => {
            records.first().is_some_and(|found| found.position == at && people.concerns(&found.event.head))
        }
        Err(_) => true,
    }
}
