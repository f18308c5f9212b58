//! Whether the topic would take a group, as far as that can be told without sending one.
//!
//! The brokers say which partition has no leader and how many replicas of each are in sync. That is not all that can be
//! wrong: a disk that is full or a right that is missing shows when something is sent, and only then. So a group that was not
//! stored stands against what the brokers say, until one is stored, or for a while: whoever is told that nothing can be
//! stored sends nothing, and then nothing could show that all is well again. Never asks or sends anything.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::error::RDKafkaErrorCode;
use rdkafka::metadata::{Metadata, MetadataPartition};
use tokio::time::Instant;

/// How long a group that was not stored stands against brokers that show no reason for it.
const STANDS: Duration = Duration::from_secs(5);

/// The last group, where it was not stored.
#[derive(Debug, Default)]
pub(super) struct Doubt {
    failed: Mutex<Option<(Instant, String)>>,
}

/// How many replicas must be in sync for a record to be stored (`min.insync.replicas`), where the brokers say so.
#[derive(Debug, Clone, Default)]
pub(super) struct LeastInSync(Arc<AtomicUsize>);

impl LeastInSync {
    /// Takes note of what the brokers said.
    pub(super) fn told(&self, least: usize) {
        self.0.store(least, Ordering::Relaxed);
    }

    /// Returns it; 0 where they do not say.
    pub(super) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Doubt {
    fn with<T>(&self, change: impl FnOnce(&mut Option<(Instant, String)>) -> T) -> T {
        change(&mut self.failed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A group was stored, or it shows why one was not.
    pub(super) fn forget(&self) {
        self.with(|failed| *failed = None);
    }

    /// A group was not stored, or not all of it.
    pub(super) fn failed(&self, now: Instant, why: String) {
        self.with(|failed| *failed = Some((now, why)));
    }

    /// Judges what the brokers show. Where they show the reason, its end will show as well.
    ///
    /// # Errors
    /// Why a group would not be stored, in words.
    pub(super) fn judge(&self, now: Instant, shown: Result<(), String>) -> Result<(), String> {
        if shown.is_err() {
            self.forget();
            return shown;
        }
        let stands = |(at, why): &(Instant, String)| {
            (now.saturating_duration_since(*at) < STANDS).then(|| why.clone())
        };
        self.with(|failed| failed.as_ref().and_then(stands)).map_or(Ok(()), Err)
    }
}

/// Returns whether a topic takes records, as the brokers show it.
///
/// # Errors
/// Why not, in words.
pub(super) fn shown(metadata: &Metadata, topic: &str, least: &LeastInSync) -> Result<(), String> {
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let missing = || Err(RDKafkaErrorCode::UnknownTopicOrPartition.to_string());
    match found.map(|found| (found.error(), found.partitions())) {
        Some((None, [])) | None => missing(),
        Some((Some(error), _)) => Err(RDKafkaErrorCode::from(error).to_string()),
        Some((None, partitions)) => {
            let wrong = partitions.iter().find_map(|one| Seen::from(one).problem(least.get()));
            wrong.map_or(Ok(()), Err)
        }
    }
}

/// What the brokers say of a partition.
#[derive(Debug, Clone, Copy)]
struct Seen {
    partition: i32,
    /// Below 0 there is none.
    leader: i32,
    in_sync: usize,
    error: Option<RDKafkaErrorCode>,
}

impl From<&MetadataPartition> for Seen {
    fn from(one: &MetadataPartition) -> Seen {
        let error = one.error().map(RDKafkaErrorCode::from);
        Seen { partition: one.id(), leader: one.leader(), in_sync: one.isr().len(), error }
    }
}

impl Seen {
    fn problem(self, least: usize) -> Option<String> {
        let Seen { partition, leader, in_sync, error } = self;
        // That a replica is away is told beside a leader that takes records.
        let error = error.filter(|error| *error != RDKafkaErrorCode::ReplicaNotAvailable);
        if let Some(error) = error {
            return Some(format!("partition {partition}: {error}"));
        }
        if leader < 0 {
            return Some(format!("partition {partition} has no leader"));
        }
        let words = || {
            format!(
                "partition {partition} has {in_sync} replicas in sync, and a record is stored with {least} \
                 (`min.insync.replicas`)"
            )
        };
        (in_sync < least).then(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_was_not_stored_stands_until_one_is_or_for_a_while() {
        let (doubt, then) = (Doubt::default(), Instant::now());
        let all_well = |now| doubt.judge(now, Ok(()));
        assert_eq!(all_well(then), Ok(()));
        doubt.failed(then, "no disk".to_owned());
        assert_eq!(all_well(then + STANDS / 2), Err("no disk".to_owned()));
        assert_eq!(all_well(then + STANDS), Ok(()), "somebody may try again");
        doubt.failed(then + STANDS, "no disk".to_owned());
        assert!(all_well(then + STANDS).is_err());
        doubt.forget();
        assert_eq!(all_well(then + STANDS), Ok(()));
    }

    #[test]
    fn a_reason_that_the_brokers_show_ends_when_they_show_it_no_more() {
        let (doubt, then) = (Doubt::default(), Instant::now());
        doubt.failed(then, "timed out".to_owned());
        let no_leader = Err("partition 1 has no leader".to_owned());
        assert_eq!(doubt.judge(then, no_leader.clone()), no_leader);
        assert_eq!(doubt.judge(then, Ok(())), Ok(()));
    }

    #[test]
    fn a_partition_takes_records_with_a_leader_and_replicas_enough() {
        let fine = Seen { partition: 3, leader: 1, in_sync: 2, error: None };
        assert_eq!((fine.problem(2), fine.problem(0)), (None, None));
        let few = fine.problem(3).unwrap();
        assert!(few.contains("partition 3 has 2 replicas in sync") && few.contains("stored with 3"), "{few}");
        assert_eq!(Seen { leader: -1, ..fine }.problem(0).unwrap(), "partition 3 has no leader");
        let of = |error| Seen { error: Some(error), ..fine }.problem(0);
        assert!(of(RDKafkaErrorCode::LeaderNotAvailable).unwrap().starts_with("partition 3: "));
        assert_eq!(of(RDKafkaErrorCode::ReplicaNotAvailable), None, "its leader takes records");
    }
}
