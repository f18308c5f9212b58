//! What an operator sees of a dataset while the router keeps it: metrics, `/api/schema`, `users` and the views.

use serde_json::{Value, json};

use crate::support::{BigQuery, Config, Router, batch, fresh_id, ids_of, until_some};

/// Both, with further lines of the destination `bq`.
async fn start(base: Config, extra: &str) -> (BigQuery, Router) {
    let stand_in = BigQuery::start(&["dataset=analytics"]);
    let config = base.table(&format!(
        "[destinations.bq]\ntype = \"bigquery\"\nproject_id = \"local\"\ndataset = \"analytics\"\n\
         endpoint = \"{}\"\ncredentials_file = \"{}\"\nschema_window = \"50ms\"\nsettle = \"0s\"\n\
         batch = {{ max_events = 500, max_bytes = \"5MB\", max_delay = \"50ms\" }}\n{extra}",
        stand_in.endpoint(),
        stand_in.key_file().display()
    ));
    let router = Router::start(config).await;
    (stand_in, router)
}

fn named(event: &str, properties: &Value) -> Value {
    json!({ "type": "track", "event": event, "userId": "u", "messageId": fresh_id("m"), "properties": properties })
}

async fn send(router: &Router, events: &[Value]) -> Vec<String> {
    router.post("/v1/batch", &batch(events)).await.expect_success();
    ids_of(events)
}

/// The sum of all series of a metric that have these labels; `None` when there is none.
fn value(page: &str, metric: &str, labels: &[&str]) -> Option<f64> {
    let of = |line: &&str| line.strip_prefix(metric).is_some_and(|rest| rest.starts_with(['{', ' ']));
    let lines = page.lines().filter(of).filter(|line| labels.iter().all(|label| line.contains(label)));
    let values: Vec<f64> = lines.map(|line| line.rsplit(' ').next().unwrap().parse().unwrap()).collect();
    (!values.is_empty()).then(|| values.iter().sum())
}

