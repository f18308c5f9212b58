//! What the views say, and what is done about what stands there.

use std::sync::Arc;

use super::*;
use crate::warehouse::{Column, Conflict, Dialect, SchemaDiff, UNMAPPED, base_columns};

fn names(dataset: &str) -> Names {
    Names { project: "acme".into(), dataset: dataset.into() }
}

fn options() -> Options {
    Options {
        tables: names("analytics"),
        views: names("reports"),
        dedup_scope: DedupScope::Day,
        require_partition_filter: false,
        flat: None,
    }
}

/// The built-in columns of these tables and the given ones.
fn schema(tables: &[(&str, &[(&str, ColumnType)])]) -> Schema {
    let mut diff = SchemaDiff::default();
    for (name, more) in tables {
        let more =
            more.iter().map(|(name, column_type)| Column { name: (*name).into(), column_type: *column_type });
        let mut columns: Vec<Column> = base_columns(name, &Dialect::PLAIN).into_iter().chain(more).collect();
        columns
            .iter_mut()
            .filter(|column| column.name == UNMAPPED)
            .for_each(|it| it.column_type = ColumnType::Json);
        diff.create.insert((*name).into(), columns);
    }
    Schema::default().with(&diff)
}

fn shop() -> Schema {
    schema(&[
        ("identifies", &[("email", ColumnType::Text), ("age", ColumnType::Int)]),
        (
            "order_completed",
            &[
                ("total", ColumnType::Float),
                ("order", ColumnType::Text),
                ("context_page_url", ColumnType::Text),
            ],
        ),
        ("pages", &[("context_page_url", ColumnType::Text)]),
        ("tracks", &[("context_page_url", ColumnType::Text), ("context_screen_width", ColumnType::Int)]),
        ("users", &[("email", ColumnType::Text)]),
    ])
}

fn conflict(table: &str, column: &str, have: ColumnType) -> Conflicts {
    let mut conflicts = Conflicts::default();
    conflicts
        .note(Conflict { table: table.into(), column: column.into(), have, got: ColumnType::Text }, "m1");
    conflicts
}

fn seen(conflicts: &Conflicts) -> Seen<'_> {
    const NONE: &Observed = &Observed::new();
    Seen { conflicts, observed: NONE }
}

fn planned(schema: &Schema, existing: &BTreeMap<String, Existing>) -> Vec<ViewChange> {
    plan(schema, &seen(&Conflicts::default()), existing, &options())
}

/// What would stand there after the changes.
fn applied(changes: &[ViewChange], columns: &[&str]) -> BTreeMap<String, Existing> {
    let columns: BTreeSet<String> = columns.iter().map(|name| (*name).to_owned()).collect();
    let ours = |hash: &str| Existing::Ours { hash: hash.to_owned(), columns: columns.clone() };
    changes.iter().map(|change| (change.name.clone(), ours(&change.hash))).collect()
}

fn sql_of(changes: &[ViewChange], name: &str) -> String {
    let found = changes.iter().find(|change| change.name == name);
    found.unwrap_or_else(|| panic!("no `{name}`: {changes:?}")).sql.clone()
}

#[test]
fn every_table_of_events_has_its_view_and_people_have_theirs() {
    let names: Vec<String> =
        planned(&shop(), &BTreeMap::new()).into_iter().map(|change| change.name).collect();
    assert_eq!(
        names,
        [
            "identifies_view",
            "order_completed_view",
            "pages_view",
            "tracks_view",
            "users_view",
            "all_events_view",
            "sessions_view",
            "daily_active_users_view",
        ]
    );
}

#[test]
fn a_view_of_a_table_names_every_column_and_keeps_each_event_once() {
    insta::assert_snapshot!(sql_of(&planned(&shop(), &BTreeMap::new()), "order_completed_view"));
}

#[test]
fn the_views_of_people_show_the_newest_value_of_every_trait() {
    insta::assert_snapshot!(sql_of(&planned(&shop(), &BTreeMap::new()), "users_view"));
}

#[test]
fn all_events_share_their_columns_whatever_their_table_has() {
    insta::assert_snapshot!(sql_of(&planned(&shop(), &BTreeMap::new()), "all_events_view"));
}

