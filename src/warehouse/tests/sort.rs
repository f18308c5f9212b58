//! Row by row: what goes, what waits, what is refused, and that it is always exactly one of them.

use super::super::conflicts::Conflict;
use super::*;

/// Takes down what becomes of every row.
#[derive(Debug, Default)]
struct Sorted {
    written: BTreeMap<(usize, String), (Vec<String>, String)>,
    waiting: BTreeMap<(usize, String), Vec<String>>,
    refused: BTreeMap<(usize, String), Why>,
    withheld: Vec<String>,
    done: Vec<(usize, String)>,
    calls: usize,
}

impl RowSink for Sorted {
    fn is_written(&self, index: usize, table: &str) -> bool {
        self.done.iter().any(|(event, name)| *event == index && name == table)
    }

    fn withheld(&self, _: usize, _: &str) -> Vec<String> {
        self.withheld.clone()
    }

    fn row(&mut self, index: usize, row: FittedRow<'_>) {
        self.calls += 1;
        let names: Vec<&String> = row.table.columns.keys().collect();
        let columns = row.fit.cells.iter().map(|cell| names[cell.index].clone()).collect();
        self.written.insert((index, row.name), (columns, row.fit.unmapped));
    }

    fn wait(&mut self, index: usize, lack: Lack) {
        self.calls += 1;
        self.waiting.insert((index, lack.table), lack.columns);
    }

    fn refuse(&mut self, index: usize, unfit: Unfit) {
        self.calls += 1;
        self.refused.insert((index, unfit.table), unfit.why);
    }
}

impl Sorted {
    fn unmapped(&self, index: usize, table: &str) -> &str {
        &self.written[&(index, table.to_owned())].1
    }
}

const NONE_CLOSED: &BTreeMap<String, Closed> = &BTreeMap::new();
const FULL: Terms<'static> =
    Terms { closed: NONE_CLOSED, makes_tables: true, changes_tables: true, is_strict: false };
const OFF: Terms<'static> = Terms { makes_tables: false, changes_tables: false, ..FULL };

fn sort_with(
    mapper: &mut Mapper,
    events: &[Arc<Event>],
    schema: &Schema,
    terms: &Terms<'_>,
) -> (Sorted, SchemaDiff) {
    let mut sorted = Sorted::default();
    let change = mapper.sort(events, Arc::new(schema.clone()), terms, &mut sorted);
    (sorted, change)
}

fn sort(events: &[Arc<Event>], schema: &Schema, terms: &Terms<'_>) -> (Sorted, SchemaDiff) {
    sort_with(&mut Mapper::new(DIALECT, guards(), 3), events, schema, terms)
}

fn with_all(events: &[Arc<Event>]) -> Schema {
    settle(events, Schema::default()).0
}

fn tables(sorted: &BTreeMap<(usize, String), impl Sized>) -> Vec<(usize, &str)> {
    sorted.keys().map(|(index, table)| (*index, table.as_str())).collect()
}

