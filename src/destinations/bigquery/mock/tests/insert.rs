//! `insertAll`: types, unknown fields, stopped rows, limits, insert ids.

use super::*;

#[test]
fn values_are_taken_or_refused_one_by_one_as_google_does() {
    let mut cloud = cloud();
    for (cell, expected) in [
        (json!({ "n": 1 }), ""),
        (json!({ "n": 1.0 }), ""),
        (json!({ "n": "1" }), ""),
        (json!({ "n": "1.0" }), ""),
        (json!({ "n": "042" }), ""),
        (json!({ "n": 9_223_372_036_854_775_807_u64 }), ""),
        (json!({ "n": 1.1 }), "Cannot convert value to integer (bad value): 1.1"),
        (json!({ "n": 9_223_372_036_854_775_808_u64 }), "Cannot convert value to integer"),
        (json!({ "n": "five" }), "Cannot convert value to integer"),
        (json!({ "n": true }), "Cannot convert value to integer"),
        (json!({ "n": [1] }), "Array specified for non-repeated field: n."),
        (json!({ "n": { "a": 1 } }), "This field: n is not a record."),
        (json!({ "ratio": 1 }), ""),
        (json!({ "ratio": "1.5" }), ""),
        (json!({ "ratio": "much" }), "Cannot convert value to floating point"),
        (json!({ "ok": "true" }), ""),
        (json!({ "ok": 1 }), "Cannot convert value to boolean"),
        (json!({ "id": 7 }), ""),
        (json!({ "id": true }), "Conversion from bool to string is unsupported."),
        (json!({ "price": "1.123456789" }), ""),
        (json!({ "price": "1.1234567891" }), "Invalid NUMERIC value"),
        (json!({ "received_at": "2026-01-02T03:04:05.123Z" }), ""),
        (json!({ "received_at": "2026-01-02 03:04:05.5 UTC" }), ""),
        (json!({ "received_at": "2026-01-02 03:04:05+02:00" }), ""),
        (json!({ "received_at": 1_767_323_045 }), ""),
        (json!({ "received_at": 1_767_323_045_123_i64 }), "out of allowed range"),
        (json!({ "received_at": "yesterday" }), "Could not parse 'yesterday' as a timestamp"),
        (json!({ "_unmapped": "{\"a\":[1]}" }), ""),
        (json!({ "_unmapped": { "a": 1 } }), "This field: _unmapped is not a record."),
        (json!({ "_unmapped": "{" }), "Failed to parse JSON"),
        (json!({ "N": 1 }), ""),
        (json!({ "n": null }), ""),
        (json!({ "nope": 1 }), "no such field: nope."),
    ] {
        let message = cloud.insert_one("t", cell.clone());
        assert!(message.starts_with(expected) || message.contains(expected), "{cell}: {message}");
        assert_eq!(message.is_empty(), expected.is_empty(), "{cell}: {message}");
    }
}

#[test]
fn values_are_kept_as_the_column_has_them() {
    let mut cloud = cloud();
    let row =
        json!({ "id": 7, "n": "1.0", "ratio": 1, "received_at": 1_767_323_045, "_unmapped": "{\"a\":1}" });
    assert_eq!(cloud.insert_one("t", row), "");
    let kept = json!([{ "id": "7", "n": 1, "ratio": 1.0, "received_at": "2026-01-02T03:04:05.000000Z",
                        "_unmapped": { "a": 1 } }]);
    assert_eq!(cloud.rows("t"), kept);
}

