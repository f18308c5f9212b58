//! Facts into the file, in the order of the journal, with the position in the same transaction.
//!
//! Taking a fact costs memory alone; [`Writer::commit`] puts what was taken into the file, all of it or nothing. Visits that have
//! changed are written less often than events: the file says for itself up to which position events are in it, and up to which
//! visits are, and each visit up to which it is. After a kill the writer begins at the earlier one, and takes of each record
//! only what is missing.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use super::block::Hit;
use super::keep::{self, Bounds};
use super::open::{Key, Known, Open, Owed};
use super::pending::{Over, Pending};
use super::{file, merge, roll, visits};
use crate::projections::commerce::revenue::Sum;
use crate::spec::Kind;
use crate::stores::reports::Fault;
use crate::stores::reports::fact::{Fact, Rules, number_of};
use crate::stores::reports::history::settled;
use crate::stores::reports::visit::{self, Standing};

/// See [`Writer::few`].
const FEW: usize = 512;
/// More of them are written so often, in milliseconds: most change again until then.
const CHANGES_EVERY_MS: i64 = 10_000;

/// The only one who writes.
#[derive(Debug)]
pub struct Writer {
    connection: Connection,
    rules: Rules,
    sites: HashMap<String, i64>,
    bounds: Bounds,
    stale: roll::Stale,
    merges: merge::Turn,
    kept_from: i64,
    refused: u64,
    known: Known,
    pending: Pending,
    /// The number that the next visit gets.
    next_visit: i64,
    /// The latest activity of any visit.
    latest: i64,
    /// The position after what was taken, after the events that are in the file, and after what is in its visits.
    taken: u64,
    events: u64,
    visits: u64,
    /// So many visits that have changed are written with the events that changed them.
    few: usize,
    /// When visits that had changed were last written.
    written_at: Option<i64>,
}

/// A fact that is about to be folded.
struct Placed<'f> {
    at: u64,
    fact: &'f Fact<'f>,
    key: Key,
    /// What the file has of the order that it is about.
    order: Option<Sum>,
}

impl Writer {
    /// Opens the file, and makes it where it is missing.
    ///
    /// # Errors
    /// It cannot be opened, or is of a newer version.
    pub fn open(path: &Path, rules: Rules) -> Result<Writer, Fault> {
        let connection = file::open_to_write(path)?;
        let (events, visits, latest, last_visit) = stands(&connection).map_err(file::fault)?;
        Ok(Writer {
            connection,
            rules,
            sites: HashMap::new(),
            bounds: Bounds::default(),
            stale: roll::Stale::new(),
            merges: merge::Turn::default(),
            kept_from: i64::MIN,
            refused: 0,
            known: Known::new(latest),
            few: FEW,
            pending: Pending::default(),
            next_visit: last_visit + 1,
            latest,
            taken: events,
            events,
            visits,
            written_at: None,
        })
    }