#[test]
fn rows_that_lack_nothing_go_while_others_wait_for_their_column() {
    let known = event(0, "One", r#"{"a":1}"#);
    let schema = with_all(std::slice::from_ref(&known));
    let events =
        [event(1, "One", r#"{"a":2}"#), event(2, "One", r#"{"a":3,"new":"x"}"#), event(3, "Two", "{}")];
    let (sorted, change) = sort(&events, &schema, &FULL);
    assert_eq!(tables(&sorted.written), [(0, "one"), (0, "tracks"), (1, "tracks"), (2, "tracks")]);
    assert_eq!(sorted.waiting[&(1, "one".to_owned())], ["new"]);
    assert_eq!(sorted.waiting[&(2, "two".to_owned())], [""; 0]);
    assert!(change.add.contains_key("one") && change.create.contains_key("two"));
    let (sorted, change) = sort(&events, &schema.with(&change), &FULL);
    assert_eq!((sorted.written.len(), change.is_empty()), (6, true));
}

#[test]
fn a_closed_table_is_asked_for_nothing_and_keeps_new_values_aside() {
    let schema = with_all(&[event(0, "One", r#"{"a":1}"#)]);
    let closed = BTreeMap::from([(
        "one".to_owned(),
        Closed { why: "denied".to_owned(), wanted: SchemaDiff::default() },
    )]);
    let terms = Terms { closed: &closed, ..FULL };
    let (sorted, change) = sort(&[event(1, "One", r#"{"a":1,"new":2}"#)], &schema, &terms);
    assert!(change.is_empty());
    assert_eq!(sorted.unmapped(0, "one"), r#"{"new":2}"#);
}

#[test]
fn a_table_that_may_not_be_made_refuses_its_row_alone_and_says_what_it_would_be() {
    let schema = with_all(&[event(0, "One", "{}")]);
    for terms in [OFF, Terms { changes_tables: true, ..OFF }] {
        let (sorted, change) = sort(&[event(1, "Two", r#"{"price":1.5}"#)], &schema, &terms);
        assert_eq!((tables(&sorted.written), change.is_empty()), (vec![(0, "tracks")], true));
        let Why::NoTable(columns) = &sorted.refused[&(0, "two".to_owned())] else { panic!("{sorted:?}") };
        assert!(columns.contains(&Column { name: "price".to_owned(), column_type: ColumnType::Float }));
        assert!(columns.iter().any(|column| column.name == UNMAPPED));
    }
}

#[test]
fn where_nothing_may_be_added_a_missing_column_refuses_or_keeps_aside() {
    let schema = with_all(&[event(0, "One", r#"{"a":1}"#)]);
    let events = [event(1, "One", r#"{"a":1,"new":true}"#)];
    let (sorted, _) = sort(&events, &schema, &OFF);
    assert_eq!(sorted.unmapped(0, "one"), r#"{"new":true}"#);
    let (sorted, _) = sort(&events, &schema, &Terms { is_strict: true, ..OFF });
    let missing = vec![Column { name: "new".to_owned(), column_type: ColumnType::Bool }];
    assert_eq!(sorted.refused[&(0, "one".to_owned())], Why::NoColumns(missing));
    assert_eq!(tables(&sorted.written), [(0, "tracks")]);
}

#[test]
fn a_row_is_refused_rather_than_lose_a_value_to_a_table_without_a_place_for_it() {
    let mut schema = with_all(&[event(0, "One", r#"{"a":1}"#)]);
    Arc::make_mut(schema.tables.get_mut("one").unwrap()).columns.remove(UNMAPPED);
    let (sorted, _) = sort(&[event(1, "One", r#"{"a":1}"#), event(2, "One", r#"{"a":"x"}"#)], &schema, &OFF);
    assert!(sorted.written.contains_key(&(0, "one".to_owned())));
    let missing = vec![Column { name: UNMAPPED.to_owned(), column_type: ColumnType::Text }];
    assert_eq!(sorted.refused[&(1, "one".to_owned())], Why::NoColumns(missing));
}

#[test]
fn beyond_the_most_tables_the_narrow_row_keeps_the_values() {
    let mut mapper = Mapper::new(DIALECT, Guards { max_tables: 0, ..guards() }, 3);
    let schema = Schema::default().with(&SchemaDiff {
        create: BTreeMap::from([("tracks".to_owned(), base_columns("tracks", &DIALECT))]),
        ..SchemaDiff::default()
    });
    let (sorted, change) = sort_with(&mut mapper, &[event(1, "One", r#"{"a":1}"#)], &schema, &FULL);
    assert!(change.is_empty());
    assert_eq!(sorted.unmapped(0, "tracks"), r#"{"a":1}"#);
    assert_eq!(tables(&sorted.written), [(0, "tracks")]);
}

#[test]
fn a_written_row_is_left_out_and_a_withheld_column_gets_no_value() {
    let events = [event(1, "One", r#"{"a":1,"b":2}"#)];
    let schema = with_all(&events);
    let mut sorted =
        Sorted { withheld: vec!["a".to_owned()], done: vec![(0, "tracks".to_owned())], ..Sorted::default() };
    let mut mapper = Mapper::new(DIALECT, guards(), 3);
    let change = mapper.sort(&events, Arc::new(schema), &FULL, &mut sorted);
    assert!(change.is_empty());
    assert_eq!(tables(&sorted.written), [(0, "one")]);
    assert_eq!(sorted.unmapped(0, "one"), r#"{"a":1}"#);
    assert!(!sorted.written[&(0, "one".to_owned())].0.contains(&"a".to_owned()));
}

#[test]
fn an_event_beyond_the_guard_waits_for_the_same_columns_however_often_it_is_planned() {
    let mut mapper = Mapper::new(DIALECT, Guards { max_new_columns_per_event: 2, ..guards() }, 3);
    let events = [event(1, "One", r#"{"a":1,"b":2,"c":3,"d":4}"#)];
    let schema = with_all(&[event(0, "One", "{}")]);
    let (_, first) = sort_with(&mut mapper, &events, &schema, &FULL);
    let (sorted, second) = sort_with(&mut mapper, &events, &schema, &FULL);
    assert_eq!(first, second);
    assert_eq!(sorted.waiting[&(0, "one".to_owned())], ["a", "b"]);
    let (sorted, third) = sort_with(&mut mapper, &events, &schema.with(&first), &FULL);
    assert!(third.is_empty());
    assert_eq!(sorted.unmapped(0, "one"), r#"{"c":3,"d":4}"#);
}

#[test]
fn a_conflict_is_refused_with_its_words_where_that_is_asked_for() {
    let guards = Guards { on_type_conflict: OnTypeConflict::Reject, ..guards() };
    let mut mapper = Mapper::new(DIALECT, guards, 3);
    let schema = with_all(&[event(0, "One", r#"{"a":1}"#)]);
    let (sorted, _) = sort_with(&mut mapper, &[event(1, "One", r#"{"a":"x"}"#)], &schema, &FULL);
    assert!(matches!(&sorted.refused[&(0, "one".to_owned())], Why::Conflict(words) if words.contains("`a`")));
}

#[test]
fn an_integer_column_widens_to_decimals_where_that_is_asked_for() {
    let mut mapper = Mapper::new(DIALECT, Guards { widen_to: WidenTo::Numeric, ..guards() }, 3);
    let schema = with_all(&[event(0, "One", r#"{"n":1}"#)]);
    let events = [
        event(1, "One", r#"{"n":1.25}"#),
        event(2, "One", r#"{"n":9007199254740993}"#),
        event(3, "One", r#"{"n":1.0000000001}"#),
    ];
    let (_, change) = sort_with(&mut mapper, &events, &schema, &FULL);
    let numeric = Column { name: "n".to_owned(), column_type: ColumnType::Numeric };
    assert_eq!(change.widen["one"], [numeric]);
    let (sorted, again) = sort_with(&mut mapper, &events, &schema.with(&change), &FULL);
    assert!(again.is_empty());
    assert_eq!([0, 1, 2].map(|index| sorted.unmapped(index, "one")), ["", "", r#"{"n":1.0000000001}"#]);
}

#[test]
fn a_value_that_no_column_takes_is_counted_with_both_types() {
    let mut conflicts = Conflicts::default();
    let clash = Clash { column: "age".to_owned(), have: ColumnType::Int, got: ColumnType::Text };
    conflicts.note_row("viewed", vec![clash], "m2");
    let (conflict, tally) = conflicts.all().next().unwrap();
    let wanted = Conflict {
        table: "viewed".to_owned(),
        column: "age".to_owned(),
        have: ColumnType::Int,
        got: ColumnType::Text,
    };
    assert_eq!((conflict, tally.count, tally.last.as_str()), (&wanted, 1, "m2"));
}

fn terms() -> impl Strategy<Value = Terms<'static>> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(makes_tables, changes_tables, is_strict)| {
        Terms { closed: NONE_CLOSED, makes_tables, changes_tables, is_strict: is_strict && !changes_tables }
    })
}

proptest! {
    #[test]
    fn every_row_is_written_or_waits_or_is_refused(before in batch(), batch in batch(), terms in terms()) {
        let events = events(&batch);
        let (sorted, change) = sort(&events, &with_all(&super::events(&before)), &terms);
        let kinds = sorted.written.len() + sorted.waiting.len() + sorted.refused.len();
        prop_assert_eq!(kinds, sorted.calls, "no row twice");
        for index in 0..events.len() {
            let of_event = |(event, _): &&(usize, String)| *event == index;
            let all = sorted.written.keys().chain(sorted.waiting.keys()).chain(sorted.refused.keys());
            // A track call is a narrow row and one of its own; the guard of tables is far away here.
            prop_assert_eq!(all.filter(of_event).count(), 2);
        }
        prop_assert_eq!(change.is_empty(), sorted.waiting.is_empty());
    }

    #[test]
    fn what_waits_goes_once_the_change_is_done(before in batch(), batch in batch()) {
        let events = events(&batch);
        let schema = with_all(&super::events(&before));
        let mut mapper = Mapper::new(DIALECT, guards(), 3);
        let (_, change) = sort_with(&mut mapper, &events, &schema, &FULL);
        let (sorted, again) = sort_with(&mut mapper, &events, &schema.with(&change), &FULL);
        prop_assert!(again.is_empty() && sorted.waiting.is_empty(), "{again:?}");
    }

    #[test]
    fn rows_are_the_same_one_by_one_and_all_at_once(batch in batch()) {
        let events = events(&batch);
        let (schema, seen) = settle(&events, Schema::default());
        let (sorted, _) = sort(&events, &schema, &FULL);
        for ((index, table), (columns, unmapped)) in &sorted.written {
            let whole = |column: &str| seen.0.get(&(*index, table.clone(), column.to_owned()));
            prop_assert!(columns.iter().all(|column| whole(column).is_some()));
            prop_assert_eq!(whole(UNMAPPED).map_or("", String::as_str), unmapped.as_str());
        }
    }
}
