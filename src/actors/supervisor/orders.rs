//! What an operator orders for one destination: kept in the journal first, so that it survives a restart, then carried out.
//!
//! A replay is a child of its own beside the destination's: the same wire, another cursor, and an end. It goes on wherever
//! its destination goes on. Orders are rare; each is read, changed and stored under one lock, off the actor's thread.

use std::sync::{Arc, Mutex, PoisonError};

use actix::fut::wrap_future;
use actix::prelude::*;
use futures_util::FutureExt as _;
use futures_util::future::join_all;

use super::wards::Ward;
use super::{Child, Supervisor, trouble};
use crate::actors::delivery::replay::cursor_name;
use crate::actors::messages::{
    ChildExited, Command, DestinationStatus, DropBacklog, NotOrdered, Obey, Order, Ordered, ReplayRange,
    ReplayStatus, Status,
};
use crate::journal::{
    Cursor, Journal, JournalError, NoPortion, Orders, Portion, Position, ReplayOrder, Wanted,
};
use crate::policy::filter::EventPattern;
use crate::policy::route::Kinds;
use crate::telemetry::{clock, events};

type Answer = Result<Ordered, NotOrdered>;
type Answering = ResponseActFuture<Supervisor, Answer>;

/// What a replay is about.
#[derive(Debug, Clone)]
pub struct Replayed {
    /// Configured name of the destination.
    pub destination: String,
    /// Which part of the journal.
    pub order: ReplayOrder,
}

/// What became of the order to begin a replay.
#[derive(Debug, PartialEq, Eq)]
enum Begun {
    /// There is nothing to send.
    Nothing,
    /// Another one stands.
    Conflict,
    /// What is wanted cannot be had.
    Refused(NotOrdered),
    /// It is stored.
    Order(ReplayOrder),
}

/// Returns what whoever ordered a replay is told.
fn refused(why: NoPortion) -> Result<NotOrdered, JournalError> {
    match why {
        NoPortion::Wrong { parameter, message } => Ok(NotOrdered::Invalid { parameter, message }),
        NoPortion::NotNow(message) => Ok(NotOrdered::Conflict(message)),
        NoPortion::Failed(error) => Err(error),
    }
}

/// Standing orders in the journal, changed by one at a time.
#[derive(Clone)]
pub(super) struct OrderBook {
    journal: Arc<dyn Journal>,
    lock: Arc<Mutex<()>>,
    /// Held from before a pause or its end is stored until it is obeyed: what runs is what is stored.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl OrderBook {
    pub(super) fn new(journal: Arc<dyn Journal>) -> Self {
        OrderBook { journal, lock: Arc::default(), turn: Arc::default() }
    }

    /// Changes the orders for a destination and stores them. Blocks.
    fn change(
        &self,
        destination: &str,
        change: impl FnOnce(&mut Orders) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        let _one_at_a_time = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let mut orders = self.journal.orders(destination)?;
        change(&mut orders)?;
        self.journal.give_orders(destination, &orders)
    }

    /// Stores a new replay, unless one stands; its cursor is there before the order is. Blocks.
    fn begin_replay(&self, destination: &str, range: ReplayRange) -> Result<Begun, JournalError> {
        let ReplayRange { from, until, from_offset, until_offset, filter, events_per_second } = range;
        let wanted = Wanted { from, until, from_offsets: from_offset, until_offsets: until_offset };
        let Portion { from, until, passage } = match self.journal.portion(&wanted) {
            Ok(portion) => portion,
            Err(why) => return refused(why).map(Begun::Refused),
        };
        if from >= until {
            return Ok(Begun::Nothing);
        }
        let from = Position(from);
        let order = ReplayOrder { from: from.0, until, filter, events_per_second, at: clock::now(), passage };
        let mut begun = Begun::Conflict;
        self.change(destination, |orders| {
            if orders.replay.is_none() {
                self.journal
                    .commit(&cursor_name(destination), &Cursor { mark: from, ..Cursor::default() })?;
                orders.replay = Some(order.clone());
                begun = Begun::Order(order);
            }
            Ok(())
        })?;
        Ok(begun)
    }

