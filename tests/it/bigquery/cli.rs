//! The commands of an operator against a router that writes to the stand-in: what would change, what waits for somebody,
//! what does not fit, and the views.

use std::io::Write as _;
use std::process::{Output, Stdio};

use gcp_bigquery_client::Client;
use gcp_bigquery_client::client_builder::ClientBuilder;
use gcp_bigquery_client::model::query_request::QueryRequest;
use serde_json::{Value, json};

use crate::support::{BigQuery, Config, Router, batch, ids_of, opentrack, until};

/// A router, and the stand-in that it writes to.
struct Desk {
    stand_in: BigQuery,
    router: Router,
}

impl Desk {
    /// Starts both; the stand-in has the dataset.
    async fn start(extra: &str) -> Desk {
        let stand_in = BigQuery::start(&["dataset=analytics"]);
        let config = Config::default().table(&format!(
            "[destinations.bq]\ntype = \"bigquery\"\nproject_id = \"local\"\ndataset = \"analytics\"\n\
             endpoint = \"{}\"\ncredentials_file = \"{}\"\nschema_window = \"50ms\"\n\
             batch = {{ max_events = 500, max_bytes = \"1MB\", max_delay = \"50ms\" }}\n\
             retry = {{ initial = \"50ms\", max = \"200ms\" }}\nhold = {{ probe_every = \"200ms\" }}\n{extra}",
            stand_in.endpoint(),
            stand_in.key_file().display()
        ));
        let router = Router::start(config).await;
        Desk { stand_in, router }
    }

    async fn send(&self, events: &[Value]) {
        self.router.post("/v1/batch", &batch(events)).await.expect_success();
    }

    /// Sends events and waits until this table has rows of all of them.
    async fn write(&self, table: &str, events: &[Value]) {
        self.send(events).await;
        let wanted = ids_of(events);
        until(&format!("`{table}` has {} rows", wanted.len()), 25, async || {
            let rows = self.stand_in.rows(table).await;
            wanted.iter().all(|id| rows.iter().any(|row| row["id"] == **id || row["message_id"] == **id))
        })
        .await;
    }

    fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = opentrack();
        command.args(arguments).current_dir(self.router.dir()).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command that reads nothing may have ended.
        child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
        child.wait_with_output().unwrap()
    }

    /// Runs a command that must be fine, and returns what it printed.
    fn say(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments, "");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
        stdout(&output)
    }

    /// Runs statements in the stand-in, as somebody with `bq query` would.
    async fn query(&self, sql: &str) {
        let client = self.client().await;
        for statement in sql.split(";\n").filter(|statement| !statement.trim().is_empty()) {
            let request = QueryRequest::new(statement.trim().trim_end_matches(';'));
            client.job().query("local", request).await.unwrap_or_else(|error| panic!("{error}: {statement}"));
        }
    }

    async fn client(&self) -> Client {
        let mut builder = ClientBuilder::new();
        builder.with_v2_base_url(self.stand_in.endpoint());
        let key = self.stand_in.key_file();
        builder.build_from_service_account_key_file(key.to_str().unwrap()).await.expect("the key file is one")
    }

    /// Returns the text of a view; empty when there is none.
    async fn view(&self, name: &str) -> String {
        let tables = self.stand_in.tables().await;
        tables[format!("analytics.{name}")]["view"].as_str().unwrap_or_default().to_owned()
    }

    async fn views(&self) -> Vec<String> {
        let tables = self.stand_in.tables().await;
        let tables = tables.as_object().expect("tables by name");
        let views = tables.iter().filter(|(_, table)| table["view"].is_string());
        views.map(|(name, _)| name.trim_start_matches("analytics.").to_owned()).collect()
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn viewed(id: &str, properties: &Value) -> Value {
    json!({ "type": "track", "event": "Viewed", "userId": "u", "messageId": id, "properties": properties })
}

#[tokio::test]
async fn a_plan_tells_what_would_change_against_the_tables_that_are_meant_and_changes_nothing() {
    let desk = Desk::start("").await;
    desk.write("viewed", &[viewed("m1", &json!({ "n": 1 }))]).await;
    desk.write("tracks", &[viewed("m2", &json!({ "n": 2 }))]).await;
    let before = desk.stand_in.tables().await;
    let plan = |against: &str, properties: Value| {
        let output =
            desk.run(&["schema", "plan", "--against", against], &viewed("m9", &properties).to_string());
        (output.status.code(), stdout(&output))
    };
    for against in ["cache", "live"] {
        let (exit, said) = plan(against, json!({ "n": 3 }));
        assert!(exit == Some(0) && said.contains("DDL: none"), "{against}: {exit:?} {said}");
        assert!(said.contains("less than a cent by insertAll"), "{said}");
        let (exit, said) = plan(against, json!({ "n": 3, "ratio": 0.5 }));
        assert!(
            exit == Some(2) && said.contains("+ viewed.ratio FLOAT64: 1 row"),
            "{against}: {exit:?} {said}"
        );
        let (exit, said) = plan(against, json!({ "n": "three" }));
        assert!(
            exit == Some(3) && said.contains("! viewed.n INT64 ← \"three\""),
            "{against}: {exit:?} {said}"
        );
    }
    let (exit, said) = plan("empty", json!({ "n": "three" }));
    assert!(exit == Some(2) && said.contains("+ table viewed") && !said.contains('!'), "{exit:?} {said}");
    assert_eq!(desk.stand_in.tables().await, before, "nothing changes by asking");

    desk.query("ALTER TABLE `local.analytics.viewed` ADD COLUMN IF NOT EXISTS `ratio` FLOAT64").await;
    assert_eq!(plan("cache", json!({ "ratio": 0.5 })).0, Some(2), "as the router last saw it");
    assert_eq!(plan("live", json!({ "ratio": 0.5 })).0, Some(0), "as it is");
}

#[tokio::test]
async fn statements_of_dead_letters_are_printed_as_one_list_and_the_letters_come_back_when_it_was_run() {
    let desk = Desk::start("auto_table_management = \"off\"").await;
    let events = [viewed("m1", &json!({ "n": 1 })), viewed("m2", &json!({ "n": 1.5, "plan": "pro" }))];
    desk.send(&events).await;
    until("both events are dead letters", 20, async || {
        desk.router.get("/api/dead-letters").await.json()["dead_letters"]
            .as_array()
            .is_some_and(|all| all.len() == 2)
    })
    .await;
    assert_eq!(desk.stand_in.tables().await, json!({}), "nothing is made");
    let ddl = desk.say(&["schema", "ddl"]);
    assert_eq!(ddl.matches("CREATE TABLE").count(), 2, "{ddl}");
    assert!(ddl.contains("`n` FLOAT64"), "a type that holds both values: {ddl}");
    desk.query(&ddl).await;
    let retried = desk.say(&["dead-letters", "retry", "--reason", "schema_*"]);
    assert!(retried.contains('2'), "{retried}");
    let rows = desk.stand_in.until_rows("viewed", 2).await;
    assert!(rows.iter().any(|row| row["n"] == 1.5 && row["plan"] == "pro"), "{rows:?}");
    desk.stand_in.until_rows("tracks", 2).await;
    let none = desk.run(&["schema", "ddl"], "");
    assert_eq!((none.status.code(), stdout(&none)), (Some(0), String::new()), "no letter is left");
}

#[tokio::test]
async fn a_column_that_saw_other_types_is_listed_with_what_to_run() {
    let desk = Desk::start("on_type_conflict = \"keep\"").await;
    assert!(desk.say(&["schema", "conflicts"]).contains("every value has fitted"));
    desk.write("viewed", &[viewed("m1", &json!({ "n": 1, "count": 1 }))]).await;
    let odd = [viewed("m2", &json!({ "n": "two" })), viewed("m3", &json!({ "count": 2.5 }))];
    desk.write("viewed", &odd).await;
    let rows = desk.stand_in.rows("viewed").await;
    assert!(rows.iter().any(|row| row["_unmapped"]["n"] == "two"), "{rows:?}");
    let said: Value = serde_json::from_str(&desk.say(&["schema", "conflicts", "--json"])).unwrap();
    let of = |column: &str| {
        let all = said["conflicts"].as_array().unwrap();
        all.iter()
            .find(|one| one["column"] == column)
            .unwrap_or_else(|| panic!("no `{column}` in {said}"))
            .clone()
    };
    let (text, fraction) = (of("n"), of("count"));
    assert_eq!(
        (&text["have"], &text["got"], &text["last_message_id"]),
        (&json!("int"), &json!("text"), &json!("m2"))
    );
    let repair = text["sql"].as_str().unwrap();
    assert!(repair.starts_with("SELECT t.`id`, COALESCE(CAST(t.`n` AS STRING), "), "{repair}");
    // The repair of a fraction is a statement, and it runs.
    desk.query(fraction["sql"].as_str().unwrap()).await;
    let columns = desk.stand_in.tables().await["analytics.viewed"]["columns"].clone();
    assert_eq!(columns["count"], "FLOAT64", "{columns}");
}

#[tokio::test]
async fn views_are_made_once_never_over_somebody_elses_and_for_each_new_table() {
    let desk = Desk::start("users_merge_every = \"0s\"").await;
    desk.query("CREATE VIEW `local.analytics.viewed_view` AS SELECT 1 AS one").await;
    desk.write("viewed", &[viewed("m1", &json!({ "n": 1 }))]).await;
    desk.write("tracks", &[viewed("m2", &json!({ "n": 1 }))]).await;
    let printed = desk.say(&["schema", "views"]);
    assert!(printed.contains("CREATE VIEW IF NOT EXISTS `local.analytics.tracks_view`"), "{printed}");
    assert!(desk.say(&["schema", "views", "--apply"]).contains("views are up to date"));
    let views = desk.views().await;
    for name in ["tracks_view", "all_events_view", "sessions_view", "daily_active_users_view"] {
        assert!(views.iter().any(|view| view == name), "no `{name}` in {views:?}");
    }
    assert_eq!(desk.view("viewed_view").await, "SELECT 1 AS one", "somebody else's stays");

    let before = desk.stand_in.tables().await;
    let again: Value = serde_json::from_str(&desk.say(&["schema", "views", "--apply", "--json"])).unwrap();
    assert_eq!(again["applied"], true);
    assert_eq!(desk.stand_in.tables().await, before, "a second time changes nothing");

    let bought = json!({ "type": "track", "event": "Bought", "userId": "u", "messageId": "m3" });
    desk.write("bought", &[bought]).await;
    desk.say(&["schema", "views", "--apply"]);
    assert!(desk.view("bought_view").await.contains("FROM `local.analytics.bought` AS t"));
}

#[tokio::test]
async fn a_column_stays_shown_as_text_after_the_conflict_is_forgotten() {
    let mut desk = Desk::start("users_merge_every = \"0s\"").await;
    desk.write("viewed", &[viewed("m1", &json!({ "n": 1 }))]).await;
    desk.write("viewed", &[viewed("m2", &json!({ "n": "two" }))]).await;
    desk.say(&["schema", "views", "--apply"]);
    // The router keeps what was made, and conflicts are known to it alone.
    until("the view shows the text", 90, async || desk.view("viewed_view").await.contains("AS `n_text`"))
        .await;
    desk.router.restart().await;
    desk.write("viewed", &[viewed("m3", &json!({ "more": true }))]).await;
    desk.say(&["schema", "views", "--apply"]);
    let view = desk.view("viewed_view").await;
    assert!(view.contains("AS `n_text`") && view.contains("t.`more`"), "{view}");
}

#[tokio::test]
async fn events_of_a_flat_table_get_views_with_what_they_had_also_after_a_restart() {
    let mut desk = Desk::start("layout = \"flat\"").await;
    let events = [
        viewed("m1", &json!({ "n": 1, "cart": { "total": 2.5 } })),
        json!({ "type": "page", "name": "Home", "userId": "u", "messageId": "m2" }),
    ];
    desk.write("events", &events).await;
    until("the router keeps what it saw", 90, async || desk.say(&["schema", "views"]).contains("`n`")).await;
    desk.say(&["schema", "views", "--apply"]);
    let view = desk.view("viewed_view").await;
    for part in [
        "SAFE_CAST(JSON_VALUE(t.`properties`, '$.n') AS INT64) AS `n`",
        "SAFE_CAST(JSON_VALUE(t.`properties`, '$.cart.total') AS FLOAT64) AS `cart_total`",
        "t.`event` = 'Viewed'",
    ] {
        assert!(view.contains(part), "no {part} in {view}");
    }
    assert_eq!(desk.views().await, ["viewed_view"], "a page has no properties of an event");
    assert!(
        desk.say(&["schema", "views"]).contains("AS `cart_total`"),
        "the command knows what the router saw"
    );

    desk.router.restart().await;
    desk.write("events", &[viewed("m3", &json!({ "n": 0.5 }))]).await;
    until("the view holds the fraction", 90, async || {
        desk.view("viewed_view").await.contains("AS FLOAT64) AS `n`")
    })
    .await;
    assert!(desk.view("viewed_view").await.contains("AS `cart_total`"), "a restart forgets no property");
    desk.say(&["schema", "views", "--apply"]);
    assert!(desk.view("viewed_view").await.contains("AS `cart_total`"), "nor does the command");
}

#[tokio::test]
async fn an_event_is_explained_as_the_rows_that_it_becomes() {
    let desk = Desk::start("").await;
    let event = viewed("m1", &json!({ "n": 1, "Cart Total": 2.5 }));
    let output = desk.run(&["explain", "--destination", "bq", "--json"], &event.to_string());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let shown = said[0]["destinations"][0].to_string();
    for part in ["\"cart_total\":2.5", "viewed", "tracks", "insertAll"] {
        assert!(shown.contains(part), "no {part} in {shown}");
    }
    assert_eq!(desk.stand_in.rows("viewed").await, Vec::<Value>::new(), "nothing is sent");
}
