//! What an operator sees before the first event: requests to the byte, and what is wrong with region, key and rights.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use super::stand_in::StandIn;
use crate::support::opentrack;

/// Runs `check --probe` and returns its exit code with what it says of `crm`.
fn probed(stand_in: &StandIn, key: &str, extra: &str) -> (Option<i32>, String) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.toml");
    fs::write(&file, stand_in.table(key, extra)).unwrap();
    let output = opentrack().arg("check").arg(&file).arg("--probe").output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(!text.contains("0123456789"), "no key is said: {text}");
    let line = text.lines().find(|line| line.contains("probe of crm")).unwrap_or_else(|| panic!("{text}"));
    (output.status.code(), line.to_owned())
}

#[tokio::test]
async fn a_probe_tells_what_is_wrong_and_sends_no_event() {
    let right = "key-0123456789";
    for (set, key, extra, code, expected) in [
        (&[][..], right, "", 0, "probe of crm: ok"),
        (&["--set", "region=eu"], right, "region = \"EU\"", 0, "probe of crm: ok"),
        (
            &["--set", "region=eu", "--set", "host=us"],
            right,
            "",
            69,
            "the account is in the EU data center: set `region = \"EU\"`",
        ),
        (&["--set", "region=us", "--set", "host=eu"], right, "region = \"EU\"", 69, "set `region = \"US\"`"),
        (&[], "wrong-0123456789", "", 69, "unauthorized (status 401)"),
        (
            &["--set", "may_send=false"],
            right,
            "",
            69,
            "forbidden (status 403): {\"meta\":{\"error\":\"the key may not do this\"}}",
        ),
    ] {
        let stand_in = StandIn::start(set);
        let (exit, line) = probed(&stand_in, key, extra);
        assert!(exit == Some(code) && line.contains(expected), "{set:?}: {exit:?} {line}");
        assert_eq!(stand_in.seen().await["events"], 0);
    }
}

#[test]
fn explain_shows_the_exact_request_with_the_key_masked() {
    let dir = tempfile::tempdir().unwrap();
    let config = "[destinations.crm]\ntype = \"customerio\"\nsite_id = \"site\"\napi_key = \"geheim-0123\"\nregion = \"EU\"\n";
    fs::write(dir.path().join("config.toml"), config).unwrap();
    let mut command = opentrack();
    command.args(["explain", "-", "--json"]).current_dir(dir.path()).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let events = json!([
        { "type": "track", "event": "Order Completed", "userId": "u1", "messageId": "m-1", "properties": { "total": 42.5 } },
        { "type": "identify", "anonymousId": "a1", "messageId": "m-2", "traits": { "plan": "pro" } },
    ]);
    child.stdin.take().unwrap().write_all(events.to_string().replace("42.5", "42.50").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("geheim") && text.contains("\"total\":42.50"), "{text}");
    let entries: Value = serde_json::from_str(&text).unwrap();
    let line = |index: usize| entries[index]["destinations"][0].clone();
    let request = &line(0)["requests"][0];
    assert_eq!(
        (&request["method"], &request["url"], &request["headers"]["authorization"]),
        (&json!("POST"), &json!("https://track-eu.customer.io/api/v2/batch"), &json!("***"))
    );
    let item = &request["body"]["batch"][0];
    assert_eq!(
        (&item["action"], &item["name"], &item["identifiers"]),
        (&json!("event"), &json!("Order Completed"), &json!({ "id": "u1" }))
    );
    assert_eq!((&line(1)["verdict"], &line(1)["reason"]), (&json!("skip"), &json!("no_identity")));
}