/// Sends what makes every metric of a dataset move, and returns all metrics when every row has come.
async fn measured(stand_in: &BigQuery, router: &Router) -> String {
    send(router, &[named("Viewed", &json!({ "n": 1 }))]).await;
    stand_in.until_rows("viewed", 1).await;
    stand_in.refuse("viewed", Some("n"), 1).await;
    // Two of three new columns, one value of another type, and one table too many.
    let more =
        [named("Viewed", &json!({ "n": "x", "a": 1, "b": 2, "c": 3 })), named("Third", &json!({ "k": 1 }))];
    send(router, &more).await;
    stand_in.until_rows("viewed", 2).await;
    send(router, &[named("Viewed", &json!({ "n": 2 }))]).await;
    stand_in.until_rows("viewed", 3).await;
    stand_in.until_rows("tracks", 4).await;
    until_some("every metric is there", 25, async || {
        let page = router.get("/metrics").await.text;
        let all_rows = value(&page, "opentrack_bq_rows_total", &[r#"table="viewed""#]) >= Some(3.0);
        (all_rows && value(&page, "opentrack_bq_schema_cache_age_seconds", &[]).is_some()).then_some(page)
    })
    .await
}

#[tokio::test]
async fn every_metric_of_a_dataset_has_its_value_after_a_few_events() {
    let extra = "max_tables = 2\nmax_new_columns_per_event = 2\n";
    let (stand_in, router) = start(Config::default(), extra).await;
    let page = measured(&stand_in, &router).await;
    let of = |metric: &str, labels: &[&str]| {
        let found = value(&page, &format!("opentrack_{metric}"), labels);
        found.unwrap_or_else(|| panic!("{metric} {labels:?} is not in\n{page}"))
    };
    let viewed = r#"table="viewed""#;
    assert_eq!(of("bq_rows_total", &[viewed, r#"outcome="inserted""#]), 2.0);
    assert_eq!(of("bq_rows_total", &[viewed, r#"outcome="unmapped""#]), 1.0);
    assert!(of("bq_rows_total", &[viewed, r#"outcome="retried""#]) >= 1.0);
    let requests = of("bq_insert_seconds_count", &[]);
    assert!(requests >= 5.0 && of("bq_insert_seconds_sum", &[]) > 0.0);
    assert_eq!(of("bq_batch_rows_count", &[]), requests);
    assert!(of("bq_batch_rows_sum", &[]) >= 7.0);
    assert!(of("bq_row_errors_total", &[r#"reason="schema""#]) >= 1.0);
    assert_eq!(of("bq_schema_changes_total", &[r#"kind="create""#, r#"result="done""#]), 2.0);
    assert_eq!(of("bq_schema_changes_total", &[r#"kind="add""#, r#"result="done""#]), 1.0);
    assert!(of("bq_schema_wait_seconds_count", &[]) >= 1.0);
    assert!(of("bq_schema_cache_age_seconds", &[]) < 60.0);
    assert_eq!(
        of("bq_type_conflict_total", &[viewed, r#"column="n""#, r#"have="int""#, r#"got="text""#]),
        1.0
    );
    assert_eq!(of("bq_column_guard_total", &[]), 1.0, "`c`");
    assert_eq!(of("bq_table_guard_total", &[]), 1.0, "`third`");
    assert!(of("bq_columns", &[viewed]) > of("bq_columns", &[r#"table="tracks""#]));
    assert!(of("bq_table_bytes_sent_total", &[viewed]) > 300.0);
    assert_eq!(of("bq_circuit_state", &[]), 0.0);
    assert_eq!(of("bq_oldest_row_seconds", &[]), 0.0, "nothing waits any more");
}

#[tokio::test]
async fn rows_that_wait_have_an_age_until_they_are_taken() {
    let (stand_in, router) = start(Config::default(), "cold_after = \"1h\"\n").await;
    send(&router, &[named("Viewed", &json!({ "n": 1 }))]).await;
    stand_in.until_rows("viewed", 1).await;
    stand_in.refuse("viewed", Some("n"), 1_000_000).await;
    send(&router, &[named("Viewed", &json!({ "n": 2 }))]).await;
    let age = async || value(&router.get("/metrics").await.text, "opentrack_bq_oldest_row_seconds", &[]);
    until_some("a row has waited for a second", 25, async || age().await.filter(|age| *age >= 1.0)).await;
    stand_in.refuse("viewed", Some("n"), 0).await;
    stand_in.until_rows("viewed", 2).await;
    until_some("none waits", 25, async || age().await.filter(|age| *age == 0.0)).await;
}

/// Returns the part of `/api/schema` about one destination and table.
fn of<'a>(report: &'a Value, part: &str, destination: &str, table: &str) -> Vec<&'a Value> {
    let all = report[part].as_array().expect("a list");
    let name = if part == "tables" { "name" } else { "table" };
    all.iter().filter(|one| one["destination"] == destination && one[name] == table).collect()
}

#[tokio::test]
async fn the_schemas_of_all_warehouses_are_shown_with_their_changes_conflicts_and_closed_tables() {
    let (stand_in, router) = start(Config::new(), "").await;
    let ids = send(&router, &[named("Viewed", &json!({ "n": 1 }))]).await;
    router.until_rows("viewed", &ids).await;
    stand_in.until_rows("viewed", 1).await;
    stand_in.deny("bigquery.jobs.create").await;
    stand_in.deny("bigquery.tables.update").await;
    send(&router, &[named("Viewed", &json!({ "n": "x", "ratio": 0.5 }))]).await;
    stand_in.until_rows("viewed", 2).await;

    let report = router.get("/api/schema").await.json();
    for destination in ["warehouse", "bq"] {
        let tables = of(&report, "tables", destination, "viewed");
        let columns = tables[0]["columns"].as_array().expect("columns are a list");
        let n = columns.iter().find(|column| column["name"] == "n").expect("`n` has a column");
        assert!(n["type"] == "int" && n["since"].is_string(), "{n}");
        let made = of(&report, "log", destination, "viewed");
        assert!(made.iter().any(|one| one["change"] == "create_table"), "{destination}: {report}");
        let conflicts = of(&report, "conflicts", destination, "viewed");
        assert_eq!((conflicts.len(), &conflicts[0]["column"]), (1, &json!("n")), "{report}");
    }
    let closed = of(&report, "closed", "bq", "viewed");
    assert_eq!(closed.len(), 1, "{report}");
    assert!(closed[0].to_string().contains("ADD COLUMN IF NOT EXISTS `ratio` FLOAT64"), "{report}");
    assert_eq!(of(&report, "closed", "warehouse", "viewed"), Vec::<&Value>::new());

    let one = router.get("/api/schema?destination=warehouse").await.json();
    assert!(
        of(&one, "tables", "bq", "viewed").is_empty()
            && !of(&one, "tables", "warehouse", "viewed").is_empty()
    );
}

#[tokio::test]
async fn users_are_merged_by_the_running_router_and_views_made_by_a_command() {
    let (stand_in, router) = start(Config::default(), "users_merge_every = \"1m\"\n").await;
    let identify = |traits: Value| json!({ "type": "identify", "userId": "ann", "messageId": fresh_id("m"), "traits": traits });
    send(&router, &[identify(json!({ "email": "a@x", "plan": "free" }))]).await;
    send(&router, &[identify(json!({ "plan": "pro" }))]).await;
    stand_in.until_rows("identifies", 2).await;
    let applied = router.run(&["schema", "views", "--apply"]);
    assert_eq!(applied.status.code(), Some(0), "{applied:?}");
    let tables = stand_in.tables().await;
    assert!(
        tables["analytics.identifies_view"].is_object() && tables["analytics.users_view"].is_object(),
        "{tables}"
    );

    // The first round of chores comes ten seconds after the start, the next one a minute later.
    let users = until_some("`users` has the newest state", 100, async || {
        Some(stand_in.rows("users").await).filter(|rows| rows.iter().any(|row| row["plan"] == "pro"))
    })
    .await;
    assert_eq!((users.len(), &users[0]["id"], &users[0]["email"]), (1, &json!("ann"), &json!("a@x")));
}
