//! Whole documents through every module, and what is said of a bad one.

use super::*;
use crate::cli::tests::run;

fn answered(module: &str, document: &Value) -> (Exit, Value, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cases.json");
    std::fs::write(&path, document.to_string()).unwrap();
    let (exit, stdout, stderr) = run(&["eval", module, path.to_str().unwrap()]);
    (exit, serde_json::from_str(&stdout).unwrap_or_default(), stderr)
}

/// The output of one case.
#[track_caller]
fn one(module: &str, input: Value) -> Value {
    let (exit, answer, stderr) = answered(module, &json!({"cases": [{"id": 1, "input": input}]}));
    assert_eq!((exit, stderr.as_str()), (Exit::Fine, ""), "{answer}");
    assert_eq!(answer[0]["id"], 1);
    answer[0]["output"].clone()
}

#[test]
fn a_channel_is_evaluated() {
    let input = json!({"url": "https://shop.example/?utm_source=fb&utm_medium=paid", "referrer": null});
    let expected = json!({"source": "facebook", "medium": "paid", "campaign": null, "click_id": null,
                          "internal": false, "channel": "Paid Social"});
    assert_eq!(one("channel", input), expected);
}

#[test]
fn a_session_is_evaluated() {
    let output = one(
        "session",
        json!({"events": [
            {"id": "a", "ts": 0, "visitor": "v", "type": "page", "path": "/"},
            {"id": "b", "ts": 1_800_001, "visitor": "v", "type": "page", "path": "/b"},
        ]}),
    );
    assert_eq!(output["sessions"].as_array().unwrap().len(), 2);
    assert_eq!(output["assigned"], json!({"a": 0, "b": 1}));
}

#[test]
fn an_average_is_evaluated() {
    let output = one(
        "ema",
        json!({"half_life_ms": 30_000, "step_ms": 30_000, "start": 0, "end": 30_000,
                                   "events": [{"at": 1, "ts": 1, "visitor": "v"}]}),
    );
    assert_eq!(output[1], json!({"t": 30_000, "m1": 1, "m5": 1, "m30": 1, "ema": 0.5}));
}

#[test]
fn a_funnel_is_evaluated() {
    let output = one(
        "funnel",
        json!({"window_ms": 1_000, "now": 10, "abandoned_after_ms": 5, "default_currency": "EUR",
        "events": [{"ts": 1, "visitor": "v", "event": "Order Completed", "properties": {"order_id": "1", "total": 9.5}}]}),
    );
    assert_eq!(output["revenue"]["EUR"]["gross"], "9.50");
}

#[test]
fn a_device_is_evaluated() {
    let output = one(
        "device",
        json!({"user_agent": "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
        Chrome/130.0.0.0 Mobile Safari/537.36", "hints": {"Sec-CH-UA-Model": "\"Pixel 7\""}}),
    );
    let browser = json!({"family": "Chrome Mobile", "major": "130", "minor": "0", "patch": "0"});
    assert_eq!((&output["browser"], &output["bot"]), (&browser, &json!(false)));
    assert_eq!(
        (&output["device"]["model"], &output["device"]["type"]),
        (&json!("Pixel 7"), &json!("mobile"))
    );
    assert_eq!((&output["device"]["brand"], &output["os"]["family"]), (&json!("Google"), &json!("Android")));
}

