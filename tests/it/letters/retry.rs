//! Sending again, dropping, and what a kill in the middle leaves.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Scene, letters, refusing, stdout};
use crate::support::{Answer, Config, Receiver, Reply, Router, batch, ids_of, track, until, until_some};

fn times(event: &Value) -> [&Value; 4] {
    ["messageId", "timestamp", "originalTimestamp", "receivedAt"].map(|key| &event[key])
}

#[tokio::test]
async fn a_retried_letter_reaches_its_destination_once_and_nobody_else() {
    let mut scene = Scene::with(20, 1, "").await;
    let before = (scene.other.requests().len(), scene.router.db().rows("tracks").len());
    let shown = scene.letters("").await[0]["event"].clone();
    scene.crm.recover();
    assert_eq!(stdout(&scene.router.run(&["dead-letters", "retry"])), "1 dead letter sent again\n");
    scene.crm.until_taken(&scene.ids).await;
    until("it is counted", 10, async || {
        scene.router.destination("crm").await["counts"]
            == json!({ "delivered": 20, "skipped": {}, "dead": { "rejected": 1 } })
    })
    .await;
    assert_eq!(scene.letters("").await, Vec::<Value>::new());
    let taken = scene.crm.taken();
    assert_eq!(taken.len(), 20, "each once");
    let again = taken.last().unwrap();
    assert_eq!(times(again), times(&shown));
    for name in ["other", "warehouse"] {
        until(&format!("`{name}` has passed it over"), 10, async || {
            scene.router.destination(name).await["backlog"]["events"] == 0
        })
        .await;
        let counts = scene.router.destination(name).await["counts"].clone();
        assert_eq!(counts, json!({ "delivered": 20, "skipped": {}, "dead": {} }), "{name}");
    }
    let metrics = scene.router.get("/metrics").await.text;
    assert!(metrics.contains("opentrack_events_accepted_total{kind=\"track\"} 20"), "{metrics}");
    scene.router.restart().await;
    let event = track("later", 1);
    scene.router.post("/v1/track", &event).await.expect_success();
    let later = ids_of(&[event]);
    scene.other.until_taken(&later).await;
    scene.crm.until_taken(&later).await;
    scene.router.until_rows("tracks", &later).await;
    assert_eq!(scene.crm.taken().len(), 21, "a restart sends nothing again");
    assert_eq!(scene.other.requests().len(), before.0 + 1);
    assert_eq!(scene.router.db().rows("tracks").len(), before.1 + 1);
}

#[tokio::test]
async fn a_letter_that_dies_again_is_a_new_letter() {
    let scene = Scene::with(3, 1, "").await;
    let first = scene.letters("").await[0].clone();
    assert_eq!(scene.order("/api/dead-letters/retry").await, json!({ "count": 1 }));
    let second = until_some("it died again", 10, async || {
        scene.letters("").await.into_iter().next().filter(|letter| letter["id"] != first["id"])
    })
    .await;
    assert_eq!((&second["message_id"], &second["event"]), (&first["message_id"], &first["event"]));
    scene.crm.recover();
    assert_eq!(scene.order("/api/dead-letters/retry").await, json!({ "count": 1 }));
    scene.crm.until_taken(&scene.ids).await;
    assert_eq!(scene.order("/api/dead-letters/retry").await, json!({ "count": 0 }));
}

#[tokio::test]
async fn letters_are_retried_by_id_by_reason_by_destination_and_by_time() {
    let scene = Scene::with(8, 6, "format = \"single\"").await;
    scene.crm.recover();
    let all = scene.letters("").await;
    let text = |at: usize, key: &str| all[at][key].as_str().unwrap().to_owned();
    let retried =
        async |query: &str| scene.order(&format!("/api/dead-letters/retry?{query}")).await["count"].clone();
    assert_eq!(retried("reason=gave_up").await, json!(0));
    assert_eq!(retried("from=2100-01-01T00:00:00Z").await, json!(0));
    assert_eq!(retried("destination=other").await, json!(0));
    assert_eq!(retried(&format!("id={}", text(0, "id"))).await, json!(1));
    scene.crm.until_taken(&[text(0, "message_id")]).await;
    let boundary = text(2, "at");
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let is_older = |letter: &&Value| at(letter["at"].as_str().unwrap()) < at(&boundary);
    let older = all.iter().skip(1).filter(is_older).count();
    assert_eq!(retried(&format!("until={boundary}&destination=crm")).await, json!(older));
    assert_eq!(retried("reason=rejected").await, json!(5 - older));
    scene.crm.until_taken(&scene.ids).await;
    assert_eq!(scene.crm.taken().len(), 8, "each once");
}

