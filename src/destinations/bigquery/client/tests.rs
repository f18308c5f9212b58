//! Rows and load jobs against a peer that says what Google says.

use serde_json::{Value, json};

use super::super::peer::{Peer, Said, Seen, target, unzipped};
use super::super::request::Row;
use super::super::target::Credentials;
use super::*;
use crate::destinations::Answer;

fn rows() -> Arc<Rows> {
    let text = Bytes::from_static(b"{\"a\":1}\n{\"a\":2}\n");
    let row = |event, from| Row { event, text: from..from + 7, insert_id: format!("i{event}") };
    Arc::new(Rows {
        table: "t".to_owned(),
        rows: vec![row(0, 0), row(1, 8)],
        text,
        job: "h1".to_owned(),
        ..Rows::default()
    })
}

fn wire(peer: &Peer) -> Wire {
    Wire::new(target(peer.url.clone()), Arc::new(SchemaCell::default())).unwrap()
}

fn answer(reply: Reply) -> Answer {
    match reply {
        Reply::Answer(answer) => answer,
        Reply::Failed(failure) => panic!("{failure:?}"),
    }
}

fn job(state: &str) -> Said {
    Said::json(json!({ "status": { "state": state } }))
}

fn failed_job() -> Said {
    Said::json(json!({ "status": { "state": "DONE", "errorResult": { "reason": "backendError" } } }))
}

/// The configuration of a load job and its rows.
fn upload(seen: &Seen) -> (Value, String) {
    let boundary = seen.header("content-type").unwrap().split("boundary=").nth(1).unwrap();
    let body = &seen.body;
    let mark = |text: &str| body.windows(text.len()).position(|part| part == text.as_bytes()).unwrap();
    let (start, end) = (mark("octet-stream\r\n\r\n") + 16, mark(&format!("\r\n--{boundary}--")));
    let head = String::from_utf8_lossy(&body[..start]).into_owned();
    let json = head.lines().find(|line| line.starts_with('{')).unwrap();
    (serde_json::from_str(json).unwrap(), String::from_utf8(unzipped(&body[start..end])).unwrap())
}

#[tokio::test]
async fn rows_are_inserted_compressed_and_the_reply_comes_back_as_it_is() {
    let peer = Peer::saying(vec![Said::new(429, "busy").with("Retry-After", "7")]);
    let answer = answer(wire(&peer).deliver(&Request::Insert(rows())).await);
    assert_eq!((answer.status, answer.retry_after()), (429, Some(std::time::Duration::from_secs(7))));
    let seen = &peer.seen()[0];
    assert_eq!(seen.line(), "POST /datasets/analytics/tables/t/insertAll");
    assert_eq!(seen.header("content-encoding"), Some("gzip"));
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(
        seen.json(),
        json!({ "kind": "bigquery#tableDataInsertAllRequest", "skipInvalidRows": true, "ignoreUnknownValues": false,
            "rows": [{ "insertId": "i0", "json": { "a": 1 } }, { "insertId": "i1", "json": { "a": 2 } }] })
    );
}

#[tokio::test]
async fn a_long_list_of_errors_is_read_to_its_end() {
    let error = |index| json!({ "index": index % 2, "errors": [{ "reason": "stopped", "debugInfo": "x".repeat(400) }] });
    let errors: Vec<_> = (0..500).map(error).collect();
    let peer = Peer::saying(vec![Said::json(json!({ "insertErrors": errors }))]);
    let reply = wire(&peer).deliver(&Request::Insert(rows())).await;
    assert_eq!(hear(&Request::Insert(rows()), &reply), Heard::Rows(vec![RowVerdict::Stopped; 2]));
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut given = 0;
    let peer = Peer::new(move |seen| match seen.path.as_str() {
        "/token" => {
            given += 1;
            Said::json(json!({ "access_token": format!("t{given}"), "expires_in": 3600 }))
        }
        _ if seen.header("authorization") == Some("Bearer t2") => Said::new(200, "{}"),
        _ => Said::error(401, "authError", "Invalid Credentials"),
    });
    let file = folder.path().join("key.json");
    let key = include_str!("../fixtures/service_account.json");
    let here = peer.url.join("/token").unwrap();
    std::fs::write(&file, key.replace("https://oauth2.googleapis.com/token", here.as_str())).unwrap();
    let target = Target { credentials: Credentials::File(file), ..target(peer.url.clone()) };
    let wire = Wire::new(target, Arc::new(SchemaCell::default())).unwrap();
    assert_eq!(answer(wire.deliver(&Request::Probe).await).status, 200);
    let wanted = ["POST /token", "GET /datasets/analytics", "POST /token", "GET /datasets/analytics"];
    assert_eq!(peer.lines(), wanted);
}