#[test]
fn every_operation_of_hashing_is_evaluated() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "{\"test\": 2432232314}");
    let signed = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    let verify = |now: i64, header: &str, seen: Value| {
        json!({"op": "verify", "secret": secret, "id": id, "timestamp": 1_614_265_330,
        "body": body, "header": header, "now": now, "seen": seen})
    };
    for (input, expected) in [
        // printf 'email:ada@example.com' | openssl dgst -sha256 -hmac salt
        (
            json!({"op": "pii", "site_salt": "salt", "kind": "email", "value": " Ada@Example.com "}),
            json!("27c974f86f9211b9688e483d13ccb052844f5eaaec8ce4b313ca95d5d6af6fdc"),
        ),
        (json!({"op": "pii", "site_salt": "salt", "kind": "email", "value": " "}), Value::Null),
        (
            json!({"op": "meta", "kind": "email", "value": " Ada@Example.com"}),
            json!("b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72"),
        ),
        (json!({"op": "meta", "kind": "email", "value": "AB".repeat(32)}), json!("ab".repeat(32))),
        (json!({"op": "ip", "value": "203.0.113.77"}), json!("203.0.113.0")),
        (json!({"op": "ip", "value": "2001:db8:1:2::3"}), json!("2001:db8:1::")),
        (json!({"op": "ip", "value": "::ffff:203.0.113.77"}), json!("203.0.113.0")),
        (
            json!({"op": "visitor", "day_salt_hex": "00FF", "site": "shop", "ip": "203.0.113.7", "user_agent": "Mozilla/5.0"}),
            json!("e8a3631056b5f9bd02b0056a9b61b53e"),
        ),
        (
            json!({"op": "sign", "secret": secret, "id": id, "timestamp": 1_614_265_330, "body": body}),
            json!(signed),
        ),
        (verify(1_614_265_330, signed, Value::Null), json!("ok")),
        (verify(1_614_265_630, signed, json!([id])), json!("replay")),
        (verify(1_614_265_631, signed, json!([id])), json!("timestamp")),
        (verify(1_614_265_330, "v1,AAAA", json!([id])), json!("signature")),
        (
            json!({"op": "vital", "name": "LCP", "values": [2500, 5000, 1000, 4000]}),
            json!({"p75": 4000.0, "rating": "needs-improvement", "share": [0.5, 0.25, 0.25]}),
        ),
    ] {
        assert_eq!(one("hashing", input.clone()), expected, "{input}");
    }
}

#[test]
fn what_is_nothing_has_no_network_and_no_hash() {
    assert_eq!(one("hashing", json!({"op": "meta", "kind": "gender", "value": "other"})), Value::Null);
    assert_eq!(one("hashing", json!({"op": "ip", "value": "somewhere"})), Value::Null);
}

#[test]
fn a_bad_case_is_named_and_leaves_the_others_alone() {
    let (exit, answer, stderr) = answered(
        "hashing",
        &json!({"cases": [
            {"id": "good", "input": {"op": "ip", "value": "10.1.2.3"}},
            {"id": "no-op", "input": {"op": "frobnicate"}},
            {"id": 3, "input": {"op": "visitor", "day_salt_hex": "0", "site": "", "ip": "", "user_agent": ""}},
            {"id": "more", "input": {"op": "ip", "value": "10.1.2.3", "typo": 1}},
            {"id": "key", "input": {"op": "sign", "secret": "whsec_geheim!", "id": "", "timestamp": 0, "body": ""}},
        ]}),
    );
    assert_eq!(exit, Exit::Failed);
    assert_eq!(answer[0], json!({"id": "good", "output": "10.1.2.0"}));
    assert!(answer[1]["error"].as_str().unwrap().contains("unknown variant `frobnicate`"), "{answer}");
    assert!(answer[2]["error"].as_str().unwrap().contains("`day_salt_hex`"), "{answer}");
    assert!(answer[3]["error"].as_str().unwrap().contains("unknown field `typo`"), "{answer}");
    assert!(
        stderr.contains("case \"no-op\": ") && stderr.contains("case 3: ") && !stderr.contains("good"),
        "{stderr}"
    );
    assert!(!stderr.contains("geheim"), "{stderr}");
}

#[test]
fn what_is_no_document_is_bad_usage() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cases.json");
    for text in ["", "[]", "{\"cases\":[{\"id\":1}]}", "{\"cases\":[]} x"] {
        std::fs::write(&path, text).unwrap();
        let (exit, stdout, stderr) = run(&["eval", "channel", path.to_str().unwrap()]);
        assert_eq!((exit, stdout.as_str()), (Exit::Usage, ""), "{text}");
        assert!(stderr.contains("cases.json"), "{stderr}");
    }
    assert_eq!(run(&["eval", "frobnicate"]).0, Exit::Usage);
    assert_eq!(run(&["eval", "channel", "no-such-file"]).0, Exit::Usage);
    assert_eq!(answered("channel", &json!({"cases": []})).1, json!([]));
}
