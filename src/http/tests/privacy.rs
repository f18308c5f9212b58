//! What people ask of us, at the door: wishes are read, told, and never repeat an id; suppressed people are not heard.

use serde_json::json;

use super::*;
use crate::actors::messages::{Export, LookUp, NotRegulated, Regulate};
use crate::http::sites::Sites;
use crate::http::token::{self, Order};
use crate::privacy::regulation::print_of;
use crate::privacy::{Regulation, Shown, Suppression};
use crate::spec::IdKind;
use crate::telemetry::clock;

impl Handler<Regulate> for Router {
    type Result = MessageResult<Regulate>;

    fn handle(&mut self, Regulate(wish): Regulate, _: &mut Context<Self>) -> Self::Result {
        if self.mood == Mood::Full {
            return MessageResult(Err(NotRegulated::Busy));
        }
        let at = jiff::Timestamp::UNIX_EPOCH;
        MessageResult(Ok(Regulation::begin(wish, "r1".to_owned(), "", at).shown()))
    }
}

impl Handler<LookUp> for Router {
    type Result = MessageResult<LookUp>;

    fn handle(&mut self, LookUp { id, .. }: LookUp, _: &mut Context<Self>) -> Self::Result {
        let body = br#"{"regulationType":"SUPPRESS","subjectType":"USER_ID","subjectIds":["anna"]}"#;
        let wish = crate::privacy::Wish::read(body).unwrap();
        let at = jiff::Timestamp::UNIX_EPOCH;
        let mut one = Regulation::begin(wish, "r1".to_owned(), "", at);
        one.enforced(at);
        let shown: Shown = one.shown();
        MessageResult(if id.is_none_or(|id| id == "r1") { vec![shown] } else { Vec::new() })
    }
}

impl Handler<Export> for Router {
    type Result = MessageResult<Export>;

    fn handle(&mut self, Export(people): Export, _: &mut Context<Self>) -> Self::Result {
        let (lines, reader) = tokio::sync::mpsc::channel(2);
        for id in people.ids() {
            lines.try_send(Ok(format!("{{\"id\":\"{id}\"}}\n").into())).unwrap();
        }
        MessageResult(Some(reader))
    }
}

/// Returns the desk of a stand-in.
pub(super) fn desk(router: &actix::Addr<Router>, suppression: Arc<Suppression>) -> crate::http::PrivacyDesk {
    crate::http::PrivacyDesk {
        regulate: router.clone().recipient(),
        look_up: router.clone().recipient(),
        export: router.clone().recipient(),
        suppression,
    }
}

#[expect(clippy::disallowed_methods, reason = "the router under test is trusted to end its answers")]
async fn text(answer: reqwest::Response) -> String {
    answer.text().await.unwrap()
}

#[actix::test]
async fn a_wish_is_taken_and_told_without_an_id() {
    let door = Plan::new().open();
    let url = format!("http://{}/api/privacy/regulations", door.address);
    let wish = json!({"regulationType": "DELETE_ONLY", "subjectType": "USER_ID", "subjectIds": ["anna"]});
    let answer = door.client.post(&url).json(&wish).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let taken = text(answer).await;
    assert!(taken.contains(r#""status":"pending""#) && !taken.contains("anna"), "{taken}");
    let get = async |url: String| door.client.get(url).send().await.unwrap();
    let one: Value = serde_json::from_str(&text(get(format!("{url}/r1")).await).await).unwrap();
    assert_eq!((&one["id"], &one["status"], &one["subjects"]), (&json!("r1"), &json!("done"), &json!(1)));
    assert_eq!(get(format!("{url}/r2")).await.status(), 404);
    let wrong = json!({"regulationType": "FORGET", "subjectType": "USER_ID", "subjectIds": ["anna"]});
    let refused = door.client.post(&url).json(&wrong).send().await.unwrap();
    assert_eq!(refused.status(), 400);
    assert!(!text(refused).await.contains("anna"));
    assert_eq!(door.client.put(&url).send().await.unwrap().status(), 405);
    let export = format!("http://{}/api/privacy/export", door.address);
    let told = get(format!("{export}?userId=anna")).await;
    assert_eq!(told.headers()["content-type"], "application/x-ndjson");
    assert_eq!(text(told).await, "{\"id\":\"anna\"}\n");
    for query in ["", "?userId=", "?user=a", "?userId=a&anonymousId=b"] {
        assert_eq!(get(format!("{export}{query}")).await.status(), 400, "{query}");
    }
}

#[actix::test]
async fn suppressed_people_are_answered_and_not_kept() {
    let suppression = Arc::new(Suppression::default());
    suppression.change(&[print_of("", IdKind::UserId, "anna")], true).unwrap();
    let mut plan = Plan::new();
    plan.suppression = Arc::clone(&suppression);
    let door = plan.open();
    let body = r#"{"batch":[{"type":"track","event":"A","userId":"anna"},{"type":"track","event":"B","userId":"ben"},
        {"type":"track","event":3,"userId":"anna"}]}"#;
    let send = || async {
        let answer = door.client.post(format!("http://{}/v1/batch", door.address)).body(body).send().await;
        assert_eq!(answer.unwrap().status(), 200);
    };
    send().await;
    {
        let seen = door.seen.lock().unwrap();
        assert_eq!((seen.texts.len(), &seen.rejected[..]), (1, &[0][..]));
        assert!(seen.texts[0].contains("ben"));
    }
    assert!(door.metrics.encode().contains("opentrack_events_unwanted_total{reason=\"suppressed\"} 2"));
    suppression.change(&[print_of("", IdKind::UserId, "anna")], false).unwrap();
    send().await;
    assert_eq!(door.seen.lock().unwrap().texts.len(), 3);
}

/// What a regulation is about is of every site, and so is what an export tells.
#[actix::test]
async fn a_token_for_some_sites_opens_nothing_of_it() {
    let mut plan = Plan::new();
    plan.settings.server.production = true;
    let door = plan.open();
    let ask = |method: reqwest::Method, path: &str, (scope, sites): (&'static str, Sites)| {
        let issued = clock::now().as_second();
        let order = Order { scope, sites: &sites, issued, expires: issued + 60 };
        let token = token::mint_as(&settings().server.jwt_secret, &order);
        let wish = json!({"regulationType": "SUPPRESS", "subjectType": "USER_ID", "subjectIds": ["anna"]});
        let request = door.client.request(method.clone(), door.url(path)).bearer_auth(token);
        door.send(if method == reqwest::Method::POST { request.json(&wish) } else { request })
    };
    let (get, post) = (reqwest::Method::GET, reqwest::Method::POST);
    for (method, path, scope) in [
        (&get, "/api/privacy/regulations", "read:ops"),
        (&get, "/api/privacy/regulations/r1", "read:ops"),
        (&get, "/api/privacy/export?userId=anna", "admin"),
        (&post, "/api/privacy/regulations", "admin"),
    ] {
        let web = Sites::named(&["web".to_owned()]);
        assert_eq!(ask(method.clone(), path, (scope, web)).await.error(403), "forbidden", "{method} {path}");
        assert_eq!(ask(method.clone(), path, (scope, Sites::All)).await.status, 200, "{method} {path}");
        let other = ask(method.clone(), path, ("read:stats", Sites::All)).await;
        assert_eq!(other.error(403), "forbidden", "{method} {path}");
    }
}
