//! Facts into the file, in the order of the journal, with the position in the same transaction.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Transaction, params};

use super::keep::{self, Bounds};
use super::open::{Key, Known, Open};
use super::{file, roll, visits};
use crate::projections::commerce::revenue::Sum;
use crate::spec::Kind;
use crate::stores::reports::Fault;
use crate::stores::reports::fact::{Deal, Fact, Rules, number_of};
use crate::stores::reports::history::settled;
use crate::stores::reports::visit::{self, Standing};

const HITS: &str = "INSERT INTO hits (ts, site, kind, client, number, visit, name, path, environment, engaged) \
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

/// The only one who writes.
#[derive(Debug)]
pub struct Writer {
    connection: Connection,
    rules: Rules,
    sites: HashMap<String, i64>,
    bounds: Bounds,
    stale: roll::Stale,
    kept_from: i64,
    refused: u64,
    open: Known,
}

impl Writer {
    /// Opens the file, and makes it where it is missing.
    ///
    /// # Errors
    /// It cannot be opened, or is of a newer version.
    pub fn open(path: &Path, rules: Rules) -> Result<Writer, Fault> {
        Ok(Writer {
            connection: file::open_to_write(path)?,
            rules,
            sites: HashMap::new(),
            open: Known::default(),
            bounds: Bounds::default(),
            stale: roll::Stale::new(),
            kept_from: i64::MIN,
            refused: 0,
        })
    }

    /// Returns how facts are read.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Returns the journal's position after the last record that is in the file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn position(&self) -> Result<u64, Fault> {
        let read = self.connection.query_row("SELECT next FROM position", [], |row| row.get::<_, i64>(0));
        read.map(i64::cast_unsigned).map_err(file::fault)
    }

    /// Takes facts in the order of the journal, and the position after them: all of it or nothing.
    ///
    /// # Errors
    /// Nothing was taken.
    pub fn take(&mut self, facts: &[Fact], next: u64) -> Result<(), Fault> {
        let taken = self.write(facts, next);
        self.open.age();
        // A transaction that was not committed has put nothing in.
        let undo = |_: &rusqlite::Error| {
            self.sites.clear();
            self.open.forget();
        };
        taken.inspect_err(undo).map_err(file::fault)?;
        let is_old = |fact: &&Fact| fact.ts < self.kept_from;
        self.refused += facts.iter().filter(is_old).count() as u64;
        Ok(())
    }

    /// Tells the time, in milliseconds since 1970: what happened before anything is kept would be given up at once, so it is
    /// not taken any more.
    pub fn tell(&mut self, now: i64) {
        self.kept_from = keep::kept_from(now);
    }

    /// Returns how many facts were too old to be taken, since the file was opened.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    #[cfg(test)]
    pub(super) fn within(&mut self, bounds: Bounds) {
        self.bounds = bounds;
    }

    fn write(&mut self, facts: &[Fact], next: u64) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        let mut batch = Batch {
            transaction: &transaction,
            rules: &self.rules,
            sites: &mut self.sites,
            open: &mut self.open,
            changed: Vec::new(),
            hits: transaction.prepare_cached(HITS)?,
            days: BTreeMap::new(),
        };
        let kept_from = self.kept_from;
        facts.iter().filter(|fact| fact.ts >= kept_from).try_for_each(|fact| batch.add(fact))?;
        batch.finish()?;
        transaction.execute("UPDATE position SET next = ?1", [next.cast_signed()])?;
        transaction.commit()
    }

    /// Counts one day ahead that is over, or gives up some of the oldest beyond what is kept; returns whether there was any.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn tidy(&mut self, now: i64) -> Result<bool, Fault> {
        let tidied = roll::tidy(&mut self.connection, (now, self.bounds), &mut self.stale);
        let is_done = tidied.map_err(file::fault)?;
        if is_done {
            // Visits may have gone with a portion.
            self.open.forget();
        }
        Ok(is_done)
    }
}

struct Batch<'w> {
    transaction: &'w Transaction<'w>,
    rules: &'w Rules,
    sites: &'w mut HashMap<String, i64>,
    open: &'w mut Known,
    /// Whose visit has changed.
    changed: Vec<Key>,
    hits: CachedStatement<'w>,
    /// How many events of each day.
    days: BTreeMap<i64, i64>,
}

