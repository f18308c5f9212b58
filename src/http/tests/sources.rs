//! `/api/sources` on real sockets: what it counts, and what it keeps to itself.

use serde_json::{Value, json};

use super::Plan;
use crate::http::sites::Sites;
use crate::http::token::{self, Order};

const KEY: &str = "wk_live_planted_secret_6789";

fn plan() -> Plan {
    Plan::new().with_source("web", KEY, &[]).with_source("app", "short", &[])
}

#[actix::test]
async fn a_source_tells_what_came_and_what_was_set_aside_and_never_its_key() {
    let door = plan().open();
    let before = door.send(door.client.get(door.url("/api/sources"))).await;
    let nothing = json!({ "name": "app", "write_keys": ["…"], "origins": [], "events_total": 0,
        "last_event_at": null, "last_error": null });
    assert!(before.json()["sources"].as_array().unwrap().contains(&nothing), "{before:?}");
    let good = json!({ "type": "track", "userId": "u", "event": "E" });
    let batch = json!({ "writeKey": KEY, "batch": [good, { "type": "track", "userId": "u" }] });
    assert_eq!(door.post("/v1/batch", batch.to_string()).await.status, 200);
    let after = door.send(door.client.get(door.url("/api/sources"))).await;
    let told = after.json();
    let web = told["sources"].as_array().unwrap().iter().find(|one| one["name"] == "web").unwrap();
    assert_eq!((&web["events_total"], &web["write_keys"]), (&json!(1), &json!(["…6789"])), "{web}");
    assert!(web["last_event_at"].is_string(), "{web}");
    assert_eq!(web["last_error"]["code"], "missing_event", "{web}");
    assert!(!after.body.contains("planted"), "{after:?}");
}

#[actix::test]
async fn who_may_see_one_site_sees_one_source() {
    let mut plan = plan();
    plan.settings.server.production = true;
    let secret = plan.settings.server.jwt_secret.clone();
    let door = plan.open();
    let names = async |token: Option<String>| {
        let mut request = door.client.get(door.url("/api/sources"));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = door.send(request).await;
        let told: Value = answer.json();
        let all = told["sources"].as_array().into_iter().flatten();
        (answer.status, all.filter_map(|one| one["name"].as_str().map(str::to_owned)).collect::<Vec<_>>())
    };
    assert_eq!(names(None).await, (401, Vec::new()));
    let stats = token::mint(&secret, "read:stats", 4_102_444_800);
    assert_eq!(names(Some(stats)).await, (403, Vec::new()));
    let ops = token::mint(&secret, "read:ops", 4_102_444_800);
    assert_eq!(names(Some(ops)).await.1, ["web", "app"]);
    let sites = Sites::named(&["app".to_owned()]);
    let order = Order { scope: "read:ops", sites: &sites, issued: 0, expires: 4_102_444_800 };
    assert_eq!(names(Some(token::mint_as(&secret, &order))).await.1, ["app"]);
}
