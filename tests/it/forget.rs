//! People who are erased: afterwards no byte of their ids is in any file or store, and nobody else has lost anything.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{
    ClickHouse, Config, Postgres, Receiver, Reply, Router, Site, batch, fresh_id, ids_of, until, until_some,
};

/// Whom it is about, by either kind of id.
const USER: &str = "anna-7@shop.example";
const VISITOR: &str = "visitor-of-anna-7";
/// Seconds in which everything must have come about.
const DEADLINE: u64 = 60;

/// What one person leaves behind: calls of every kind that has ids, and a page that the reports count.
fn of_anna() -> Vec<Value> {
    let call = |kind: &str, more: Value| {
        let mut call = json!({
            "type": kind, "userId": USER, "messageId": fresh_id("m"),
            "context": { "page": { "path": "/a" } },
        });
        call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call
    };
    vec![
        call("identify", json!({ "traits": { "email": USER } })),
        call("page", json!({ "properties": { "path": "/a", "who": USER } })),
        call(
            "track",
            json!({ "event": "Order Completed", "properties": { "order_id": fresh_id("o"), "revenue": 5 } }),
        ),
        call("alias", json!({ "previousId": "somebody", "userId": USER })),
        call("alias", json!({ "previousId": USER, "userId": "somebody-else" })),
        call("group", json!({ "groupId": "g" })),
    ]
}

fn of_others(range: std::ops::Range<u64>) -> Vec<Value> {
    let other = |n: u64| json!({ "type": "track", "event": "Seen", "userId": format!("other-{n}"), "messageId": fresh_id("o") });
    range.map(other).collect()
}

