//! What is known of one segment without reading it: where blocks of records begin, when they came, whose ids they have.
//!
//! Separate because the same table is grown by appends, rebuilt by recovery and stored as the index file. Pure: bytes in,
//! bytes out.

use std::cmp::Ordering;

use super::codec::{self, IdHash, NO_ID, Summary};

/// Records per block: the step of the sparse table.
pub(super) const BLOCK: u64 = 64;

const MAGIC: u32 = 0x5849_544f;
const VERSION: u32 = 1;
const FIXED: usize = 56;
const BLOCK_BYTES: usize = 12;
/// Bytes of one id entry in the index file.
pub(super) const ID_BYTES: usize = 20;

/// The start of [`BLOCK`] records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    /// Where it starts in the segment.
    pub(super) offset: u32,
    /// The latest arrival in it, in microseconds.
    pub(super) newest: i64,
}

/// Which record of the segment has an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id {
    /// Of the message id.
    pub(super) hash: IdHash,
    /// [`REDELIVERY`] and the number.
    record: u32,
}

/// Marks the id of a record that repeats another. No segment has so many records.
const REDELIVERY: u32 = 1 << 31;

impl Id {
    /// Returns the record's number, counted from the segment's first position.
    pub(super) fn number(&self) -> u64 {
        u64::from(self.record & !REDELIVERY)
    }

    /// Returns whether the record repeats another, whose id is the one that counts.
    pub(super) fn is_redelivery(&self) -> bool {
        self.record & REDELIVERY != 0
    }

    fn key(&self) -> (&IdHash, u64) {
        (&self.hash, self.number())
    }
}

impl PartialOrd for Id {
    fn partial_cmp(&self, other: &Id) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Id {
    fn cmp(&self, other: &Id) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// The table of one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    /// How many records.
    pub(super) count: u64,
    /// Where the last one ends.
    pub(super) end: u64,
    /// The earliest arrival.
    pub(super) oldest: i64,
    /// The latest arrival.
    pub(super) newest: i64,
    /// One for every [`BLOCK`] records.
    pub(super) blocks: Vec<Block>,
    /// In the order of records until the segment is sealed, then sorted; empty once they are in the index file.
    pub(super) ids: Vec<Id>,
}

impl Default for Table {
    fn default() -> Self {
        Table { count: 0, end: 0, oldest: i64::MAX, newest: i64::MIN, blocks: Vec::new(), ids: Vec::new() }
    }
}

impl Table {
    /// Adds the next record, `len` bytes long; `None` stands for one that cannot be read.
    pub(super) fn push(&mut self, len: usize, summary: Option<Summary>) {
        let received_at = summary.map_or(self.newest, |summary| summary.received_at);
        if self.count.is_multiple_of(BLOCK) {
            self.blocks.push(Block { offset: self.end as u32, newest: received_at });
        }
        if let Some(block) = self.blocks.last_mut() {
            block.newest = block.newest.max(received_at);
        }
        if let Some(summary) = summary {
            self.oldest = self.oldest.min(received_at);
            self.newest = self.newest.max(received_at);
            if summary.id != NO_ID {
                let mark = u32::from(summary.is_redelivery) * REDELIVERY;
                self.ids.push(Id { hash: summary.id, record: self.count as u32 | mark });
            }
        }
        self.count += 1;
        self.end += len as u64;
    }

    /// Returns the offset of the block that holds a record and the number of the block's first record.
    pub(super) fn block_of(&self, record: u64) -> Option<(u64, u64)> {
        let number = record / BLOCK;
        let block = self.blocks.get(usize::try_from(number).ok()?)?;
        (record < self.count).then_some((u64::from(block.offset), number * BLOCK))
    }

    /// Returns the first record of the first block with an arrival at or after `at`.
    pub(super) fn block_at_time(&self, at: i64) -> Option<u64> {
        self.blocks.iter().position(|block| block.newest >= at).map(|number| number as u64 * BLOCK)
    }

    /// Returns the newest record with this hash among the ids in memory, sorted or not.
    pub(super) fn find(&self, hash: &IdHash) -> Option<u64> {
        let hits = self.ids.iter().filter(|id| id.hash == *hash);
        hits.map(Id::number).max()
    }

    /// Returns every record with this hash among the ids in memory, sorted or not, oldest first.
    pub(super) fn find_all(&self, hash: &IdHash) -> Vec<u64> {
        let mut found: Vec<u64> = self.ids.iter().filter(|id| id.hash == *hash).map(Id::number).collect();
        found.sort_unstable();
        found
    }

