//! Reading back the message ids before the place where a partition begins, so that what was sent twice is known as such also
//! by a router that has just taken the partition over.
//!
//! Bounded in number and in time: a takeover must be short, and what comes twice comes soon, since clients send again within
//! minutes. Never reads an event's text.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};
use tokio::time::Instant;

use super::Options;
use super::begin::Beginning;
use super::clients::Ears;
use super::core::Core;
use crate::journal::JournalError;
use crate::journal::embedded::alone::Known;
use crate::journal::embedded::{Dedupe, alone};
use crate::telemetry::{clock, events};

/// Most records that are read back of one partition.
const RECORDS: u64 = 100_000;
/// How long reading back may take for all partitions together: less than what a group waits for a member by far.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the partitions may be silent once each was heard, since the last offsets before a beginning may not be there. Until
/// then the reader connects, which takes several round trips.
const SILENCE: Duration = Duration::from_secs(1);

/// Returns the windows of partitions, as well as they can be had: without one, what comes twice is delivered twice.
pub(super) fn windows(core: &Core, beginnings: &BTreeMap<i32, Beginning>) -> BTreeMap<i32, Dedupe> {
    // Later partitions get the same share, though then there are more of them than ids: it is a bound of memory.
    let others =
        core.state().index.partitions().filter(|(partition, _)| !beginnings.contains_key(partition)).count();
    let count = others + beginnings.len();
    let mut windows: BTreeMap<i32, Dedupe> =
        beginnings.keys().map(|partition| (*partition, window(&core.options, count))).collect();
    if core.options.dedupe_max_ids > 0
        && !core.options.dedupe_window.is_zero()
        && let Err(error) = read_back(core, beginnings, &mut windows)
    {
        events::Trouble { whom: "journal", doing: "read message ids back", error: &error.to_string() }.emit();
    }
    windows
}

/// Returns an empty window for one of so many partitions.
pub(super) fn window(options: &Options, partitions: usize) -> Dedupe {
    let window = i64::try_from(options.dedupe_window.as_micros()).unwrap_or(i64::MAX);
    Dedupe::new(window, options.dedupe_max_ids.div_ceil(partitions.max(1)))
}

/// Remembers an id; `false` when it is known already. A router whose clock is ahead makes the others forget nothing.
pub(super) fn remember(window: &mut Dedupe, known: &Known) -> bool {
    let at = known.received_at.min(clock::now().as_microsecond());
    let is_new = window.insert(known.id, at);
    window.expire(at);
    is_new
}

fn read_back(
    core: &Core,
    beginnings: &BTreeMap<i32, Beginning>,
    windows: &mut BTreeMap<i32, Dedupe>,
) -> Result<(), JournalError> {
    let mut list = TopicPartitionList::new();
    let mut open: BTreeMap<i32, u64> = BTreeMap::new();
    for (partition, beginning) in beginnings {
        let (oldest, _) = core.groups.bounds(*partition)?;
        let from = beginning.offset.saturating_sub(RECORDS).max(oldest);
        if from < beginning.offset {
            let offset = Offset::Offset(i64::try_from(from).unwrap_or(i64::MAX));
            drop(list.add_partition_offset(&core.options.topic, *partition, offset));
            open.insert(*partition, beginning.offset);
        }
    }
    if open.is_empty() {
        return Ok(());
    }
    let reader = core.clients.consumer(&core.options.group, Ears::default())?;
    reader.assign(&list).map_err(|error| super::io("could not read back", &error))?;
    let open = read_until(core, &reader, open, windows);
    if open.is_empty() || core.is_stopping() {
        return Ok(());
    }
    let open: Vec<i32> = open.into_keys().collect();
    let why = reader.context().trouble().unwrap_or_else(|| "they fell silent".to_owned());
    let words = "what came twice may be delivered twice, since not all of these partitions could be read";
    Err(super::io(&format!("{words}: {open:?}"), &why))
}

/// Reads partitions up to these offsets. Returns those that did not come so far in time.
fn read_until(
    core: &Core,
    reader: &BaseConsumer<Ears>,
    mut open: BTreeMap<i32, u64>,
    windows: &mut BTreeMap<i32, Dedupe>,
) -> BTreeMap<i32, u64> {
    let (deadline, mut heard) = (Instant::now() + PATIENCE, Instant::now());
    let mut unheard: BTreeSet<i32> = open.keys().copied().collect();
    let is_silent =
        |heard: Instant, unheard: &BTreeSet<i32>| unheard.is_empty() && heard.elapsed() >= SILENCE;
    while !open.is_empty() && Instant::now() < deadline && !is_silent(heard, &unheard) && !core.is_stopping()
    {
        let Some(Ok(message)) = reader.poll(Duration::from_millis(50)) else { continue };
        heard = Instant::now();
        let (partition, offset) = (message.partition(), u64::try_from(message.offset()).unwrap_or(0));
        unheard.remove(&partition);
        let Some(end) = open.get(&partition).copied() else { continue };
        if offset < end
            && let Some(known) = message.payload().and_then(alone::know)
            && let Some(window) = windows.get_mut(&partition)
        {
            remember(window, &known);
        }
        if offset + 1 >= end {
            open.remove(&partition);
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_router_whose_clock_is_ahead_makes_nobody_forget() {
        let now = clock::now().as_microsecond();
        let hour = 3_600_000_000;
        let mut window = Dedupe::new(hour, 10);
        let known = |id: u8, received_at| Known { id: [id; 16], received_at, is_redelivery: false };
        assert!(remember(&mut window, &known(1, now)));
        assert!(remember(&mut window, &known(2, now + 24 * hour)));
        assert!(!remember(&mut window, &known(1, now)), "it is remembered still");
        assert!(!remember(&mut window, &known(2, now + 24 * hour)));
    }
}
