//! The registrar: takes what people ask of us, and sees to it until it is done.
//!
//! Erasing begins with the journal, while every delivery and projection stands still, so that nobody can put back what the stores
//! then give up. Each step may be done again: what a kill has cut short begins anew at the next start. Never knows what a store
//! is, and never says an id to anybody but to those who erase it.

mod erasing;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use self::erasing::Erasing;
use super::messages::{Accept, Export, Hold, ListErasers, LookUp, NotRegulated, Regulate, Release};
use crate::destinations::Erase;
use crate::journal::{Journal, Position, erasure};
use crate::privacy::regulation::{Kind, hex};
use crate::privacy::{Register, Regulation, Shown, Suppression, Unenforced};
use crate::spec::People;
use crate::telemetry::{Metrics, clock, events};

pub use self::erasing::go_on;

/// Most regulations that wait for the journal's erasure, or are at it, while another is taken that does nothing but erase. Those
/// that wait for stores alone do not count, and nobody is refused a suppression.
const MOST_AT_ONCE: usize = 100;
/// Most exports at once: each reads the whole journal.
const MOST_EXPORTS: usize = 2;
/// How often what is not done is counted: its age grows by itself.
const COUNT_EVERY: Duration = Duration::from_secs(5);
/// Lines of an export that wait for its reader.
const EXPORT_LINES: usize = 64;

/// What the registrar works with.
pub struct Parts {
    /// What is wished.
    pub register: Register,
    /// Who is suppressed.
    pub suppression: Arc<Suppression>,
    /// What is erased first.
    pub journal: Arc<dyn Journal>,
    /// The journal is one of several routers, and its topic cannot be overwritten.
    pub is_shared: bool,
    /// Of the prints of ids, and of the hashes that destinations see in the place of ids.
    pub salt: String,
    /// Files beside the journal that projections write, by name; erased while these stand still.
    pub own: Vec<(&'static str, Arc<dyn Erase>)>,
    /// How long a request of any destination may take: as long what a delivery had sent when it was cut may arrive.
    pub request_within: Duration,
    /// How much longer what a process before this one had begun may arrive.
    pub lingers: Duration,
    /// Has everything stand still.
    pub hold: Recipient<Hold>,
    /// Has everything go on.
    pub release: Recipient<Release>,
    /// Knows what can be erased elsewhere.
    pub erasers: Recipient<ListErasers>,
    /// Names of the destinations that are told who is erased.
    pub tell: Vec<String>,
    /// Stores what they are told.
    pub accept: Recipient<Accept>,
    /// Where to count what is not done.
    pub metrics: Arc<Metrics>,
}

/// See the module.
pub struct Registrar {
    parts: Arc<Parts>,
    erasing: Arc<Erasing>,
    busy: BTreeSet<String>,
    places: Arc<Semaphore>,
    exports: Arc<Semaphore>,
}

/// A process before this one began it; its place among those that wait for the journal, when there was one.
type Begun = (bool, Option<OwnedSemaphorePermit>);

impl Registrar {
    /// Returns a registrar that goes on with what is not done when it is started.
    pub fn new(parts: Arc<Parts>) -> Registrar {
        Registrar {
            erasing: Arc::new(Erasing::new(Arc::clone(&parts))),
            parts,
            busy: BTreeSet::new(),
            places: Arc::new(Semaphore::new(MOST_AT_ONCE)),
            exports: Arc::new(Semaphore::new(MOST_EXPORTS)),
        }
    }

    fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    fn begin(&mut self, id: String, (is_resumed, place): Begun, ctx: &mut Context<Self>) {
        if !self.busy.insert(id.clone()) {
            return;
        }
        let erasing = Arc::clone(&self.erasing);
        let work = async move {
            erasing.carry_out(&id, is_resumed, place).await;
            id
        };
        ctx.spawn(work.into_actor(self).map(|id, registrar, _| {
            registrar.busy.remove(&id);
            registrar.count();
        }));
    }

    fn count(&self) {
        let (unfinished, oldest) = self.parts.register.waiting();
        let age = oldest.map(|at| clock::now().duration_since(at).unsigned_abs());
        events::RegulationsCounted { unfinished, oldest: age.unwrap_or_default() }.emit(&self.parts.metrics);
    }
}

impl Actor for Registrar {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        for id in self.parts.register.unfinished() {
            let begun = (true, self.place());
            self.begin(id, begun, ctx);
        }
        self.count();
        ctx.run_interval(COUNT_EVERY, |registrar, _| registrar.count());
    }
}

impl Handler<Regulate> for Registrar {
    type Result = ResponseActFuture<Self, Result<Shown, NotRegulated>>;