    /// Returns how facts are read.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Returns the journal's position from which on records are wanted, given the one after its last record. Less than what
    /// is in the file is there of a journal that was made anew, or that lost its end with the power: what it still holds was
    /// counted.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn begin(&mut self, end: u64) -> Result<u64, Fault> {
        if end < self.events {
            self.rewind(end.cast_signed()).map_err(file::fault)?;
            (self.events, self.visits) = (end, self.visits.min(end));
        }
        self.taken = self.visits;
        Ok(self.visits)
    }

    fn rewind(&mut self, end: i64) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        transaction.execute("UPDATE position SET next = ?1, visits = min(visits, ?1)", [end])?;
        transaction.execute("UPDATE visits SET folded = ?1 WHERE folded > ?1", [end])?;
        transaction.commit()
    }

    /// Takes facts in the order of the journal, each with its position, and the position after them.
    ///
    /// # Errors
    /// The file cannot be read; nothing was taken.
    pub fn take(&mut self, facts: &[(u64, Fact<'_>)], next: u64) -> Result<(), Fault> {
        let placed = self.place(facts).map_err(file::fault)?;
        placed.iter().for_each(|placed| self.fold(placed));
        self.taken = self.taken.max(next);
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

    /// Returns how many events were taken and are not in the file yet.
    pub fn held(&self) -> usize {
        self.pending.held()
    }

    /// Puts what was taken into the file. `now` in milliseconds since 1970.
    ///
    /// # Errors
    /// The file has nothing of it; it is still there to be put in.
    pub fn commit(&mut self, now: i64) -> Result<(), Fault> {
        let is_late = |at: i64| !(at..at.saturating_add(CHANGES_EVERY_MS)).contains(&now);
        let is_due = self.written_at.is_none_or(is_late);
        let with_changes = is_due || self.pending.changed() <= self.few || self.known.is_full();
        if self.taken == self.events && (self.taken == self.visits || !with_changes) {
            return Ok(());
        }
        if with_changes {
            self.written_at = Some(now);
        }
        self.put(with_changes)
    }

    fn put(&mut self, with_changes: bool) -> Result<(), Fault> {
        self.write(with_changes).map_err(file::fault)?;
        self.events = self.taken.max(self.events);
        self.pending.written(&mut self.known, with_changes);
        if with_changes {
            self.visits = self.taken;
            self.known.age();
        }
        self.merges.count();
        Ok(())
    }

    fn write(&mut self, with_changes: bool) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        self.pending.write(&transaction, &self.known, with_changes)?;
        let visits = if with_changes { self.taken } else { self.visits };
        let sql = "UPDATE position SET next = max(next, ?1), visits = ?2, latest = ?3";
        let values = params![self.taken.cast_signed(), visits.cast_signed(), self.latest];
        transaction.prepare_cached(sql)?.execute(values)?;
        transaction.commit()
    }

    /// Counts one day ahead that is over, gives up some of the oldest beyond what is kept, or packs what came in small pieces;
    /// returns whether there was any.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn tidy(&mut self, now: i64) -> Result<bool, Fault> {
        if keep::is_due(&self.connection, now, self.bounds).map_err(file::fault)? {
            // A visit that goes on is not taken for an old one.
            self.put(true)?;
            self.known.forget();
            return keep::give_up(&mut self.connection).map(|()| true).map_err(file::fault);
        }
        let is_rolled = roll::tidy(&mut self.connection, now, &mut self.stale).map_err(file::fault)?;
        Ok(is_rolled || self.merges.merge(&mut self.connection).map_err(file::fault)?)
    }

    /// Returns the journal's position after the last event that is in the file, and after what is in its visits.
    #[cfg(test)]
    pub(super) fn positions(&self) -> (u64, u64) {
        (self.events, self.visits)
    }

    /// Visits that have changed wait for their time, however few they are.
    #[cfg(test)]
    pub(super) fn patiently(&mut self) {
        self.few = 0;
    }

    #[cfg(test)]
    pub(super) fn within(&mut self, bounds: Bounds) {
        self.bounds = bounds;
    }

    // === Taking ===

    /// Reads of the file what facts need to be folded, so that folding them cannot fail.
    fn place<'f>(&mut self, facts: &'f [(u64, Fact<'f>)]) -> rusqlite::Result<Vec<Placed<'f>>> {
        let news = facts.iter().filter(|(at, _)| *at >= self.taken);
        let mut placed = Vec::with_capacity(facts.len());
        let mut refused = 0;
        for (at, fact) in news {
            if fact.ts < self.kept_from {
                refused += u64::from(*at >= self.events);
                continue;
            }
            let site = site(&self.connection, &mut self.sites, &fact.site)?;
            let key = (site, number_of(&fact.visitor));
            if fact.is_client {
                let from = fact.ts.saturating_sub(self.rules.options.timeout_ms);
                let read = || Ok(visits::newest(&self.connection, &fact.site, key)?.unwrap_or_default());
                self.known.meet::<rusqlite::Error>(key, from, read)?;
            }
            let order = fact.deal.as_ref().and_then(|deal| deal.order_id.as_deref());
            let order = order.map_or(Ok(None), |id| order_of(&self.connection, site, id))?;
            placed.push(Placed { at: *at, fact, key, order });
        }
        self.refused += refused;
        Ok(placed)
    }

    fn fold(&mut self, placed: &Placed<'_>) {
        let Placed { at, fact, key, .. } = placed;
        let visit = self.visit(placed);
        if *at < self.events {
            return;
        }
        let hit = Hit {
            ts: fact.ts,
            site: key.0,
            kind: fact.kind.map_or(Kind::Track as u8, |kind| kind as u8),
            is_client: fact.is_client,
            number: key.1,
            visit,
            engaged_ms: fact.engaged_ms,
            name: &*fact.name,
            path: &*fact.path,
            environment: &*fact.environment,
        };
        self.pending.add(&hit);
        if let Some(measure) = &fact.measure {
            let id = number_of(&format!("{}\n{}\n{}", fact.site, measure.view, measure.metric)).cast_signed();
            self.pending.measure(id, &hit, measure);
        }
        let Some(deal) = &fact.deal else { return };
        let before = deal.order_id.as_deref().and_then(|id| self.pending.order(key.0, id));
        let before = before.or(placed.order.as_ref()).cloned();
        if let Some(sum) = settled(deal, |_| before) {
            self.pending.deal(fact, &hit, sum);
        }
    }

    /// Returns the row of the visit that the event belongs to; 0 where it belongs to none.
    fn visit(&mut self, Placed { at, fact, key, .. }: &Placed<'_>) -> i64 {
        let Some(open) = self.known.again(*key).filter(|_| fact.is_client) else { return 0 };
        if *at < open.folded {
            return open.row;
        }
        let began = open.visit.as_ref().map(|visit| visit.session.start);
        let entered = open.entered();
        match visit::step(&mut open.visit, fact, &self.rules) {
            Standing::Outside => return 0,
            Standing::Joined => {
                let begins = open.visit.as_ref().map(|visit| visit.session.start);
                let is_elsewhere = begins != began || open.entered() != entered;
                if open.owed == Owed::Nothing {
                    self.pending.change(*key);
                }
                open.owed = open.owed.max(if is_elsewhere { Owed::Beginning } else { Owed::Changes });
            }
            Standing::Opened(over) => {
                let Open { row, folded, owed, .. } = *open;
                if let Some(visit) = over.filter(|_| owed != Owed::Nothing) {
                    self.pending.over(Over { row, site: key.0, visit: *visit, folded, owed });
                }
                (open.row, open.owed) = (self.next_visit, Owed::Row);
                self.next_visit += 1;
                self.pending.begun(*key, open.row);
            }
        }
        open.folded = *at + 1;
        let last = open.visit.as_ref().map_or(i64::MIN, |visit| visit.session.last);
        self.latest = self.latest.max(last);
        open.row
    }
}

/// Returns the number of a source, which it gets with its first event.
fn site(connection: &Connection, known: &mut HashMap<String, i64>, name: &str) -> rusqlite::Result<i64> {
    if let Some(site) = known.get(name) {
        return Ok(*site);
    }
    connection.execute("INSERT OR IGNORE INTO sites (name) VALUES (?1)", [name])?;
    let site = connection.query_row("SELECT id FROM sites WHERE name = ?1", [name], |row| row.get(0))?;
    known.insert(name.to_owned(), site);
    Ok(site)
}

fn order_of(connection: &Connection, site: i64, id: &str) -> rusqlite::Result<Option<Sum>> {
    let sql = "SELECT currency, amount FROM deals WHERE site = ?1 AND order_id = ?2 AND refund = 0";
    let mut statement = connection.prepare_cached(sql)?;
    let read = statement.query_row(params![site, id], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?.parse().unwrap_or_default()))
    });
    read.optional()
}

/// Returns how the file stands: the positions up to which events and visits are in it, the latest activity of any visit, and
/// the number of the last one.
fn stands(connection: &Connection) -> rusqlite::Result<(u64, u64, i64, i64)> {
    let sql = "SELECT next, visits, latest, (SELECT coalesce(max(id), 0) FROM visits) FROM position";
    connection.query_row(sql, [], |row| {
        let position = |place| Ok::<u64, rusqlite::Error>(row.get::<_, i64>(place)?.cast_unsigned());
        Ok((position(0)?, position(1)?, row.get(2)?, row.get(3)?))
    })
}
