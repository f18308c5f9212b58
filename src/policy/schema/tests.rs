//! The machine with a store made of a map: what it asks for is carried out, late, wrongly or never.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::policy::outcome::Reason;
use crate::warehouse::{Column, ColumnType};

mod ends;
mod properties;

/// The pace of a warehouse over a network.
fn slow() -> SchemaPace {
    SchemaPace {
        window: Duration::from_millis(500),
        together: false,
        changes: Quota { most: 4, per: Duration::from_secs(10) },
        creates: Quota { most: 8, per: Duration::from_secs(1) },
        denied_for: Duration::from_secs(600),
    }
}

fn columns(names: &[&str]) -> Vec<Column> {
    let column = |name: &&str| Column { name: (*name).to_owned(), column_type: ColumnType::Int };
    names.iter().map(column).collect()
}

fn create(table: &str) -> SchemaDiff {
    SchemaDiff { create: BTreeMap::from([(table.to_owned(), columns(&["id"]))]), ..SchemaDiff::default() }
}

fn add(table: &str, names: &[&str]) -> SchemaDiff {
    SchemaDiff { add: BTreeMap::from([(table.to_owned(), columns(names))]), ..SchemaDiff::default() }
}

fn widen(table: &str, name: &str) -> SchemaDiff {
    let column = Column { name: name.to_owned(), column_type: ColumnType::Float };
    SchemaDiff { widen: BTreeMap::from([(table.to_owned(), vec![column])]), ..SchemaDiff::default() }
}

fn fault(answer: &str) -> Fault {
    Fault::new(Reason::Forbidden, Some(403), answer)
}

/// A machine, its store, and everything that happened.
struct Bed {
    machine: Machine,
    pace: SchemaPace,
    now: Moment,
    schema: Schema,
    /// Changes that the store was asked for and has not ended.
    open: BTreeMap<u64, SchemaDiff>,
    asked: Vec<(Moment, SchemaDiff)>,
    answers: BTreeMap<Ticket, Result<(), Fault>>,
    tickets: Ticket,
    closed: BTreeMap<String, Closed>,
    refreshes: Vec<Option<String>>,
    chores: Vec<&'static str>,
}

impl Bed {
    fn new(pace: SchemaPace) -> Bed {
        Bed::with(pace, None, Vec::new())
    }

    fn with(pace: SchemaPace, refresh: Option<Duration>, chores: Vec<Chore>) -> Bed {
        let there =
            ["t", "u"].into_iter().fold(SchemaDiff::default(), |diff, table| diff.merge(create(table)));
        Bed {
            machine: Machine::new(pace, refresh, chores, (Duration::ZERO, 7)),
            pace,
            now: Duration::ZERO,
            schema: Schema::default().with(&there),
            open: BTreeMap::new(),
            asked: Vec::new(),
            answers: BTreeMap::new(),
            tickets: 0,
            closed: BTreeMap::new(),
            refreshes: Vec::new(),
            chores: Vec::new(),
        }
    }

    fn give(&mut self, input: Input) {
        let changes = |_: &str| self.pace.changes;
        let view = View { schema: &self.schema, changes: &changes };
        let actions = self.machine.step(self.now, input, view);
        let due = self.machine.due(view);
        assert!(due.is_none_or(|due| due > self.now), "{due:?} is not after {:?}", self.now);
        for action in actions {
            match action {
                Action::Apply { change, diff } => {
                    let busy = |table: &&String| self.open.values().any(|open| tables(open).contains(*table));
                    assert_eq!(tables(&diff).into_iter().find(busy), None, "two changes of one table");
                    self.asked.push((self.now, diff.clone()));
                    self.open.insert(change, diff);
                }
                Action::Refresh(table) => self.refreshes.push(table),
                Action::Run(chore) => self.chores.push(chore),
                Action::Answer { ticket, result } => {
                    assert!(self.answers.insert(ticket, result).is_none(), "{ticket} was answered twice");
                }
                Action::Close(closed) => self.closed = closed,
            }
        }
    }

    fn need(&mut self, diff: SchemaDiff) -> Ticket {
        self.tickets += 1;
        self.give(Input::Need { ticket: self.tickets, diff });
        self.tickets
    }

    fn due(&self) -> Option<Moment> {
        let changes = |_: &str| self.pace.changes;
        self.machine.due(View { schema: &self.schema, changes: &changes })
    }