#[test]
fn sessions_end_when_nothing_happens_for_half_an_hour() {
    insta::assert_snapshot!(sql_of(&planned(&shop(), &BTreeMap::new()), "sessions_view"));
}

#[test]
fn days_count_everyone_once() {
    insta::assert_snapshot!(sql_of(&planned(&shop(), &BTreeMap::new()), "daily_active_users_view"));
}

#[test]
fn a_column_that_saw_another_type_is_also_shown_as_text() {
    let conflicts = conflict("identifies", "age", ColumnType::Int);
    let sql = sql_of(&plan(&shop(), &seen(&conflicts), &BTreeMap::new(), &options()), "identifies_view");
    let line = sql.lines().find(|line| line.contains("age_text")).unwrap();
    assert_eq!(
        line.trim().trim_end_matches(','),
        "COALESCE(CAST(t.`age` AS STRING), JSON_VALUE(t.`_unmapped`, '$.age'), \
         IF(JSON_TYPE(JSON_QUERY(t.`_unmapped`, '$.age')) IN ('array', 'object'), \
         TO_JSON_STRING(JSON_QUERY(t.`_unmapped`, '$.age')), NULL)) AS `age_text`"
    );
}

#[test]
fn a_column_that_a_view_has_shown_as_text_stays_when_the_conflict_is_forgotten() {
    let conflicts = conflict("identifies", "age", ColumnType::Int);
    let before = plan(&shop(), &seen(&conflicts), &BTreeMap::new(), &options());
    let again = planned(&shop(), &applied(&before, &["age", "age_text"]));
    assert!(again.iter().all(|change| change.action == Action::Leave), "{again:?}");
    let unknown = planned(&shop(), &applied(&before, &[]));
    assert!(unknown.iter().any(|change| change.action == Action::Replace), "the columns are what tells");
}

#[test]
fn a_second_plan_leaves_everything() {
    let first = planned(&shop(), &BTreeMap::new());
    assert!(first.iter().all(|change| change.action == Action::Create));
    let second = planned(&shop(), &applied(&first, &[]));
    assert!(second.iter().all(|change| change.action == Action::Leave));
}

#[test]
fn only_views_of_a_table_that_changed_are_made_anew() {
    let first = planned(&shop(), &BTreeMap::new());
    let mut wider = shop();
    let column = Column { name: "coupon".into(), column_type: ColumnType::Text };
    let add = BTreeMap::from([("order_completed".to_owned(), vec![column])]);
    wider = wider.with(&SchemaDiff { add, ..SchemaDiff::default() });
    let second = planned(&wider, &applied(&first, &[]));
    let anew: Vec<&str> = second
        .iter()
        .filter(|change| change.action == Action::Replace)
        .map(|change| change.name.as_str())
        .collect();
    assert_eq!(anew, ["order_completed_view"]);
    assert!(sql_of(&second, "order_completed_view").starts_with("CREATE OR REPLACE VIEW"));
}

#[test]
fn a_view_of_somebody_else_is_never_replaced() {
    let existing = BTreeMap::from([("tracks_view".to_owned(), Existing::Foreign)]);
    let changes = planned(&shop(), &existing);
    let change = changes.iter().find(|change| change.name == "tracks_view").unwrap();
    assert_eq!(change.action, Action::Refuse);
    assert!(
        changes.iter().all(|change| !change.sql.contains("OR REPLACE")),
        "what may be foreign is never replaced"
    );
}

#[test]
fn the_label_is_one_that_bigquery_takes() {
    for change in planned(&shop(), &BTreeMap::new()) {
        let fits = |text: &str| {
            text.len() <= 63
                && text.bytes().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == b'_')
        };
        assert!(fits(LABEL) && fits(&change.hash) && !change.hash.is_empty(), "{}", change.hash);
        assert!(change.sql.contains(&format!("labels = [('{LABEL}', '{}')]", change.hash)));
    }
}

#[test]
fn an_event_does_not_take_the_view_of_sessions() {
    let schema = schema(&[("pages", &[]), ("sessions", &[]), ("event_sessions", &[])]);
    let names: Vec<String> =
        planned(&schema, &BTreeMap::new()).into_iter().map(|change| change.name).collect();
    let unique: BTreeSet<&String> = names.iter().collect();
    assert_eq!(unique.len(), names.len());
    assert!(names.contains(&"event_event_sessions_view".to_owned()), "{names:?}");
    assert!(names.contains(&"sessions_view".to_owned()));
}