    fn handle(&mut self, Regulate(wish): Regulate, _: &mut Context<Self>) -> Self::Result {
        // Before anything is waited for, so that those who come meanwhile are counted.
        let place = self.place().filter(|_| wish.kind.erases());
        if wish.kind == Kind::DeleteOnly && place.is_none() {
            return Box::pin(actix::fut::ready(Err(NotRegulated::Busy)));
        }
        let parts = Arc::clone(&self.parts);
        let taken = async move {
            let taken = tokio::task::spawn_blocking(move || take(&parts, wish)).await;
            taken.unwrap_or_else(|panic| Err(panic.to_string())).map_err(NotRegulated::Failed)
        };
        Box::pin(taken.into_actor(self).map(move |taken: Result<Regulation, _>, registrar, ctx| {
            let regulation = taken?;
            events::Regulated { id: &regulation.id, subjects: regulation.hashes.len() }.emit();
            let shown = regulation.shown();
            if !regulation.is_over() {
                registrar.begin(regulation.id, (false, place), ctx);
            }
            registrar.count();
            Ok(shown)
        }))
    }
}

/// Keeps a wish, and then has it hold for who comes. A process that ends in between does the rest after its next start, so that
/// nobody is suppressed of whom the register knows nothing. When who is suppressed cannot be written or noted, nothing is wished.
fn take(parts: &Parts, wish: crate::privacy::Wish) -> Result<Regulation, String> {
    // Sorts by time.
    let id = uuid::Uuid::now_v7().to_string();
    let regulation = Regulation::begin(wish, id, &parts.salt, clock::now());
    parts.register.put(regulation.clone()).map_err(|error| error.to_string())?;
    settle(parts, regulation)
}

/// Has a wish that is kept hold for who comes, or withdraws it.
fn settle(parts: &Parts, regulation: Regulation) -> Result<Regulation, String> {
    match enforce(parts, regulation.clone()) {
        Ok(regulation) => Ok(regulation),
        Err(Unenforced::Refused(why)) => {
            let withdrawn = parts.register.withdraw(&regulation.id);
            withdrawn.unwrap_or_else(|error| trouble("withdraw a regulation", &error.to_string()));
            Err(why)
        }
        // It holds; that it does is kept when it is carried out.
        Err(Unenforced::Unnoted(why)) => {
            trouble("keep how far a regulation is", &why);
            Ok(regulation)
        }
    }
}

/// Has people suppressed or heard again, where that is wished, and notes that they are. Of whom something else was wished
/// meanwhile, that stays.
fn enforce(parts: &Parts, regulation: Regulation) -> Result<Regulation, Unenforced> {
    let Some((mut prints, suppressed)) = regulation.to_enforce() else { return Ok(regulation) };
    let mut noted = regulation;
    noted.enforced(clock::now());
    let prints = || {
        let decided = parts.register.decided_after(&noted.id);
        prints.retain(|print| !decided.contains(&hex(print)));
        prints
    };
    let note = || parts.register.put(noted.clone()).map_err(|error| error.to_string());
    parts.suppression.change_noted(prints, suppressed, note)?;
    Ok(noted)
}

impl Handler<LookUp> for Registrar {
    type Result = MessageResult<LookUp>;

    fn handle(&mut self, LookUp { id, limit }: LookUp, _: &mut Context<Self>) -> Self::Result {
        let found = match id {
            Some(id) => self.parts.register.shown(&id).into_iter().collect(),
            None => self.parts.register.newest(limit),
        };
        MessageResult(found)
    }
}

impl Handler<Export> for Registrar {
    type Result = MessageResult<Export>;

    fn handle(&mut self, Export(people): Export, ctx: &mut Context<Self>) -> Self::Result {
        let Ok(permit) = Arc::clone(&self.exports).try_acquire_owned() else { return MessageResult(None) };
        let (lines, reader) = mpsc::channel(EXPORT_LINES);
        let journal = Arc::clone(&self.parts.journal);
        let work = tokio::task::spawn_blocking(move || {
            export(journal.as_ref(), &people, &lines);
            drop(permit);
        });
        ctx.spawn(work.into_actor(self).map(|ended, _, _| {
            if let Err(panic) = ended {
                trouble("export what is kept of somebody", &panic.to_string());
            }
        }));
        MessageResult(Some(reader))
    }
}

/// Tells what is in the journal, as long as somebody listens. Who reads slowly waits for nobody but themselves.
fn export(journal: &dyn Journal, people: &People, lines: &mpsc::Sender<Result<Bytes, String>>) {
    let until = journal.extent().next;
    let told = erasure::walk(journal, (Position(0), until), &mut |record| {
        if !people.concerns(&record.event.head) {
            return !lines.is_closed();
        }
        // What is stored again for one destination is what was told already.
        if record.event.receipt.redelivery.is_some() {
            return true;
        }
        let mut line = Vec::new();
        record.event.write_json(&mut line);
        line.push(b'\n');
        lines.blocking_send(Ok(line.into())).is_ok()
    });
    if let Err(error) = told {
        // The connection ends without its last chunk: half of an answer must not look like the whole.
        drop(lines.blocking_send(Err(error.to_string())));
    }
}

fn trouble(doing: &'static str, error: &str) {
    events::Trouble { whom: "registrar", doing, error }.emit();
}

#[cfg(test)]
mod tests;
