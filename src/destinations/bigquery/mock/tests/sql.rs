//! Statements: ours, and clear refusals of all others.

use super::*;

#[test]
fn a_table_is_made_with_its_partition_and_its_clustering() {
    let mut cloud = bare(&[]);
    let create = "CREATE TABLE IF NOT EXISTS `local.d.tracks` (`id` STRING NOT NULL, received_at TIMESTAMP, `n` INT64, \
                  price NUMERIC(10, 2), tags ARRAY<STRING>, _unmapped JSON OPTIONS(description = 'what did not fit')) \
                  PARTITION BY DATE(received_at) CLUSTER BY id, n OPTIONS(labels = [('by', 'us')])";
    assert_eq!(cloud.run(create).get("schema"), None);
    cloud.run(create);
    let again = create.replace("IF NOT EXISTS ", "");
    expect(&cloud.run_refused(&again), 409, "duplicate", "Already Exists: Table local:d.tracks");
    let (_, shown) = cloud.call("GET", "datasets/d/tables/tracks", &Value::Null);
    assert_eq!(shown["timePartitioning"], json!({ "type": "DAY", "field": "received_at" }));
    assert_eq!(
        (&shown["clustering"]["fields"], &shown["labels"]),
        (&json!(["id", "n"]), &json!({ "by": "us" }))
    );
    let columns =
        "id STRING, received_at TIMESTAMP, n INT64, price NUMERIC, tags ARRAY<STRING>, _unmapped JSON";
    assert_eq!(cloud.columns("tracks"), columns);
}

#[test]
fn columns_are_added_once_and_all_or_none() {
    let mut cloud = bare(&[]);
    cloud.make("t", &[("id", "STRING")]);
    let add =
        "ALTER TABLE `local.d.t` ADD COLUMN IF NOT EXISTS `a` INT64, ADD COLUMN IF NOT EXISTS `b` STRING";
    cloud.run(add);
    cloud.run(add);
    assert_eq!(cloud.columns("t"), "id STRING, a INT64, b STRING");
    let refused = cloud.run_refused("ALTER TABLE d.t ADD COLUMN c INT64, ADD COLUMN a INT64");
    expect(&refused, 400, "invalidQuery", "Column already exists: a");
    let refused = cloud.run_refused("ALTER TABLE d.t ADD COLUMN c INT64 NOT NULL");
    expect(&refused, 400, "invalidQuery", "Cannot add required fields");
    assert_eq!(cloud.columns("t"), "id STRING, a INT64, b STRING");
    let refused = cloud.run_refused("ALTER TABLE d.none ADD COLUMN c INT64");
    expect(&refused, 404, "notFound", "Not found: Table local:d.none");
}

#[test]
fn only_the_changes_of_type_that_exist_are_done() {
    let types = ["INT64", "NUMERIC", "BIGNUMERIC", "FLOAT64", "STRING", "BOOL", "TIMESTAMP"];
    let mut allowed = Vec::new();
    for (from, to) in types.iter().flat_map(|from| types.iter().map(move |to| (from, to))) {
        let mut cloud = bare(&[]);
        cloud.run(&format!("CREATE TABLE d.t (x {from})"));
        let (status, body) = cloud.query(&format!("ALTER TABLE d.t ALTER COLUMN x SET DATA TYPE {to}"));
        if status == 200 {
            allowed.push(format!("{from}>{to}"));
        } else {
            let words = format!("existing column type ({from}) is assignable to the new type ({to})");
            expect(&reason(status, &body), 400, "invalidQuery", &words);
        }
    }
    allowed.retain(|pair| pair.split_once('>').is_some_and(|(from, to)| from != to));
    let expected = "INT64>NUMERIC INT64>BIGNUMERIC INT64>FLOAT64 NUMERIC>BIGNUMERIC NUMERIC>FLOAT64";
    assert_eq!(allowed.join(" "), expected);
}

#[test]
fn a_clustering_column_is_not_widened_to_what_cannot_be_clustered_by() {
    let mut cloud = bare(&[]);
    cloud.run("CREATE TABLE d.t (n INT64) CLUSTER BY n");
    let refused = cloud.run_refused("ALTER TABLE d.t ALTER COLUMN n SET DATA TYPE FLOAT64");
    expect(&refused, 400, "invalidQuery", "assignable");
}

#[test]
fn a_required_column_is_relaxed_and_a_column_is_dropped() {
    let mut cloud = bare(&[]);
    cloud.run("CREATE TABLE d.t (id STRING NOT NULL, n INT64)");
    cloud.run("ALTER TABLE d.t ALTER COLUMN id DROP NOT NULL, DROP COLUMN n");
    assert_eq!(cloud.insert_one("t", json!({})), "");
    assert_eq!(cloud.columns("t"), "id STRING");
}