#[test]
fn one_bad_row_stops_the_others_unless_it_is_to_be_skipped() {
    let mut cloud = cloud();
    let rows = json!([{ "json": { "id": "a" } }, { "json": { "nope": 1 } }, { "json": { "id": "c" } }]);
    let path = "datasets/d/tables/t/insertAll";
    let (status, body) = cloud.call("POST", path, &json!({ "rows": rows }));
    let errors: Vec<String> = body["insertErrors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| format!("{} {}", error["index"], error["errors"][0]["reason"].as_str().unwrap()))
        .collect();
    assert_eq!((status, errors.join(", ").as_str()), (200, "0 stopped, 1 invalid, 2 stopped"));
    assert_eq!(cloud.rows("t"), json!([]));

    let (_, body) = cloud.call("POST", path, &json!({ "rows": rows, "skipInvalidRows": true }));
    assert_eq!(body["insertErrors"].as_array().unwrap().len(), 1);
    assert_eq!(cloud.rows("t"), json!([{ "id": "a" }, { "id": "c" }]));

    let ignoring = json!({ "rows": rows, "ignoreUnknownValues": true });
    assert_eq!(cloud.call("POST", path, &ignoring).1["insertErrors"], Value::Null);
}

#[test]
fn a_required_column_must_be_there() {
    let mut cloud = bare(&[]);
    let mut table = described("strict", &[("id", "STRING"), ("n", "INTEGER")]);
    table["schema"]["fields"][1]["mode"] = "REQUIRED".into();
    cloud.call("POST", "datasets/d/tables", &table);
    assert_eq!(cloud.insert_one("strict", json!({ "id": "a" })), "Missing required field: n.");
    assert_eq!(cloud.insert_one("strict", json!({ "id": "a", "n": null })), "Missing required field: n.");
    assert_eq!(cloud.insert_one("strict", json!({ "id": "a", "n": 1 })), "");
}

#[test]
fn an_insert_id_is_remembered_for_a_minute() {
    let mut cloud = cloud();
    let body = json!({ "rows": [{ "insertId": "i", "json": { "id": "a" } }] });
    let path = "datasets/d/tables/t/insertAll";
    for (seconds, rows) in [(0, 1), (30, 1), (61, 2)] {
        cloud.pass(seconds);
        assert_eq!(cloud.call("POST", path, &body).0, 200);
        assert_eq!(cloud.rows("t").as_array().unwrap().len(), rows, "after {seconds} s");
    }
}

#[test]
fn a_request_is_refused_as_a_whole_for_its_form() {
    let mut cloud = cloud();
    let path = "datasets/d/tables/t/insertAll";
    let long = "i".repeat(129);
    for (body, words) in [
        (json!({ "rows": [] }), "No rows present"),
        (json!({ "rows": vec![json!({ "json": {} }); 50_001] }), "too many rows"),
        (json!({ "rows": [{ "insertId": long, "json": {} }] }), "insertId"),
        (json!({ "rows": [{ "id": "a" }] }), "json"),
        (json!({ "rows": [{ "json": {} }], "templateSuffix": "_x" }), "templateSuffix"),
    ] {
        expect(&cloud.refused("POST", path, &body), 400, "invalid", words);
    }
    let url = format!("/bigquery/v2/projects/local/{path}");
    let big = json!({ "rows": [{ "json": { "id": "x".repeat(10 * 1024 * 1024) } }] });
    let said = cloud.raw("POST", &url, &[], big.to_string());
    assert_eq!((said.status, said.headers[0].1.as_str()), (413, "text/html; charset=UTF-8"));
    let row = json!({ "id": "x".repeat(10_000_001) });
    assert!(cloud.insert_one("t", row).starts_with("Maximum allowed row size exceeded"));
    assert_eq!(cloud.raw("POST", &url, &[], "{").status, 400);
}

#[test]
fn a_body_may_be_packed() {
    use std::io::Write;
    let mut cloud = cloud();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(br#"{"rows":[{"json":{"id":"a"}}]}"#).unwrap();
    let url = "/bigquery/v2/projects/local/datasets/d/tables/t/insertAll";
    let said = cloud.raw("POST", url, &[("content-encoding", "gzip")], packer.finish().unwrap());
    assert_eq!(said.status, 200, "{said:?}");
    assert_eq!(cloud.rows("t"), json!([{ "id": "a" }]));
}

#[test]
fn what_does_not_exist_or_cannot_be_streamed_to_is_named() {
    let mut cloud = cloud();
    let body = json!({ "rows": [{ "json": {} }] });
    let refused = cloud.refused("POST", "datasets/d/tables/none/insertAll", &body);
    expect(&refused, 404, "notFound", "Not found: Table local:d.none");
    let refused = cloud.refused("POST", "datasets/none/tables/t/insertAll", &body);
    expect(&refused, 404, "notFound", "Not found: Dataset local:none");
    cloud.call("POST", "datasets/d/tables", &json!({ "tableReference": { "tableId": "empty" } }));
    let refused = cloud.refused("POST", "datasets/d/tables/empty/insertAll", &body);
    expect(&refused, 400, "invalid", "The destination table has no schema.");
    cloud.run("CREATE VIEW d.v AS SELECT id FROM `local.d.t`");
    expect(&cloud.refused("POST", "datasets/d/tables/v/insertAll", &body), 400, "invalid", "view");
    cloud.control("POST", "set", json!({ "streaming": "off" }));
    expect(&cloud.refused("POST", "datasets/d/tables/t/insertAll", &body), 403, "accessDenied", "free tier");
    cloud.control("POST", "set", json!({ "streaming": "on" }));
    cloud.control("POST", "deny", json!({ "right": "bigquery.tables.updateData" }));
    let refused = cloud.refused("POST", "datasets/d/tables/t/insertAll", &body);
    expect(&refused, 403, "accessDenied", "bigquery.tables.updateData");
}

#[test]
fn a_row_of_a_day_too_far_away_is_refused() {
    let mut cloud = bare(&[]);
    cloud.run("CREATE TABLE d.p (id STRING, at TIMESTAMP) PARTITION BY DATE(at)");
    for (at, taken) in [
        ("2015-12-31T00:00:00Z", false),
        ("2016-02-01T00:00:00Z", true),
        ("2026-01-02T00:00:00Z", true),
        ("2027-01-02T00:00:00Z", true),
        ("2027-02-01T00:00:00Z", false),
    ] {
        let message = cloud.insert_one("p", json!({ "at": at }));
        assert_eq!(message.is_empty(), taken, "{at}: {message}");
    }
}
