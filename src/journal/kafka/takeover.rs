//! Partitions that come to this router and go from it.
//!
//! What comes: every destination's group is asked how far it is, the window of message ids is read back, and reading begins
//! at the lowest mark. What goes: the destinations finish what they have in flight, their marks are told, and only then the
//! partition is let go, so that whoever has it next sends no user's events beside us. Called on the reader's thread.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, RebalanceProtocol};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Offset, Statistics, TopicPartitionList};

use super::anchor::{self, Anchor};
use super::begin::{Beginning, Known, begin};
use super::clients::Ears;
use super::committer::{Committer, told};
use super::core::Core;
use super::groups::{Bounds, Next};
use super::index::Held;
use super::warm;
use crate::journal::JournalError;
use crate::journal::embedded::Dedupe;
use crate::journal::follow::{Begins, Noticed};
use crate::telemetry::events;

/// How long the marks of what goes may take: brokers that do not answer must not keep a partition from others.
pub(super) const TELLING: Duration = Duration::from_secs(5);
/// The reader's seat in the group of the routers.
pub(super) struct Seat {
    core: Arc<Core>,
    committer: Arc<Committer>,
    ears: Ears,
    /// Given to this router and not begun: where they begin is not known yet.
    given: Mutex<BTreeSet<i32>>,
    /// It was said that the brokers do not answer.
    has_failed: AtomicBool,
}

/// Partitions whose beginnings are known.
struct Found {
    since: u64,
    beginnings: BTreeMap<i32, Beginning>,
    anchors: BTreeMap<i32, Anchor>,
    windows: BTreeMap<i32, Dedupe>,
}

/// What the brokers said of partitions: where each begins, and the last record that the routers had read of it.
type Said = (BTreeMap<i32, Beginning>, BTreeMap<i32, Anchor>);

impl Seat {
    pub(super) fn new(core: Arc<Core>, committer: Arc<Committer>) -> Seat {
        let (given, has_failed) = (Mutex::default(), AtomicBool::new(false));
        Seat { core, committer, ears: Ears::default(), given, has_failed }
    }

    pub(super) fn ears(&self) -> &Ears {
        &self.ears
    }

    fn given(&self) -> MutexGuard<'_, BTreeSet<i32>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to read what was given since. Returns whether nothing is left to begin: brokers that do not answer are to be
    /// asked again, and meanwhile the group may give the partitions to another.
    pub(super) fn take_given(&self, consumer: &BaseConsumer<Seat>) -> bool {
        let partitions: Vec<i32> = self.given().iter().copied().collect();
        if partitions.is_empty() {
            return true;
        }
        let Some(found) = self.find(&partitions) else { return false };
        let begun = self.hold(found);
        self.given().clear();
        self.assign(consumer, &begun);
        self.say(true, &partitions);
        true
    }

    /// Finds out where partitions begin, and the windows of their ids. `None`, said once, when the brokers do not answer.
    fn find(&self, partitions: &[i32]) -> Option<Found> {
        let since = self.core.next_rebalance();
        let (beginnings, anchors) = self.ask(partitions)?;
        let windows = warm::windows(&self.core, &beginnings);
        Some(Found { since, beginnings, anchors, windows })
    }

    fn ask(&self, partitions: &[i32]) -> Option<Said> {
        match self.beginnings(partitions) {
            Ok(said) => {
                self.has_failed.store(false, Ordering::Relaxed);
                Some(said)
            }
            Err(error) => {
                if !self.has_failed.swap(true, Ordering::Relaxed) {
                    let error = error.to_string();
                    events::Trouble { whom: "journal", doing: "take partitions over", error: &error }.emit();
                }
                None
            }
        }
    }

    /// Holds partitions from now on, and returns where to read them.
    fn hold(&self, Found { since, beginnings, anchors, windows }: Found) -> TopicPartitionList {
        let topic = &self.core.options.topic;
        let mut list = TopicPartitionList::new();
        for (partition, beginning) in &beginnings {
            let offset = Offset::Offset(i64::try_from(beginning.offset).unwrap_or(i64::MAX));
            drop(list.add_partition_offset(topic, *partition, offset));
            if let Some(was_at) = beginning.was_at {
                let noticed = Noticed::BegunAnew { partition: *partition, was_at, offset: beginning.offset };
                self.core.tell(|follower| follower.noticed(noticed));
            }
        }
        for (destination, events) in lost(&beginnings) {
            self.core.tell(|follower| follower.lost(&destination, events));
        }
        let mut state = self.core.state();
        for (partition, Beginning { offset, inherited, was_at, .. }) in beginnings {
            let mut held = Held::new(offset, since, inherited);
            // What a router that does not know it yet tells of the former offsets must not stand.
            held.is_anew = was_at.is_some();
            held.anchor = anchors.get(&partition).filter(|_| was_at.is_none()).copied();
            state.index.take(partition, held);
        }
        state.windows.extend(windows);
        list
    }

