//! One erasure from its first step to its last.
//!
//! Separate from the actor because it is one line of thought with waits in it: the records are found; everything stands still;
//! they are overwritten, and what lies beside them; everything goes on; then each store is asked until it has done it, and who asked to
//! be told is told meanwhile.

mod telling;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex, OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;

use super::{Parts, enforce, trouble};
use crate::actors::messages::{Erasable, Held, Hold, ListErasers, Release};
use crate::destinations::Erase;
use crate::journal::{Journal, Position, ReadLimit, erasure};
use crate::privacy::regulation::{Kind, Regulation};
use crate::privacy::{Register, Status, StoreState, StoreStatus, Unenforced};
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
    /// One at a time is at work in a store, by name: many deletions at once hinder each other and its deliveries.
    turns: std::sync::Mutex<BTreeMap<String, Arc<Mutex<()>>>>,
    /// What keeps a store from being erased, by name, as it was last told in the log.
    troubles: std::sync::Mutex<BTreeMap<String, String>>,
    /// One at a time changes what is kept of a regulation.
    changing: Mutex<()>,
    /// When this process began: what the one before it had sent may still arrive.
    begun: Instant,
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
    #[expect(clippy::disallowed_methods, reason = "a mailbox that is full must not keep everything down")]
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        if !self.parts.release.connected() {
            events::NobodyThere { message: "that everything goes on" }.emit();
        }
        self.parts.release.do_send(Release);
    }
}

/// What overwriting came to.
struct Overwritten {
    records: u64,
    /// Records that could not be overwritten.
    lost: u64,
    /// Letters and rejected events.
    beside: u64,
    /// Where the next look begins.
    until: Position,
}

impl Erasing {
    pub(super) fn new(parts: Arc<Parts>) -> Erasing {
        Erasing {
            parts,
            still: Mutex::default(),
            turns: Default::default(),
            troubles: Default::default(),
            changing: Mutex::default(),
            begun: Instant::now(),
        }
    }

