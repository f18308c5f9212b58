//! People are forgotten in the stand-in, which refuses to change what was streamed lately.

use std::sync::atomic::Ordering;

use jiff::SignedDuration;

use super::*;
use crate::spec::{IdKind, People};

/// Tables of calls, and of users, where rows were streamed into `tracks` and `aliases` alone.
async fn with_people() -> Case {
    let case = case();
    case.wire.open().await.unwrap();
    let text = |name: &&str| Column { name: (*name).to_owned(), column_type: ColumnType::Text };
    for (table, columns) in [
        ("tracks", &["id", "user_id", "anonymous_id"][..]),
        ("aliases", &["id", "user_id", "previous_id"]),
        ("users", &["id", "email"]),
        ("visits", &["id", "user_id"]),
        ("notes", &["id", "words"]),
    ] {
        let mut columns: Vec<Column> = columns.iter().map(text).collect();
        columns.push(Column { name: "received_at".to_owned(), column_type: ColumnType::Timestamp });
        let create = [(table.to_owned(), columns)].into();
        case.change(SchemaDiff { create, ..SchemaDiff::default() }).await.unwrap();
    }
    case.add("tracks", "1", "ann", -60).await;
    case.add("tracks", "2", "bob", -60).await;
    let alias = r#"{"id":"3","user_id":"x","previous_id":"ann","received_at":"2026-01-02T03:04:05Z"}"#;
    assert_eq!(case.insert_into("aliases", &[alias]).await, [RowVerdict::Taken]);
    case
}

impl Case {
    /// Streams a row that came some minutes from now.
    async fn add(&self, table: &str, id: &str, user: &str, minutes: i64) {
        let at = clock::now() + SignedDuration::from_mins(minutes);
        let row = json!({ "id": id, "user_id": user, "received_at": at.to_string() });
        assert_eq!(self.insert_into(table, &[&row.to_string()]).await, [RowVerdict::Taken]);
    }

    async fn forget(&self, ids: &[&str]) -> Result<u64, String> {
        let people = People::new(IdKind::UserId, ids.iter().copied());
        self.wire.forgetter().erase(Arc::new(people)).await
    }

    fn ids_in(&self, table: &str) -> Vec<String> {
        self.held_in(table).iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    }

    /// The bodies of all statements that delete.
    fn deletes(&self) -> Vec<Value> {
        let posted = self.peer.seen().into_iter().filter(|seen| seen.path.ends_with("/queries"));
        let bodies = posted.map(|seen| seen.json());
        bodies.filter(|body| body["query"].as_str().unwrap_or_default().starts_with("DELETE")).collect()
    }
}

#[tokio::test]
async fn people_go_when_their_rows_are_out_of_the_buffer_even_while_others_come() {
    let case = with_people().await;
    let why = case.forget(&["ann"]).await.unwrap_err();
    assert!(why.starts_with("`aliases`: rows that were streamed cannot be deleted"), "{why}");
    assert_eq!(case.ids_in("tracks"), ["1", "2"], "nothing of it, and nothing of others");

    case.later.store(91, Ordering::Relaxed);
    case.add("tracks", "4", "bob", 60).await;
    case.add("tracks", "5", "ann", 60).await;
    assert_eq!(case.forget(&["ann"]).await, Ok(2));
    assert_eq!(case.ids_in("tracks"), ["2", "4", "5"], "what came since the wish is not meant");
    assert_eq!(case.ids_in("aliases"), [""; 0], "somebody's old id is theirs");
}

#[tokio::test]
async fn what_is_old_enough_goes_at_once_and_is_counted_in_the_end() {
    let case = with_people().await;
    case.add("tracks", "5", "ann", -200).await;
    case.later.store(91, Ordering::Relaxed);
    case.add("tracks", "4", "ann", -1).await;
    assert!(case.forget(&["ann"]).await.is_err());
    assert_eq!(case.ids_in("aliases"), [""; 0], "one table does not wait for another");
    // Ours is the clock that says what is old: for it the first one is an hour old, whatever the stand-in's says.
    assert_eq!(case.ids_in("tracks"), ["1", "2", "4"]);
    case.later.store(182, Ordering::Relaxed);
    assert_eq!(case.forget(&["ann"]).await, Ok(4));
    assert_eq!(case.ids_in("tracks"), ["2"]);
}

#[tokio::test]
async fn ids_are_parameters_and_no_part_of_a_statement_or_of_what_is_told() {
    let case = with_people().await;
    case.later.store(91, Ordering::Relaxed);
    let odd = "x') OR TRUE OR `user_id` IN UNNEST(['";
    assert_eq!(case.forget(&["ann", odd]).await, Ok(2));
    assert_eq!(case.ids_in("tracks"), ["2"]);
    let deletes = case.deletes();
    let tables: Vec<&str> =
        deletes.iter().filter_map(|body| body["query"].as_str()?.split(['.', '`']).nth(3)).collect();
    assert_eq!(tables, ["aliases", "tracks", "visits", "users"], "users are merged out of the others");
    for body in &deletes {
        let query = body["query"].as_str().unwrap();
        assert!(!query.contains("ann") && !query.contains("TRUE"), "{query}");
        let list = &body["queryParameters"][0]["parameterValue"]["arrayValues"];
        assert_eq!(list, &json!([{ "value": "ann" }, { "value": odd }]));
    }
}

#[tokio::test]
async fn a_visitor_is_told_by_another_column_and_users_are_no_visitors() {
    let case = with_people().await;
    case.later.store(91, Ordering::Relaxed);
    let people = People::new(IdKind::AnonymousId, ["ann"]);
    assert_eq!(case.wire.forgetter().erase(Arc::new(people)).await, Ok(1), "the alias alone");
    assert_eq!(case.ids_in("tracks"), ["1", "2"]);
    assert_eq!(case.deletes().len(), 2);
}

#[tokio::test]
async fn what_is_denied_is_told_in_one_word_and_asked_for_again() {
    let case = with_people().await;
    case.later.store(91, Ordering::Relaxed);
    case.tell("deny", &json!({ "right": "bigquery.tables.updateData" }));
    assert_eq!(case.forget(&["ann"]).await, Err("`aliases`: BigQuery answered 403 accessDenied".to_owned()));
    case.tell("allow", &json!({ "right": "bigquery.tables.updateData" }));
    assert_eq!(case.forget(&["ann"]).await, Ok(2));
}
