//! People are forgotten in the stand-in, which refuses to change what was streamed lately.

use std::sync::atomic::Ordering;

use jiff::SignedDuration;

use super::*;
use crate::destinations::bigquery::ddl::Options;
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

    async fn forget(&self, people: &Arc<People>) -> Result<u64, String> {
        self.wire.forgetter().erase(Arc::clone(people)).await
    }

    /// Lets time pass, here and there, until nothing is in the buffer that is there now.
    async fn pass(&self) {
        self.later.fetch_add(96, Ordering::Relaxed);
        tokio::time::pause();
        tokio::time::advance(std::time::Duration::from_secs(96 * 60)).await;
        tokio::time::resume();
    }

    /// The tables that were asked for, one for each statement that deletes.
    fn asked(&self) -> Vec<String> {
        let table = |body: Value| Some(body["query"].as_str()?.split(['.', '`']).nth(3)?.to_owned());
        self.deletes().into_iter().filter_map(table).collect()
    }

    /// Makes a table whose partitions must be named, whatever the configuration says when people are forgotten.
    async fn create_filtered(&self, table: &str, columns: &[(&str, ColumnType)]) {
        let options = Options { require_partition_filter: true };
        let wire = Wire::new(Target { options, ..self.target.clone() }, Arc::clone(&self.cell)).unwrap();
        let columns = one(columns).into_values().next().unwrap();
        let create = [(table.to_owned(), columns)].into();
        wire.changes().apply(SchemaDiff { create, ..SchemaDiff::default() }).await.unwrap();
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

/// A wish: who asks for it again gives the same.
fn users(ids: &[&str]) -> Arc<People> {
    Arc::new(People::new(IdKind::UserId, ids.iter().copied()))
}

#[tokio::test]
async fn people_go_when_their_rows_are_out_of_the_buffer_even_while_others_come() {
    let (case, ann) = (with_people().await, users(&["ann"]));
    let why = case.forget(&ann).await.unwrap_err();
    assert!(why.starts_with("`aliases`: rows that were streamed cannot be deleted"), "{why}");
    assert_eq!(case.ids_in("tracks"), ["1", "2"], "nothing of it, and nothing of others");

    case.pass().await;
    case.add("tracks", "4", "bob", 60).await;
    case.add("tracks", "5", "ann", 60).await;
    assert_eq!(case.forget(&ann).await, Ok(2));
    assert_eq!(case.ids_in("tracks"), ["2", "4", "5"], "what came since the wish is not meant");
    assert_eq!(case.ids_in("aliases"), [""; 0], "somebody's old id is theirs");
}

#[tokio::test]
async fn what_is_old_enough_goes_at_once_and_is_counted_in_the_end() {
    let (case, ann) = (with_people().await, users(&["ann"]));
    case.add("tracks", "5", "ann", -200).await;
    case.later.store(91, Ordering::Relaxed);
    case.add("tracks", "4", "ann", -1).await;
    assert!(case.forget(&ann).await.is_err());
    assert_eq!(case.ids_in("aliases"), [""; 0], "one table does not wait for another");
    // Ours is the clock that says what is old: for it the first one is an hour old, whatever the stand-in's says.
    assert_eq!(case.ids_in("tracks"), ["1", "2", "4"]);
    case.pass().await;
    assert_eq!(case.forget(&ann).await, Ok(4));
    assert_eq!(case.ids_in("tracks"), ["2"]);
}

#[tokio::test]
async fn ids_are_parameters_and_no_part_of_a_statement_or_of_what_is_told() {
    let case = with_people().await;
    case.later.store(91, Ordering::Relaxed);
    let odd = "x') OR TRUE OR `user_id` IN UNNEST(['";
    assert_eq!(case.forget(&users(&["ann", odd])).await, Ok(2));
    assert_eq!(case.ids_in("tracks"), ["2"]);
    let deletes = case.deletes();
    assert_eq!(case.asked(), ["aliases", "tracks", "visits", "users"], "users are merged out of the others");
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
    let (case, ann) = (with_people().await, users(&["ann"]));
    case.later.store(91, Ordering::Relaxed);
    case.tell("deny", &json!({ "right": "bigquery.tables.updateData" }));
    assert_eq!(case.forget(&ann).await, Err("`aliases`: BigQuery answered 403 accessDenied".to_owned()));
    case.tell("allow", &json!({ "right": "bigquery.tables.updateData" }));
    assert_eq!(case.forget(&ann).await, Ok(2));
}

#[tokio::test]
async fn what_is_done_is_not_done_again_and_a_buffer_has_its_time() {
    let (case, ann) = (with_people().await, users(&["ann"]));
    assert!(case.forget(&ann).await.is_err());
    let asked = case.asked();
    assert!(asked.contains(&"visits".to_owned()) && asked.contains(&"tracks".to_owned()), "{asked:?}");
    assert!(!asked.contains(&"users".to_owned()), "a merge would bring back what others have: {asked:?}");
    let why = case.forget(&ann).await.unwrap_err();
    assert!(why.starts_with("`aliases`: rows that were streamed"), "{why}");
    assert_eq!(case.asked(), asked, "nothing can have changed");
    case.pass().await;
    assert_eq!(case.forget(&ann).await, Ok(2));
    assert_eq!(case.asked()[asked.len()..], ["aliases", "tracks", "users"]);
}

#[tokio::test]
async fn a_try_that_is_cut_short_goes_on_where_it_was() {
    let (case, ann) = (with_people().await, users(&["ann"]));
    case.later.store(91, Ordering::Relaxed);
    let is_at_the_second = async {
        while case.asked().len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        done = case.forget(&ann) => panic!("{done:?}"),
        () = is_at_the_second => {}
    }
    let before = case.asked().len();
    case.forget(&ann).await.unwrap();
    let asked = case.asked();
    assert!(!asked[before..].contains(&"aliases".to_owned()), "{asked:?}");
    assert_eq!(case.ids_in("aliases"), [""; 0]);
    assert_eq!(case.ids_in("tracks"), ["2"]);
}

#[tokio::test]
async fn a_later_wish_for_the_same_people_reaches_further() {
    let (case, first, second) = (with_people().await, users(&["ann"]), users(&["ann"]));
    assert!(case.forget(&first).await.is_err());
    case.add("tracks", "4", "ann", 0).await;
    assert!(case.forget(&second).await.is_err());
    case.pass().await;
    case.add("tracks", "5", "bob", 60).await;
    assert_eq!(case.forget(&first).await, Ok(2));
    assert_eq!(case.ids_in("tracks"), ["2", "4", "5"]);
    assert_eq!(case.forget(&second).await, Ok(1));
    assert_eq!(case.ids_in("tracks"), ["2", "5"]);
}

#[tokio::test]
async fn partitions_are_named_where_that_is_required_and_rows_without_a_time_are_meant_too() {
    let case = case();
    case.wire.open().await.unwrap();
    let ids = [("id", ColumnType::Text), ("user_id", ColumnType::Text)];
    case.create_filtered("arrivals", &ids).await;
    case.create_filtered("calls", &[ids[0], ids[1], ("received_at", ColumnType::Timestamp)]).await;
    case.add("calls", "1", "ann", -60).await;
    for (table, row) in
        [("calls", r#"{"id":"2","user_id":"ann"}"#), ("arrivals", r#"{"id":"3","user_id":"ann"}"#)]
    {
        assert_eq!(case.insert_into(table, &[row]).await, [RowVerdict::Taken]);
    }
    case.later.store(91, Ordering::Relaxed);
    assert_eq!(case.forget(&users(&["ann"])).await, Ok(3));
    assert_eq!((case.ids_in("calls").len(), case.ids_in("arrivals").len()), (0, 0));
}

#[tokio::test]
async fn ids_that_are_no_text_are_found_as_what_they_are_written_as() {
    let case = case();
    case.wire.open().await.unwrap();
    let columns = [("id", ColumnType::Text), ("user_id", ColumnType::Int), ("previous_id", ColumnType::Text)];
    case.change(SchemaDiff { create: one(&columns), ..SchemaDiff::default() }).await.unwrap();
    let rows = [r#"{"id":"1","user_id":7}"#, r#"{"id":"2","user_id":8}"#, r#"{"id":"3","previous_id":"7"}"#];
    assert_eq!(case.insert(&rows).await, [RowVerdict::Taken, RowVerdict::Taken, RowVerdict::Taken]);
    case.later.store(91, Ordering::Relaxed);
    assert_eq!(case.forget(&users(&["7", "x"])).await, Ok(2));
    assert_eq!(case.ids_in("t"), ["2"]);
}

/// A merge that has read what others hold brings it back when it ends.
#[tokio::test]
async fn users_go_when_no_merge_is_at_it() {
    let (case, ann) = (with_people().await, users(&["ann"]));
    case.later.store(91, Ordering::Relaxed);
    let (merging, _) = case.wire.store.no_merge().await;
    let others_went = async {
        while case.asked().len() < 3 {
            tokio::task::yield_now().await;
        }
        // It would be asked by now, if it were.
        case.wire.store.query("SELECT 1").await.ok();
    };
    tokio::select! {
        done = case.forget(&ann) => panic!("{done:?}"),
        () = others_went => {}
    }
    assert_eq!(case.asked(), ["aliases", "tracks", "visits"]);
    drop(merging);
    assert_eq!(case.forget(&ann).await, Ok(2));
    assert_eq!(case.asked()[3..], ["users"]);
}

#[tokio::test]
async fn users_go_again_when_a_merge_must_be_over_whose_end_nobody_knows() {
    let (case, ann) = (with_people().await, users(&["ann"]));
    case.later.store(91, Ordering::Relaxed);
    case.wire.store.has_lost_a_merge();
    let why = case.forget(&ann).await.unwrap_err();
    assert!(why.contains("a merge whose end is not known"), "{why}");
    assert_eq!(case.asked(), ["aliases", "tracks", "visits", "users"], "it does not wait with the rest");
    case.pass().await;
    assert!(case.forget(&ann).await.is_err());
    assert_eq!(case.asked().len(), 4);
    for _ in 0..3 {
        case.pass().await;
    }
    assert_eq!(case.forget(&ann).await, Ok(2));
    assert_eq!(case.asked()[4..], ["users"]);
}

/// Whoever waited for a load was cut: the job goes on, and brings its rows when it ends.
#[tokio::test]
async fn nothing_goes_before_loads_from_before_the_wish_have_ended() {
    let (case, ann) = (with_people().await, users(&["ann"]));
    case.later.store(91, Ordering::Relaxed);
    case.wire.api.loads.begin("opentrack_cut_0");
    let why = case.forget(&ann).await.unwrap_err();
    assert!(why.starts_with("rows are being loaded"), "{why}");
    assert_eq!(case.asked(), [""; 0]);
    case.pass().await;
    case.wire.api.loads.begin("opentrack_later_0");
    assert_eq!(case.forget(&ann).await, Ok(2), "one that nobody knows never came, and later ones are not meant");
    assert_eq!(case.ids_in("tracks"), ["2"]);
}

#[tokio::test]
async fn a_load_whose_end_was_seen_is_waited_for_no_more() {
    let (case, ann) = (with_people().await, users(&["ann"]));
    let text = r#"{"id":"7","user_id":"ann","received_at":"2026-01-02T03:04:05Z"}"#;
    let rows = Rows { table: "visits".to_owned(), ..Arc::into_inner(rows(&[text])).unwrap() };
    case.wire.deliver(&Request::Load(Arc::new(rows))).await;
    assert_eq!(case.ids_in("visits"), ["7"]);
    let far = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    assert_eq!(case.wire.api.loads.begun_until(far), []);
    case.later.store(91, Ordering::Relaxed);
    assert_eq!(case.forget(&ann).await, Ok(3));
}
