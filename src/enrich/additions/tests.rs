//! What is added to whole calls, through the door's own reading.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::*;
use crate::spec::consent::Signals;
use crate::spec::{Arrival, Endpoint, Event, Intake, Limits, read};

static READER: LazyLock<Reader> = LazyLock::new(|| Reader::new().unwrap());
const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 \
                      Mobile/15E148 Safari/604.1";
const GOOGLEBOT: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

fn additions(request: Request<'_>) -> Additions<'_> {
    Additions { reader: Some(&READER), reads: None, places: None, bots: Bots::Flag, request }
}

fn intake(additions: &Additions<'_>, call: &Value) -> Intake {
    batch(additions, std::slice::from_ref(call))
}

fn batch(additions: &Additions<'_>, calls: &[Value]) -> Intake {
    let arrival = Arrival {
        received_at: "2026-11-27T00:00:00Z".parse().unwrap(),
        source: "web".into(),
        ip: Some("203.0.113.77".parse().unwrap()),
        client_side: additions.request.is_client,
        signals: Signals::default(),
    };
    let body = json!({"batch": calls}).to_string();
    let envelope = read(body.into(), Endpoint::Batch).unwrap();
    envelope.believe_and_add(&arrival, &Limits { max_event_bytes: 1 << 20 }, additions)
}

fn event(additions: &Additions<'_>, call: &Value) -> Event {
    let mut intake = intake(additions, call);
    assert!(intake.rejected.is_empty(), "{:?}", intake.rejected);
    intake.events.remove(0)
}

/// The context of the whole event, as a destination sees it.
fn context(additions: &Additions<'_>, call: &Value) -> Value {
    event(additions, call).tree()["context"].clone()
}

fn page(context: Value) -> Value {
    json!({"type": "page", "anonymousId": "v", "messageId": "m", "context": context})
}

#[test]
fn a_page_view_gets_device_place_and_source() {
    let request = Request { user_agent: Some(IPHONE), is_client: true, ..Request::default() };
    let call = page(
        json!({"page": {"url": "https://shop.example/?utm_source=News&utm_medium=email&utm_campaign=May&gclid=1",
                                    "referrer": "https://www.google.com/"}, "timezone": "Europe/Paris"}),
    );
    let found = context(&additions(request), &call);
    assert_eq!(found["browser"], json!({"name": "Mobile Safari", "version": "17.5"}));
    assert_eq!(found["os"], json!({"name": "iOS", "version": "17.5.1"}));
    assert_eq!(
        found["device"],
        json!({"type": "mobile", "brand": "Apple", "model": "iPhone", "family": "iPhone"})
    );
    assert_eq!(found["bot"], json!(false));
    assert_eq!(found["geo"], json!({"country": "FR", "timezone": "Europe/Paris"}));
    let attribution = json!({"source": "news", "medium": "email", "campaign": "May", "channel": "Email", "click_id": "gclid"});
    assert_eq!(found["attribution"], attribution);
    assert_eq!((&found["ip"], &found["page"]), (&json!("203.0.113.77"), &call["context"]["page"]));
}

#[test]
fn an_event_does_not_grow_by_long_words_of_its_sender() {
    let long = "x".repeat(400_000);
    let url = format!("https://shop.example/?utm_source=a&utm_campaign={long}");
    let found =
        context(&additions(Request::default()), &page(json!({"page": {"url": url}, "timezone": long})));
    assert_eq!((found.get("geo"), found.get("attribution")), (None, None));
}

#[test]
fn what_the_client_said_stays_the_clients() {
    let own = json!({"userAgent": IPHONE, "os": {"name": "iOS"}, "device": {"id": "7"}, "browser": null, "bot": "no", "geo": {},
                     "attribution": 1, "page": {"url": "https://shop.example/"}});
    let event = event(&additions(Request::default()), &page(own.clone()));
    assert_eq!(event.tree()["context"], own);
    let text = page(own).to_string();
    assert_eq!(event.raw, text.as_bytes(), "not a byte is changed when nothing is added");
}

#[test]
fn a_call_of_a_server_gets_what_it_says_itself_and_nothing_of_the_request() {
    let request = Request { user_agent: Some("node"), hints: "{}", country: Some("DE"), is_client: false };
    let call = json!({"type": "track", "event": "E", "userId": "u"});
    let bare = event(&additions(request), &call);
    assert_eq!(bare.tree().get("context"), None);
    assert_eq!(bare.raw, call.to_string().as_bytes());
    let told = json!({"type": "track", "event": "E", "userId": "u", "context": {"userAgent": IPHONE, "timezone": "Europe/Kiev"}});
    let found = context(&additions(request), &told);
    assert_eq!((&found["device"]["type"], &found["geo"]["country"]), (&json!("mobile"), &json!("UA")));
}

#[test]
fn a_place_is_found_by_the_clients_address_or_the_one_in_the_event() {
    let database = Database::open(include_bytes!("../geo/city.mmdb").to_vec()).unwrap();
    let request = Request { is_client: true, country: Some("KR"), ..Request::default() };
    let additions = Additions { places: Some(&database), ..additions(request) };
    let munich = json!({"country": "DE", "region": "BY", "city": "Munich", "timezone": "Europe/Berlin"});
    assert_eq!(context(&additions, &page(json!({})))["geo"], munich);
    assert_eq!(context(&additions, &page(json!({"ip": "2001:db8::1"})))["geo"]["country"], "FR");
    let elsewhere = context(&additions, &page(json!({"ip": "198.51.100.7"})));
    assert_eq!(elsewhere["geo"], json!({"country": "ZZ"}), "what the proxy says is about another address");
    let server = Additions { request: Request::default(), ..additions };
    assert_eq!(context(&server, &page(json!({"ip": "203.0.113.1"})))["geo"], munich);
}

#[test]
fn bots_are_marked_or_dropped_or_left_alone() {
    let call = page(json!({"userAgent": GOOGLEBOT}));
    let flag = additions(Request::default());
    let found = context(&flag, &call);
    assert_eq!((&found["bot"], &found["device"]["type"]), (&json!(true), &json!("bot")));
    let dropped = intake(&Additions { bots: Bots::Drop, ..flag }, &call);
    assert_eq!((dropped.events.len(), dropped.rejected.len(), dropped.unwanted), (0, 0, 1));
    assert_eq!(context(&Additions { bots: Bots::Keep, ..flag }, &call).get("bot"), None);
    let person = page(json!({"userAgent": IPHONE}));
    assert_eq!(intake(&Additions { bots: Bots::Drop, ..flag }, &person).events.len(), 1);
}

#[test]
fn a_visit_that_referrer_spam_pretends_is_a_bots_and_has_no_source() {
    let from = |kind: &str, context: Value| json!({"type": kind, "event": "E", "anonymousId": "v", "messageId": "m", "context": context});
    let spam = json!({"url": "https://shop.example/?utm_source=news", "referrer": "http://shop.semalt.com/"});
    let flag = additions(Request { user_agent: Some(IPHONE), is_client: true, ..Request::default() });
    let told = json!({"type": "page", "userId": "u", "properties": spam});
    for call in [from("page", json!({"page": spam})), from("track", json!({"page": spam})), told] {
        let found = context(&flag, &call);
        assert_eq!((&found["bot"], found.get("attribution")), (&json!(true), None), "{call}");
        assert_eq!(
            context(&additions(Request::default()), &call)["bot"],
            true,
            "of nobody's browser: {call}"
        );
        let kept = Additions { bots: Bots::Keep, ..flag };
        assert_eq!(
            (context(&kept, &call).get("bot"), context(&kept, &call).get("attribution")),
            (None, None)
        );
        assert_eq!(intake(&Additions { bots: Bots::Drop, ..flag }, &call).unwanted, 1, "{call}");
    }
    let own = context(&flag, &from("page", json!({"page": spam, "bot": false})));
    assert_eq!(own["bot"], false, "the sender's own word stays");
    let real =
        from("page", json!({"page": {"url": "https://shop.example/", "referrer": "https://notsemalt.com/"}}));
    let found = context(&flag, &real);
    assert_eq!((&found["bot"], &found["attribution"]["source"]), (&json!(false), &json!("notsemalt.com")));
}

#[test]
fn hints_of_the_event_come_before_those_of_its_request() {
    let request = Request {
        user_agent: Some(
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36",
        ),
        hints: r#"{"sec-ch-ua-model":"\"Pixel 7\""}"#,
        country: None,
        is_client: true,
    };
    let model = |own: Value| context(&additions(request), &page(own))["device"]["model"].clone();
    assert_eq!(model(json!({})), "Pixel 7");
    assert_eq!(model(json!({"userAgentData": {"model": "SM-G991B"}})), "SM-G991B");
    assert_eq!(model(json!({"userAgent": IPHONE})), "iPhone", "the headers are of another program");
}

#[test]
fn a_view_within_the_site_says_no_source_unless_its_address_does() {
    let found = |url: &str, referrer: &str| {
        let call = page(json!({"page": {"url": url, "referrer": referrer}}));
        context(&additions(Request::default()), &call).get("attribution").cloned()
    };
    let direct = json!({"source": "(direct)", "medium": "(none)", "channel": "Direct"});
    assert_eq!(found("https://shop.example/b", ""), Some(direct));
    assert_eq!(found("https://shop.example/b", "https://shop.example/a"), None);
    let written = found("https://shop.example/b?gclid=1", "https://shop.example/a").unwrap();
    assert_eq!(written["channel"], "Paid Search");
    let old = json!({"type": "page", "userId": "u", "properties": {"url": "https://shop.example/", "referrer": "https://bing.com/"}});
    assert_eq!(context(&additions(Request::default()), &old)["attribution"]["source"], "bing");
    let bare = event(&additions(Request::default()), &json!({"type": "page", "userId": "u"}));
    assert_eq!(bare.tree().get("context"), None);
}

#[test]
fn a_stored_event_gives_back_what_was_added() {
    let request = Request { user_agent: Some(IPHONE), is_client: true, ..Request::default() };
    let call = json!({"type": "track", "event": "E", "anonymousId": "v", "messageId": "m"});
    let stored = event(&additions(request), &call);
    let again = Event::restore(stored.raw.clone(), stored.receipt.clone()).unwrap();
    assert_eq!(again.tree(), stored.tree());
    assert_eq!(again.tree()["context"]["device"]["type"], "mobile");
    assert_eq!((&again.head, again.raw), (&stored.head, stored.raw));
}

/// Calls of people with a browser of this length each, that nobody has read before.
fn calls_of(count: usize, len: usize, what: &str) -> Vec<Value> {
    let agent = |number: usize| format!("{:x<len$}", format!("Mozilla/5.0 (iPad; {what} {number}) "));
    (0..count).map(|number| page(json!({"userAgent": agent(number)}))).collect()
}

fn known_in(intake: &Intake) -> usize {
    intake.events.iter().filter(|event| event.tree()["context"].get("bot").is_some()).count()
}

#[test]
fn a_worker_reads_only_so_much_for_one_request_and_the_rest_is_read_elsewhere() {
    for (len, at_once) in [(130, 32), (2_000, 3), (9_000, 2)] {
        let calls = calls_of(40, len, &format!("of {len}"));
        let reads = Reads::default();
        let bounded = Additions { reads: Some(&reads), ..additions(Request::default()) };
        let first = batch(&bounded, &calls);
        assert_eq!((first.events.len(), known_in(&first)), (40, at_once), "{len}");
        // What is known already costs nothing.
        let before = Reads::default();
        let again = batch(&Additions { reads: Some(&before), ..bounded }, &calls);
        assert_eq!(known_in(&again), (2 * at_once).min(40));
        reads.unread().read(&READER).keep();
        assert!(reads.unread().is_empty());
        let over = Reads::over();
        assert_eq!(known_in(&batch(&Additions { reads: Some(&over), ..bounded }, &calls)), 40);
    }
}

#[test]
fn what_is_too_much_for_a_whole_request_stays_unknown() {
    let reads = Reads::default();
    let over = Reads::over();
    let bounded = Additions { reads: Some(&reads), ..additions(Request::default()) };
    // The rules are asked for the first few alone; the rest is counted.
    let calls = calls_of(400, 2_000, "many");
    batch(&bounded, &calls);
    assert_eq!(format!("{:?}", reads.unread()).matches("Mozilla").count(), 256 * 1_024 / 2_000 + 1 - 3);
    let same = vec![calls[399].clone(); 400];
    batch(&Additions { reads: Some(&over), ..bounded }, &same);
    assert!(over.unread().is_empty(), "nothing more is noted");
}