#[test]
fn a_table_that_is_not_of_events_has_no_view() {
    let mut schema = shop();
    let own = Table { columns: BTreeMap::from([("n".to_owned(), ColumnType::Int)]) };
    schema.tables.insert("prices".into(), Arc::new(own));
    assert!(planned(&schema, &BTreeMap::new()).iter().all(|change| change.name != "prices_view"));
}

#[test]
fn a_table_of_thousands_of_columns_still_has_a_view_that_fits() {
    let wide: Vec<(String, ColumnType)> = (0..5_000)
        .map(|number| (format!("context_a_rather_long_name_of_a_column_{number:030}"), ColumnType::Int))
        .collect();
    let wide: Vec<(&str, ColumnType)> = wide.iter().map(|(name, kind)| (name.as_str(), *kind)).collect();
    let schema = schema(&[("identifies", &wide), ("tracks", &wide)]);
    let conflicts = conflict("tracks", wide[7].0, ColumnType::Int);
    let changes = plan(&schema, &seen(&conflicts), &BTreeMap::new(), &options());
    assert!(changes.iter().all(|change| change.sql.chars().count() < MAX_TEXT + 1_000), "the query fits");
    let sql = sql_of(&changes, "tracks_view");
    assert!(sql.contains("SELECT\n  t.*,\n  COALESCE(CAST(t.`context_a") && sql.contains("QUALIFY"), "{sql}");
}

#[test]
fn a_table_that_must_be_asked_with_a_filter_is() {
    let strict = Options { require_partition_filter: true, dedup_scope: DedupScope::All, ..options() };
    let changes = plan(&shop(), &seen(&Conflicts::default()), &BTreeMap::new(), &strict);
    for change in &changes {
        let tables = change.sql.matches("FROM `acme.").count();
        let filters = change.sql.matches("t.`received_at` >= TIMESTAMP '1970-01-01'").count();
        assert_eq!(tables, filters, "{}", change.sql);
        assert!(!change.sql.contains("DATE(t.`received_at`)"), "{}", change.sql);
    }
}

#[test]
fn flat_events_become_columns_of_the_types_that_were_seen() {
    let keys = |path: &str| path.split('.').map(str::to_owned).collect::<Vec<_>>();
    let order = BTreeMap::from([
        (keys("total"), ColumnType::Float),
        (keys("cart.2nd Item"), ColumnType::Int),
        (keys("products"), ColumnType::Text),
        (keys("timestamp"), ColumnType::Text),
    ]);
    let observed =
        Observed::from([("Order Completed".to_owned(), order), ("It's \\".to_owned(), BTreeMap::new())]);
    let columns = ["message_id", "type", "event", "user_id", "anonymous_id", "properties"];
    let mut table = Table { columns: columns.map(|name| (name.to_owned(), ColumnType::Text)).into() };
    table.columns.insert("timestamp".into(), ColumnType::Timestamp);
    let schema = Schema { tables: BTreeMap::from([("events".to_owned(), Arc::new(table))]) };
    let options = Options { flat: Some("events".to_owned()), ..options() };
    let seen = Seen { conflicts: &Conflicts::default(), observed: &observed };
    let changes = plan(&schema, &seen, &BTreeMap::new(), &options);
    assert!(plan(&Schema::default(), &seen, &BTreeMap::new(), &options).is_empty(), "no table, no view");
    insta::assert_snapshot!(changes.iter().map(|change| change.sql.clone()).collect::<Vec<_>>().join(";\n"));
}

#[test]
fn a_funnel_counts_who_did_one_thing_and_then_the_next() {
    let steps = ["Signed Up".to_owned(), "Order Completed".to_owned()];
    insta::assert_snapshot!(funnel(&shop(), &steps, 86_400, &options()).unwrap());
    assert_eq!(funnel(&shop(), &[], 1, &options()), None);
    assert_eq!(funnel(&Schema::default(), &steps, 1, &options()), None);
}