    /// Takes back a replay that is over. Blocks.
    fn end_replay(&self, replayed: &Replayed) -> Result<(), JournalError> {
        self.take_back(&replayed.destination, |order| *order == replayed.order).map(drop)
    }

    /// Takes back the replay that stands, if it is the one that is meant; returns whether it was. Blocks.
    fn take_back(
        &self,
        destination: &str,
        is_meant: impl FnOnce(&ReplayOrder) -> bool,
    ) -> Result<bool, JournalError> {
        let mut meant = false;
        self.change(destination, |orders| {
            meant = orders.replay.as_ref().is_some_and(is_meant);
            if meant {
                orders.replay = None;
            }
            Ok(())
        })?;
        // Last: an order that a kill leaves without its cursor would begin anew.
        if meant {
            self.journal.forget(&cursor_name(destination))?;
        }
        Ok(meant)
    }

    /// Returns the replay that is ordered, and how far it is. Blocks.
    fn replay(&self, destination: &str) -> Result<Option<(ReplayOrder, Position)>, JournalError> {
        let Some(order) = self.journal.orders(destination)?.replay else { return Ok(None) };
        let cursor = self.journal.cursor(&cursor_name(destination))?;
        let mark = cursor.map_or(Position(order.from), |cursor| cursor.mark);
        Ok(Some((order, mark)))
    }
}

impl Handler<Order> for Supervisor {
    type Result = Answering;

    fn handle(&mut self, order: Order, _: &mut Context<Self>) -> Self::Result {
        let Order { destination, command } = order;
        let Some(ward) = self.wards.destination(&destination).and_then(|number| self.wards.get(number))
        else {
            return at_once(Err(NotOrdered::Unknown));
        };
        match command {
            Command::Retry | Command::Drop | Command::Replay(_) if !ward.is_on() => {
                conflict(format!("`{destination}` is off"))
            }
            Command::Pause => self.set_paused(destination, true),
            Command::Resume => self.set_paused(destination, false),
            Command::Retry => self.obey(&destination, Obey::Retry),
            Command::Drop => drop_backlog(ward, destination),
            Command::Replay(range) => self.begin_replay(destination, range),
            Command::StopReplay => self.stop_replay(destination),
        }
    }
}

fn at_once(answer: Answer) -> Answering {
    Box::pin(wrap_future(std::future::ready(answer)))
}

fn conflict(message: impl Into<String>) -> Answering {
    at_once(Err(NotOrdered::Conflict(message.into())))
}

fn failed(doing: &'static str, error: &str) -> NotOrdered {
    trouble(doing, error);
    NotOrdered::Failed(error.to_owned())
}

fn drop_backlog(ward: &Ward, destination: String) -> Answering {
    let Some(handle) = ward.awake() else {
        return conflict(format!("`{destination}` is not running: {}", ward.words().1));
    };
    let dropped = handle.drop_backlog.send(DropBacklog);
    Box::pin(wrap_future(async move {
        match dropped.await {
            Ok(Ok(dropped)) => Ok(Ordered::Count { count: dropped.count }),
            Ok(Err(why)) => Err(NotOrdered::Conflict(why)),
            Err(_) => Err(NotOrdered::Failed("the destination stopped".into())),
        }
    }))
}

impl Supervisor {
    fn set_paused(&self, destination: String, paused: bool) -> Answering {
        let (book, name) = (self.orders.clone(), destination.clone());
        let store = move || {
            book.change(&name, |orders| {
                orders.paused = paused;
                Ok(())
            })
        };
        let turn = Arc::clone(&self.orders.turn);
        let stored = wrap_future(async move {
            let turn = turn.lock_owned().await;
            (turn, tokio::task::spawn_blocking(store).await)
        });
        Box::pin(stored.then(move |(_turn, stored), supervisor: &mut Supervisor, _| match flat(stored) {
            Ok(()) => supervisor.obey(&destination, if paused { Obey::Pause } else { Obey::Resume }),
            Err(error) => at_once(Err(failed("store an order", &error))),
        }))
    }

