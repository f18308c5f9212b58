//! What the statements of a merge say.

use std::sync::Arc;

use super::super::ddl::Names;
use super::*;

fn names(dataset: &str) -> Names {
    Names { project: "acme".into(), dataset: dataset.into() }
}

fn options() -> Options {
    Options {
        tables: names("analytics"),
        views: names("analytics"),
        dedup_scope: Default::default(),
        require_partition_filter: false,
        flat: None,
    }
}

fn table(columns: &[(&str, ColumnType)]) -> Arc<Table> {
    Arc::new(Table { columns: columns.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect() })
}

const IDENTIFIES: [(&str, ColumnType); 7] = [
    ("id", ColumnType::Text),
    ("received_at", ColumnType::Timestamp),
    ("user_id", ColumnType::Text),
    ("anonymous_id", ColumnType::Text),
    ("email", ColumnType::Text),
    ("score", ColumnType::Float),
    ("_unmapped", ColumnType::Json),
];

fn schema(more: &[(&str, &[(&str, ColumnType)])]) -> Schema {
    let mut schema = Schema::default();
    schema.tables.insert("identifies".into(), table(&IDENTIFIES));
    schema.tables.extend(more.iter().map(|(name, columns)| ((*name).to_owned(), table(columns))));
    schema
}

#[test]
fn the_first_merge_makes_the_table_and_reads_everything() {
    let statements = merge(&options(), &schema(&[]), None);
    insta::assert_snapshot!(statements.join(";\n"));
}

#[test]
fn a_later_merge_adds_and_widens_what_is_missing_and_reads_from_a_constant_on() {
    let users =
        [("id", ColumnType::Text), ("received_at", ColumnType::Timestamp), ("score", ColumnType::Int)];
    let since = Some("2026-03-01T11:45:00Z".parse().unwrap());
    let statements = merge(&options(), &schema(&[("users", &users)]), since);
    assert_eq!(statements.len(), 3, "{statements:?}");
    assert_eq!(
        statements[0],
        "ALTER TABLE `acme.analytics.users`\n  ADD COLUMN IF NOT EXISTS `_unmapped` JSON,\n  \
         ADD COLUMN IF NOT EXISTS `email` STRING"
    );
    assert_eq!(
        statements[1],
        "ALTER TABLE `acme.analytics.users`\n  ALTER COLUMN `score` SET DATA TYPE FLOAT64"
    );
    assert!(
        statements[2].contains("t.`received_at` >= TIMESTAMP '2026-03-01T11:45:00.000000Z'"),
        "{}",
        statements[2]
    );
    assert!(statements[2].contains("`score` = COALESCE(s.`score`, u.`score`)"), "{}", statements[2]);
}

#[test]
fn a_column_that_its_owner_made_of_another_type_takes_what_it_can() {
    let users = [
        ("id", ColumnType::Text),
        ("received_at", ColumnType::Timestamp),
        ("email", ColumnType::Int),
        ("score", ColumnType::Other),
        ("_unmapped", ColumnType::Json),
    ];
    let statements = merge(&options(), &schema(&[("users", &users)]), None);
    let [only] = statements.as_slice() else { panic!("{statements:?}") };
    assert!(
        only.contains("`email` = COALESCE(SAFE_CAST(CAST(s.`email` AS STRING) AS INT64), u.`email`)"),
        "{only}"
    );
    assert!(!only.contains("score"), "{only}");
}

#[test]
fn accounts_are_merged_from_groups_and_nothing_without_calls() {
    let groups = [
        ("id", ColumnType::Text),
        ("received_at", ColumnType::Timestamp),
        ("group_id", ColumnType::Text),
        ("user_id", ColumnType::Text),
        ("plan", ColumnType::Text),
    ];
    let statements = merge(&options(), &schema(&[("groups", &groups)]), None);
    let merges: Vec<&str> = statements.iter().filter_map(|sql| sql.strip_prefix("MERGE ")).collect();
    assert!(
        merges[0].starts_with("`acme.analytics.users`") && merges[1].starts_with("`acme.analytics.accounts`")
    );
    assert!(merges[1].contains("GROUP BY t.`group_id`") && !merges[1].contains("user_id"), "{}", merges[1]);
    assert_eq!(merge(&options(), &Schema::default(), None), Vec::<String>::new());
}

#[test]
fn a_merge_begins_a_little_before_the_last_one_and_once_a_day_with_everything() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let (first, second) = (at("2026-03-01T12:00:00Z"), at("2026-03-01T12:15:00Z"));
    let merged = Merged::default();
    assert_eq!(merged.since(first), None, "after a start everything is read");
    let merged = merged.with(first, None);
    let since = merged.since(second);
    assert_eq!(since, Some(at("2026-03-01T06:00:00Z")));
    let merged = merged.with(second, since);
    assert_eq!(merged.since(at("2026-03-02T11:59:59Z")), Some(at("2026-03-01T06:15:00Z")));
    assert_eq!(merged.since(at("2026-03-02T12:00:00Z")), None, "what came late is found within a day");
}