    /// Has partitions read that are held. When the library does not, they are given anew.
    fn assign(&self, consumer: &BaseConsumer<Seat>, list: &TopicPartitionList) {
        if list.count() > 0 && !went_well("take partitions", consumer.incremental_assign(list)) {
            self.core.state().index.clear();
            consumer.unsubscribe();
            went_well("join the group again", consumer.subscribe(&[&self.core.options.topic]));
        } else if list.count() > 0 {
            // The library remembers that a partition was paused over its leaving; whoever has a reason pauses it again.
            went_well("read partitions", consumer.resume(list));
        }
    }

    /// Finds out where each partition begins. What a destination was given as a beginning is told before anything is read: it
    /// is a promise.
    fn beginnings(&self, partitions: &[i32]) -> Result<Said, JournalError> {
        let groups = &self.core.groups;
        let served = self.core.state().served.clone();
        let (next, anchors) = split(groups.next(partitions)?);
        let mut known: BTreeMap<i32, Vec<Known>> = partitions.iter().map(|one| (*one, Vec::new())).collect();
        let mut new = Vec::new();
        for (destination, service) in &served {
            let mut settled = groups.settled(destination, partitions)?;
            let missing: Vec<i32> =
                partitions.iter().copied().filter(|one| !settled.contains_key(one)).collect();
            let otherwise = self.otherwise(service.begins, &missing, &next)?;
            for (partition, known) in &mut known {
                let settled = settled.remove(partition);
                let otherwise = otherwise.get(partition).copied().unwrap_or(0);
                known.push(Known { destination: destination.clone(), settled, otherwise });
            }
            new.push((destination, missing));
        }
        let beginnings = self.begun(known, &next, &anchors)?;
        for (destination, missing) in new {
            let begun = |(partition, beginning): (&i32, &Beginning)| {
                let settled = beginning.inherited.get(destination)?;
                let is_news = beginning.was_at.is_some() || missing.contains(partition);
                is_news.then(|| (*partition, told(settled)))
            };
            let begun: BTreeMap<i32, _> = beginnings.iter().filter_map(begun).collect();
            if !begun.is_empty() {
                groups.tell(destination, &begun)?;
            }
        }
        Ok((beginnings, anchors))
    }

    /// Decides where each partition begins, by what is known of it, and by its record where the routers were.
    fn begun(
        &self,
        known: BTreeMap<i32, Vec<Known>>,
        next: &BTreeMap<i32, u64>,
        anchors: &BTreeMap<i32, Anchor>,
    ) -> Result<BTreeMap<i32, Beginning>, JournalError> {
        let groups = &self.core.groups;
        let bounds = known.keys().map(|one| groups.bounds(*one).map(|bounds| (*one, bounds)));
        let bounds: BTreeMap<i32, Bounds> = bounds.collect::<Result<_, _>>()?;
        let others = anchor::contradicted(&self.core, anchors, &bounds)?;
        let begun = |(one, known): (i32, Vec<Known>)| {
            let bounds = bounds.get(&one).copied().unwrap_or_default();
            let next = next.get(&one).copied().unwrap_or(0);
            (one, begin(known, bounds, next, others.contains(&one)))
        };
        Ok(known.into_iter().map(begun).collect())
    }

    /// Returns where a destination begins that has said nothing of these partitions. A partition that no router has read holds
    /// events that came after the routers were there: with them it begins.
    fn otherwise(
        &self,
        begins: Begins,
        partitions: &[i32],
        next: &BTreeMap<i32, u64>,
    ) -> Result<BTreeMap<i32, u64>, JournalError> {
        if partitions.is_empty() {
            return Ok(BTreeMap::new());
        }
        match begins {
            Begins::Now => Ok(next.clone()),
            Begins::Beginning => Ok(BTreeMap::new()),
            Begins::At(at) => {
                let mut found = self.core.groups.since(partitions, at)?;
                let later: Vec<i32> =
                    partitions.iter().copied().filter(|one| !found.contains_key(one)).collect();
                for partition in later {
                    found.insert(partition, self.core.groups.bounds(partition)?.1);
                }
                Ok(found)
            }
        }
    }

