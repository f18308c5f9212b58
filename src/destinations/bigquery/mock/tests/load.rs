//! Load jobs: uploads at once and in parts, and what becomes of their rows.

use super::*;

const URL: &str = "/upload/bigquery/v2/projects/local/jobs";

fn job(id: &str, load: Value) -> Value {
    let mut known = json!({
        "sourceFormat": "NEWLINE_DELIMITED_JSON",
        "destinationTable": { "projectId": "local", "datasetId": "d", "tableId": "t" },
    });
    known.as_object_mut().unwrap().extend(load.as_object().unwrap().clone());
    json!({ "jobReference": { "projectId": "local", "jobId": id }, "configuration": { "load": known } })
}

fn multipart(cloud: &mut Cloud, job: &Value, data: &[u8]) -> (u16, Value) {
    let head = format!(
        "--b\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{job}\r\n--b\r\n\
                        Content-Type: application/octet-stream\r\n\r\n"
    );
    let body = [head.as_bytes(), data, b"\r\n--b--\r\n"].concat();
    let headers = [("content-type", "multipart/related; boundary=b")];
    let said = cloud.raw("POST", &format!("{URL}?uploadType=multipart"), &headers, body);
    (said.status, serde_json::from_str(&said.body).unwrap())
}

fn packed(text: &str) -> Vec<u8> {
    use std::io::Write;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap()
}

#[test]
fn rows_are_loaded_and_the_same_job_is_never_done_twice() {
    let mut cloud = cloud();
    let data = packed("{\"id\":\"a\",\"_unmapped\":{\"x\":1}}\n{\"id\":\"b\"}\n");
    let (status, body) = multipart(&mut cloud, &job("one", json!({})), &data);
    assert_eq!((status, &body["status"]), (200, &json!({ "state": "DONE" })));
    assert_eq!(body["statistics"]["load"]["outputRows"], "2");
    assert_eq!(cloud.rows("t"), json!([{ "id": "a", "_unmapped": { "x": 1 } }, { "id": "b" }]));
    let (status, body) = multipart(&mut cloud, &job("one", json!({})), &data);
    expect(&reason(status, &body), 409, "duplicate", "Already Exists: Job local:US.one");
    assert_eq!(cloud.call("GET", "jobs/one", &Value::Null).1["status"]["state"], "DONE");
    expect(&cloud.refused("GET", "jobs/none", &Value::Null), 404, "notFound", "Not found: Job");
}

#[test]
fn one_bad_row_fails_the_whole_job() {
    let mut cloud = cloud();
    let (status, body) = multipart(&mut cloud, &job("one", json!({})), b"{\"id\":\"a\"}\n{\"nope\":1}\n");
    let error = &body["status"]["errorResult"];
    assert_eq!((status, &error["reason"]), (200, &json!("invalid")));
    assert!(error["message"].as_str().unwrap().contains("No such field: nope."), "{error}");
    assert_eq!(cloud.rows("t"), json!([]));
    let (_, body) = multipart(&mut cloud, &job("two", json!({})), b"{\"n\":1.5}\n");
    let message = body["status"]["errorResult"]["message"].as_str().unwrap();
    assert!(message.contains("Cannot convert value to integer"), "{message}");
}

#[test]
fn a_load_sees_a_fresh_table_and_a_fresh_column_at_once() {
    let mut cloud = cloud_with(&[("propagation", "10m"), ("flip", "0")]);
    cloud.run("ALTER TABLE d.t ADD COLUMN fresh STRING");
    assert_eq!(cloud.insert("t", &[json!({ "id": "a" })]).0, 404);
    let (_, body) = multipart(&mut cloud, &job("one", json!({})), b"{\"fresh\":\"x\"}\n");
    assert_eq!(body["status"].get("errorResult"), None);
    assert_eq!(cloud.rows("t"), json!([{ "fresh": "x" }]));
}

#[test]
fn a_load_adds_columns_only_where_it_says_so() {
    let mut cloud = bare(&[]);
    cloud.make("t", &[("id", "STRING")]);
    let fields = json!([{ "name": "id", "type": "STRING" }, { "name": "more", "type": "INTEGER" }]);
    let with = json!({ "schema": { "fields": fields } });
    let (_, body) = multipart(&mut cloud, &job("one", with.clone()), b"{\"more\":1}\n");
    let message = body["status"]["errorResult"]["message"].as_str().unwrap();
    assert!(
        message.contains("Provided Schema does not match Table local:d.t. Cannot add fields (field: more)")
    );
    let mut with = with;
    with["schemaUpdateOptions"] = json!(["ALLOW_FIELD_ADDITION"]);
    let (_, body) = multipart(&mut cloud, &job("two", with), b"{\"more\":1}\n");
    assert_eq!(body["status"].get("errorResult"), None, "{body}");
    assert_eq!(cloud.columns("t"), "id STRING, more INT64");
}

