//! What is secret in the configuration is nowhere in what the router says, whatever trouble its destinations make: not in its log,
//! its files for operators, its API, its metrics or its commands.

use serde_json::Value;

use crate::support::{Config, Receiver, Reply, Router, track, until};

/// Each begins like this, and nothing else does.
const PLANTED: &str = "geheim-0123456789";

fn secret(name: &str) -> String {
    format!("{PLANTED}-{name}")
}

/// Answers 401 and repeats everything that it was sent.
fn echo() -> Receiver {
    Receiver::scripted(|request| {
        let told = format!(
            "who are you? {} {:?} {}",
            request.path,
            request.headers,
            String::from_utf8_lossy(&request.body)
        );
        Reply::With(401, vec![("www-authenticate".into(), "Basic".into())], told)
    })
}

fn config(receiver: &Receiver) -> Config {
    let url = receiver.url();
    let host = url.trim_start_matches("http://").trim_end_matches('/').split('/').next().unwrap().to_owned();
    let quick = "timeout = \"2s\"\nretry = { initial = \"50ms\", max = \"200ms\" }\nhold = { probe_every = \"200ms\" }";
    let table = |name: &str, lines: &str| format!("[destinations.{name}]\n{lines}\n{quick}");
    let [hook, header, slack, crm, ads, house, wide, cache] =
        ["hook", "header", "slack", "crm", "ads", "house", "wide", "cache"].map(secret);
    Config::new()
        .table(&table(
            "hook",
            &format!(
                "type = \"webhook\"\nurl = \"http://{host}/in/{hook}?token={hook}\"\nsecret = \"{header}\"\n\
                 headers = {{ Authorization = \"Bearer {header}\" }}"
            ),
        ))
        .table(&table("slack", &format!("type = \"slack\"\nurl = \"http://{host}/services/{slack}\"\ndefault_message = \"x\"")))
        .table(&table(
            "crm",
            &format!("type = \"customerio\"\nsite_id = \"site\"\napi_key = \"{crm}\"\nendpoint = \"http://{host}\""),
        ))
        .table(&table(
            "ads",
            &format!("type = \"meta_capi\"\npixel_id = \"1234\"\naccess_token = \"{ads}\"\nendpoint = \"http://{host}\""),
        ))
        .table(&table(
            "wide",
            &format!("type = \"clickhouse\"\nurl = \"http://{host}\"\nuser = \"u\"\npassword = \"{wide}\""),
        ))
        .table(&table(
            "house",
            &format!("type = \"postgres\"\nurl = \"postgres://u:{house}@{host}/db?sslmode=disable\""),
        ))
        .table(&table("cache", &format!("type = \"redis\"\nurl = \"redis://u:{cache}@{host}/0\"")))
        .table(&format!("[sources.web]\nwrite_keys = [\"{}\"]", secret("key")))
        .table(&format!("[console]\npassword = \"{}\"", secret("console")))
        .env("JWT_SECRET", &secret("jwt-and-long-enough"))
        .env("SITE_SALT", &secret("salt-and-long-enough"))
        .env("HMAC_SECRET", &secret("hmac-and-long-enough"))
        .env("OPENTRACK_LOG", "debug")
}

async fn send(router: &Router, event: &Value) {
    let request =
        router.request("POST", "/v1/track").header("authorization", format!("Bearer {}", secret("key")));
    assert_eq!(request.body(event.to_string()).send().await.unwrap().status(), 200);
}

/// What the API says, and what commands say.
async fn told(router: &Router, message_id: &str) -> Vec<(String, String)> {
    let trace = format!("/api/events/{message_id}");
    let mut said = Vec::new();
    for path in ["destinations", "sources", "dead-letters", "rejected", "schema", "session", "openapi.json"] {
        let path = format!("/api/{path}");
        said.push((path.clone(), router.get(&path).await.text));
    }
    for path in ["/metrics", "/ready", "/", "/v1/projects/x/settings", &trace] {
        said.push((path.to_owned(), router.get(path).await.text));
    }
    for arguments in [&["check"][..], &["check", "--probe"], &["destinations"], &["dead-letters", "list"]] {
        let output = router.run(arguments);
        let text = [output.stdout, output.stderr].concat();
        said.push((arguments.join(" "), String::from_utf8_lossy(&text).into_owned()));
    }
    said
}

fn expect_nothing_secret(said: &[(String, String)]) {
    for (place, text) in said {
        let around = text.find(PLANTED).map(|at| {
            let begin = text.floor_char_boundary(at.saturating_sub(200));
            let end = text.ceil_char_boundary((at + 60).min(text.len()));
            &text[begin..end]
        });
        assert_eq!(around, None, "a secret in {place}");
    }
}

#[tokio::test]
async fn no_configured_secret_is_said_anywhere_while_every_destination_is_in_trouble() {
    let receiver = echo();
    let mut router = Router::start(config(&receiver)).await;
    send(&router, &track("u", 0)).await;
    let mut live = router.request("GET", "/api/live").send().await.unwrap();
    // One that every destination takes: Meta has no name for most others.
    let mut event = track("u", 9);
    event["event"] = "Order Completed".into();
    event["properties"] = serde_json::json!({ "order_id": "o-1", "revenue": 9, "currency": "EUR" });
    event["context"] = serde_json::json!({ "traits": { "email": "u@example.com" } });
    send(&router, &event).await;
    for name in ["hook", "slack", "crm", "ads", "wide", "house", "cache"] {
        until(&format!("`{name}` is in trouble"), 40, async || {
            !router.destination(name).await["last_error"].is_null()
        })
        .await;
    }
    let mut said = told(&router, event["messageId"].as_str().unwrap()).await;
    let seen = live.chunk().await.unwrap().unwrap_or_default();
    said.push(("/api/live".to_owned(), String::from_utf8_lossy(&seen).into_owned()));
    // A file that is wrong is told about, too, and none of its values.
    let odd = format!("[destinations.odd]\ntype = \"webhook\"\nurl = 7\nsecret = \"{}\"", secret("odd"));
    router.write_config(config(&receiver).table(&odd));
    until("the wrong file is refused", 20, async || router.log().contains("destinations.odd")).await;
    router.stop().await;
    said.push(("the log".to_owned(), router.log()));
    expect_nothing_secret(&said);
}
