//! The engine behind its small server does what these tests rely on.

use serde_json::json;

use crate::support::{Answer, ClickHouse, gzip, http};

#[tokio::test]
async fn the_engine_takes_queries_and_rows_in_the_body_compressed_or_not() {
    let clickhouse = ClickHouse::start();
    let ping = Answer::read(http().get(format!("{}/ping", clickhouse.url())).send().await.unwrap()).await;
    assert_eq!((ping.status, ping.text.as_str()), (200, "Ok.\n"));
    clickhouse
        .execute("CREATE TABLE t (id String, n Nullable(Int64)) ENGINE = ReplacingMergeTree ORDER BY id")
        .await;
    let rows = "INSERT INTO t (id, n) FORMAT JSONEachRow\n{\"id\":\"a\",\"n\":1}\n{\"id\":\"b\"}\n";
    let body = gzip(rows.as_bytes());
    let request = http().post(clickhouse.url()).header("content-encoding", "gzip").body(body);
    assert_eq!(Answer::read(request.send().await.unwrap()).await.status, 200);
    let found = clickhouse.query("SELECT * FROM t ORDER BY id").await;
    assert_eq!(found, [json!({ "id": "a", "n": 1 }), json!({ "id": "b", "n": null })]);
}

#[tokio::test]
async fn the_engine_says_what_is_wrong_with_its_code_and_lets_in_whom_it_knows() {
    let clickhouse = ClickHouse::with(&["--password", "geheim"]);
    let answer = clickhouse.run("SELECT * FROM nothing").await;
    assert_eq!(answer.status, 404);
    assert!(answer.text.starts_with("Code: 60. DB::Exception: "), "{}", answer.text);
    let stranger = http().post(clickhouse.url()).body("SELECT 1").send().await.unwrap();
    assert!(Answer::read(stranger).await.text.starts_with("Code: 516. "));
}

#[tokio::test]
async fn a_block_with_the_same_token_is_stored_once() {
    let clickhouse = ClickHouse::start();
    clickhouse
        .execute("CREATE TABLE t (n Int64) ENGINE = MergeTree ORDER BY n SETTINGS non_replicated_deduplication_window = 10")
        .await;
    for token in ["one", "one", "two"] {
        let url = format!("{}/?async_insert=0&insert_deduplication_token={token}", clickhouse.url());
        let request = http().post(url).body("INSERT INTO t FORMAT JSONEachRow\n{\"n\":1}\n");
        assert_eq!(Answer::read(request.send().await.unwrap()).await.status, 200);
    }
    assert_eq!(clickhouse.query("SELECT count() AS c FROM t").await, [json!({ "c": 2 })]);
    assert_eq!(clickhouse.inserts().await.len(), 3);
}

#[tokio::test]
async fn an_answer_can_be_lost_before_or_after_the_work_is_done() {
    let clickhouse = ClickHouse::start();
    clickhouse.execute("CREATE TABLE t (n Int64) ENGINE = MergeTree ORDER BY n").await;
    for (mode, rows) in [("cut", 0), ("half", 1)] {
        clickhouse.behave(json!({ "mode": mode, "holds": "INSERT" })).await;
        let sent =
            http().post(clickhouse.url()).body("INSERT INTO t FORMAT JSONEachRow\n{\"n\":1}\n").send().await;
        assert!(sent.is_err(), "{mode}: {sent:?}");
        assert_eq!(clickhouse.query("SELECT count() AS c FROM t").await, [json!({ "c": rows })], "{mode}");
    }
    clickhouse.behave(json!({ "mode": 252, "holds": "INSERT", "times": 1 })).await;
    let answer = clickhouse.run("INSERT INTO t FORMAT JSONEachRow\n{\"n\":1}\n").await;
    assert!(answer.text.starts_with("Code: 252. "), "{answer:?}");
    clickhouse.be_itself().await;
    clickhouse.execute("INSERT INTO t FORMAT JSONEachRow\n{\"n\":1}\n").await;
}
