//! Dead letters: what a destination refused is listed, shown, sent again to that destination alone, or dropped.

mod attackers;
mod retry;

use serde_json::{Value, json};

use crate::support::{Config, Received, Receiver, Reply, Router, batch, ids_of, track, until, until_some};

/// Refuses requests that hold one of these events with 422.
fn refusing(ids: &[String]) -> impl FnMut(&Received) -> Reply + Send + 'static {
    let ids = ids.to_vec();
    move |request| match ids.iter().any(|id| request.holds(id)) {
        true => Reply::With(422, Vec::new(), "the colour is not known".into()),
        false => Reply::Status(200),
    }
}

/// Two webhooks and the warehouse; sends `count` events, of which the first webhook refuses the `bad` first ones.
struct Scene {
    router: Router,
    crm: Receiver,
    other: Receiver,
    ids: Vec<String>,
}

impl Scene {
    async fn with(count: u64, bad: usize, format: &str) -> Scene {
        let (crm, other) = (Receiver::start(), Receiver::start());
        let config = Config::new().webhook("crm", &crm.url(), format).webhook("other", &other.url(), "");
        let router = Router::start(config).await;
        let events: Vec<Value> = (0..count).map(|n| track(&format!("u{n}"), n)).collect();
        let ids = ids_of(&events);
        crm.follow(refusing(&ids[..bad]));
        router.post("/v1/batch", &batch(&events)).await.expect_success();
        let scene = Scene { router, crm, other, ids };
        scene.until_letters(bad).await;
        scene.crm.until_taken(&scene.ids[bad..]).await;
        scene.other.until_taken(&scene.ids).await;
        scene.router.until_rows("tracks", &scene.ids).await;
        scene
    }

    async fn letters(&self, query: &str) -> Vec<Value> {
        letters(&self.router, query).await
    }

    async fn until_letters(&self, count: usize) {
        until(&format!("there are {count} letters"), 20, async || self.letters("").await.len() == count)
            .await;
    }

    async fn order(&self, path: &str) -> Value {
        let answer = self.router.request("POST", path).send().await.expect("the router answers");
        let answer = crate::support::Answer::read(answer).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }
}

async fn letters(router: &Router, query: &str) -> Vec<Value> {
    let answer = router.get(&format!("/api/dead-letters?limit=1000{query}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["dead_letters"].as_array().expect("a list").clone()
}

fn stdout(output: &std::process::Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("text")
}

#[tokio::test]
async fn a_refused_event_is_listed_and_shown_with_the_other_sides_words() {
    let scene = Scene::with(20, 1, "").await;
    let all = scene.letters("").await;
    let letter = &all[0];
    let bad = &scene.ids[0];
    for (key, value) in [
        ("destination", json!("crm")),
        ("message_id", json!(bad)),
        ("table", json!(null)),
        ("reason", json!("rejected")),
        ("status", json!(422)),
        ("answer", json!("the colour is not known")),
        ("ddl", json!(null)),
        ("attempts", json!(1)),
    ] {
        assert_eq!(letter[key], value, "{key} of {letter}");
    }
    assert_eq!(letter["event"]["messageId"], json!(bad), "{letter}");
    assert_eq!(letter["event"]["type"], "track", "{letter}");
    assert!(letter["event"]["receivedAt"].is_string() && letter["at"].is_string(), "{letter}");
    let id = letter["id"].as_str().expect("an id");

    let table = stdout(&scene.router.run(&["dead-letters", "list"]));
    assert!(table.starts_with("id ") && table.contains(id) && table.contains(bad), "{table}");
    assert!(table.contains("the colour is not known"), "{table}");
    let shown = stdout(&scene.router.run(&["dead-letters", "show", id]));
    assert!(shown.contains("\"Thing Done\"") && shown.contains("422"), "{shown}");
    let none = scene.router.run(&["dead-letters", "show", "7-7"]);
    assert_eq!(none.status.code(), Some(1), "{none:?}");
}

#[tokio::test]
async fn letters_are_filtered_and_come_in_pages() {
    let scene = Scene::with(7, 5, "format = \"single\"").await;
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = scene.router.get(&format!("/api/dead-letters?limit=2{cursor}")).await.json();
        let letters = page["dead_letters"].as_array().expect("a list");
        assert!(letters.len() <= 2, "{page}");
        seen.extend(letters.iter().map(|letter| letter["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let all: Vec<String> =
        scene.letters("").await.iter().map(|letter| letter["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(seen, all);
    let counts = |query: &'static str| async { scene.letters(query).await.len() };
    assert_eq!(counts("&destination=crm").await, 5);
    assert_eq!(counts("&destination=other").await, 0);
    assert_eq!(counts("&reason=rejected").await, 5);
    assert_eq!(counts("&reason=gave_up").await, 0);
    assert_eq!(counts("&from=2100-01-01T00:00:00Z").await, 0);
    assert_eq!(counts("&until=2100-01-01T00:00:00Z").await, 5);
    let at = scene.letters("").await[2]["at"].as_str().unwrap().to_owned();
    let (from, until) = (format!("&from={at}"), format!("&until={at}"));
    assert_eq!(scene.letters(&from).await.len() + scene.letters(&until).await.len(), 5);
    assert_eq!(scene.letters(&format!("&id={}", all[3])).await[0]["id"], json!(all[3]));
}

#[tokio::test]
async fn without_a_router_letters_and_rejected_events_are_read_from_disk() {
    let mut scene = Scene::with(3, 2, "").await;
    scene
        .router
        .post("/v1/track", &json!({ "event": "No Identity" }))
        .await
        .expect_error(400, "missing_identity");
    let online = scene.letters("").await;
    let rejected = scene.router.get("/api/rejected").await.json();
    scene.router.stop().await;
    let text = stdout(&scene.router.run(&["dead-letters", "list", "--json"]));
    let offline: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(offline["dead_letters"], json!(online));
    let text = stdout(&scene.router.run(&["dead-letters", "list", "--rejected", "--json"]));
    assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), rejected);
    let table = stdout(&scene.router.run(&["dead-letters", "list", "--rejected"]));
    assert!(table.contains("missing_identity"), "{table}");
    let id = online[0]["id"].as_str().unwrap();
    assert!(stdout(&scene.router.run(&["dead-letters", "show", id])).contains("Thing Done"));
    let retry = scene.router.run(&["dead-letters", "retry"]);
    assert_eq!(retry.status.code(), Some(69), "{retry:?}");
    scene.router.start_again().await;
    assert_eq!(scene.letters("").await, online, "a restart keeps them");
}

#[tokio::test]
async fn metrics_say_how_many_letters_there_are_and_how_they_ended() {
    let scene = Scene::with(4, 3, "").await;
    let gauge =
        |count: u32| format!("opentrack_dead_letters{{destination=\"crm\",reason=\"rejected\"}} {count}");
    let says = async |line: String| scene.router.get("/metrics").await.text.lines().any(|one| one == line);
    until("the letters are counted", 15, async || says(gauge(3)).await).await;
    let id = scene.letters("").await[0]["id"].as_str().unwrap().to_owned();
    scene.order(&format!("/api/dead-letters/drop?confirm=all&id={id}")).await;
    scene.crm.recover();
    scene.order("/api/dead-letters/retry").await;
    until_some("they are gone", 5, async || says(gauge(0)).await.then_some(())).await;
    for (end, count) in [("dropped", 1), ("retried", 2)] {
        let line = format!("opentrack_dead_letters_ended_total{{destination=\"crm\",end=\"{end}\"}} {count}");
        assert!(says(line.clone()).await, "{line}");
    }
}