#[tokio::test]
async fn a_column_that_is_not_there_has_its_table_looked_at_once_for_many_answers() {
    let peer = Peer::new(|seen| match seen.method.as_str() {
        "GET" => Said::json(json!({ "schema": { "fields": [
            { "name": "A", "type": "INTEGER" }, { "name": "r", "type": "RANGE", "rangeElementType": {} },
            { "name": "l", "type": "STRING", "mode": "REPEATED" },
        ] } })),
        _ => Said::json(json!({ "insertErrors": [
            { "index": 0, "errors": [{ "reason": "invalid", "message": "no such field: a." }] },
        ] })),
    });
    let cell = Arc::new(SchemaCell::default());
    let wire = Wire::new(target(peer.url.clone()), Arc::clone(&cell)).unwrap();
    wire.deliver(&Request::Insert(rows())).await;
    wire.deliver(&Request::Insert(rows())).await;
    let gets = peer.lines().into_iter().filter(|line| line.starts_with("GET")).collect::<Vec<_>>();
    assert_eq!(gets, ["GET /datasets/analytics/tables/t"]);
    let columns: Vec<_> =
        cell.load().tables["t"].columns.iter().map(|(name, kind)| (name.clone(), kind.as_str())).collect();
    assert_eq!(columns, [("a".to_owned(), "int"), ("l".to_owned(), "other"), ("r".to_owned(), "other")]);
}

#[tokio::test]
async fn a_table_that_has_gone_goes_from_the_schema() {
    let peer = Peer::saying(vec![Said::error(404, "notFound", "Not found: Table acme:analytics.t")]);
    let cell = Arc::new(SchemaCell::default());
    cell.store(crate::warehouse::Schema { tables: [("t".to_owned(), Arc::default())].into() });
    let wire = Wire::new(target(peer.url.clone()), Arc::clone(&cell)).unwrap();
    assert_eq!(answer(wire.deliver(&Request::Insert(rows())).await).status, 404);
    assert!(cell.load().tables.is_empty());
}

#[tokio::test]
async fn a_load_job_is_started_with_its_rows_and_waited_for() {
    let peer = Peer::saying(vec![job("PENDING"), job("RUNNING"), job("DONE")]);
    let reply = wire(&peer).deliver(&Request::Load(rows())).await;
    assert_eq!(hear(&Request::Load(rows()), &reply), Heard::Rows(vec![RowVerdict::Taken; 2]));
    assert_eq!(
        peer.lines(),
        [
            "POST /upload/jobs?uploadType=multipart",
            "GET /jobs/opentrack_h1_0?location=EU",
            "GET /jobs/opentrack_h1_0?location=EU"
        ]
    );
    let (configuration, text) = upload(&peer.seen()[0]);
    assert_eq!(text, "{\"a\":1}\n{\"a\":2}\n");
    insta::assert_json_snapshot!(configuration, @r#"
    {
      "jobReference": {
        "projectId": "acme",
        "jobId": "opentrack_h1_0",
        "location": "EU"
      },
      "configuration": {
        "load": {
          "destinationTable": {
            "projectId": "acme",
            "datasetId": "analytics",
            "tableId": "t"
          },
          "sourceFormat": "NEWLINE_DELIMITED_JSON",
          "createDisposition": "CREATE_NEVER",
          "writeDisposition": "WRITE_APPEND",
          "maxBadRecords": 0,
          "ignoreUnknownValues": false
        }
      }
    }
    "#);
}

#[tokio::test]
async fn a_job_that_ran_before_is_asked_after_and_not_run_again() {
    let exists = Said::error(409, "duplicate", "Already Exists: Job acme:EU.opentrack_h1_0");
    let peer = Peer::saying(vec![exists, job("RUNNING"), job("DONE")]);
    let reply = wire(&peer).deliver(&Request::Load(rows())).await;
    assert_eq!(hear(&Request::Load(rows()), &reply), Heard::Rows(vec![RowVerdict::Taken; 2]));
    assert_eq!(peer.lines()[1..], ["GET /jobs/opentrack_h1_0?location=EU"; 2]);
}

#[tokio::test]
async fn a_job_that_failed_before_is_tried_again_under_the_next_number() {
    let exists = Said::error(409, "duplicate", "Already Exists: Job acme:EU.opentrack_h1_0");
    let peer = Peer::saying(vec![exists, failed_job(), job("DONE")]);
    let reply = wire(&peer).deliver(&Request::Load(rows())).await;
    assert_eq!(hear(&Request::Load(rows()), &reply), Heard::Rows(vec![RowVerdict::Taken; 2]));
    assert_eq!(upload(&peer.seen()[2]).0["jobReference"]["jobId"], "opentrack_h1_1");
}

#[tokio::test]
async fn a_job_that_fails_now_is_told_and_not_tried_again_at_once() {
    let peer = Peer::saying(vec![failed_job()]);
    let reply = wire(&peer).deliver(&Request::Load(rows())).await;
    assert!(matches!(hear(&Request::Load(rows()), &reply), Heard::Whole(Trouble::Said(_))));
    assert_eq!(peer.seen().len(), 1);
}

#[tokio::test]
async fn a_job_that_takes_too_long_is_a_timeout() {
    let peer = Peer::saying(vec![job("RUNNING")]);
    let target = Target { load_timeout: std::time::Duration::from_millis(300), ..target(peer.url.clone()) };
    let wire = Wire::new(target, Arc::new(SchemaCell::default())).unwrap();
    let Reply::Failed(failure) = wire.deliver(&Request::Load(rows())).await else { panic!("no failure") };
    assert_eq!(failure.kind, FailureKind::Timeout);
}