#[test]
fn an_upload_in_parts_is_told_how_much_has_come() {
    let mut cloud = cloud();
    let data = b"{\"id\":\"a\"}\n{\"id\":\"b\"}\n";
    let asked = job("parts", json!({})).to_string();
    let said = cloud.raw("POST", &format!("{URL}?uploadType=resumable"), &[], asked);
    let url = said.headers.iter().find(|(name, _)| *name == "location").unwrap().1.clone();
    let url = url.strip_prefix("http://127.0.0.1:4010").unwrap().to_owned();
    let all = data.len();
    let said = cloud.raw("PUT", &url, &[("content-range", &format!("bytes 0-4/{all}"))], &data[..5]);
    assert_eq!((said.status, said.headers), (308, vec![("range", "bytes=0-4".to_owned())]));
    let said = cloud.raw("PUT", &url, &[("content-range", &format!("bytes */{all}"))], "");
    assert_eq!((said.status, said.headers), (308, vec![("range", "bytes=0-4".to_owned())]));
    let range = format!("bytes 5-{}/{all}", all - 1);
    let said = cloud.raw("PUT", &url, &[("content-range", &range)], &data[5..]);
    assert_eq!(said.status, 200, "{said:?}");
    assert_eq!(cloud.rows("t"), json!([{ "id": "a" }, { "id": "b" }]));
    assert_eq!(cloud.raw("PUT", &url, &[("content-range", &range)], &data[5..]).status, 404);
}

#[test]
fn loads_have_a_right_and_a_daily_quota() {
    let mut cloud = cloud_with(&[("loads_a_day", "2")]);
    cloud.control("POST", "deny", json!({ "right": "bigquery.jobs.create" }));
    let (status, body) = multipart(&mut cloud, &job("no", json!({})), b"{}\n");
    expect(&reason(status, &body), 403, "accessDenied", "User does not have bigquery.jobs.create permission");
    cloud.control("POST", "allow", json!({ "right": "bigquery.jobs.create" }));
    multipart(&mut cloud, &job("one", json!({})), b"{}\n");
    multipart(&mut cloud, &job("two", json!({})), b"nonsense\n");
    let (status, body) = multipart(&mut cloud, &job("three", json!({})), b"{}\n");
    expect(&reason(status, &body), 403, "quotaExceeded", "exceeded quota for imports");
    cloud.pass(24 * 3600);
    assert_eq!(multipart(&mut cloud, &job("three", json!({})), b"{}\n").0, 200);
}

#[test]
fn a_job_far_away_is_only_found_by_who_says_where_it_is() {
    let mut cloud = cloud_with(&[("location", "europe-west3"), ("polls", "1")]);
    multipart(&mut cloud, &job("one", json!({})), b"{}\n");
    expect(&cloud.refused("GET", "jobs/one", &Value::Null), 404, "notFound", "Job");
    let states: Vec<Value> = (0..2)
        .map(|_| {
            let url = "/bigquery/v2/projects/local/jobs/one?location=europe-west3";
            let body: Value = serde_json::from_str(&cloud.raw("GET", url, &[], "").body).unwrap();
            body["status"]["state"].clone()
        })
        .collect();
    assert_eq!(states, ["RUNNING", "DONE"]);
}

#[test]
fn a_load_of_another_kind_is_refused() {
    let mut cloud = cloud();
    let (status, body) = multipart(&mut cloud, &job("one", json!({ "sourceFormat": "CSV" })), b"a\n");
    expect(&reason(status, &body), 400, "invalid", "NEWLINE_DELIMITED_JSON");
    let mut elsewhere = job("one", json!({}));
    elsewhere["jobReference"]["location"] = "EU".into();
    let (status, body) = multipart(&mut cloud, &elsewhere, b"{}\n");
    expect(&reason(status, &body), 404, "notFound", "Dataset local:d was not found in location EU");
    let said = cloud.raw("POST", &format!("{URL}?uploadType=multipart"), &[], "{}");
    assert_eq!(said.status, 400);
}