/// Returns the files below a directory.
fn files_below(dir: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

/// Returns the files below a directory that hold these bytes.
fn files_with(dir: &Path, text: &str) -> Vec<PathBuf> {
    let holds = |path: &PathBuf| {
        // A file may go while it is looked for.
        let bytes = std::fs::read(path).unwrap_or_default();
        memchr::memmem::find(&bytes, text.as_bytes()).is_some()
    };
    files_below(dir).into_iter().filter(holds).collect()
}

async fn until_settled(router: &Router, names: &[&str]) {
    for name in names {
        until(&format!("nothing waits for {name}"), DEADLINE, async || {
            router.destination(name).await["backlog"]["events"] == 0
        })
        .await;
    }
}

async fn until_done(router: &Router, id: &str) -> Value {
    until_some("the regulation is carried out", DEADLINE, async || {
        let shown = router.get(&format!("/api/privacy/regulations/{id}")).await.json();
        Some(shown).filter(|shown| shown["status"] == "done")
    })
    .await
}

/// Takes everybody but one, and says whom it does not take.
fn of_a_picky_side() -> Receiver {
    Receiver::scripted(|request| match memchr::memmem::find(&request.body, USER.as_bytes()) {
        Some(_) => Reply::With(422, Vec::new(), format!("there is no {USER} here")),
        None => Reply::Status(200),
    })
}

/// Returns how many events an export tells of.
async fn exported(router: &Router) -> usize {
    let export = router.get(&format!("/api/privacy/export?userId={}", USER.replace('@', "%40"))).await;
    assert_eq!(export.status, 200, "{export:?}");
    export.text.lines().count()
}

/// Sends events of others, and one of the person, again and again until a regulation is carried out; returns how that ended, and
/// the ids of the others.
async fn flowing_until_done(router: &Router, id: &str) -> (Value, Vec<String>) {
    let (mut ids, mut late) = (Vec::new(), 100);
    let done = until_some("it is done", DEADLINE, async || {
        let mut events = of_others(late..late + 3);
        late += 3;
        ids.extend(ids_of(&events));
        events.push(json!({ "type": "track", "event": "Seen", "userId": USER, "messageId": fresh_id("l") }));
        router.post("/v1/batch", &batch(&events)).await.expect_success();
        let shown = router.get(&format!("/api/privacy/regulations/{id}")).await.json();
        Some(shown).filter(|shown| shown["status"] == "done")
    })
    .await;
    (done, ids)
}

/// The ids are in the journal, in the warehouse, in the reports, in dead letters with the other side's words, and among what was
/// set aside. Events flow all the time, and the process is killed as soon as the wish is answered.
#[tokio::test]
async fn a_person_is_forgotten_while_events_flow_and_the_router_is_killed() {
    let receiver = of_a_picky_side();
    let mut router = Router::start(Config::new().webhook("hook", &receiver.url(), "timeout = \"2s\"")).await;
    let before = of_others(0..40);
    let anna = of_anna();
    let broken = json!({ "type": "track", "userId": USER, "event": 7, "messageId": fresh_id("b") });
    for events in [&before[..20], &anna, &before[20..]] {
        router.post("/v1/batch", &batch(events)).await.expect_success();
    }
    router.post("/v1/batch", &batch(&[broken])).await.expect_success();
    until_settled(&router, &["warehouse", "hook"]).await;
    router.until_rows("tracks", &[ids_of(&before), ids_of(&anna[2..3])].concat()).await;
    assert!(router.dead_letters().contains(USER));
    assert_eq!(exported(&router).await, 6);
    let wish =
        json!({ "regulationType": "SUPPRESS_WITH_DELETE", "subjectType": "USER_ID", "subjectIds": [USER] });
    let taken = router.post("/api/privacy/regulations", &wish).await.json();
    router.kill9();
    assert_eq!(taken["status"], "pending", "{taken}");
    router.start_again().await;
    let (done, after) = flowing_until_done(&router, taken["id"].as_str().unwrap()).await;
    assert_eq!(done["stores"]["hook"]["state"], "not_erasable", "{done}");
    for store in ["data_dir/journal", "data_dir/letters", "data_dir/reports", "warehouse"] {
        assert_eq!(done["stores"][store]["state"], "done", "{done}");
    }
    until_settled(&router, &["warehouse", "hook"]).await;
    router.until_rows("tracks", &[ids_of(&before), after].concat()).await;
    assert_eq!(files_with(&router.data(), USER), Vec::<PathBuf>::new(), "while it runs");
    let metrics = router.get("/metrics").await.text;
    assert!(metrics.contains("opentrack_events_lost_total{destination=\"hook\"} 0"), "{metrics}");
    router.stop().await;
    assert_eq!(files_with(&router.data(), USER), Vec::<PathBuf>::new(), "and after its end");
    router.start_again().await;
    assert_eq!(exported(&router).await, 0);
}

/// Returns everything that a database holds, as text.
async fn dump(database: &Postgres) -> String {
    let tables = "SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables \
                  WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')";
    let mut text = String::new();
    for table in database.query(tables).await {
        let name = table["name"].as_str().unwrap();
        for row in database.query(&format!("SELECT t::text AS line FROM {name} t")).await {
            text.push_str(&format!("{name}: {}\n", row["line"].as_str().unwrap()));
        }
    }
    text
}

/// The tables of a router beside a database and a Redis.
fn beside(database: &Postgres, site: &Site) -> String {
    format!(
        "[destinations.pg]\ntype = \"postgres\"\nurl = \"{}\"\nbatch = {{ max_delay = \"50ms\" }}\n\n\
         [destinations.live]\ntype = \"redis\"\nurl = \"{}\"\nbatch = {{ max_delay = \"50ms\" }}\n\n\
         [sources.{}]\nwrite_keys = [\"key\"]",
        database.url(),
        site.url,
        site.name
    )
}

/// What two visitors leave behind in every live table.
fn of_visitors() -> Vec<Value> {
    let call = |visitor: &str, kind: &str, more: Value| {
        let mut call = json!({
            "type": kind, "anonymousId": visitor, "messageId": fresh_id("m"),
            "context": {
                "page": { "path": "/a" }, "consent": { "categoryPreferences": { "advertising": true } },
            },
        });
        call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call
    };
    let mut events = Vec::new();
    for visitor in [VISITOR, "visitor-of-ben-8"] {
        let order = fresh_id("order");
        let bought = json!({ "order_id": order, "revenue": 5, "currency": "EUR" });
        let put = json!({ "product_id": "p", "price": 5, "quantity": 1 });
        events.extend([
            call(visitor, "page", json!({ "properties": { "path": "/a" } })),
            call(visitor, "track", json!({ "event": "Product Added", "properties": put })),
            call(visitor, "track", json!({ "event": "Order Completed", "properties": bought })),
            call(visitor, "identify", json!({ "traits": { "plan": "x" } })),
        ]);
    }
    events
}

/// By the id of a browser, at the command line; proofs of consent stay, under a name that leads back to nobody.
#[tokio::test]
async fn nothing_of_a_visitor_is_left_in_postgres_and_redis() {
    let (Some(database), Some(site)) = (Postgres::new().await, Site::new()) else { return };
    let router = Router::start(Config::new().table(&beside(&database, &site))).await;
    router.post("/v1/batch", &batch(&of_visitors())).await.expect_success();
    until_settled(&router, &["pg", "live", "warehouse"]).await;
    let before = dump(&database).await;
    for table in ["sessions: ", "consents: ", "orders: ", "pages: "] {
        let is_there = before.lines().any(|line| line.contains(table) && line.contains(VISITOR));
        assert!(is_there, "{table} knows nobody: {before}");
    }
    assert!(site.names_with(VISITOR).len() >= 3, "{:?}", site.names_with(VISITOR));

    let forgotten = router.run(&["forget", "--anonymous", VISITOR]);
    let said = String::from_utf8_lossy(&forgotten.stdout).into_owned();
    assert!(
        forgotten.status.success() && said.contains(": done"),
        "{said}{}",
        String::from_utf8_lossy(&forgotten.stderr)
    );
    let after = dump(&database).await;
    assert!(!after.contains(VISITOR), "{after}");
    let lines = |text: &str, of: &str| text.lines().filter(|line| line.contains(of)).count();
    assert_eq!(lines(&after, "visitor-of-ben-8"), lines(&before, "visitor-of-ben-8"));
    assert_eq!(lines(&after, "consents: "), lines(&before, "consents: "), "proofs stay");
    assert_eq!(site.names_with(VISITOR), Vec::<String>::new());
    assert_eq!(site.entries().len(), 4, "what others did is still in the stream");
    assert_eq!(files_with(&router.data(), VISITOR), Vec::<PathBuf>::new());
}

/// Returns how many cells of all tables hold a text. States of aggregates are no text.
async fn cells_with(clickhouse: &ClickHouse, text: &str) -> u64 {
    let columns = "SELECT table, name FROM system.columns WHERE database = 'opentrack' AND type NOT LIKE 'Aggregate%' \
                   AND table IN (SELECT name FROM system.tables WHERE database = 'opentrack' AND engine LIKE '%MergeTree')";
    let mut cells = 0;
    for column in clickhouse.query(columns).await {
        let (table, name) = (column["table"].as_str().unwrap(), column["name"].as_str().unwrap());
        let sql = format!(
            "SELECT toString(count()) AS n FROM opentrack.`{table}` WHERE toString(`{name}`) LIKE '%{text}%'"
        );
        cells += clickhouse.query(&sql).await[0]["n"].as_str().unwrap().parse::<u64>().unwrap();
    }
    cells
}

#[tokio::test]
async fn nothing_of_a_user_is_left_in_clickhouse() {
    for layout in ["events", "segment"] {
        let clickhouse = ClickHouse::start();
        let router = Router::start(clickhouse.config(&format!("layout = \"{layout}\""))).await;
        let (anna, others) = (of_anna(), of_others(0..5));
        router.post("/v1/batch", &batch(&[&anna[..], &others].concat())).await.expect_success();
        until_settled(&router, &["ch"]).await;
        let wish = json!({ "regulationType": "DELETE_ONLY", "subjectType": "USER_ID", "subjectIds": [USER] });
        let taken = router.post("/api/privacy/regulations", &wish).await.json();
        let done = until_done(&router, taken["id"].as_str().unwrap()).await;
        assert!(done["stores"]["ch"]["erased"].as_u64() >= Some(6), "{done}");
        assert_eq!(cells_with(&clickhouse, USER).await, 0, "{layout}");
        assert!(cells_with(&clickhouse, "other-").await >= 5, "others are still there");
        // What is new for the same user is kept.
        router.post("/v1/batch", &batch(&anna[2..3])).await.expect_success();
    }
}

#[tokio::test]
async fn a_person_is_erased_from_clickhouse_also_where_a_rollup_is_missing_and_not_while_one_is_filled() {
    let clickhouse = ClickHouse::start();
    let mut router = Router::start(clickhouse.config("")).await;
    router.post("/v1/batch", &batch(&of_anna())).await.expect_success();
    until_settled(&router, &["ch"]).await;
    // As after an upgrade that brings another view, and before an event has led to it.
    router.kill9();
    clickhouse.execute("DROP TABLE opentrack.rollup_pages_mv2 SYNC").await;
    let mark = "ALTER TABLE opentrack.rollup_vitals MODIFY COMMENT 'opentrack: to be filled, one'";
    clickhouse.execute(mark).await;
    clickhouse.behave(json!({ "mode": 497, "holds": "INSERT INTO `opentrack`.`rollup_" })).await;
    router.start_again().await;
    let wish = json!({ "regulationType": "DELETE_ONLY", "subjectType": "USER_ID", "subjectIds": [USER] });
    let taken = router.post("/api/privacy/regulations", &wish).await.json();
    let id = taken["id"].as_str().unwrap();
    until("it is said what is waited for", DEADLINE, async || {
        let shown = router.get(&format!("/api/privacy/regulations/{id}")).await;
        shown.text.contains("a rollup is still being filled")
    })
    .await;
    assert!(cells_with(&clickhouse, USER).await > 0);
    clickhouse.be_itself().await;
    let done = until_done(&router, id).await;
    assert!(done["stores"]["ch"]["erased"].as_u64() >= Some(6), "{done}");
    assert_eq!(cells_with(&clickhouse, USER).await, 0);
}