#[tokio::test]
async fn dropping_needs_to_be_confirmed() {
    let scene = Scene::with(4, 2, "").await;
    for query in ["", "?confirm=crm", "?destination=crm", "?destination=crm&confirm=all", "?confirm="] {
        let path = format!("/api/dead-letters/drop{query}");
        let answer = Answer::read(scene.router.request("POST", &path).send().await.unwrap()).await;
        answer.expect_error(400, "bad_parameter");
        assert_eq!(answer.json()["details"][0]["path"], "confirm", "{answer:?}");
    }
    let unconfirmed = scene.router.run(&["dead-letters", "drop", "--destination", "crm"]);
    assert_eq!(unconfirmed.status.code(), Some(64), "{unconfirmed:?}");
    assert_eq!(scene.letters("").await.len(), 2);
    let id = scene.letters("").await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(stdout(&scene.router.run(&["dead-letters", "drop", &id, "--yes"])), "1 dead letter dropped\n");
    assert_eq!(
        scene.order("/api/dead-letters/drop?destination=crm&confirm=crm").await,
        json!({ "count": 1 })
    );
    assert_eq!(scene.letters("").await.len(), 0);
    assert_eq!(scene.crm.taken().len(), 2, "nothing was sent again");
}

#[tokio::test]
async fn letters_of_a_destination_that_is_off_stay() {
    let scene = Scene::with(3, 2, "").await;
    let Scene { mut router, crm, other, ids } = scene;
    crm.recover();
    router.stop().await;
    let file = router.dir().join("config.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let off = text.replacen("[destinations.crm]", "[destinations.crm]\nenabled = false", 1);
    std::fs::write(&file, off).unwrap();
    router.start_again().await;
    let named = router.request("POST", "/api/dead-letters/retry?destination=crm").send().await.unwrap();
    Answer::read(named).await.expect_error(404, "not_found");
    let id = letters(&router, "").await[0]["id"].as_str().unwrap().to_owned();
    let one = router.request("POST", &format!("/api/dead-letters/retry?id={id}")).send().await.unwrap();
    Answer::read(one).await.expect_error(404, "not_found");
    let all = router.request("POST", "/api/dead-letters/retry").send().await.unwrap();
    assert_eq!(Answer::read(all).await.json(), json!({ "count": 0, "left": 2 }));
    assert_eq!(letters(&router, "").await.len(), 2);
    router.stop().await;
    std::fs::write(&file, text).unwrap();
    router.start_again().await;
    let all = router.request("POST", "/api/dead-letters/retry").send().await.unwrap();
    assert_eq!(Answer::read(all).await.json(), json!({ "count": 2 }));
    crm.until_taken(&ids).await;
    drop(other);
}

#[tokio::test]
async fn a_letter_outlives_its_record() {
    let crm = Receiver::start();
    let config = Config::new().table("[journal]\nmax_bytes = \"1MiB\"\nretention = \"1s\"").webhook(
        "crm",
        &crm.url(),
        "",
    );
    let router = Router::start(config).await;
    let bad = track("u", 1);
    let ids = ids_of(std::slice::from_ref(&bad));
    crm.follow(refusing(&ids));
    router.post("/v1/track", &bad).await.expect_success();
    until("it is a letter", 10, async || letters(&router, "").await.len() == 1).await;
    for n in 0..200 {
        let mut event = track("filler", n);
        event["properties"]["blob"] = json!("x".repeat(20_000));
        until_some("there is room", 20, async || {
            (router.post("/v1/track", &event).await.status == 200).then_some(())
        })
        .await;
    }
    let shown = letters(&router, "").await[0]["event"].clone();
    crm.recover();
    // Refused while more than half of the journal waits for delivery; nothing is lost by that.
    let answer = until_some("the retry is taken", 20, async || {
        let answer = router.request("POST", "/api/dead-letters/retry").send().await.unwrap();
        Some(Answer::read(answer).await).filter(|answer| answer.status == 200)
    })
    .await;
    assert_eq!(answer.json(), json!({ "count": 1 }));
    crm.until_taken(&ids).await;
    let taken = crm.taken();
    let again = taken.iter().find(|event| event["messageId"] == json!(ids[0])).unwrap();
    assert_eq!(again, &shown, "the same event to the last member");
}

#[tokio::test]
async fn two_retries_at_once_send_each_letter_once() {
    let scene = Scene::with(300, 300, "format = \"single\"\nconcurrency = 8").await;
    scene.crm.recover();
    let path = "/api/dead-letters/retry";
    let (one, two) = tokio::join!(scene.order(path), scene.order(path));
    let count = |answer: &Value| answer["count"].as_u64().unwrap();
    assert_eq!(count(&one) + count(&two), 300, "{one} {two}");
    scene.crm.until_taken(&scene.ids).await;
    assert_eq!(scene.crm.taken().len(), 300);
}

/// Sends 2,000 events that are all refused and waits until each is a letter.
async fn two_thousand(router: &Router, crm: &Receiver) -> Vec<String> {
    crm.follow(|request| {
        let errors: Vec<Value> =
            (0..request.ids().len()).map(|index| json!({ "index": index, "message": "no" })).collect();
        Reply::With(
            207,
            vec![("content-type".into(), "application/json".into())],
            json!({ "errors": errors }).to_string(),
        )
    });
    let mut ids = Vec::new();
    for round in 0..20 {
        let events: Vec<Value> = (0..100).map(|n| track(&format!("u{n}"), round)).collect();
        router.post("/v1/batch", &batch(&events)).await.expect_success();
        ids.extend(ids_of(&events));
    }
    until("all are letters", 60, async || {
        router.destination("crm").await["counts"]["dead"] == json!({ "rejected": 2000 })
    })
    .await;
    ids
}

async fn letter_ids(router: &Router) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let page = router.get(&format!("/api/dead-letters?limit=1000{cursor}")).await.json();
        for letter in page["dead_letters"].as_array().unwrap() {
            let text = |key: &str| letter[key].as_str().unwrap().to_owned();
            found.insert(text("id"), text("message_id"));
        }
        let Some(next) = page["next"].as_str() else { return found };
        cursor = format!("&cursor={next}");
    }
}

