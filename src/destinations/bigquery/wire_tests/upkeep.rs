//! Views, `users` and `accounts` in the stand-in, which carries the statements out.

use std::time::Duration;

use super::*;
use crate::destinations::bigquery::config::{Config, DIALECT};
use crate::destinations::bigquery::views::Options;
use crate::warehouse::base_columns;

/// The same dataset, seen by a process that keeps views and users and remembers them in a file.
fn started(case: &mut Case) {
    let config = Config { project_id: "acme".into(), dataset: "analytics".into(), ..Config::default() };
    case.target.views = Some(Options::from(&config));
    case.target.users_merge_every = Duration::from_secs(900);
    case.target.cache_file = Some(case.folder.path().join("bq.json"));
    case.cell = Arc::new(SchemaCell::default());
    case.wire = Wire::new(case.target.clone(), Arc::clone(&case.cell)).unwrap();
}

/// A dataset with `identifies`, which has an e-mail address and a score.
async fn with_identifies() -> Case {
    let mut case = case();
    started(&mut case);
    case.wire.open().await.unwrap();
    let mut columns = base_columns("identifies", &DIALECT);
    let more = [("email", ColumnType::Text), ("score", ColumnType::Int)];
    columns.extend(more.map(|(name, column_type)| Column { name: name.to_owned(), column_type }));
    let create = [("identifies".to_owned(), columns)].into();
    case.change(SchemaDiff { create, ..SchemaDiff::default() }).await.unwrap();
    case
}

impl Case {
    async fn identify(&self, id: &str, user: &str, at: &str, traits: &Value) {
        let mut row = json!({ "id": id, "user_id": user, "received_at": format!("2026-03-01T{at}:00.000000Z") });
        row.as_object_mut().unwrap().extend(traits.as_object().unwrap().clone());
        assert_eq!(self.insert_into("identifies", &[&row.to_string()]).await, [RowVerdict::Taken]);
    }

    async fn run(&self, chore: &'static str) -> Result<(), SchemaFault> {
        self.wire.changes().run(chore).await
    }

    /// Rows of `users` as id, e-mail address and score.
    fn users(&self) -> Vec<(String, Value, Value)> {
        let one = |row: &Value| (row["id"].as_str().unwrap().to_owned(), row["email"].clone(), row["score"].clone());
        let mut users: Vec<_> = self.held_in("users").iter().map(one).collect();
        users.sort_by(|one, other| one.0.cmp(&other.0));
        users
    }

    /// Every statement so far that begins like this.
    fn statements(&self, begin: &str) -> Vec<String> {
        let posted = self.peer.seen().into_iter().filter(|seen| seen.path.ends_with("/queries"));
        let text = posted.map(|seen| seen.json()["query"].as_str().unwrap_or_default().to_owned());
        text.filter(|text| text.starts_with(begin)).collect()
    }