#[test]
fn what_is_known_of_all_columns_can_be_read() {
    let mut cloud = bare(&[]);
    cloud.run("CREATE TABLE d.t (id STRING NOT NULL, at TIMESTAMP, tags ARRAY<STRING>) PARTITION BY DATE(at) CLUSTER BY id");
    cloud.make("u", &[("id", "STRING")]);
    let told = cloud.run(
        "SELECT table_name, column_name, data_type, is_nullable AS nullable, is_partitioning_column \
         FROM `local.d`.INFORMATION_SCHEMA.COLUMNS WHERE table_name IN ('t', 'x') ORDER BY table_name, ordinal_position",
    );
    let rows: Vec<String> = told["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let cells = row["f"].as_array().unwrap().iter().map(|cell| cell["v"].as_str().unwrap_or("-"));
            cells.collect::<Vec<_>>().join(" ")
        })
        .collect();
    assert_eq!(rows, ["t id STRING NO NO", "t at TIMESTAMP YES YES", "t tags ARRAY<STRING> YES NO"]);
    assert_eq!(told["schema"]["fields"][3]["name"], "nullable");
    cloud.run("CREATE VIEW d.v AS SELECT id FROM `local.d.t`");
    let told = cloud.run(
        "SELECT table_name, column_name, data_type FROM `local.d.INFORMATION_SCHEMA.COLUMNS` WHERE table_name IN (SELECT \
         table_name FROM `local.d.INFORMATION_SCHEMA.TABLES` WHERE table_type = 'BASE TABLE')",
    );
    assert_eq!(told["totalRows"], "4");
    let refused = cloud.run_refused("SELECT * FROM `local.none.INFORMATION_SCHEMA.COLUMNS`");
    expect(&refused, 404, "notFound", "Dataset local:none was not found in location US");
}

#[test]
fn rows_can_be_counted_and_read() {
    let mut cloud = cloud();
    for n in [2, 1] {
        cloud.insert("t", &[json!({ "id": "a", "n": n, "received_at": "2026-01-02T00:00:00.5Z" })]);
    }
    assert_eq!(cloud.run("SELECT COUNT(*) AS n FROM `local.d.t`")["rows"][0]["f"][0]["v"], "2");
    let read = cloud.run("SELECT t.n, received_at FROM d.t AS t WHERE n = 1 LIMIT 5");
    assert_eq!(read["rows"], json!([{ "f": [{ "v": "1" }, { "v": "1767312000.500000" }] }]));
    expect(&cloud.run_refused("SELECT x FROM d.t"), 400, "invalidQuery", "Unrecognized name: x");
}

#[test]
fn a_view_is_made_replaced_and_refused_over_what_is_not_there() {
    let mut cloud = cloud();
    let view = "CREATE OR REPLACE VIEW `local.d.t_view` OPTIONS(labels=[(\"hash\", \"1\")]) AS SELECT t.id FROM `local.d.t` \
                AS t QUALIFY ROW_NUMBER() OVER (PARTITION BY t.id ORDER BY t.received_at) = 1";
    cloud.run(view);
    cloud.run(&view.replace("\"1\"", "\"2\""));
    let (_, shown) = cloud.call("GET", "datasets/d/tables/t_view", &Value::Null);
    assert_eq!((&shown["type"], &shown["labels"]["hash"]), (&json!("VIEW"), &json!("2")));
    assert!(shown["view"]["query"].as_str().unwrap().starts_with("SELECT t.id FROM"));
    cloud.run(&view.replace("t.id FROM", "t.id, CAST(t.id AS STRING) AS `id_text` FROM"));
    let columns = "SELECT column_name FROM d.INFORMATION_SCHEMA.COLUMNS WHERE table_name = 't_view'";
    let columns = cloud.run(columns)["rows"].to_string();
    assert!(columns.contains("id_text"), "{columns}");
    cloud.run(&view.replace("\"1\"", "\"2\""));
    let (_, listed) = cloud.call("GET", "datasets/d/tables", &Value::Null);
    let listed = listed["tables"].as_array().unwrap();
    assert!(listed.iter().any(|one| one["type"] == "VIEW" && one["labels"]["hash"] == "2"), "{listed:?}");
    let refused = cloud.run_refused("CREATE OR REPLACE VIEW d.v AS SELECT id FROM `local.d.none`");
    expect(&refused, 404, "notFound", "Not found: Table local:d.none");
    expect(
        &cloud.run_refused("CREATE OR REPLACE VIEW d.t AS SELECT id FROM `local.d.t`"),
        400,
        "invalid",
        "not a view",
    );
    expect(&cloud.run_refused("DROP TABLE d.t_view"), 400, "invalidQuery", "is not a table");
}