    /// Tells a destination, and its replay, and answers how it is then.
    fn obey(&self, destination: &str, order: Obey) -> Answering {
        events::OperatorOrdered { destination, order: word(order) }.emit();
        let replay = self.replays.get(destination).and_then(|number| self.wards.get(*number));
        let told: Vec<_> = (self.live(destination).into_iter().chain(replay))
            .filter_map(|ward| Some(ward.awake()?.obey.send(order)))
            .collect();
        // A child that is gone reads its orders when it comes back.
        self.status_after(destination, join_all(told).map(drop))
    }

    fn status_after(&self, destination: &str, done: impl Future<Output = ()> + 'static) -> Answering {
        let known = self.live(destination).map(|ward| self.known(ward));
        let status = self.live(destination).and_then(|ward| Some(ward.awake()?.status.clone()));
        Box::pin(wrap_future(async move {
            done.await;
            let asked = match status {
                Some(status) => status.send(Status).await.ok(),
                None => None,
            };
            asked.or(known).map(|status| Ordered::Status(Box::new(status))).ok_or(NotOrdered::Unknown)
        }))
    }

    fn live(&self, destination: &str) -> Option<&Ward> {
        self.wards.destination(destination).and_then(|number| self.wards.get(number))
    }

    // === Replays ===

    fn begin_replay(&self, destination: String, range: ReplayRange) -> Answering {
        if let Some(message) = range.filter.iter().find_map(|text| text.parse::<EventPattern>().err()) {
            let message = format!("must be {message}");
            return at_once(Err(NotOrdered::Invalid { parameter: "filter", message }));
        }
        let runs = format!("a replay to `{destination}` runs already; stop it first");
        if self.replays.contains_key(&destination) {
            return conflict(runs);
        }
        let (book, name) = (self.orders.clone(), destination.clone());
        let begun = wrap_future(tokio::task::spawn_blocking(move || book.begin_replay(&name, range)));
        Box::pin(begun.map(move |begun, supervisor: &mut Supervisor, ctx| match flat(begun) {
            Ok(Begun::Nothing) => Ok(Ordered::Count { count: 0 }),
            Ok(Begun::Conflict) => Err(NotOrdered::Conflict(runs)),
            Ok(Begun::Refused(why)) => Err(why),
            Ok(Begun::Order(order)) => {
                let count = order.until - order.from;
                let from = Position(order.from);
                supervisor.start_replay(Replayed { destination, order }, from, ctx);
                Ok(Ordered::Count { count })
            }
            Err(error) => Err(failed("begin a replay", &error)),
        }))
    }

    fn stop_replay(&mut self, destination: String) -> Answering {
        let Some(number) = self.replays.get(&destination).copied() else {
            return self.take_back_replay(destination);
        };
        let replayed = self.wards.get(number).and_then(|ward| ward.child.replayed.clone());
        let book = self.orders.clone();
        let end = move || replayed.map_or(Ok(()), |replayed| book.end_replay(&replayed));
        let ended = wrap_future(tokio::task::spawn_blocking(end));
        Box::pin(ended.then(move |ended, supervisor: &mut Supervisor, ctx| match flat(ended) {
            Ok(()) => {
                supervisor.retire(number, ctx);
                supervisor.status_after(&destination, std::future::ready(()))
            }
            Err(error) => at_once(Err(failed("end a replay", &error))),
        }))
    }

    /// Takes back the order of a replay that does not run.
    fn take_back_replay(&self, destination: String) -> Answering {
        let (book, name) = (self.orders.clone(), destination.clone());
        let taken = wrap_future(tokio::task::spawn_blocking(move || book.take_back(&name, |_| true)));
        Box::pin(taken.then(move |taken, supervisor: &mut Supervisor, _| match flat(taken) {
            Ok(true) => supervisor.status_after(&destination, std::future::ready(())),
            Ok(false) => conflict(format!("no replay to `{destination}` runs")),
            Err(error) => at_once(Err(failed("end a replay", &error))),
        }))
    }

