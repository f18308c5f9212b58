//! Partitions that come to this router and go from it.
//!
//! What comes: every destination's group is asked how far it is, the window of message ids is read back, and reading begins
//! at the lowest mark. What goes: the destinations finish what they have in flight, their marks are told, and only then the
//! partition is let go, so that whoever has it next sends no user's events beside us. Called on the reader's thread.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, RebalanceProtocol};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Offset, Statistics, TopicPartitionList};

use super::begin::{Beginning, Known, begin};
use super::clients::Ears;
use super::committer::{Committer, told};
use super::core::Core;
use super::index::Held;
use super::warm;
use crate::journal::JournalError;
use crate::journal::follow::Begins;
use crate::telemetry::events;

/// How long the marks of what goes may take: brokers that do not answer must not keep a partition from others.
pub(super) const TELLING: Duration = Duration::from_secs(5);
/// How soon brokers that did not answer are asked again.
const AGAIN: Duration = Duration::from_millis(500);

/// The reader's seat in the group of the routers.
pub(super) struct Seat {
    core: Arc<Core>,
    committer: Arc<Committer>,
    ears: Ears,
}

impl Seat {
    pub(super) fn new(core: Arc<Core>, committer: Arc<Committer>) -> Seat {
        Seat { core, committer, ears: Ears::default() }
    }

    pub(super) fn ears(&self) -> &Ears {
        &self.ears
    }

    /// Takes partitions and returns where to begin each. Asks again until the brokers have answered; `None` when the router
    /// stops meanwhile.
    fn take(&self, partitions: &[i32]) -> Option<TopicPartitionList> {
        let since = self.core.next_rebalance();
        let beginnings = self.beginnings_at_last(partitions)?;
        let mut list = TopicPartitionList::new();
        for (partition, beginning) in &beginnings {
            let offset = Offset::Offset(i64::try_from(beginning.offset).unwrap_or(i64::MAX));
            drop(list.add_partition_offset(&self.core.options.topic, *partition, offset));
        }
        let windows = warm::windows(&self.core, &beginnings);
        for (destination, events) in lost(&beginnings) {
            self.core.tell(|follower| follower.lost(&destination, events));
        }
        let mut state = self.core.state();
        for (partition, Beginning { offset, inherited, .. }) in beginnings {
            state.index.take(partition, Held { base: offset, next: offset, since, inherited });
        }
        state.windows.extend(windows);
        Some(list)
    }

    /// Asks again, and says so once, until the brokers have answered.
    fn beginnings_at_last(&self, partitions: &[i32]) -> Option<BTreeMap<i32, Beginning>> {
        let mut has_failed = false;
        while !self.core.is_stopping() {
            let error = match self.beginnings(partitions) {
                Ok(beginnings) => return Some(beginnings),
                Err(error) => error.to_string(),
            };
            if !std::mem::replace(&mut has_failed, true) {
                events::Trouble { whom: "journal", doing: "take partitions over", error: &error }.emit();
            }
            self.core.rest(AGAIN);
        }
        None
    }

    /// Finds out where each partition begins. What a destination was given as a beginning is told before anything is read: it
    /// is a promise.
    fn beginnings(&self, partitions: &[i32]) -> Result<BTreeMap<i32, Beginning>, JournalError> {
        let groups = &self.core.groups;
        let served = self.core.state().served.clone();
        let next = groups.next(partitions)?;
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
        let mut beginnings = BTreeMap::new();
        for (partition, known) in known {
            let (oldest, _) = groups.bounds(partition)?;
            beginnings.insert(partition, begin(known, oldest, next.get(&partition).copied().unwrap_or(0)));
        }
        for (destination, missing) in new {
            let begun = |partition: &i32| {
                let settled = beginnings.get(partition)?.inherited.get(destination)?;
                Some((*partition, told(settled)))
            };
            let begun: BTreeMap<i32, _> = missing.iter().filter_map(begun).collect();
            if !begun.is_empty() {
                groups.tell(destination, &begun)?;
            }
        }
        Ok(beginnings)
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

    /// Lets partitions go.
    fn release(&self, partitions: &[i32]) {
        let stopping = self.core.is_stopping();
        if !stopping {
            self.core.tell(|follower| follower.pause());
        }
        self.committer.tell_now(TELLING);
        self.core.next_rebalance();
        {
            let mut state = self.core.state();
            for partition in partitions {
                state.index.release(*partition);
                state.windows.remove(partition);
            }
        }
        if !stopping {
            self.core.tell(|follower| follower.resume());
        }
    }

    /// Takes all partitions over again, since a destination came of which nothing is known. Returns whether that was done: when
    /// the library does not let the partitions go, what is read and what is known would not fit together.
    pub(super) fn take_again(&self, consumer: &BaseConsumer<Seat>) -> bool {
        let partitions: Vec<i32> = self.core.state().index.partitions().map(|(one, _)| one).collect();
        self.core.tell(|follower| follower.pause());
        self.committer.tell_now(TELLING);
        let list = self.list(&partitions);
        let is_free =
            partitions.is_empty() || went_well("let partitions go", consumer.incremental_unassign(&list));
        if is_free {
            self.core.state().index.clear();
            self.take_all(consumer, &partitions);
        }
        self.core.tell(|follower| follower.resume());
        is_free
    }

    fn take_all(&self, consumer: &BaseConsumer<Seat>, partitions: &[i32]) {
        // One that comes while the others are looked up is looked up after them.
        let served: Vec<String> = self.core.state().served.keys().cloned().collect();
        let Some(list) = self.take(partitions) else { return };
        for (name, service) in &mut self.core.state().served {
            service.is_known |= served.contains(name);
        }
        if list.count() > 0 && !went_well("take partitions again", consumer.incremental_assign(&list)) {
            // Nothing of them is read until they are given anew.
            self.core.state().index.clear();
            consumer.unsubscribe();
            went_well("join the group again", consumer.subscribe(&[&self.core.options.topic]));
        }
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
    fn rebalance(&self, consumer: &BaseConsumer<Self>, code: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let is_cooperative = matches!(consumer.rebalance_protocol(), RebalanceProtocol::Cooperative);
        let partitions = numbers(list);
        let came = code == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if came {
            let begun = self.take(&partitions).unwrap_or_default();
            let done =
                if is_cooperative { consumer.incremental_assign(&begun) } else { consumer.assign(&begun) };
            went_well("take partitions", done);
        } else {
            self.release(&partitions);
            let done = if is_cooperative { consumer.incremental_unassign(list) } else { consumer.unassign() };
            went_well("let partitions go", done);
        }
        self.say(came, &partitions);
    }
}
