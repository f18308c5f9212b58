//! What has been read of the journal and is not in the file yet, as it will be written.
//!
//! Never decides what is counted, and never reads: it only holds, and writes all of it within a transaction of somebody else.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Transaction, params};

use super::block::{self, Hit, Packer};
use super::open::{Key, Known, Owed};
use super::{roll, visits};
use crate::projections::commerce::revenue::Sum;
use crate::stores::reports::fact::{Fact, Measure};
use crate::stores::reports::visit::Visit;

const BLOCK: &str = "INSERT INTO blocks (day, first, last, hits, data) VALUES (?1, ?2, ?3, ?4, ?5)";
const DAY: &str = "INSERT INTO days (day, hits, rolled) VALUES (?1, ?2, 0) \
    ON CONFLICT (day) DO UPDATE SET hits = hits + excluded.hits, rolled = CASE rolled WHEN 0 THEN 0 ELSE 2 END";
const DEAL: &str = "INSERT INTO deals (ts, site, number, visit, name, path, environment, refund, order_id, currency, amount) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
const MEASURE: &str = "INSERT OR REPLACE INTO measures \
    (id, ts, site, number, visit, name, path, environment, metric, value) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

/// What a deal or a measure says of the event that it is of.
#[derive(Debug)]
struct Of {
    ts: i64,
    site: i64,
    number: u64,
    visit: i64,
    name: String,
    path: String,
    environment: String,
}

impl Of {
    fn hit(hit: &Hit<&str>) -> Of {
        let Hit { ts, site, number, visit, .. } = *hit;
        let [name, path, environment] = [hit.name, hit.path, hit.environment].map(str::to_owned);
        Of { ts, site, number, visit, name, path, environment }
    }
}

#[derive(Debug)]
struct Deal {
    of: Of,
    is_refund: bool,
    order_id: Option<String>,
    sum: Sum,
}

