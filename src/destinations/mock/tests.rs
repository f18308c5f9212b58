//! The stand-in by requests and answers: each mode, how often it holds, and what is counted.

use super::*;

/// Manners as simple as can be: a body is ids with blanks between them.
struct Words;

impl Mock for Words {
    fn read(&self, request: &Incoming) -> Result<Vec<MockEvent>, Said> {
        let text = std::str::from_utf8(&request.body).unwrap();
        if text == "unsigned" {
            return Err(Said::error(401, "who are you"));
        }
        let event = |id: &str| MockEvent { id: id.to_owned(), name: format!("Event {id}") };
        Ok(text.split_whitespace().map(event).collect())
    }

    fn take(&mut self, _: &Incoming, events: &[MockEvent]) -> (Said, Vec<usize>) {
        (Said::json(200, &json!(events.len())), (0..events.len()).collect())
    }

    fn refuse_some(&mut self, _: &Incoming, events: &[MockEvent], refused: &[usize]) -> (Said, Vec<usize>) {
        (Said::json(207, &json!(refused)), others(events, refused))
    }

    fn refuse_all(&self, _: &[MockEvent], index: usize) -> Said {
        Said::json(422, &json!(index))
    }

    fn parts(&self) -> &'static [&'static str] {
        &["in", "key"]
    }

    fn part(&self, request: &Incoming) -> &'static str {
        if request.body.as_ref() == b"key" { "key" } else { "in" }
    }
}

fn stand_in(behaviour: &str) -> StandIn {
    StandIn::new(Box::new(Words), Behaviour::read(behaviour.as_bytes()).unwrap()).unwrap()
}

fn request(body: &str) -> Incoming {
    Incoming {
        method: "POST".to_owned(),
        path: "/".to_owned(),
        query: String::new(),
        headers: Vec::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        at: "2026-01-02T03:04:05.5Z".parse().unwrap(),
    }
}

/// What is done about each of these requests, in words: the label, the body where there is one, and the wait.
fn done(stand_in: &mut StandIn, bodies: &[&str]) -> Vec<String> {
    let word = |body: &&str| {
        let Step { act, wait, .. } = stand_in.on(&request(body));
        let label = act.label();
        let wait = if wait.is_zero() { String::new() } else { format!(" after {wait:?}") };
        match act {
            Act::Answer(said) if said.status == 207 || said.status == 422 => {
                format!("{label} {}{wait}", said.body)
            }
            _ => format!("{label}{wait}"),
        }
    };
    bodies.iter().map(word).collect()
}

