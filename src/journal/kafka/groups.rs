//! The consumer groups of the destinations, and that of the routers: which offsets they have, and new ones for them.
//!
//! No client here is a member of its group: offsets of a group without members may be told by whoever knows them, and each
//! teller is right about what it tells. Every call blocks until the brokers have answered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};

use super::anchor::Anchor;
use super::clients::{Clients, Ears};
use super::{io, marks};
use crate::journal::JournalError;
use crate::policy::settled::Settled;

/// How long one question may take.
const QUESTION: Duration = Duration::from_secs(5);

/// The oldest offset of a partition, and the one after its newest.
pub(super) type Bounds = (u64, u64);
/// The next offset that the routers would read, and the last record that they had read.
pub(super) type Next = (u64, Option<Anchor>);

/// See the module.
pub(super) struct Groups {
    clients: Clients,
    topic: String,
    /// The group of the routers.
    own: String,
    open: Mutex<BTreeMap<String, Arc<BaseConsumer<Ears>>>>,
}

impl Groups {
    pub(super) fn new(clients: Clients, topic: &str, own: &str) -> Groups {
        Groups { clients, topic: topic.to_owned(), own: own.to_owned(), open: Mutex::default() }
    }

    fn client(&self, group: String) -> Result<Arc<BaseConsumer<Ears>>, JournalError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = open.get(&group) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(self.clients.consumer(&group, Ears::default())?);
        open.insert(group, Arc::clone(&client));
        Ok(client)
    }

    fn of(&self, destination: &str) -> Result<Arc<BaseConsumer<Ears>>, JournalError> {
        self.client(format!("{}.{destination}", self.own))
    }

    /// Lets the clients say what they have to say, which is otherwise kept.
    pub(super) fn listen(&self) {
        let open: Vec<_> =
            self.open.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        for client in open {
            // Nothing is assigned to it: no message comes.
            drop(client.poll(Duration::ZERO));
        }
    }

    /// Returns what a destination has settled of these partitions, where it ever said so.
    pub(super) fn settled(
        &self,
        destination: &str,
        partitions: &[i32],
    ) -> Result<BTreeMap<i32, Settled>, JournalError> {
        let told = self.told(&*self.of(destination)?, partitions)?;
        let read = |(partition, (mark, words)): (i32, (u64, String))| (partition, marks::read(mark, &words));
        Ok(told.into_iter().map(read).collect())
    }

    /// Returns where the routers would go on, if they ever said so.
    pub(super) fn next(&self, partitions: &[i32]) -> Result<BTreeMap<i32, Next>, JournalError> {
        let told = self.told(&*self.client(self.own.clone())?, partitions)?;
        Ok(told.into_iter().map(|(one, (next, words))| (one, (next, Anchor::read(&words)))).collect())
    }

    fn told(
        &self,
        client: &BaseConsumer<Ears>,
        partitions: &[i32],
    ) -> Result<BTreeMap<i32, (u64, String)>, JournalError> {
        let mut wanted = TopicPartitionList::new();
        for partition in partitions {
            wanted.add_partition(&self.topic, *partition);
        }
        let failed = "could not read the offsets of a consumer group";
        let told = client.committed_offsets(wanted, QUESTION).map_err(|error| io(failed, &error))?;
        let mut found = BTreeMap::new();
        for one in told.elements_for_topic(&self.topic) {
            one.error().map_err(|error| io(failed, &error))?;
            if let Offset::Offset(offset) = one.offset() {
                let mark = u64::try_from(offset).unwrap_or(0);
                found.insert(one.partition(), (mark, one.metadata().to_owned()));
            }
        }
        Ok(found)
    }

    /// Says what a destination has settled where its group is not further than that. A router that was away for longer than it
    /// knows may tell of a partition that another has been serving since, and a mark that goes back is sent again.
    pub(super) fn tell_forth(
        &self,
        destination: &str,
        mut settled: BTreeMap<i32, (u64, String)>,
    ) -> Result<(), JournalError> {
        let partitions: Vec<i32> = settled.keys().copied().collect();
        let there = self.told(&*self.of(destination)?, &partitions)?;
        settled.retain(|partition, (mark, _)| there.get(partition).is_none_or(|(there, _)| there <= mark));
        if settled.is_empty() { Ok(()) } else { self.tell(destination, &settled) }
    }

    /// Says what a destination has settled, in the offsets of its group.
    pub(super) fn tell(
        &self,
        destination: &str,
        settled: &BTreeMap<i32, (u64, String)>,
    ) -> Result<(), JournalError> {
        let failed = "could not store the offsets of a consumer group";
        let mut list = TopicPartitionList::new();
        for (partition, (mark, words)) in settled {
            let mut one = list.add_partition(&self.topic, *partition);
            let offset = Offset::Offset(i64::try_from(*mark).unwrap_or(i64::MAX));
            one.set_offset(offset).map_err(|error| io(failed, &error))?;
            one.set_metadata(words);
        }
        self.of(destination)?.commit(&list, CommitMode::Sync).map_err(|error| io(failed, &error))
    }

    /// Returns the bounds of a partition.
    pub(super) fn bounds(&self, partition: i32) -> Result<Bounds, JournalError> {
        let client = self.client(self.own.clone())?;
        let bounds = client.fetch_watermarks(&self.topic, partition, QUESTION);
        let (low, high) = bounds.map_err(|error| io("could not read the bounds of a partition", &error))?;
        Ok((u64::try_from(low).unwrap_or(0), u64::try_from(high).unwrap_or(0)))
    }

    /// Returns the first offset of an instant or later, for each partition that has one.
    pub(super) fn since(
        &self,
        partitions: &[i32],
        at: jiff::Timestamp,
    ) -> Result<BTreeMap<i32, u64>, JournalError> {
        let failed = "could not look an instant up";
        let mut wanted = TopicPartitionList::new();
        for partition in partitions {
            let at = Offset::Offset(at.as_millisecond());
            wanted.add_partition_offset(&self.topic, *partition, at).map_err(|error| io(failed, &error))?;
        }
        let client = self.client(self.own.clone())?;
        let found = client.offsets_for_times(wanted, QUESTION).map_err(|error| io(failed, &error))?;
        let of = |one: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| match one.offset() {
            Offset::Offset(offset) => Some((one.partition(), u64::try_from(offset).ok()?)),
            _ => None,
        };
        Ok(found.elements_for_topic(&self.topic).iter().filter_map(of).collect())
    }

    /// Returns how many partitions the topic has; 0 when it is not there.
    pub(super) fn partitions(&self) -> Result<usize, JournalError> {
        let client = self.client(self.own.clone())?;
        let metadata = client.fetch_metadata(Some(&self.topic), QUESTION);
        let metadata = metadata.map_err(|error| io("could not reach the brokers", &error))?;
        let found = metadata.topics().iter().find(|found| found.name() == self.topic);
        Ok(found.filter(|found| found.error().is_none()).map_or(0, |found| found.partitions().len()))
    }
}