    /// Carries a regulation out. What fails is tried again until it does not. `is_resumed` tells that a process before this one
    /// began it. `place` is given back when the journal has nothing of these people any more: what is left waits for stores.
    pub(super) async fn carry_out(&self, id: &str, is_resumed: bool, place: Option<OwnedSemaphorePermit>) {
        let Some(before) = self.enforced(id).await.filter(|one| !one.is_over()) else { return };
        let people = Arc::new(before.people());
        // Those of an earlier start were overwritten when this one began, unless that failed.
        let left = self.left(before.positions, &people).await;
        let begun = self.change(id, |one| {
            one.status = Status::Running;
            one.positions = left;
        });
        let Some(regulation) = begun.await else { return };
        let mut wait = FIRST_WAIT;
        while let Err(why) = self.erase_here(&regulation, &people).await {
            self.trouble(JOURNAL, &why);
            self.say(id, JOURNAL, StoreState::Running, (0, Some(why))).await;
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LAST_WAIT);
        }
        self.is_well(JOURNAL);
        drop(place);
        // Side by side: a journal that takes nothing keeps no store from being erased, and no store that is away keeps one from being told.
        let to_tell = self.to_be_told(&regulation).await;
        let everybody = to_tell.everybody();
        let tell = async { self.take_back(id, self.tell(&regulation, to_tell).await).await };
        let erase = self.erase_elsewhere(
            (id, &everybody),
            &people,
            is_resumed.then_some(self.begun + self.parts.lingers),
        );
        tokio::join!(tell, erase);
        let done = self.change(id, |one| {
            one.ids.clear();
            one.status = Status::Done;
            one.finished_at = Some(clock::now());
        });
        if done.await.is_some() {
            events::RegulationDone { id }.emit();
        }
    }

    /// Has it hold for who comes, where the process that took it could not, or could not note that it does.
    async fn enforced(&self, id: &str) -> Option<Regulation> {
        let mut wait = FIRST_WAIT;
        loop {
            let (parts, regulation) = (Arc::clone(&self.parts), self.parts.register.get(id)?);
            let enforced = blocking(move || {
                enforce(&parts, regulation)
                    .map_err(|(Unenforced::Refused(why) | Unenforced::Unnoted(why))| why)
            });
            match enforced.await {
                Ok(regulation) => return Some(regulation),
                Err(why) => trouble("have a regulation hold", &why),
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LAST_WAIT);
        }
    }

    async fn left(&self, positions: Vec<u64>, people: &Arc<People>) -> Vec<u64> {
        let (journal, people, all) = (Arc::clone(&self.parts.journal), Arc::clone(people), positions.clone());
        let left = blocking(move || {
            let left = all.into_iter().filter(|at| is_left(journal.as_ref(), &people, Position(*at)));
            Ok(left.collect())
        });
        left.await.unwrap_or(positions)
    }

    /// Overwrites what is in the journal, and what it keeps beside it.
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
            let gone = self.overwrite(id, people, (found, until)).await?;
            self.tell_overwritten(id, &gone).await;
            from = gone.until;
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

    async fn tell_overwritten(&self, id: &str, gone: &Overwritten) {
        self.say(id, LETTERS, StoreState::Done, (gone.beside, None)).await;
        let lost = gone.lost;
        let reason =
            format!("{lost} records are behind damage, where they can be neither found nor overwritten");
        let reason = (lost > 0).then_some(reason);
        if let Some(reason) = &reason {
            trouble("overwrite records", reason);
        }
        self.say(id, JOURNAL, StoreState::Done, (gone.records, reason)).await;
        // They are not counted again, nor looked at after the next start.
        self.change(id, |one| one.positions.clear()).await;
    }

    async fn find(&self, people: &Arc<People>, range: (Position, Position)) -> Result<Vec<Position>, String> {
        let (journal, people) = (Arc::clone(&self.parts.journal), Arc::clone(people));
        blocking(move || erasure::find(journal.as_ref(), &people, range).map_err(|error| error.to_string()))
            .await
    }

    /// Has everything stand still, and overwrites meanwhile. `found` is what was found before `until`.
    async fn overwrite(
        &self,
        id: &str,
        people: &Arc<People>,
        (found, until): (Vec<Position>, Position),
    ) -> Result<Overwritten, String> {
        let standstill = self.stand_still(Held::All).await?;
        let overwritten = self.overwrite_still(id, people, (found, until)).await;
        standstill.end().await;
        overwritten
    }

    async fn overwrite_still(
        &self,
        id: &str,
        people: &Arc<People>,
        (mut found, until): (Vec<Position>, Position),
    ) -> Result<Overwritten, String> {
        let (journal, of) = (Arc::clone(&self.parts.journal), Arc::clone(people));
        // First, so that nobody has a letter of theirs sent again behind what is looked at now.
        let beside = blocking(move || journal.redact(&of).map_err(|error| error.to_string())).await?;
        // Finding takes long. What was stored meanwhile, perhaps a letter that was sent again, is theirs too.
        let next = self.parts.journal.extent().next;
        found.extend(self.find(people, (until, next)).await?);
        let kept = self.change(id, |one| {
            let all: BTreeSet<u64> =
                one.positions.iter().copied().chain(found.iter().map(|at| at.0)).collect();
            one.positions = all.into_iter().collect();
        });
        let positions = kept.await.ok_or("the regulation cannot be kept")?.positions;
        let all = positions.len() as u64;
        let journal = Arc::clone(&self.parts.journal);
        let lost = blocking(move || {
            let positions: Vec<Position> = positions.into_iter().map(Position).collect();
            journal.erase(&positions).map_err(|error| error.to_string())
        })
        .await?;
        Ok(Overwritten { records: all.saturating_sub(lost), lost, beside, until: next })
    }

    async fn stand_still(&self, whom: Held) -> Result<Standstill<'_>, String> {
        let (done, still) = oneshot::channel();
        self.parts.hold.send(Hold { whom, done }).await.map_err(|_| "the router is stopping")?;
        let standstill = Standstill { parts: &self.parts, is_over: false };
        match tokio::time::timeout(STILL_WITHIN, still).await {
            Ok(Ok(())) => Ok(standstill),
            Ok(Err(_)) => Err("the router is stopping".to_owned()),
            Err(_) => {
                standstill.end().await;
                Err("deliveries did not stand still in time".to_owned())
            }
        }
    }

    /// Asks every store until each has done it. Those that are taken out of the configuration meanwhile are not asked any more, and
    /// those that can only be told, and are, not at all.
    async fn erase_elsewhere(
        &self,
        (id, told): (&str, &[String]),
        people: &Arc<People>,
        mut cut: Option<Instant>,
    ) {
        // What a destination sees in the place of an id stands in its tables as the id does.
        let salt = &self.parts.salt;
        let hashed = Arc::new(people.also_as(|id| keyed_hash(salt, "id", id)));
        let mut wait = FIRST_WAIT;
        loop {
            let mut is_done = true;
            for (name, eraser) in &self.parts.own {
                is_done &= self.erase_own(id, name, eraser, people).await;
            }
            let Ok(erasers) = self.parts.erasers.send(ListErasers).await else {
                return std::future::pending().await;
            };
            // A request that was cut may arrive behind our deletion.
            cut = cut.max(erasers.last_cut);
            let is_any_erased = erasers.stores.iter().any(|store| store.is_on && store.eraser.is_some());
            if let Some(cut) = cut.filter(|_| is_any_erased) {
                tokio::time::sleep_until(cut + self.parts.request_within).await;
            }
            let only_told = |store: &Erasable| store.eraser.is_none() && told.contains(&store.name);
            for store in erasers.stores.into_iter().filter(|store| !only_told(store)) {
                is_done &= self.erase_at(id, store, &hashed).await;
            }
            if is_done {
                return;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LAST_WAIT);
        }
    }

    /// Erases a file that projections write, while they stand still; deliveries go on.
    async fn erase_own(&self, id: &str, name: &str, eraser: &Arc<dyn Erase>, people: &Arc<People>) -> bool {
        if self.is_done(id, name) {
            return true;
        }
        let _alone = self.still.lock().await;
        let erased = match self.stand_still(Held::Projections).await {
            Ok(standstill) => {
                let erased = self.tried(eraser, people).await;
                standstill.end().await;
                erased
            }
            Err(why) => Err(why),
        };
        self.told(id, name, erased).await
    }

    async fn tried(&self, eraser: &Arc<dyn Erase>, people: &Arc<People>) -> Result<u64, String> {
        let erased = tokio::time::timeout(STORE_WITHIN, eraser.erase(Arc::clone(people))).await;
        erased.unwrap_or_else(|_| Err("it took too long".to_owned()))
    }

    fn is_done(&self, id: &str, store: &str) -> bool {
        let regulation = self.parts.register.get(id);
        regulation.is_some_and(|one| one.stores.get(store).is_some_and(|one| one.state == StoreState::Done))
    }

    /// Keeps what a try came to; returns whether it was the last.
    async fn told(&self, id: &str, store: &str, erased: Result<u64, String>) -> bool {
        match erased {
            Ok(erased) => {
                self.is_well(store);
                self.say(id, store, StoreState::Done, (erased, None)).await;
                true
            }
            Err(why) => {
                self.trouble(store, &why);
                self.say(id, store, StoreState::Running, (0, Some(why))).await;
                false
            }
        }
    }

    /// Tells what keeps a store from being erased, once until it is something else.
    fn trouble(&self, store: &str, why: &str) {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        if troubles.insert(store.to_owned(), why.to_owned()).as_deref() != Some(why) {
            trouble("erase people from a store", &format!("{store}: {why}"));
        }
    }

    fn is_well(&self, store: &str) {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).remove(store);
    }

    fn turn_at(&self, store: &str) -> Arc<Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry(store.to_owned()).or_default())
    }

    /// Returns whether nothing is left to do there.
    async fn erase_at(&self, id: &str, store: Erasable, people: &Arc<People>) -> bool {
        if self.is_done(id, &store.name) {
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
        let turn = self.turn_at(&store.name);
        let _alone = turn.lock().await;
        let erased = self.tried(&eraser, people).await;
        self.told(id, &store.name, erased).await
    }

    async fn say(&self, id: &str, store: &str, state: StoreState, (erased, reason): (u64, Option<String>)) {
        let known = self.parts.register.get(id).and_then(|one| one.stores.get(store).cloned());
        if erased == 0 && known.is_some_and(|known| (known.state, &known.reason) == (state, &reason)) {
            return;
        }
        let store = store.to_owned();
        self.change(id, move |one| {
            let before = one.stores.get(&store).map_or(0, |before| before.erased);
            one.stores.insert(store, StoreStatus { state, erased: before + erased, reason });
        })
        .await;
    }

    /// Changes what is kept of a regulation; tried again until the disk takes it. One after the other, so that none is lost.
    pub(super) async fn change(&self, id: &str, change: impl FnOnce(&mut Regulation)) -> Option<Regulation> {
        let _alone = self.changing.lock().await;
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

/// Overwrites what was being overwritten when the process ended, before anybody reads the journal. What fails is told, and tried
/// again by the regulation, whose stores are asked after that; what is overwritten in part can be read by nobody.
pub fn go_on(journal: &dyn Journal, register: &Register) {
    for regulation in register.unfinished().iter().filter_map(|id| register.get(id)) {
        let people = regulation.people();
        let positions = regulation.positions.iter().copied().map(Position);
        let left: Vec<Position> = positions.filter(|at| is_left(journal, &people, *at)).collect();
        match journal.erase(&left) {
            Ok(0) => {}
            Ok(lost) => {
                trouble("end an erasure", &format!("{lost} records are damaged and were passed over"))
            }
            Err(error) => trouble("end an erasure", &error.to_string()),
        }
    }
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
