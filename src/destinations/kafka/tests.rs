//! Messages, meanings and settings, without brokers.

use super::*;
use crate::destinations::Client as _;
use crate::destinations::kit::testing::{answered, attempt, event, setting, word};
use crate::policy::outcome::Reason;

fn config(text: &str) -> Config {
    toml::from_str(&format!("brokers = [\"kafka:9092\"]\n{text}")).unwrap()
}

fn kafka(text: &str) -> (Kafka, Wire) {
    Kafka::new(config(text), &setting("kafka", false)).unwrap()
}

fn track(user: &str, id: &str) -> Arc<Event> {
    event(&format!(r#"{{"type":"track","event":"Thing Done","userId":"{user}","messageId":"{id}"}}"#))
}

fn only(kafka: &Kafka, events: &[Arc<Event>]) -> Request {
    let [planned] = kafka.plan(events, &attempt(1)).requests.try_into().expect("one request");
    assert_eq!(planned.events, (0..events.len()).collect::<Vec<_>>());
    planned.request
}

fn keys(text: &str, event: &Arc<Event>) -> Option<String> {
    let Request::Produce(load) = only(&kafka(text).0, std::slice::from_ref(event)) else { panic!("a probe") };
    load.key(&load.messages[0]).map(str::to_owned)
}

// === Messages ===

#[test]
fn a_message_is_shown_with_topic_key_headers_and_value() {
    let (kafka, wire) = kafka("topic = \"events.{type}\"");
    let page = r#"{"type":"page","name":"Home","anonymousId":"a-1","messageId":"m-1","properties":{"n":42.00}}"#;
    let shown = wire.show(&only(&kafka, &[event(page)]));
    insta::assert_snapshot!(serde_json::to_string_pretty(&shown.requests).unwrap());
}

#[test]
fn the_key_is_the_best_id_that_the_event_has() {
    let all = r#"{"type":"group","groupId":"g","userId":"u","anonymousId":"a","messageId":"m"}"#;
    let of_context = r#"{"type":"track","event":"E","userId":"u","messageId":"m","context":{"groupId":"g2"}}"#;
    let user = r#"{"type":"track","event":"E","userId":"u","messageId":"m"}"#;
    let anonymous = r#"{"type":"track","event":"E","anonymousId":"a","messageId":"m"}"#;
    let table = [
        ("user_id", all, Some("u")),
        ("user_id", anonymous, Some("a")),
        ("anonymous_id", all, Some("a")),
        ("anonymous_id", user, Some("u")),
        ("group_id", all, Some("g")),
        ("group_id", of_context, Some("g2")),
        ("group_id", user, Some("u")),
        ("none", all, None),
    ];
    for (by, text, expected) in table {
        assert_eq!(keys(&format!("key = \"{by}\""), &event(text)).as_deref(), expected, "{by} of {text}");
    }
}

#[test]
fn a_retry_has_the_same_bytes() {
    let (kafka, wire) = kafka("");
    let events = [track("u", "m-1"), track("v", "m-2")];
    let shown = |number| {
        let [planned] = kafka.plan(&events, &attempt(number)).requests.try_into().unwrap();
        serde_json::to_string(&wire.show(&planned.request)).unwrap()
    };
    assert_eq!(shown(1), shown(2));
}

// === Meanings ===

/// A 207 with one group for each of these codes and events.
fn failed(groups: &[(i32, bool, &[usize])]) -> Reply {
    let group = |(code, alone, events): &(i32, bool, &[usize])| {
        serde_json::json!({ "code": code, "words": "no", "alone": alone, "events": events })
    };
    let groups: Vec<_> = groups.iter().map(group).collect();
    answered(207, &[], &serde_json::json!({ "failed": groups }).to_string())
}

fn judged(text: &str, users: &[&str], reply: &Reply) -> Vec<String> {
    let kafka = kafka(text).0;
    let events: Vec<_> = users.iter().enumerate().map(|(n, user)| track(user, &format!("m-{n}"))).collect();
    kafka.judge(&only(&kafka, &events), users.len(), reply).iter().map(word).collect()
}

#[test]
fn every_code_has_its_meaning() {
    let table = [
        (10, "refused too_large"),
        (18, "refused too_large"),
        (2, "refused rejected"),
        (87, "refused rejected"),
        (32, "refused rejected"),
        (3, "broken not_found"),
        (-188, "broken not_found"),
        (29, "broken forbidden"),
        (31, "broken forbidden"),
        (58, "broken unauthorized"),
        (-169, "broken unauthorized"),
        (33, "broken unauthorized"),
        (-193, "broken dns"),
        (-181, "broken tls"),
        (-186, "broken rejected"),
        (89, "throttled throttled"),
        (-192, "transient timeout"),
        (-184, "transient timeout"),
        (7, "transient timeout"),
        (-195, "transient connection"),
        (-187, "transient connection"),
        (-152, "transient connection"),
        (6, "transient server_error"),
        (19, "transient server_error"),
        (45, "transient server_error"),
        (56, "transient server_error"),
        (12345, "transient server_error"),
    ];
    for (code, expected) in table {
        assert_eq!(judged("", &["u"], &failed(&[(code, true, &[0])])), [expected], "{code}");
    }
}

#[test]
fn what_is_not_named_was_taken() {
    let outcomes = judged("", &["a", "b", "c"], &failed(&[(10, true, &[1])]));
    assert_eq!(outcomes, ["delivered", "refused too_large", "delivered"]);
    assert_eq!(judged("", &["a", "b"], &failed(&[])), ["delivered", "delivered"]);
}

#[test]
fn what_was_refused_together_is_searched_for_the_one_to_blame() {
    let together = judged("", &["a", "b", "c"], &failed(&[(10, false, &[0, 2])]));
    assert_eq!(together, ["suspect too_large", "delivered", "suspect too_large"]);
    let alone = judged("", &["a", "b"], &failed(&[(10, true, &[0, 1])]));
    assert_eq!(alone, ["refused too_large", "refused too_large"]);
}

#[test]
fn what_may_be_the_fault_of_another_requests_message_kills_none() {
    for code in [10, 18, 2, 87] {
        let of_three = judged("key = \"none\"", &["a", "b", "c"], &failed(&[(code, false, &[1])]));
        assert!(of_three[1].starts_with("suspect"), "{code}: {of_three:?}");
        let only = judged("", &["a"], &failed(&[(code, false, &[0])]));
        assert!(only[0].starts_with("transient"), "{code}: {only:?}");
    }
}

#[test]
fn a_missing_topic_among_several_stops_only_its_own_events() {
    let outcomes = judged("topic = \"{type}\"", &["a", "b"], &failed(&[(3, false, &[0])]));
    assert_eq!(outcomes, ["deferred not_found 30s", "delivered"]);
    let outcomes = judged("topics = { X = \"x\" }", &["a", "b"], &failed(&[(29, false, &[0])]));
    assert_eq!(outcomes, ["deferred forbidden 30s", "delivered"]);
}

#[test]
fn later_messages_of_a_key_are_sent_again_after_the_one_that_failed() {
    let outcomes = judged("", &["a", "b", "a", "a", "b"], &failed(&[(-192, false, &[2])]));
    let again = "transient timeout";
    assert_eq!(outcomes, ["delivered", "delivered", again, again, "delivered"]);
    let refused = judged("", &["a", "a"], &failed(&[(10, true, &[0])]));
    assert_eq!(refused, ["refused too_large", "delivered"], "nothing comes after what is dead");
    let unordered = judged("key = \"none\"", &["a", "a"], &failed(&[(-192, false, &[0])]));
    assert_eq!(unordered, ["transient timeout", "delivered"]);
}

#[test]
fn the_topic_is_named_and_an_unreadable_answer_is_tried_again() {
    let (kafka, _) = kafka("");
    let request = only(&kafka, &[track("u", "m")]);
    let outcomes = kafka.judge(&request, 1, &failed(&[(3, false, &[0])]));
    let Outcome::Broken(fault) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!((fault.reason, fault.answer.as_str()), (Reason::NotFound, "topic `events`: no"));
    assert_eq!(judged("", &["u"], &answered(207, &[], "?")), ["transient bad_answer"]);
}

#[test]
fn a_probe_asks_for_every_known_topic_and_tells_what_is_wrong() {
    let (kafka, _) = kafka("topic = \"events\"\ntopics = { X = \"x\" }");
    let [probe] = kafka.probe().try_into().unwrap();
    let Request::Probe(question) = &probe else { panic!("not a probe") };
    assert_eq!(question.topics, ["events", "x"]);
    for (code, expected) in [(29, "broken forbidden"), (-169, "broken unauthorized"), (-181, "broken tls"), (-193, "broken dns")] {
        assert_eq!(word(&kafka.judge(&probe, 1, &failed(&[(code, true, &[0])]))[0]), expected);
    }
    assert_eq!(word(&kafka.judge(&probe, 1, &answered(200, &[], ""))[0]), "delivered");
}

#[test]
fn a_missing_topic_fails_a_probe_only_where_all_events_go_to_it_and_nobody_makes_it() {
    let kept = "properties = { \"allow.auto.create.topics\" = false }";
    for (text, expected) in [
        (kept.to_owned(), "broken not_found"),
        (String::new(), "delivered"),
        (format!("{kept}\ntopic = \"events.{{type}}\""), "delivered"),
        (format!("{kept}\ntopics = {{ X = \"x\" }}"), "delivered"),
    ] {
        let (kafka, _) = kafka(&text);
        let [probe] = kafka.probe().try_into().unwrap();
        assert_eq!(word(&kafka.judge(&probe, 1, &failed(&[(3, true, &[0])]))[0]), expected, "{text}");
    }
}

#[test]
fn an_event_of_before_1970_has_the_first_time_that_brokers_take() {
    let kafka = kafka("").0;
    let mut early = Arc::into_inner(track("u", "m")).unwrap();
    early.receipt.timestamp = "1969-07-20T20:17:40Z".parse().unwrap();
    let Request::Produce(load) = only(&kafka, &[Arc::new(early)]) else { panic!("a probe") };
    assert_eq!(load.messages[0].timestamp(), 1);
}

// === Settings ===

fn problems(text: &str) -> Vec<String> {
    let problems = Kafka::new(config(text), &setting("kafka", false)).map(drop).unwrap_err();
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn all_problems_of_the_settings_are_said_at_once() {
    let text = "topic = \"a b\"\nproperties = { acks = \"1\" }\nsecurity = { username = \"u\" }";
    let keys: Vec<String> = problems(text).iter().map(|told| told.split('`').nth(1).unwrap().to_owned()).collect();
    assert_eq!(keys, ["security", "properties", "topic"]);
}

#[test]
fn the_library_is_asked_for_the_properties_and_its_words_hold_no_value() {
    let told = problems("properties = { \"linger.sm\" = 5 }");
    assert_eq!(told, ["`properties` `linger.sm` is refused by the library: No such configuration property: \"linger.sm\""]);
    let told = problems("properties = { \"batch.size\" = \"geheim0123\" }");
    assert!(told[0].starts_with("`properties` `batch.size` is refused") && !told[0].contains("geheim"), "{told:?}");
}