#[test]
fn each_mode_does_what_its_name_says() {
    for (behaviour, expected) in [
        (r#"{}"#, "200"),
        (r#"{"mode":"ok"}"#, "200"),
        (r#"{"mode":"ok","delay":"20ms"}"#, "200 after 20ms"),
        (r#"{"mode":"410"}"#, "410"),
        (r#"{"mode":204}"#, "204"),
        (r#"{"mode":"hang"}"#, "hang"),
        (r#"{"mode":"slow"}"#, "200 after 2s"),
        (r#"{"mode":"slow","delay":"20ms"}"#, "200 after 20ms"),
        (r#"{"mode":"cut"}"#, "cut"),
        (r#"{"mode":"half"}"#, "half"),
        (r#"{"mode":"partial"}"#, "207 [1,3]"),
        (r#"{"mode":"partial","event":"a"}"#, "207 [0]"),
        (r#"{"mode":"partial","event":"z"}"#, "200"),
        (r#"{"mode":"poison","event":"Event c"}"#, "422 2"),
        (r#"{"mode":"poison","event":"z"}"#, "200"),
        (r#"{"mode":"html"}"#, "502"),
        (r#"{"mode":"lie"}"#, "200"),
    ] {
        assert_eq!(done(&mut stand_in(behaviour), &["a b c d"]), [expected], "{behaviour}");
    }
}

#[test]
fn it_misbehaves_as_often_as_it_was_told() {
    let five = ["a", "b", "c", "d", "e"];
    let twice = done(&mut stand_in(r#"{"mode":503,"times":2}"#), &five);
    assert_eq!(twice, ["503", "503", "200", "200", "200"]);
    let second = done(&mut stand_in(r#"{"mode":503,"every":2}"#), &five);
    assert_eq!(second, ["200", "503", "200", "503", "200"]);
    let both = done(&mut stand_in(r#"{"mode":503,"every":2,"times":1,"delay":"1s"}"#), &five);
    assert_eq!(both, ["200", "503 after 1s", "200", "200", "200"]);
    let poison = done(&mut stand_in(r#"{"mode":"poison","event":"c","times":1}"#), &["a", "c", "b", "c"]);
    assert_eq!(poison, ["200", "422 0", "200", "200"], "requests without it do not count");
}

#[test]
fn told_anew_it_counts_anew_and_reset_forgets() {
    let mut stand_in = stand_in(r#"{"mode":503,"times":1}"#);
    assert_eq!(done(&mut stand_in, &["a", "b"]), ["503", "200"]);
    stand_in.behave(Behaviour::read(br#"{"mode":"cut","times":1}"#).unwrap()).unwrap();
    assert_eq!(done(&mut stand_in, &["a", "b"]), ["cut", "200"]);
    assert_eq!(stand_in.seen()["requests"], 4);
    stand_in.reset();
    assert_eq!((&stand_in.seen()["requests"], &stand_in.seen()["mode"]), (&json!(0), &json!("ok")));
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    for (behaviour, value) in [
        (r#"{"mode":429,"retry_after":3}"#, Some("3")),
        (r#"{"mode":503,"retry_after":3,"as_date":true}"#, Some("Fri, 02 Jan 2026 03:04:08 GMT")),
        (r#"{"mode":429}"#, None),
    ] {
        let Act::Answer(said) = stand_in(behaviour).on(&request("a")).act else { panic!("no answer") };
        let found = said.headers.iter().find(|(name, _)| *name == "retry-after");
        assert_eq!(found.map(|(_, value)| value.as_str()), value, "{behaviour}");
    }
}

#[test]
fn only_what_was_really_taken_counts_as_taken() {
    let mut stand_in = stand_in(r#"{"mode":"lie","times":1}"#);
    done(&mut stand_in, &["a b", "a b", "b c"]);
    let seen = stand_in.seen();
    assert_eq!((&seen["events"], &seen["taken"], &seen["repeated"]), (&json!(6), &json!(3), &json!(1)));
    assert_eq!(seen["last_ids"], json!(["a", "b", "c"]));
    assert_eq!(seen["answers"], json!({ "200": 3 }));
    for spoiled in ["half", "cut", "hang", "503", "html", "lie"] {
        let mut one = self::stand_in(&format!("{{\"mode\":\"{spoiled}\"}}"));
        done(&mut one, &["a"]);
        assert_eq!(one.seen()["taken"], 0, "{spoiled}");
    }
    let mut partial = self::stand_in(r#"{"mode":"partial","event":"a"}"#);
    done(&mut partial, &["a b c"]);
    assert_eq!(partial.seen()["last_ids"], json!(["b", "c"]));
}

#[test]
fn who_is_not_let_in_is_told_so_in_every_mode_that_reads() {
    for mode in ["ok", "slow", "half", "partial", "lie"] {
        let mut one = stand_in(&format!("{{\"mode\":\"{mode}\",\"delay\":\"0s\"}}"));
        assert_eq!(done(&mut one, &["unsigned"]), ["401"], "{mode}");
    }
    assert_eq!(done(&mut stand_in(r#"{"mode":503}"#), &["unsigned"]), ["503"]);
}

#[test]
fn the_last_ids_are_few() {
    let mut stand_in = stand_in("{}");
    let ids: Vec<String> = (0..50).map(|n| format!("id{n}")).collect();
    done(&mut stand_in, &[&ids.join(" ")]);
    let seen = stand_in.seen();
    let last = seen["last_ids"].as_array().unwrap();
    assert_eq!((last.len(), &last[0], &last[19]), (20, &json!("id30"), &json!("id49")));
}

#[test]
fn a_wrong_behaviour_is_refused_with_what_is_possible() {
    for (text, part) in [
        (r#"{"mode":"explode"}"#, "there are ok, a status from 200 to 599, hang"),
        (r#"{"mode":99}"#, "`99` is no mode"),
        (r#"{"mode":"poison"}"#, "`poison` needs `event`"),
        (r#"{"mod":"ok"}"#, "unknown field `mod`"),
        (r#"{"mode":503,"every":0}"#, "nonzero"),
        (r#"{"mode":503,"delay":"soon"}"#, "expected a duration"),
        ("", "EOF"),
    ] {
        let message = Behaviour::read(text.as_bytes()).unwrap_err();
        assert!(message.contains(part), "{text}: {message}");
    }
}

#[test]
fn every_mode_is_in_the_list_and_reads_back() {
    for word in MODES.split(", ").filter(|word| !word.contains(' ')) {
        assert_eq!(word.parse::<Mode>().unwrap().to_string(), word);
    }
    assert_eq!("404".parse::<Mode>().unwrap().to_string(), "404");
}

#[test]
fn a_behaviour_about_one_part_leaves_the_others_and_what_they_were_told() {
    let mut stand_in = stand_in(r#"{"mode":"cut","on":"key","times":2}"#);
    assert_eq!(done(&mut stand_in, &["a", "key", "b"]), ["200", "cut", "200"]);
    stand_in.behave(Behaviour::read(br#"{"mode":503,"on":"in"}"#).unwrap()).unwrap();
    assert_eq!(done(&mut stand_in, &["a", "key", "key"]), ["503", "cut", "200"]);
    assert_eq!(stand_in.seen()["parts"], json!({ "in": 3, "key": 3 }));
    stand_in.behave(Behaviour::default()).unwrap();
    assert_eq!(done(&mut stand_in, &["a", "key"]), ["200", "200"]);
}

#[test]
fn a_part_that_the_api_does_not_have_is_named_with_those_that_it_has() {
    let refused = stand_in("{}").behave(Behaviour::read(br#"{"on":"door"}"#).unwrap());
    assert_eq!(refused.unwrap_err(), "`door` is no part of it; there are in, key");
}