#[tokio::test]
async fn kills_in_the_middle_of_retries_lose_no_letter() {
    let crm = Receiver::start();
    let mut router = Router::start(Config::new().webhook("crm", &crm.url(), "")).await;
    let ids = two_thousand(&router, &crm).await;
    assert_eq!(letter_ids(&router).await.len(), 2000);
    crm.recover();
    let (mut kills, mut left) = (0, ids.iter().cloned().collect::<BTreeSet<String>>());
    let distinct = || crm.taken_ids().into_iter().collect::<BTreeSet<String>>().len();
    while !left.is_empty() {
        // More than one step is under way then, and the last step is not interrupted for ever.
        let goal = distinct() + left.len().min(300);
        let order = router.request("POST", "/api/dead-letters/retry").send();
        let under_way = until("a part is on its way", 20, async || distinct() >= goal);
        let finished = tokio::select! {
            answer = order => answer.is_ok(),
            () = under_way => false,
        };
        router.kill9();
        kills += 1;
        router.start_again().await;
        left = letter_ids(&router).await.into_values().collect();
        let gone: Vec<String> = ids.iter().filter(|id| !left.contains(*id)).cloned().collect();
        crm.until_taken(&gone).await;
        assert!(!finished || left.is_empty(), "the order was answered, and {} letters are left", left.len());
    }
    crm.until_taken(&ids).await;
    // Only what was stored again and was still a letter when the process died, or was not yet known to be delivered, is
    // sent twice.
    assert!(crm.taken().len() <= 2000 + kills * 700, "{} after {kills} kills", crm.taken().len());
}