#[test]
fn a_merge_keeps_users_from_identifies_and_is_refused_after_streaming() {
    let mut cloud = bare(&[]);
    cloud.make("identifies", &[("user_id", "STRING"), ("plan", "STRING"), ("received_at", "TIMESTAMP")]);
    cloud.make("users", &[("id", "STRING"), ("plan", "STRING"), ("received_at", "TIMESTAMP")]);
    for (user, plan, day) in
        [("a", json!("pro"), 2), ("a", json!("free"), 1), ("b", json!("free"), 1), ("a", json!(null), 3)]
    {
        let at = format!("2026-01-0{day}T00:00:00Z");
        cloud.insert("identifies", &[json!({ "user_id": user, "plan": plan, "received_at": at })]);
    }
    let merge = "MERGE `local.d.users` AS u USING (SELECT user_id AS id FROM `local.d.identifies`) AS s ON u.id = s.id \
                 WHEN MATCHED THEN UPDATE SET plan = s.plan WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)";
    assert_eq!(cloud.run(merge)["numDmlAffectedRows"], "2");
    cloud.run(merge);
    let users = cloud.rows("users");
    assert_eq!(users.as_array().unwrap().len(), 2);
    assert_eq!(
        (&users[0]["id"], &users[0]["plan"], &users[1]["plan"]),
        (&json!("a"), &json!("pro"), &json!("free"))
    );

    cloud.insert("users", &[json!({ "id": "c" })]);
    expect(&cloud.run_refused(merge), 400, "invalid", "would affect rows in the streaming buffer");
    cloud.pass(91 * 60);
    cloud.run(merge);
}

/// The only kind of parameter that is known.
fn with_ids(cloud: &mut Cloud, sql: &str, ids: &[&str]) -> (u16, Value) {
    let ids: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
    let parameter = json!({
        "name": "ids",
        "parameterType": { "type": "ARRAY", "arrayType": { "type": "STRING" } },
        "parameterValue": { "arrayValues": ids },
    });
    let body = json!({ "query": sql, "useLegacySql": false, "parameterMode": "NAMED", "queryParameters": [parameter] });
    cloud.call("POST", "queries", &body)
}

#[test]
fn a_delete_takes_its_texts_from_a_parameter_and_leaves_what_was_streamed_lately() {
    let mut cloud = bare(&[]);
    cloud.make("tracks", &[("user_id", "STRING"), ("previous_id", "STRING"), ("received_at", "TIMESTAMP")]);
    for (user, previous) in [("a", json!(null)), ("b", json!("a")), ("c", json!(null))] {
        let row = json!({ "user_id": user, "previous_id": previous, "received_at": "2026-01-02T01:00:00Z" });
        cloud.insert("tracks", &[row]);
    }
    let delete = "DELETE FROM `local.d.tracks` WHERE (`user_id` IN UNNEST(@ids) OR `previous_id` IN UNNEST(@ids))";
    let (status, body) = with_ids(&mut cloud, delete, &["a"]);
    expect(&reason(status, &body), 400, "invalid", "would affect rows in the streaming buffer");
    cloud.pass(91 * 60);
    cloud.insert("tracks", &[json!({ "user_id": "a", "received_at": "2026-01-02T04:00:00Z" })]);
    let (status, body) = with_ids(&mut cloud, delete, &["a"]);
    expect(&reason(status, &body), 400, "invalid", "would affect rows in the streaming buffer");
    let old = format!("{delete} AND `received_at` <= TIMESTAMP '2026-01-02T02:00:00Z'");
    let (status, body) = with_ids(&mut cloud, &old, &["a", "') OR TRUE --"]);
    assert_eq!((status, &body["numDmlAffectedRows"]), (200, &json!("2")), "{body}");
    assert_eq!(cloud.rows("tracks").as_array().unwrap().len(), 2);
}