    /// Returns the index file of a segment that begins at `first`. Expects sorted ids.
    pub(super) fn to_bytes(&self, first: u64) -> Vec<u8> {
        let mut out =
            Vec::with_capacity(FIXED + self.blocks.len() * BLOCK_BYTES + self.ids.len() * ID_BYTES + 4);
        out.extend_from_slice(&MAGIC.to_le_bytes());
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&first.to_le_bytes());
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(&self.end.to_le_bytes());
        out.extend_from_slice(&self.oldest.to_le_bytes());
        out.extend_from_slice(&self.newest.to_le_bytes());
        out.extend_from_slice(&(self.blocks.len() as u32).to_le_bytes());
        out.extend_from_slice(&(self.ids.len() as u32).to_le_bytes());
        for block in &self.blocks {
            out.extend_from_slice(&block.offset.to_le_bytes());
            out.extend_from_slice(&block.newest.to_le_bytes());
        }
        for id in &self.ids {
            out.extend_from_slice(&id.hash);
            out.extend_from_slice(&id.record.to_le_bytes());
        }
        out.extend_from_slice(&crc32fast::hash(&out).to_le_bytes());
        out
    }

    /// Reads an index file back; `None` when it is damaged or another segment's.
    pub(super) fn from_bytes(bytes: &[u8], first: u64) -> Option<Table> {
        let (body, crc) = bytes.split_at_checked(bytes.len().checked_sub(4)?)?;
        let sound = codec::u32_at(crc, 0)? == crc32fast::hash(body)
            && codec::u32_at(body, 0)? == MAGIC
            && codec::u32_at(body, 4)? == VERSION
            && codec::u64_at(body, 8)? == first;
        if !sound {
            return None;
        }
        let blocks = codec::u32_at(body, 48)? as usize * BLOCK_BYTES;
        let blocks = body.get(FIXED..FIXED + blocks)?.chunks_exact(BLOCK_BYTES);
        let ids = body.get(ids_offset(blocks.len()) as usize..)?.chunks_exact(ID_BYTES);
        Some(Table {
            count: codec::u64_at(body, 16)?,
            end: codec::u64_at(body, 24)?,
            oldest: codec::i64_at(body, 32)?,
            newest: codec::i64_at(body, 40)?,
            blocks: blocks.filter_map(block_from).collect(),
            ids: ids.filter_map(id_from).collect(),
        })
    }
}

/// Returns where the ids begin in an index file with so many blocks.
pub(super) fn ids_offset(blocks: usize) -> u64 {
    (FIXED + blocks * BLOCK_BYTES) as u64
}

/// Reads one entry of the index file.
pub(super) fn id_from(bytes: &[u8]) -> Option<Id> {
    let hash = bytes.get(..16)?.try_into().ok()?;
    Some(Id { hash, record: codec::u32_at(bytes, 16)? })
}

fn block_from(bytes: &[u8]) -> Option<Block> {
    Some(Block { offset: codec::u32_at(bytes, 0)?, newest: codec::i64_at(bytes, 4)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(records: u8) -> Table {
        let mut table = Table::default();
        for number in 0..records {
            table.push(
                100,
                Some(Summary {
                    id: [number + 1; 16],
                    received_at: i64::from(number),
                    is_redelivery: number % 3 == 0,
                }),
            );
        }
        table
    }

    #[test]
    fn an_index_file_gives_back_the_table() {
        let table = table(200);
        assert_eq!(Table::from_bytes(&table.to_bytes(9), 9), Some(table));
    }

    #[test]
    fn a_damaged_or_foreign_index_file_is_refused() {
        let bytes = table(3).to_bytes(9);
        assert_eq!(Table::from_bytes(&bytes, 8), None);
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert_eq!(Table::from_bytes(&damaged, 9), None, "byte {at}");
            assert_eq!(Table::from_bytes(&bytes[..at], 9), None, "cut at {at}");
        }
    }

    #[test]
    fn records_are_found_by_number_and_by_time() {
        let table = table(200);
        assert_eq!(table.block_of(130), Some((12_800, 128)));
        assert_eq!(table.block_of(200), None);
        assert_eq!(table.block_at_time(64), Some(64));
        assert_eq!(table.block_at_time(199), Some(192));
        assert_eq!(table.block_at_time(200), None);
    }
}
