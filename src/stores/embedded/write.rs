//! Facts into the file, in the order of the journal, with the position in the same transaction.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::keep::{self, Bounds};
use super::{file, roll, visits};
use crate::projections::commerce::revenue::Sum;
use crate::spec::Kind;
use crate::stores::reports::Fault;
use crate::stores::reports::fact::{Deal, Fact, Rules, number_of};
use crate::stores::reports::history::settled;
use crate::stores::reports::visit::{self, Standing, Visit};

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
}

impl Writer {
    /// Opens the file, and makes it where it is missing.
    ///
    /// # Errors
    /// It cannot be opened, or is of a newer version.
    pub fn open(path: &Path, rules: Rules) -> Result<Writer, Fault> {
        let connection = file::open_to_write(path)?;
        Ok(Writer {
            connection,
            rules,
            sites: HashMap::new(),
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
        // A transaction that was not committed has put no source in.
        taken.inspect_err(|_| self.sites.clear()).map_err(file::fault)?;
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
            open: HashMap::new(),
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
        roll::tidy(&mut self.connection, (now, self.bounds), &mut self.stale).map_err(file::fault)
    }
}

/// The visit that is open of a visitor, while a batch is taken.
#[derive(Debug, Default)]
struct Open {
    row: Option<i64>,
    visit: Option<Visit>,
    is_changed: bool,
}

struct Batch<'w> {
    transaction: &'w Transaction<'w>,
    rules: &'w Rules,
    sites: &'w mut HashMap<String, i64>,
    open: HashMap<(i64, u64), Open>,
    /// How many events of each day.
    days: BTreeMap<i64, i64>,
}

impl Batch<'_> {
    fn add(&mut self, fact: &Fact) -> rusqlite::Result<()> {
        let site = self.site(&fact.site)?;
        let number = number_of(&fact.visitor);
        let visit = self.visit(fact, site, number)?;
        let sql = "INSERT INTO hits (ts, site, kind, client, number, visit, name, path, environment, engaged) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        self.transaction.prepare_cached(sql)?.execute(params![
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
        let key = (site, number);
        if !self.open.contains_key(&key) {
            let found = visits::newest(self.transaction, (&fact.site, site), number)?;
            let (row, visit) = found.unzip();
            self.open.insert(key, Open { row, visit, is_changed: false });
        }
        let open = self.open.entry(key).or_default();
        match visit::step(&mut open.visit, fact, self.rules) {
            Standing::Outside => return Ok(None),
            Standing::Joined => open.is_changed = true,
            Standing::Opened(over) => {
                if let Some((over, row)) = over.zip(open.row).filter(|_| open.is_changed) {
                    visits::update(self.transaction, (row, site), &over)?;
                }
                let new = open.visit.as_ref().map(|visit| visits::insert(self.transaction, site, visit));
                open.row = new.transpose()?;
                open.is_changed = false;
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
        for ((site, _), open) in &self.open {
            if let (true, Some(row), Some(visit)) = (open.is_changed, open.row, &open.visit) {
                visits::update(self.transaction, (row, *site), visit)?;
            }
        }
        let sql = "INSERT INTO days (day, hits, rolled) VALUES (?1, ?2, 0) \
                   ON CONFLICT (day) DO UPDATE SET hits = hits + excluded.hits, rolled = CASE rolled WHEN 0 THEN 0 ELSE 2 END";
        let mut statement = self.transaction.prepare_cached(sql)?;
        self.days.iter().try_for_each(|(day, hits)| statement.execute([day, hits]).map(drop))
    }
}
