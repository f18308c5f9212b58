//! What only time or repetition brings: propagation, quotas, jobs that are not done.

use super::*;

/// How many of the requests of the next seconds are refused, one a second.
fn refused(cloud: &mut Cloud, seconds: u32, column: &str) -> usize {
    let outcome = |cloud: &mut Cloud| {
        cloud.pass(1);
        let (status, body) = cloud.insert("t", &[json!({ column: "1" })]);
        let message = body["insertErrors"][0]["errors"][0]["message"].as_str().unwrap_or_default();
        status == 404 || message == format!("no such field: {column}.")
    };
    (0..seconds).filter(|_| outcome(cloud)).count()
}

#[test]
fn a_fresh_table_flips_between_yes_and_no_and_then_stays() {
    let mut cloud = cloud_with(&[("table_propagation", "2m")]);
    assert_eq!(cloud.call("GET", "datasets/d/tables/t", &Value::Null).0, 200);
    let no = refused(&mut cloud, 119, "id");
    assert!((40..110).contains(&no), "{no} of 119 were refused");
    assert_eq!(refused(&mut cloud, 60, "id"), 0);
}

#[test]
fn a_fresh_column_flips_and_the_others_are_seen() {
    let mut cloud = cloud_with(&[("column_propagation", "2m"), ("flip", "50")]);
    cloud.run("ALTER TABLE d.t ADD COLUMN fresh STRING");
    let no = refused(&mut cloud, 119, "fresh");
    assert!((30..90).contains(&no), "{no} of 119 were refused");
    assert_eq!(refused(&mut cloud, 60, "fresh"), 0);
    cloud.run("ALTER TABLE d.t ADD COLUMN fresher STRING");
    assert_eq!(refused(&mut cloud, 60, "id"), 0);
}

#[test]
fn refusals_can_be_counted_instead_of_timed() {
    let mut cloud = cloud_with(&[("table_refusals", "2"), ("column_refusals", "3")]);
    assert_eq!(refused(&mut cloud, 10, "id"), 2);
    cloud.run("ALTER TABLE d.t ADD COLUMN fresh STRING");
    assert_eq!(refused(&mut cloud, 2, "id"), 0);
    assert_eq!(refused(&mut cloud, 10, "fresh"), 3);
    cloud.control("POST", "refuse", json!({ "table": "t", "times": 1 }));
    cloud.control("POST", "refuse", json!({ "table": "t", "column": "id", "times": 2 }));
    assert_eq!(refused(&mut cloud, 10, "id"), 3);
}

#[test]
fn a_table_that_was_made_again_swallows_rows_for_a_while() {
    let mut cloud = cloud_with(&[("swallow", "10m")]);
    assert_eq!(cloud.insert_one("t", json!({ "id": "a" })), "");
    assert_eq!(cloud.rows("t"), json!([{ "id": "a" }]));
    cloud.call("DELETE", "datasets/d/tables/t", &Value::Null);
    cloud.make("t", &[("id", "STRING")]);
    assert_eq!(cloud.insert_one("t", json!({ "id": "b" })), "");
    assert_eq!(cloud.rows("t"), json!([]));
    assert_eq!(cloud.control("GET", "tables", json!({}))["d.t"]["swallowed"], 1);
    cloud.pass(601);
    assert_eq!(cloud.insert_one("t", json!({ "id": "c" })), "");
    assert_eq!(cloud.rows("t"), json!([{ "id": "c" }]));
}

#[test]
fn five_updates_of_a_table_in_ten_seconds_are_too_many_and_fifty_of_a_partitioned_one() {
    for (partition, most) in [("", 5), (" PARTITION BY DATE(at)", 50)] {
        let mut cloud = bare(&[]);
        // The creation counts.
        cloud.run(&format!("CREATE TABLE d.t (at TIMESTAMP){partition}"));
        let add = |number: usize| format!("ALTER TABLE d.t ADD COLUMN c{number} STRING");
        for number in 1..most {
            cloud.run(&add(number));
        }
        let words = "too many table update operations for this table";
        expect(&cloud.run_refused(&add(most)), 403, "rateLimitExceeded", words);
        let patch = json!({ "description": "x" });
        expect(&cloud.refused("PATCH", "datasets/d/tables/t", &patch), 403, "rateLimitExceeded", words);
        // By name: making it again does not help.
        cloud.run("DROP TABLE d.t");
        expect(&cloud.run_refused("CREATE TABLE d.t (at TIMESTAMP)"), 403, "rateLimitExceeded", words);
        cloud.pass(10);
        cloud.run("CREATE TABLE d.t (at TIMESTAMP)");
    }
}

#[test]
fn ten_tables_in_a_second_are_the_most() {
    let mut cloud = bare(&[]);
    for number in 0..10 {
        cloud.make(&format!("t{number}"), &[("id", "STRING")]);
    }
    let table = described("more", &[("id", "STRING")]);
    expect(
        &cloud.refused("POST", "datasets/d/tables", &table),
        403,
        "rateLimitExceeded",
        "Exceeded rate limits",
    );
    cloud.pass(1);
    cloud.make("more", &[("id", "STRING")]);
    cloud.control("POST", "set", json!({ "quotas": "off" }));
    for number in 10..30 {
        cloud.make(&format!("t{number}"), &[("id", "STRING")]);
    }
}

#[test]
fn a_query_that_takes_long_is_asked_about_until_it_is_done() {
    let mut cloud = cloud_with(&[("polls", "2")]);
    let begun = cloud.run("SELECT COUNT(*) AS n FROM d.t");
    assert_eq!((&begun["jobComplete"], begun.get("rows")), (&json!(false), None));
    let path = format!("queries/{}", begun["jobReference"]["jobId"].as_str().unwrap());
    let done: Vec<Value> =
        (0..3).map(|_| cloud.call("GET", &path, &Value::Null).1["jobComplete"].take()).collect();
    assert_eq!(done, [false, false, true]);
    assert_eq!(cloud.call("GET", &path, &Value::Null).1["rows"][0]["f"][0]["v"], "0");
}

#[test]
fn a_setting_that_is_none_is_refused_with_those_that_are() {
    let set = vec![("speed".to_owned(), "1".to_owned())];
    let message = new(&MockSettings { set, ..MockSettings::default() }).err().unwrap();
    assert!(message.starts_with("there is no setting `speed`; there are project, "), "{message}");
    let set = vec![("flip".to_owned(), "101".to_owned())];
    let message = new(&MockSettings { set, ..MockSettings::default() }).err().unwrap();
    assert_eq!(message, "`flip` must be a number from 0 to 100, not `101`");
}

#[test]
fn a_reset_returns_to_the_beginning() {
    let mut cloud = cloud();
    cloud.control("POST", "set", json!({ "location": "EU" }));
    cloud.mock.reset();
    assert_eq!(cloud.control("GET", "tables", json!({})), json!({}));
    assert_eq!(cloud.call("GET", "datasets/d", &Value::Null).1["location"], "US");
}