impl Batch<'_> {
    fn add(&mut self, fact: &Fact) -> rusqlite::Result<()> {
        let site = self.site(&fact.site)?;
        let number = number_of(&fact.visitor);
        let visit = self.visit(fact, site, number)?;
        self.hits.execute(params![
            fact.ts,
            site,
            fact.kind.map_or(Kind::Track as u8, |kind| kind as u8),
            fact.is_client,
            number.cast_signed(),
            visit,
            fact.name,
            fact.path,
            fact.environment,
            fact.engaged_ms
        ])?;
        let hit = self.transaction.last_insert_rowid();
        *self.days.entry(roll::day_of(fact.ts)).or_default() += 1;
        self.measure(fact, hit)?;
        fact.deal.as_ref().map_or(Ok(()), |deal| self.deal(deal, fact.ts, (hit, site)))
    }

    fn site(&mut self, name: &str) -> rusqlite::Result<i64> {
        if let Some(site) = self.sites.get(name) {
            return Ok(*site);
        }
        self.transaction.execute("INSERT OR IGNORE INTO sites (name) VALUES (?1)", [name])?;
        let site =
            self.transaction.query_row("SELECT id FROM sites WHERE name = ?1", [name], |row| row.get(0))?;
        self.sites.insert(name.to_owned(), site);
        Ok(site)
    }

    /// Returns the row of the visit that the event belongs to.
    fn visit(&mut self, fact: &Fact, site: i64, number: u64) -> rusqlite::Result<Option<i64>> {
        if !fact.is_client {
            return Ok(None);
        }
        let transaction = self.transaction;
        let open = self.open.visitor((site, number), || {
            let (row, visit) = visits::newest(transaction, (&fact.site, site), number)?.unzip();
            let mut open = Open { row, visit, ..Open::default() };
            open.slim();
            Ok::<Open, rusqlite::Error>(open)
        })?;
        let began = open.visit.as_ref().map(|visit| visit.session.start);
        let entered = open.entered();
        match visit::step(&mut open.visit, fact, self.rules) {
            Standing::Outside => return Ok(None),
            Standing::Joined => {
                if !std::mem::replace(&mut open.is_changed, true) {
                    self.changed.push((site, number));
                }
                let begins = open.visit.as_ref().map(|visit| visit.session.start);
                open.begins_elsewhere |= begins != began || open.entered() != entered;
            }
            Standing::Opened(over) => {
                if let Some((over, row)) = over.zip(open.row).filter(|_| open.is_changed) {
                    visits::update(transaction, row, &over, open.begins_elsewhere)?;
                }
                let new = open.visit.as_ref().map(|visit| visits::insert(transaction, site, visit));
                open.row = new.transpose()?;
                (open.is_changed, open.begins_elsewhere) = (false, false);
                open.slim();
            }
        }
        Ok(open.row)
    }

    fn measure(&self, fact: &Fact, hit: i64) -> rusqlite::Result<()> {
        let Some(measure) = &fact.measure else { return Ok(()) };
        let id = number_of(&format!("{}\n{}\n{}", fact.site, measure.view, measure.metric)).cast_signed();
        let sql = "INSERT OR REPLACE INTO measures (id, ts, hit, metric, value) VALUES (?1, ?2, ?3, ?4, ?5)";
        let values = params![id, fact.ts, hit, measure.metric, measure.value];
        self.transaction.prepare_cached(sql)?.execute(values).map(drop)
    }

    fn deal(&self, deal: &Deal, ts: i64, (hit, site): (i64, i64)) -> rusqlite::Result<()> {
        let known = match &deal.order_id {
            Some(id) => self.order(site, id)?,
            None => None,
        };
        let Some((currency, amount)) = settled(deal, |_| known) else { return Ok(()) };
        let sql = "INSERT INTO deals (ts, hit, site, refund, order_id, currency, amount) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let amount = amount.to_string();
        let values = params![ts, hit, site, deal.is_refund, deal.order_id, currency, amount];
        self.transaction.prepare_cached(sql)?.execute(values).map(drop)
    }

    fn order(&self, site: i64, id: &str) -> rusqlite::Result<Option<Sum>> {
        let sql = "SELECT currency, amount FROM deals WHERE site = ?1 AND order_id = ?2 AND refund = 0";
        let mut statement = self.transaction.prepare_cached(sql)?;
        let read = statement.query_row(params![site, id], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?.parse().unwrap_or_default()))
        });
        read.optional()
    }

    fn finish(self) -> rusqlite::Result<()> {
        for key in &self.changed {
            let Some(open) = self.open.again(*key).filter(|open| open.is_changed) else { continue };
            if let (Some(row), Some(visit)) = (open.row, &open.visit) {
                visits::update(self.transaction, row, visit, open.begins_elsewhere)?;
            }
            (open.is_changed, open.begins_elsewhere) = (false, false);
        }
        let sql = "INSERT INTO days (day, hits, rolled) VALUES (?1, ?2, 0) \
                   ON CONFLICT (day) DO UPDATE SET hits = hits + excluded.hits, rolled = CASE rolled WHEN 0 THEN 0 ELSE 2 END";
        let mut statement = self.transaction.prepare_cached(sql)?;
        self.days.iter().try_for_each(|(day, hits)| statement.execute([day, hits]).map(drop))
    }
}
