//! Parrot as its operator sees it: what is sent, what answers mean, and what the stand-in lets in.

use secrecy::SecretString;

use super::*;
use crate::destinations::Client;
use crate::destinations::kit::testing::{
    answered, attempt, event, judged, planned, read, setting, word, words,
};
use crate::destinations::mock::MockSettings;
use crate::policy::outcome::Reason;

fn parrot() -> (Parrot, Api) {
    let config = Config { token: SecretString::from("geheim-geheim"), ..Config::default() };
    Parrot::new(config, &setting("parrot", true)).unwrap()
}

fn fixtures() -> Vec<Arc<Event>> {
    vec![event(include_str!("fixtures/track.json")), event(include_str!("fixtures/page.json"))]
}

// === What is sent ===

#[test]
fn a_batch_is_one_request() {
    insta::assert_snapshot!(planned(&parrot().0.plan(&fixtures(), &attempt(1))), @r#"POST /v1/events of [0, 1]: {"events":[{"id":"m-track","name":"Order Completed","user":"u1","at":"2026-01-02T03:04:05.6Z","data":{"order_id":"o-7","revenue":49.9}},{"id":"m-page","name":"Pricing","user":"a1","at":"2026-01-02T03:04:05.6Z"}]}"#);
}

#[test]
fn events_are_wanted_when_they_name_somebody() {
    let nobody = event(r#"{"type":"track","messageId":"m","event":"X"}"#);
    let identify = event(include_str!("fixtures/identify.json"));
    let (parrot, _) = parrot();
    assert!(fixtures().iter().all(|event| parrot.wants(event) == Verdict::Yes));
    assert_eq!(parrot.wants(&nobody), Verdict::No(Reason::NoIdentity));
    assert_eq!(parrot.wants(&identify), Verdict::No(Reason::Unsupported));
}

#[test]
fn an_event_that_is_too_large_is_refused_and_a_request_holds_a_hundred() {
    let large = event(&format!(
        r#"{{"type":"track","messageId":"m","userId":"u","event":"X","properties":{{"x":"{}"}}}}"#,
        "x".repeat(32_000)
    ));
    let plan = parrot().0.plan(&[fixtures(), vec![large]].concat(), &attempt(1));
    assert_eq!((plan.requests.len(), plan.refused.len(), plan.refused[0].0), (1, 1, 2));
    let many: Vec<_> = std::iter::repeat_with(fixtures).take(60).flatten().collect();
    let sizes = parrot().0.plan(&many, &attempt(1)).requests.into_iter().map(|planned| planned.events.len());
    assert_eq!(sizes.collect::<Vec<_>>(), [100, 20]);
}

// === Answers ===

#[test]
fn every_answer_has_its_meaning_for_one_event_and_for_many() {
    for (status, body, one, many) in [
        (200, r#"{"taken":1}"#, "delivered", "delivered"),
        (400, r#"{"code":"bad_event","message":"no"}"#, "refused rejected", "suspect rejected"),
        (400, r#"{"code":"plan_ended"}"#, "broken forbidden", "broken forbidden"),
        (401, r#"{"code":"unknown_token"}"#, "broken unauthorized", "broken unauthorized"),
        (403, r#"{"code":"workspace_is_moving"}"#, "transient server_error", "transient server_error"),
        (429, "", "throttled throttled", "throttled throttled"),
        (502, "<html>", "transient server_error", "transient server_error"),
    ] {
        let (parrot, _) = parrot();
        let judged = |count: usize| judged(&parrot, &fixtures()[..count], &answered(status, &[], body));
        assert_eq!(words(&judged(1)), [one], "{status} {body}");
        assert_eq!(words(&judged(2)), [many, many], "{status} {body}");
    }
}

#[test]
fn a_probe_asks_whose_token_it_is_and_no_token_is_ever_shown_or_repeated() {
    let (parrot, api) = parrot();
    let [probe] = parrot.probe().try_into().unwrap();
    let shown = serde_json::to_string(&api.show(&probe)).unwrap();
    assert!(shown.contains("GET") && shown.contains("***") && !shown.contains("geheim"), "{shown}");
    let outcomes = parrot.judge(&probe, 1, &answered(401, &[], "unknown token geheim-geheim"));
    assert_eq!(word(&outcomes[0]), "broken unauthorized");
    assert!(!format!("{outcomes:?}").contains("geheim"), "{outcomes:?}");
    assert!(!format!("{:?}", Config { token: "geheim".into(), ..Config::default() }).contains("geheim"));
}

// === The stand-in ===

#[test]
fn the_stand_in_takes_what_is_planned_and_refuses_what_parrot_refuses() {
    let mock = mock::new(&MockSettings { secret: "geheim".to_owned(), set: Vec::new() }).unwrap();
    let token = [("authorization", "Bearer geheim")];
    let plan = parrot().0.plan(&fixtures(), &attempt(1));
    let call = &plan.requests[0].request;
    assert_eq!(read(&*mock, call, &token).unwrap(), ["m-track", "m-page"]);
    assert_eq!(read(&*mock, &Call::get("v1/me"), &token).unwrap(), [""; 0]);
    for (call, headers, status) in [
        (call.clone(), &[][..], "401"),
        (Call::get("v1/events"), &token, "404"),
        (Call::json("v1/events", "{"), &token, "400"),
        (Call::json("v1/events", r#"{"events":[{"id":"","name":"X","user":"u"}]}"#), &token, "400"),
    ] {
        let refusal = read(&*mock, &call, headers).unwrap_err();
        assert!(refusal.starts_with(status), "{refusal}");
    }
}