    /// Lets time pass, with a tick whenever one is due.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.due().filter(|due| *due <= end) {
            self.now = due;
            self.give(Input::Tick);
        }
        self.now = end;
    }

    fn end(&mut self, change: u64, result: Result<(), SchemaFault>) {
        let diff = self.open.remove(&change).unwrap();
        if result.is_ok() {
            self.schema = std::mem::take(&mut self.schema).with(&diff);
        }
        self.give(Input::Changed { change, result });
    }

    /// Ends the change of this table.
    fn end_of(&mut self, table: &str, result: Result<(), SchemaFault>) {
        let is_of = |diff: &SchemaDiff| tables(diff).into_iter().any(|other| other == table);
        let change = self.open.iter().find(|(_, diff)| is_of(diff)).map(|(change, _)| *change);
        self.end(change.unwrap(), result);
    }

    /// Ends the only change under way.
    fn end_one(&mut self, result: Result<(), SchemaFault>) {
        assert_eq!(self.open.len(), 1);
        let change = *self.open.keys().next().unwrap();
        self.end(change, result);
    }

    fn answer(&self, ticket: Ticket) -> Option<Result<(), &str>> {
        self.answers.get(&ticket).map(|result| match result {
            Ok(()) => Ok(()),
            Err(fault) => Err(fault.answer.as_str()),
        })
    }

    fn last(&self) -> &SchemaDiff {
        &self.asked.last().unwrap().1
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn needs_of_one_window_become_one_change() {
    let mut bed = Bed::new(slow());
    let one = bed.need(add("t", &["a"]));
    bed.pass(Duration::from_millis(499));
    let two = bed.need(add("t", &["b", "a"]));
    assert_eq!(bed.asked, []);
    bed.pass(Duration::from_millis(251));
    assert_eq!((bed.asked.len(), bed.last()), (1, &add("t", &["a", "b"])));
    assert_eq!(bed.answer(one), None);
    bed.end_one(Ok(()));
    assert_eq!((bed.answer(one), bed.answer(two)), (Some(Ok(())), Some(Ok(()))));
}

#[test]
fn a_need_during_a_change_starts_the_next_window() {
    let mut bed = Bed::new(slow());
    bed.need(add("t", &["a"]));
    bed.pass(SECOND);
    let late = bed.need(add("t", &["b"]));
    bed.pass(SECOND);
    assert_eq!(bed.asked.len(), 1);
    bed.end_one(Ok(()));
    assert_eq!(bed.last(), &add("t", &["b"]));
    bed.end_one(Ok(()));
    assert_eq!(bed.answer(late), Some(Ok(())));
}

#[test]
fn what_is_there_when_the_window_closes_is_not_asked_for() {
    let mut bed = Bed::new(slow());
    let known = bed.need(add("t", &["id"]));
    assert_eq!(bed.answer(known), Some(Ok(())), "nothing is lacking");
    let made = bed.need(add("t", &["a"]));
    bed.schema = std::mem::take(&mut bed.schema).with(&add("t", &["a"]));
    bed.pass(SECOND);
    assert_eq!((bed.answer(made), bed.asked.len()), (Some(Ok(())), 0));
}

#[test]
fn a_change_that_hangs_keeps_no_other_table_waiting() {
    let mut bed = Bed::new(slow());
    let hangs = bed.need(add("t", &["a"]).merge(add("u", &["a"])));
    bed.pass(SECOND);
    assert_eq!(bed.open.len(), 2, "each table has a change of its own");
    bed.end_of("u", Ok(()));
    let other = bed.need(add("u", &["b"]));
    bed.pass(SECOND);
    bed.end_of("u", Ok(()));
    assert_eq!((bed.answer(other), bed.answer(hangs)), (Some(Ok(())), None));
    bed.end_of("t", Ok(()));
    assert_eq!(bed.answer(hangs), Some(Ok(())));
}

#[test]
fn a_thousand_new_properties_are_one_change_for_each_window_and_never_above_the_quota() {
    let mut bed = Bed::new(slow());
    for property in 0..1000 {
        bed.need(add("t", &[&format!("p{property}")]));
        bed.pass(Duration::from_millis(10));
        if let Some(change) = bed.open.keys().next().copied().filter(|_| property % 20 == 0) {
            bed.end(change, Ok(()));
        }
    }
    bed.pass(60 * SECOND);
    bed.end_one(Ok(()));
    assert_eq!(bed.schema.tables["t"].columns.len(), 1001);
    assert_eq!(bed.answers.len(), 1000);
    assert!(bed.asked.len() <= 6, "{} changes in 10 s", bed.asked.len());
    for two in bed.asked.windows(2) {
        assert!(two[1].0 - two[0].0 >= slow().window);
    }
}

#[test]
fn tables_are_made_no_faster_than_the_quota_and_the_oldest_need_comes_first() {
    let mut bed = Bed::new(slow());
    (0..40).for_each(|table| {
        bed.need(create(&format!("new{table}")));
        bed.pass(Duration::from_millis(1));
    });
    for _ in 0..1000 {
        bed.pass(Duration::from_millis(10));
        let open: Vec<u64> = bed.open.keys().copied().collect();
        open.into_iter().for_each(|change| bed.end(change, Ok(())));
    }
    assert_eq!(bed.answers.len(), 40);
    let made: Vec<Moment> = bed.asked.iter().map(|(at, _)| *at).collect();
    assert!(made.windows(9).all(|nine| nine[8] - nine[0] >= SECOND), "{made:?}");
    assert!(made[39] - made[0] < 6 * SECOND, "{made:?}");
}

#[test]
fn a_table_that_is_being_made_counts_until_the_quota_has_passed_after_its_end() {
    let mut bed = Bed::new(slow());
    for table in 0..12 {
        bed.need(create(&format!("new{table}")));
    }
    bed.pass(30 * SECOND);
    assert_eq!(bed.asked.len(), 8, "who knows when the other side counts them");
    let first = *bed.open.keys().next().unwrap();
    bed.end(first, Ok(()));
    bed.pass(SECOND - Duration::from_millis(1));
    assert_eq!(bed.asked.len(), 8);
    bed.pass(Duration::from_millis(1));
    assert_eq!(bed.asked.len(), 9);
}

#[test]
fn a_local_store_is_asked_at_once_for_all_tables_together() {
    let mut bed = Bed::new(SchemaPace::default());
    let one = bed.need(create("new").merge(add("t", &["a"])));
    assert_eq!(bed.last(), &create("new").merge(add("t", &["a"])));
    let two = bed.need(add("u", &["a"]));
    let three = bed.need(add("u", &["b"]));
    assert_eq!(bed.asked.len(), 1);
    bed.end_one(Ok(()));
    assert_eq!(bed.last(), &add("u", &["a", "b"]));
    bed.end_one(Err(SchemaFault::Transient { wait: None, fault: fault("disk full") }));
    assert_eq!(bed.answer(one), Some(Ok(())));
    assert_eq!((bed.answer(two), bed.answer(three)), (Some(Err("disk full")), Some(Err("disk full"))));
    assert_eq!(bed.due(), None, "who asked tries again, in his own time");
    bed.need(add("u", &["a"]));
    assert_eq!(bed.asked.len(), 3);
}

#[test]
fn tables_are_read_from_time_to_time_and_nothing_is_changed_meanwhile() {
    let mut bed = Bed::with(slow(), Some(900 * SECOND), Vec::new());
    bed.pass(899 * SECOND);
    let changing = bed.need(add("t", &["a"]));
    bed.pass(2 * SECOND);
    assert_eq!(bed.refreshes, [], "a change is under way");
    bed.end_one(Ok(()));
    assert_eq!((bed.answer(changing), bed.refreshes.clone()), (Some(Ok(())), vec![None]));
    bed.need(add("u", &["a"]));
    bed.pass(20 * SECOND);
    assert_eq!(bed.open.len(), 0);
    bed.give(Input::Refreshed { table: None, ok: true });
    assert_eq!(bed.open.len(), 1);
    bed.end_one(Ok(()));
    bed.pass(1000 * SECOND);
    assert_eq!(bed.refreshes, [None, None]);
}

#[test]
fn a_doubted_table_is_read_alone_and_not_twice_in_a_moment() {
    let mut bed = Bed::new(slow());
    bed.give(Input::Refresh(Some("t".to_owned())));
    bed.give(Input::Refresh(Some("t".to_owned())));
    assert_eq!(bed.refreshes.len(), 1);
    bed.need(add("t", &["a"]));
    bed.need(add("u", &["a"]));
    bed.pass(SECOND);
    assert_eq!(bed.last(), &add("u", &["a"]), "the other table does not wait");
    assert_eq!(bed.asked.len(), 1);
    bed.give(Input::Refreshed { table: Some("t".to_owned()), ok: true });
    assert_eq!(bed.last(), &add("t", &["a"]));
    bed.end(0, Ok(()));
    bed.end(1, Ok(()));
    bed.pass(8 * SECOND);
    assert_eq!(bed.refreshes.len(), 1);
    bed.pass(2 * SECOND);
    assert_eq!(bed.refreshes.len(), 2);
}

#[test]
fn a_chore_is_done_soon_after_the_start_and_then_after_each_end() {
    let mut bed = Bed::with(slow(), None, vec![Chore { name: "views", every: 900 * SECOND }]);
    bed.pass(9 * SECOND);
    assert_eq!(bed.chores.len(), 0);
    bed.pass(200 * SECOND);
    assert_eq!(bed.chores, ["views"], "never twice at once");
    bed.give(Input::ChoreDone { name: "views", ok: true });
    bed.pass(899 * SECOND);
    assert_eq!(bed.chores.len(), 1);
    bed.pass(SECOND);
    assert_eq!(bed.chores.len(), 2);
    bed.give(Input::ChoreDone { name: "views", ok: false });
    bed.pass(60 * SECOND);
    assert_eq!(bed.chores.len(), 3, "what failed is done again sooner");
}