#[test]
fn a_delete_needs_its_parameter_its_columns_and_a_condition() {
    let mut cloud = bare(&[]);
    cloud.run("CREATE TABLE d.t (user_id STRING, received_at TIMESTAMP) PARTITION BY DATE(received_at) OPTIONS (require_partition_filter = TRUE)");
    let of = |column: &str| format!("DELETE FROM d.t WHERE ({column} IN UNNEST(@ids))");
    expect(&cloud.run_refused("DELETE FROM d.t"), 400, "invalidQuery", "Expected keyword WHERE");
    expect(&cloud.run_refused(&of("user_id")), 400, "invalidQuery", "Query parameter 'ids' not found");
    for (sql, words) in [
        (of("nobody"), "Unrecognized name: nobody"),
        (of("user_id"), "without a filter over column(s) 'received_at'"),
    ] {
        let (status, body) = with_ids(&mut cloud, &sql, &["a"]);
        expect(&reason(status, &body), 400, "invalidQuery", words);
    }
    let bound = format!("{} AND received_at <= TIMESTAMP '9999-12-30T00:00:00Z'", of("user_id"));
    assert_eq!(with_ids(&mut cloud, &bound, &["a"]).0, 200);
}

#[test]
fn a_merge_takes_the_id_from_the_column_that_it_names() {
    let mut cloud = bare(&[]);
    cloud.make("groups", &[("id", "STRING"), ("group_id", "STRING"), ("seats", "INTEGER")]);
    cloud.run("CREATE TABLE d.accounts (`id` STRING NOT NULL, seats INT64) CLUSTER BY `id`");
    cloud.insert("groups", &[json!({ "id": "m1", "group_id": "acme", "seats": 5 })]);
    let merge = "MERGE `local.d.accounts` AS u\nUSING (\n SELECT t.`group_id` AS `id`, ARRAY_AGG(t.`seats` IGNORE NULLS \
                 ORDER BY t.`received_at` DESC LIMIT 1)[SAFE_OFFSET(0)] AS `seats`\n FROM `local.d.groups` AS t GROUP BY \
                 t.`group_id`\n) AS s\nON u.`id` = s.`id` WHEN NOT MATCHED THEN INSERT (`id`) VALUES (s.`id`)";
    cloud.run(merge);
    assert_eq!(cloud.rows("accounts"), json!([{ "seats": 5, "id": "acme" }]));
}

#[test]
fn a_table_may_be_cut_by_the_time_of_arrival() {
    let mut cloud = bare(&[]);
    cloud.run("CREATE TABLE d.events (`message_id` STRING)\nPARTITION BY _PARTITIONDATE\nOPTIONS (require_partition_filter = TRUE)");
    let (_, shown) = cloud.call("GET", "datasets/d/tables/events", &Value::Null);
    assert_eq!(
        (&shown["timePartitioning"], &shown["requirePartitionFilter"]),
        (&json!({ "type": "DAY" }), &json!(true))
    );
}

#[test]
fn several_statements_are_done_in_their_order_and_a_dry_run_does_none() {
    let mut cloud = bare(&[]);
    cloud.run("CREATE TABLE d.a (id STRING); -- one more\nALTER TABLE d.a ADD COLUMN n INT64;");
    assert_eq!(cloud.columns("a"), "id STRING, n INT64");
    let dry = json!({ "query": "DROP TABLE d.a", "useLegacySql": false, "dryRun": true });
    assert_eq!(cloud.call("POST", "queries", &dry).0, 200);
    cloud.run("DROP TABLE d.a");
    expect(&cloud.run_refused("DROP TABLE d.a"), 404, "notFound", "local:d.a");
    cloud.run("DROP TABLE IF EXISTS d.a");
}

#[test]
fn anything_else_is_refused_with_what_is_wrong() {
    let mut cloud = cloud();
    for (sql, words) in [
        ("ALTER TABLE d.t ADD COLUMN a TEXT", "Type not found: TEXT"),
        (
            "ALTER TABLE d.t ADD a INT64",
            "Syntax error: Expected keyword ALTER COLUMN but got \"ADD\" at [1:17]",
        ),
        ("CREATE TABLE d.x (a INT64", "Expected \")\" but got end of input"),
        ("UPDATE d.t SET n = 1", "does not know the statement: UPDATE"),
        ("SELECT n FROM d.t GROUP BY n", "Expected end of input but got \"GROUP\""),
        ("CREATE VIEW d.v AS DELETE", "Expected keyword SELECT"),
        ("SELECT `n FROM d.t", "Unclosed identifier literal"),
        ("SELECT n FROM t", "must be qualified with a dataset"),
    ] {
        expect(&cloud.run_refused(sql), 400, "invalidQuery", words);
    }
    let legacy = json!({ "query": "SELECT 1" });
    expect(&cloud.refused("POST", "queries", &legacy), 400, "invalidQuery", "useLegacySql");
}