    fn views(&self) -> Vec<String> {
        let tables = self.tell("tables", &Value::Null);
        let names = tables.as_object().unwrap().keys();
        names.filter_map(|name| name.strip_prefix("analytics.")).filter(|name| name.ends_with("_view")).map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn everyone_has_the_newest_value_of_every_trait_and_a_restart_goes_on_where_it_was() {
    let mut case = with_identifies().await;
    case.identify("1", "ann", "10:00", &json!({ "email": "a@old", "score": 1 })).await;
    case.identify("2", "ann", "11:00", &json!({ "email": "a@new" })).await;
    case.identify("3", "bob", "11:00", &json!({ "score": 7 })).await;
    case.run("users").await.unwrap();
    let ann = ("ann".to_owned(), json!("a@new"), json!(1));
    assert_eq!(case.users(), [ann.clone(), ("bob".to_owned(), Value::Null, json!(7))]);
    assert!(case.cell.load().tables.contains_key("users"), "what it made is published");

    started(&mut case);
    case.wire.open().await.unwrap();
    case.identify("4", "bob", "12:00", &json!({ "email": "b@x" })).await;
    case.run("users").await.unwrap();
    assert_eq!(case.users(), [ann, ("bob".to_owned(), json!("b@x"), json!(7))]);
    let merges = case.statements("MERGE");
    let whole = "TIMESTAMP '1970-01-01T00:00:00.000000Z'";
    assert_eq!(merges.iter().map(|text| text.contains(whole)).collect::<Vec<_>>(), [true, false]);
}

#[tokio::test]
async fn a_table_of_users_that_was_dropped_is_made_again_of_all_calls() {
    let case = with_identifies().await;
    case.identify("1", "ann", "10:00", &json!({ "score": 1 })).await;
    case.run("users").await.unwrap();
    case.wire.store.run("DROP TABLE `acme.analytics.users`").await.unwrap();
    case.identify("2", "bob", "10:00", &json!({ "score": 2 })).await;
    case.run("users").await.unwrap_err();
    case.run("users").await.unwrap();
    assert_eq!(case.users().len(), 2);
}

#[tokio::test]
async fn rows_that_somebody_streamed_into_users_close_it_for_a_while_and_are_left_alone() {
    let case = with_identifies().await;
    case.identify("1", "ann", "10:00", &json!({ "score": 1 })).await;
    case.run("users").await.unwrap();
    assert_eq!(case.insert_into("users", &[r#"{"id":"ann","score":5}"#]).await, [RowVerdict::Taken]);
    case.identify("2", "ann", "11:00", &json!({ "score": 2 })).await;
    let fault = case.run("users").await.unwrap_err().into_fault();
    assert!(fault.answer.contains("streaming buffer"), "{fault:?}");
    let before = case.peer.seen().len();
    case.run("users").await.unwrap();
    assert_eq!(case.peer.seen().len(), before, "it is not asked again at once");
}

#[tokio::test]
async fn without_the_right_to_run_statements_users_and_views_are_told_once_and_rows_flow() {
    let case = with_identifies().await;
    case.identify("1", "ann", "10:00", &json!({ "score": 1 })).await;
    case.run("apply views").await.unwrap();
    let more = SchemaDiff { add: [("identifies".to_owned(), vec![Column { name: "plan".into(), column_type: ColumnType::Text }])].into(), ..SchemaDiff::default() };
    case.change(more).await.unwrap();
    case.tell("deny", &json!({ "right": "bigquery.jobs.create" }));
    for chore in ["users", "views"] {
        assert_eq!(case.run(chore).await.unwrap_err().as_str(), "denied", "{chore}");
        let before = case.peer.seen().len();
        case.run(chore).await.unwrap();
        assert_eq!(case.peer.seen().len(), before, "{chore} is not asked again at once");
    }
    case.identify("2", "ann", "11:00", &json!({ "plan": "pro" })).await;
}

#[tokio::test]
async fn views_are_kept_once_they_were_made_and_one_without_our_label_is_left_alone() {
    let case = with_identifies().await;
    case.run("views").await.unwrap();
    assert_eq!(case.views(), Vec::<String>::new(), "nobody asked for views");
    let own = "CREATE VIEW `acme.analytics.sessions_view` AS SELECT id FROM `acme.analytics.identifies`";
    case.wire.store.run(own).await.unwrap();
    case.run("apply views").await.unwrap();
    assert!(case.views().contains(&"identifies_view".to_owned()), "{:?}", case.views());

    case.change(create()).await.unwrap();
    case.run("views").await.unwrap();
    assert!(case.views().contains(&"t_view".to_owned()), "a new table has a view: {:?}", case.views());
    case.change(add("price", ColumnType::Float)).await.unwrap();
    case.run("views").await.unwrap();
    let replaced = case.statements("CREATE OR REPLACE VIEW `acme.analytics.t_view`");
    assert!(replaced.len() == 1 && replaced[0].contains("t.`price`"), "{replaced:?}");
    assert_eq!(case.statements("CREATE").iter().filter(|text| text.contains("sessions_view")).count(), 1);
    let before = case.peer.seen().len();
    case.run("views").await.unwrap();
    assert_eq!(case.peer.seen().len(), before, "a quiet minute costs no call");
}

#[tokio::test]
async fn a_restarted_router_keeps_the_views_that_carry_our_label() {
    let mut case = with_identifies().await;
    case.run("apply views").await.unwrap();
    started(&mut case);
    case.wire.open().await.unwrap();
    case.change(create()).await.unwrap();
    case.run("views").await.unwrap();
    assert!(case.views().contains(&"t_view".to_owned()), "{:?}", case.views());
}

#[tokio::test]
async fn a_table_without_partitions_is_changed_ten_times_less_often() {
    let case = with_identifies().await;
    case.wire.store.run("CREATE TABLE `acme.analytics.plain` (id STRING, received_at TIMESTAMP)").await.unwrap();
    case.wire.changes().refresh(None).await.unwrap();
    let most = |table: &str| case.wire.changes().changes(table).most;
    assert_eq!((most("identifies"), most("plain"), most("new")), (40, 4, 40));
    case.tell("deny", &json!({ "right": "bigquery.jobs.create" }));
    case.wire.changes().refresh(None).await.unwrap();
    assert_eq!((most("identifies"), most("plain")), (40, 4), "read one by one it is the same");
}