    /// Starts the replay that is ordered for a destination that runs, unless it runs too.
    pub(super) fn resume_replay(&mut self, number: u64, ctx: &mut Context<Self>) {
        let Some(ward) = self.wards.get(number).filter(|ward| ward.awake().is_some()) else { return };
        let name = ward.child.name.clone();
        if ward.child.replay.is_none() || self.replays.contains_key(&name) {
            return;
        }
        let (book, wanted) = (self.orders.clone(), name.clone());
        let ordered = wrap_future(tokio::task::spawn_blocking(move || book.replay(&wanted)));
        ctx.spawn(ordered.map(move |ordered, supervisor: &mut Supervisor, ctx| match flat(ordered) {
            Ok(None) => {}
            Ok(Some((order, mark))) => {
                supervisor.start_replay(Replayed { destination: name, order }, mark, ctx);
            }
            Err(error) => trouble("read the orders for a destination", &error),
        }));
    }

    fn start_replay(&mut self, replayed: Replayed, mark: Position, ctx: &mut Context<Self>) {
        if self.draining || self.replays.contains_key(&replayed.destination) {
            return;
        }
        let Some(ward) = self.live(&replayed.destination) else { return };
        let Some(replay) = &ward.child.replay else { return };
        let (kind, made) = (ward.child.kind, replay(replayed.order.clone()));
        let (beacon, factory) = match made {
            Ok(made) => made,
            Err(error) => return trouble("start a replay", &error),
        };
        beacon.mark.fetch_max(mark.0, std::sync::atomic::Ordering::AcqRel);
        let destination = replayed.destination.clone();
        events::ReplayBegun {
            destination: &destination,
            events: replayed.order.until.saturating_sub(mark.0),
        }
        .emit();
        let child = Child {
            name: cursor_name(&destination),
            kind,
            // It looks by itself: nothing new concerns it.
            interest: Kinds::default(),
            beacon,
            factory: Some(factory),
            replay: None,
            schema: None,
            eraser: None,
            replayed: Some(replayed),
        };
        let number = self.add(child, ctx);
        self.replays.insert(destination, number);
    }

    /// Takes note of the end of a replay that has done all it had to; false when this is something else.
    pub(super) fn replay_is_over(&mut self, exited: ChildExited, ctx: &mut Context<Self>) -> bool {
        let Some(ward) = self.wards.get(exited.life.ward) else { return false };
        let Some(replayed) = ward.child.replayed.clone() else { return false };
        if exited.panicked || ward.mark() < replayed.order.until {
            return false;
        }
        self.wards.remove(exited.life.ward);
        self.replays.remove(&replayed.destination);
        events::ReplayEnded { destination: &replayed.destination }.emit();
        let book = self.orders.clone();
        let ended = wrap_future(tokio::task::spawn_blocking(move || book.end_replay(&replayed)));
        ctx.spawn(ended.map(|ended, _: &mut Supervisor, _| {
            flat(ended).unwrap_or_else(|error| trouble("end a replay", &error));
        }));
        true
    }

    /// Goes on after a replay was retired: its order was taken back, or its destination was configured anew.
    pub(super) fn replay_retired(&mut self, destination: &str, ctx: &mut Context<Self>) {
        self.replays.remove(destination);
        if let Some(number) = self.wards.destination(destination) {
            self.resume_replay(number, ctx);
        }
    }

    /// Ends the replay of a destination that is about to be configured anew; it goes on with its successor.
    pub(super) fn suspend_replay(&mut self, destination: &str, ctx: &mut Context<Self>) {
        if let Some(number) = self.replays.get(destination).copied() {
            self.retire(number, ctx);
        }
    }
}

/// Puts what is known of replays beside the destinations that they belong to.
pub(super) fn join_replays(statuses: Vec<(Option<Replayed>, DestinationStatus)>) -> Vec<DestinationStatus> {
    let (replays, live): (Vec<_>, Vec<_>) =
        statuses.into_iter().partition(|(replayed, _)| replayed.is_some());
    let mut live: Vec<DestinationStatus> = live.into_iter().map(|(_, status)| status).collect();
    for (replayed, status) in replays {
        let Some(replayed) = replayed else { continue };
        if let Some(one) = live.iter_mut().find(|one| one.name == replayed.destination) {
            one.replay =
                Some(status.replay.unwrap_or_else(|| lifeless_replay(&replayed.order, status.reason)));
        }
    }
    live
}