/// A visit that is over, and what of it is not in its row.
#[derive(Debug)]
pub(super) struct Over {
    pub(super) row: i64,
    pub(super) site: i64,
    pub(super) visit: Visit,
    pub(super) folded: u64,
    pub(super) owed: Owed,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Pending {
    days: BTreeMap<i64, Vec<Packer>>,
    held: usize,
    deals: Vec<Deal>,
    orders: HashMap<(i64, String), Sum>,
    measures: HashMap<i64, (Of, &'static str, f64)>,
    over: Vec<Over>,
    /// Whose visit has no row yet, with the number that it gets.
    begun: Vec<(Key, i64)>,
    /// Whose visit has changed since visits were last written; some more than once.
    changed: Vec<Key>,
}

impl Pending {
    /// Returns how many events it holds.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Returns whose visits have changed since they were last written: at least so many are there to write.
    pub(super) fn changed(&self) -> usize {
        self.changed.len()
    }

    /// Adds an event.
    pub(super) fn add(&mut self, hit: &Hit<&str>) {
        let blocks = self.days.entry(roll::day_of(hit.ts)).or_default();
        if blocks.last().is_none_or(|last| last.len() >= block::MOST) {
            blocks.push(Packer::default());
        }
        if let Some(block) = blocks.last_mut() {
            block.add(hit);
        }
        self.held += 1;
    }

    /// Adds what an event measured; the last of a view counts.
    pub(super) fn measure(&mut self, id: i64, hit: &Hit<&str>, measure: &Measure<'_>) {
        self.measures.insert(id, (Of::hit(hit), measure.metric, measure.value));
    }

    /// Adds an order or a refund that counts.
    pub(super) fn deal(&mut self, fact: &Fact<'_>, hit: &Hit<&str>, sum: Sum) {
        let Some(deal) = &fact.deal else { return };
        if let Some(id) = deal.order_id.as_ref().filter(|_| !deal.is_refund) {
            self.orders.insert((hit.site, id.clone()), sum.clone());
        }
        let (is_refund, order_id) = (deal.is_refund, deal.order_id.clone());
        self.deals.push(Deal { of: Of::hit(hit), is_refund, order_id, sum });
    }

    /// Returns what an order amounts to that is not in the file yet.
    pub(super) fn order(&self, site: i64, id: &str) -> Option<&Sum> {
        self.orders.get(&(site, id.to_owned()))
    }

    /// A visit is over.
    pub(super) fn over(&mut self, over: Over) {
        self.over.push(over);
    }

    /// A visit has begun.
    pub(super) fn begun(&mut self, key: Key, row: i64) {
        self.begun.push((key, row));
    }

    /// A visit that owed nothing has changed.
    pub(super) fn change(&mut self, key: Key) {
        self.changed.push(key);
    }

    /// Writes all of it; visits that have only changed where `with_changes` says so.
    pub(super) fn write(
        &self,
        transaction: &Transaction<'_>,
        known: &Known,
        with_changes: bool,
    ) -> rusqlite::Result<()> {
        self.write_visits(transaction, known, with_changes)?;
        self.write_hits(transaction)?;
        let mut deals = transaction.prepare_cached(DEAL)?;
        for Deal { of, is_refund, order_id, sum: (currency, amount) } in &self.deals {
            let (number, amount) = (of.number.cast_signed(), amount.to_string());
            deals.execute(params![
                of.ts,
                of.site,
                number,
                of.visit,
                of.name,
                of.path,
                of.environment,
                is_refund,
                order_id,
                currency,
                amount
            ])?;
        }
        let mut measures = transaction.prepare_cached(MEASURE)?;
        for (id, (of, metric, value)) in &self.measures {
            let number = of.number.cast_signed();
            measures.execute(params![
                id,
                of.ts,
                of.site,
                number,
                of.visit,
                of.name,
                of.path,
                of.environment,
                metric,
                value
            ])?;
        }
        Ok(())
    }

    fn write_hits(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        let (mut block, mut count) = (transaction.prepare_cached(BLOCK)?, transaction.prepare_cached(DAY)?);
        for (day, packers) in &self.days {
            for packer in packers {
                write_block(&mut block, *day, packer)?;
            }
            count.execute([*day, packers.iter().map(|packer| as_signed(packer.len())).sum()])?;
        }
        Ok(())
    }

    fn write_visits(
        &self,
        transaction: &Transaction<'_>,
        known: &Known,
        with_changes: bool,
    ) -> rusqlite::Result<()> {
        for Over { row, site, visit, folded, owed } in &self.over {
            visits::write(transaction, (*row, *site), (visit, *folded), *owed)?;
        }
        let begun = self.begun.iter().map(|(key, row)| (*key, Some(*row)));
        let changed = self.changed.iter().filter(|_| with_changes).map(|key| (*key, None));
        for (key, begun) in begun.chain(changed) {
            let Some(open) = known.get(key) else { continue };
            // One that began after it is in the list for itself, or waits as one of those that are over.
            let is_its_own = begun.map_or(open.owed != Owed::Row, |row| row == open.row);
            if let Some(visit) = open.visit.as_ref().filter(|_| is_its_own) {
                visits::write(transaction, (open.row, key.0), (visit, open.folded), open.owed)?;
            }
        }
        Ok(())
    }

    /// Lets go of what was written.
    pub(super) fn written(&mut self, known: &mut Known, with_changes: bool) {
        let begun = std::mem::take(&mut self.begun).into_iter().map(|(key, _)| key);
        let changed = if with_changes { std::mem::take(&mut self.changed) } else { Vec::new() };
        for key in begun.chain(changed) {
            if let Some(open) = known.again(key) {
                open.settle();
            }
        }
        let changed = std::mem::take(&mut self.changed);
        *self = Pending { changed, ..Pending::default() };
    }
}

/// Writes a block as a row.
fn write_block(
    statement: &mut rusqlite::CachedStatement<'_>,
    day: i64,
    packer: &Packer,
) -> rusqlite::Result<()> {
    let (first, last) = packer.span();
    statement.execute(params![day, first, last, as_signed(packer.len()), packer.packed()]).map(drop)
}

/// Writes blocks of a day, without counting their events.
pub(super) fn put_blocks(
    transaction: &Transaction<'_>,
    day: i64,
    packers: &[Packer],
) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached(BLOCK)?;
    packers.iter().filter(|packer| packer.len() > 0).try_for_each(|one| write_block(&mut statement, day, one))
}

fn as_signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