    /// Lets partitions go. Returns those that were read.
    fn release(&self, partitions: &[i32]) -> Vec<i32> {
        self.given().retain(|given| !partitions.contains(given));
        let stopping = self.core.is_stopping();
        if !stopping {
            self.core.tell(|follower| follower.pause());
        }
        self.committer.tell_now(TELLING);
        self.core.next_rebalance();
        let mut state = self.core.state();
        let is_read = |partition: &i32| state.index.held(*partition).is_some();
        let read: Vec<i32> = partitions.iter().copied().filter(is_read).collect();
        for partition in partitions {
            state.index.release(*partition);
            state.windows.remove(partition);
        }
        drop(state);
        if !stopping {
            self.core.tell(|follower| follower.resume());
        }
        read
    }

    /// Takes all partitions over again, since a destination came of which nothing is known. Returns whether that was done:
    /// brokers that do not answer are asked again later, and everybody else goes on as before.
    pub(super) fn take_again(&self, consumer: &BaseConsumer<Seat>) -> bool {
        let partitions: Vec<i32> = self.core.state().index.partitions().map(|(one, _)| one).collect();
        // Nobody is stopped for a question that is not answered.
        if !partitions.is_empty() && self.ask(&partitions).is_none() {
            return false;
        }
        self.core.tell(|follower| follower.pause());
        self.committer.tell_now(TELLING);
        let is_done = self.retake(consumer, &partitions);
        self.core.tell(|follower| follower.resume());
        is_done
    }

    fn retake(&self, consumer: &BaseConsumer<Seat>, partitions: &[i32]) -> bool {
        // One that comes while the others are looked up is looked up after them.
        let served: Vec<String> = self.core.state().served.keys().cloned().collect();
        let mut begun = TopicPartitionList::new();
        if !partitions.is_empty() {
            let Some(found) = self.find(partitions) else { return false };
            let list = self.list(partitions);
            // When the library does not let them go, what is read and what is known would not fit together.
            if !went_well("let partitions go", consumer.incremental_unassign(&list)) {
                return false;
            }
            self.core.state().index.clear();
            begun = self.hold(found);
        }
        for (name, service) in &mut self.core.state().served {
            service.is_known |= served.contains(name);
        }
        self.assign(consumer, &begun);
        true
    }

    fn list(&self, partitions: &[i32]) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(&self.core.options.topic, *partition);
        }
        list
    }

    fn say(&self, came: bool, moved: &[i32]) {
        let held = self.core.state().index.partitions().count();
        if !moved.is_empty() {
            events::PartitionsMoved { came, moved, held }.emit();
        }
    }
}

/// Returns where the routers would go on, and the last records that they had read.
fn split(next: BTreeMap<i32, Next>) -> (BTreeMap<i32, u64>, BTreeMap<i32, Anchor>) {
    let anchors = next.iter().filter_map(|(one, (_, anchor))| Some((*one, (*anchor)?))).collect();
    (next.into_iter().map(|(one, (next, _))| (one, next)).collect(), anchors)
}

fn lost(beginnings: &BTreeMap<i32, Beginning>) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for (destination, events) in beginnings.values().flat_map(|beginning| &beginning.lost) {
        *all.entry(destination.clone()).or_default() += events;
    }
    all
}

/// Says what failed; returns whether it went well.
fn went_well(doing: &'static str, done: rdkafka::error::KafkaResult<()>) -> bool {
    let error = done.err().map(|error| error.to_string());
    error.iter().for_each(|error| events::Trouble { whom: "journal", doing, error }.emit());
    error.is_none()
}

fn numbers(list: &TopicPartitionList) -> Vec<i32> {
    list.elements().iter().map(|one| one.partition()).collect()
}

impl ClientContext for Seat {
    fn log(&self, level: rdkafka::config::RDKafkaLogLevel, facility: &str, words: &str) {
        self.ears.log(level, facility, words);
    }

    fn error(&self, error: rdkafka::error::KafkaError, reason: &str) {
        self.ears.error(error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        self.ears.stats(statistics);
    }
}

impl ConsumerContext for Seat {
    /// What comes is only noted here: the brokers are asked about it between two reads, and not while the group waits.
    fn rebalance(&self, consumer: &BaseConsumer<Self>, code: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let is_cooperative = matches!(consumer.rebalance_protocol(), RebalanceProtocol::Cooperative);
        let partitions = numbers(list);
        if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            self.given().extend(partitions);
            let none = TopicPartitionList::new();
            let done =
                if is_cooperative { consumer.incremental_assign(&none) } else { consumer.assign(&none) };
            went_well("take partitions", done);
            return;
        }
        let read = self.list(&self.release(&partitions));
        let done = if is_cooperative { consumer.incremental_unassign(&read) } else { consumer.unassign() };
        went_well("let partitions go", done);
        self.say(false, &partitions);
    }
}

#[cfg(test)]
mod tests;