fn lifeless_replay(order: &ReplayOrder, reason: Option<String>) -> ReplayStatus {
    ReplayStatus {
        from: order.from,
        until: order.until,
        position: order.from,
        left: order.until.saturating_sub(order.from),
        delivered: 0,
        dead: 0,
        state: "held",
        reason,
        started_at: order.at,
    }
}

fn word(order: Obey) -> &'static str {
    match order {
        Obey::Pause => "pause",
        Obey::Resume => "resume",
        Obey::Retry => "retry",
    }
}

/// Joins the two ways in which work on another thread fails.
fn flat<T>(done: Result<Result<T, JournalError>, tokio::task::JoinError>) -> Result<T, String> {
    match done {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(panic) => Err(panic.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::fixtures::event;
    use crate::journal::{MemoryJournal, Passage};
    use crate::telemetry::Metrics;

    #[test]
    fn a_second_replay_neither_replaces_the_first_nor_moves_its_cursor() {
        let journal = Arc::new(MemoryJournal::default());
        journal.append((0..9).map(|n| Arc::new(event(&format!("m{n}"), 100))).collect()).unwrap();
        let book = OrderBook::new(Arc::clone(&journal) as Arc<dyn Journal>);
        let Begun::Order(first) = book.begin_replay("crm", ReplayRange::default()).unwrap() else {
            panic!("it does not begin");
        };
        journal.commit("crm~replay", &Cursor { mark: Position(5), ..Cursor::default() }).unwrap();
        assert_eq!(book.begin_replay("crm", ReplayRange::default()).unwrap(), Begun::Conflict);
        assert_eq!(book.replay("crm").unwrap(), Some((first.clone(), Position(5))));
        book.end_replay(&Replayed { destination: "crm".to_owned(), order: first }).unwrap();
        assert_eq!((book.replay("crm").unwrap(), journal.cursor("crm~replay").unwrap()), (None, None));
        assert!(matches!(book.begin_replay("crm", ReplayRange::default()).unwrap(), Begun::Order(_)));
    }

    fn replaying(passage: Option<Passage>) -> Supervisor {
        let journal = MemoryJournal::default();
        journal.append((0..9).map(|n| Arc::new(event(&format!("m{n}"), 100))).collect()).unwrap();
        let filter = Vec::new();
        let order =
            ReplayOrder { from: 2, until: 9, filter, events_per_second: 0, at: clock::now(), passage };
        let child = Child {
            name: cursor_name("crm"),
            kind: "probe",
            interest: Kinds::default(),
            beacon: Arc::default(),
            factory: None,
            replay: None,
            schema: None,
            eraser: None,
            replayed: Some(Replayed { destination: "crm".to_owned(), order }),
        };
        child.beacon.mark.store(2, std::sync::atomic::Ordering::Release);
        Supervisor::new(Arc::new(journal), "fsync", Arc::new(Metrics::new()), vec![child])
    }

    #[test]
    fn a_replay_of_a_topic_needs_nothing_of_the_log() {
        assert_eq!(replaying(Some(Passage::default())).floor(), Position(9));
        // Half of the room of a log without bounds is more than there is.
        assert_eq!(replaying(None).floor(), Position(2));
    }

    #[test]
    fn what_cannot_be_replayed_is_told_in_words_and_stores_nothing() {
        let journal = Arc::new(MemoryJournal::default());
        let book = OrderBook::new(Arc::clone(&journal) as Arc<dyn Journal>);
        let range = ReplayRange { from_offset: [(0, 7)].into(), ..ReplayRange::default() };
        let Begun::Refused(NotOrdered::Invalid { parameter, .. }) = book.begin_replay("crm", range).unwrap()
        else {
            panic!("it begins");
        };
        assert_eq!((parameter, book.replay("crm").unwrap()), ("from_offset", None));
        let conflict = refused(NoPortion::NotNow("no brokers".to_owned())).unwrap();
        assert_eq!(conflict, NotOrdered::Conflict("no brokers".to_owned()));
    }
}
