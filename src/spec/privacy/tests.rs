//! Views of events: what is hidden, what stays byte for byte, and that nothing hidden is left anywhere.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::spec::consent::Signals;
use crate::spec::{Arrival, Endpoint, Kind, Limits, read};

fn event(text: &str) -> Arc<Event> {
    let arrival = Arrival {
        received_at: "2026-01-31T12:00:00Z".parse().unwrap(),
        source: Arc::from("web"),
        ip: Some("203.0.113.9".parse().unwrap()),
        client_side: true,
        signals: Signals::default(),
    };
    let body = Bytes::from(format!("{{\"batch\":[{text}]}}"));
    let intake = read(body, Endpoint::Batch).unwrap();
    let mut intake = intake.believe(&arrival, &Limits { max_event_bytes: 1 << 20 });
    Arc::new(intake.events.pop().unwrap_or_else(|| panic!("{:?}", intake.rejected)))
}

/// An event that came from a server: the door keeps no address.
fn from_server(text: &str) -> Arc<Event> {
    let event = event(text);
    Arc::new(Event::restore(event.raw.clone(), Receipt { ip: None, ..event.receipt.clone() }).unwrap())
}

fn privacy(rules: &[(&str, Treatment)], address: Treatment) -> Privacy {
    let rule =
        |(pointer, treatment): &(&str, Treatment)| Rule::new(pointer.parse().unwrap(), *treatment).unwrap();
    Privacy::new(&rules.iter().map(rule).collect::<Vec<_>>(), address).unwrap()
}

fn seen_by(privacy: Privacy, event: &Arc<Event>) -> Arc<Event> {
    View::new(privacy, "salt").of(std::slice::from_ref(event)).first().cloned().unwrap()
}

fn seen(rules: &[(&str, Treatment)], event: &Arc<Event>) -> Arc<Event> {
    seen_by(privacy(rules, Treatment::Keep), event)
}

fn json_of(event: &Event) -> String {
    let mut out = Vec::new();
    event.write_json(&mut out);
    String::from_utf8(out).unwrap()
}

fn ip_of(event: &Event) -> Value {
    event.tree()["context"]["ip"].clone()
}

const PLAIN: &str = r#"{"type":"track","event":"A","userId":"u","messageId":"m","properties":{"a":1.00}}"#;

fn with(members: &str) -> String {
    PLAIN.replace("\"properties\":{\"a\":1.00}", members)
}

use Treatment::{Drop, Encrypt, Hash, Keep, Truncate};

// === The address ===

#[test]
fn an_address_that_the_door_has_seen_is_truncated_without_touching_the_text() {
    let event = event(PLAIN);
    let shown = seen_by(privacy(&[], Truncate), &event);
    assert_eq!(ip_of(&shown), "203.0.113.0");
    assert_eq!(shown.raw.as_ptr(), event.raw.as_ptr(), "the text is not copied");
    assert!(std::ptr::eq(&*shown.head, &*event.head), "nor is the head");
    assert_eq!(event.receipt.ip, Some("203.0.113.9".parse().unwrap()), "what is stored stays whole");
}

#[test]
fn an_event_without_an_address_is_not_copied_at_all() {
    for text in [PLAIN.to_owned(), with(r#""context":{"page":{"a":"ip \\u00fc"}}"#)] {
        let event = from_server(&text);
        assert!(Arc::ptr_eq(&seen_by(privacy(&[], Truncate), &event), &event), "{text}");
    }
    let events = [event(PLAIN)];
    assert!(matches!(View::new(Privacy::default(), "").of(&events), Cow::Borrowed(_)));
    let view = View::new(privacy(&[], Truncate), "");
    let quiet = [from_server(PLAIN), from_server(PLAIN)];
    assert!(matches!(view.of(&quiet), Cow::Borrowed(_)), "nor is the list");
    let mixed = [from_server(PLAIN), event(PLAIN), from_server(PLAIN), event(PLAIN)];
    let seen = view.of(&mixed);
    let same: Vec<bool> = seen.iter().zip(&mixed).map(|(one, other)| Arc::ptr_eq(one, other)).collect();
    assert_eq!(same, [true, false, true, false]);
}

#[test]
fn an_address_that_the_client_gave_is_truncated_in_its_place() {
    for (given, shown) in [
        (r#""198.51.100.77""#, r#""198.51.100.0""#),
        (r#""\u0031.2.3.4""#, r#""1.2.3.0""#),
        (r#"" 2001:db8:1:2::9 ""#, r#""2001:db8:1::""#),
        (r#""::ffff:198.51.100.77""#, r#""198.51.100.0""#),
        (r#""198.51.100.77, 10.0.0.1""#, "null"),
        (r#""198.51.100.77:80""#, "null"),
        ("123", "null"),
        ("null", "null"),
        (r#"["198.51.100.77"]"#, r#"["198.51.100.0"]"#),
    ] {
        let text = |ip: &str| {
            with(&format!(r#""context":{{ "a":1.50, "ip" : {ip} ,"z":[2]}},"sentAt":"2026-01-31T12:00:00Z""#))
        };
        for event in [event(&text(given)), from_server(&text(given))] {
            let view = seen_by(privacy(&[], Truncate), &event);
            assert_eq!(std::str::from_utf8(&view.raw).unwrap(), text(shown), "{given}");
            assert_eq!(json_of(&view), json_of(&event).replace(given, shown));
            assert_eq!(json_of(&view), json_of(&told_anew(&view)), "{given}");
            assert_eq!(view.size(), view.raw.to_vec().len());
        }
    }
}

/// Composes around nothing: the event has its text in one piece.
fn told_anew(view: &Event) -> Event {
    Event::restore(view.raw.to_vec(), view.receipt.clone()).unwrap()
}

#[test]
fn an_address_that_the_client_gave_is_cut_while_the_event_is_written_and_nothing_is_copied_for_it() {
    let event = event(&with(r#""context":{"ip":"198.51.100.77","a":1}"#));
    let view = seen_by(privacy(&[], Truncate), &event);
    assert_eq!(view.raw.sent().as_ptr(), event.raw.as_ptr());
    assert!(std::ptr::eq(&*view.head, &*event.head));
    assert!(json_of(&view).contains(r#"{"ip":"198.51.100.0","a":1}"#), "{}", json_of(&view));
    assert!(!format!("{view:?}").contains("100.77"), "{view:?}");
}

#[test]
fn an_address_is_found_however_its_name_is_spelt_and_however_often_it_stands_there() {
    for context in [
        r#""context":{"\u0069p":"198.51.100.77"}"#,
        r#""context":{"ip":"198.51.100.77","\u0069\u0070":"198.51.100.77"}"#,
        r#""context":{"ip":"198.51.100.77"},"context":{"ip":"198.51.100.77"}"#,
        r#""context":{"ip":"198.51.100.77"},"c\u006fntext":{"ip":"198.51.100.77"}"#,
    ] {
        let event = event(&with(context));
        for treatment in [Truncate, Drop, Hash] {
            let view = seen_by(privacy(&[], treatment), &event);
            let text = json_of(&view);
            assert!(
                !text.contains("100.77") && !text.contains("113.9"),
                "{treatment:?} of {context}: {text}"
            );
            assert_eq!(view.receipt.ip.is_some(), treatment == Truncate);
        }
    }
}

#[test]
fn a_dropped_address_does_not_come_back_from_the_receipt() {
    for context in ["{}", r#"{"ip":"198.51.100.77"}"#, r#"{"a":1,"ip":"198.51.100.77"}"#, "null"] {
        let event = event(&with(&format!(r#""context":{context}"#)));
        for rules in [vec![], vec![("/context/ip", Drop)], vec![("/context", Drop)]] {
            let address = if rules.is_empty() { Drop } else { Truncate };
            let view = seen_by(privacy(&rules, address), &event);
            assert_eq!(ip_of(&view), Value::Null, "{context} {rules:?}: {}", json_of(&view));
            assert_eq!(view.receipt.ip, None);
        }
    }
}

#[test]
fn an_address_of_the_door_is_hashed_like_one_of_the_client() {
    let hash = ip_of(&seen(&[("/context/ip", Hash)], &event(&with(r#""context":{"ip":"203.0.113.9"}"#))));
    assert_eq!(hash.as_str().map(str::len), Some(64));
    for text in
        [PLAIN.to_owned(), with(r#""context":null"#), with(r#""context":{}"#), with(r#""context":{"a":1}"#)]
    {
        let view = seen(&[("/context/ip", Hash)], &event(&text));
        assert_eq!(ip_of(&view), hash, "{text}");
        assert!(!json_of(&view).contains("203.0.113.9"));
    }
}

#[test]
fn the_own_rule_of_a_destination_wins_over_the_routers() {
    let event = event(PLAIN);
    assert_eq!(ip_of(&seen_by(privacy(&[("/context/ip", Keep)], Truncate), &event)), "203.0.113.9");
    assert_eq!(ip_of(&seen_by(privacy(&[("/context/ip", Truncate)], Drop), &event)), "203.0.113.0");
    assert_eq!(ip_of(&seen_by(privacy(&[("/properties", Drop)], Truncate), &event)), "203.0.113.0");
}

// === Values ===

/// What a destination sees of one property.
fn property(key: &str, raw: &str, treatment: Treatment) -> Value {
    let text = with(&format!(r#""properties":{{"{key}":{raw}}}"#));
    let view = seen(&[(&format!("/properties/{key}"), treatment)], &event(&text));
    view.tree()["properties"][key].clone()
}

#[test]
fn a_hash_is_the_hmac_of_kind_and_normalised_value_by_the_salt() {
    // printf 'email:ada@example.com' | openssl dgst -sha256 -hmac salt
    let known = "27c974f86f9211b9688e483d13ccb052844f5eaaec8ce4b313ca95d5d6af6fdc";
    let hash = property("email", r#"" Ada@Example.COM ""#, Hash);
    assert_eq!(hash, known);
    let same = [
        ("first_name", "\"Ada\"", "firstName", "\" ada\""),
        ("phone", "\"+49 (0) 170-1\"", "phone", "4901701"),
        ("phone", "\"0049 170\"", "phone", "\"49170\""),
        ("gender", "\"Male\"", "gender", "\"m\""),
        ("city", "\"New York\"", "city", "\"newyork\""),
        ("zip", "\"12345-6789\"", "postalCode", "12345"),
    ];
    for (key, one, other, two) in same {
        assert_eq!(property(key, one, Hash), property(other, two, Hash), "{one} and {two}");
    }
    assert_ne!(property("email", "\"a\"", Hash), property("card", "\"a\"", Hash), "kinds are kept apart");
    assert_ne!(
        property("card", "\"a\"", Hash),
        property("card", "\"A\"", Hash),
        "other kinds stay as they are"
    );
    for (key, empty) in [("email", "\"  \""), ("gender", "\"other\""), ("phone", "\"none\""), ("x", "null")] {
        assert_eq!(property(key, empty, Hash), Value::Null, "{key} {empty}");
    }
}

#[test]
fn nested_values_are_treated_one_by_one_and_keep_their_shape() {
    let raw = r#"{ "email":"a@b.c" , "list":[1,null,{"email":"a@b.c"}], "no":null}"#;
    let hashed = property("deep", raw, Hash);
    assert_eq!(hashed["email"], property("email", "\"a@b.c\"", Hash));
    assert_eq!(hashed["list"][2]["email"], hashed["email"]);
    assert_eq!((&hashed["list"][1], &hashed["no"]), (&Value::Null, &Value::Null));
    assert!(hashed["list"][0].is_string());
    let short =
        property("deep", r#"{"name":"Örsted","ip":"x","at":["10.1.2.3"],"n":7,"b":true,"e":""}"#, Truncate);
    assert_eq!(short, json!({"name":"Ö","ip":null,"at":["10.1.2.0"],"n":null,"b":null,"e":""}));
}

// === Places ===

#[test]
fn everything_else_stays_byte_for_byte() {
    // What is dropped takes the white space before it along.
    let text = with(
        "\"traits\" : { \"a\":1.00 , \"email\" : \"a@b.c\",\"big\":12345678901234567890123,\"email\":\"d\" }, \
         \"properties\":{\"card\":1, \"x\":\"\\u00fc\\/\", \"list\":[ {\"card\":2},{\"card\":3} ] , \"card\":4}",
    );
    let rules = [("/traits/email", Drop), ("/properties/card", Drop), ("/properties/list/1/card", Drop)];
    let expected = with(
        "\"traits\" : { \"a\":1.00,\"big\":12345678901234567890123 }, \
         \"properties\":{ \"x\":\"\\u00fc\\/\", \"list\":[ {\"card\":2},{} ]}",
    );
    assert_eq!(std::str::from_utf8(&seen(&rules, &event(&text)).raw).unwrap(), expected);
}

#[test]
fn a_rule_that_finds_nothing_changes_nothing() {
    let event = from_server(PLAIN);
    for pointer in ["/traits/email", "/properties/a/b", "/properties/0", "/Properties/a", "/properties/~0a~1"]
    {
        assert!(Arc::ptr_eq(&seen(&[(pointer, Drop)], &event), &event), "{pointer}");
    }
}

#[test]
fn names_with_slashes_and_tildes_are_found() {
    let event = event(&with(r#""properties":{"a/b":{"m~n":1,"":2,"0":3}}"#));
    let view = seen(&[("/properties/a~1b/m~0n", Drop), ("/properties/a~1b/", Drop)], &event);
    assert_eq!(view.tree()["properties"], json!({"a/b":{"0":3}}));
}

#[test]
fn hashed_ids_are_the_head_of_the_view_and_connect_as_before() {
    let rules = [("/userId", Hash), ("/previousId", Hash), ("/anonymousId", Hash)];
    let identify = event(r#"{"type":"identify","userId":"u1","anonymousId":"a1","messageId":"m"}"#);
    let alias = event(r#"{"type":"alias","userId":"u1","previousId":"a1","messageId":"n"}"#);
    let (identify, alias) = (seen(&rules, &identify), seen(&rules, &alias));
    assert_eq!(identify.head.user_id, alias.head.user_id);
    assert_eq!(identify.head.anonymous_id, alias.head.previous_id);
    assert_eq!(identify.tree()["userId"], json!(identify.head.user_id));
    assert_eq!((identify.head.kind, &*identify.head.message_id), (Kind::Identify, "m"));
}

#[test]
fn the_same_event_gives_the_same_view() {
    let event = event(&with(r#""traits":{"email":"a@b.c"}"#));
    let rules = [("/traits/email", Hash), ("/userId", Hash)];
    let again = Arc::new(Event::restore(event.raw.clone(), event.receipt.clone()).unwrap());
    assert_eq!(json_of(&seen(&rules, &event)), json_of(&seen(&rules, &again)));
}

// === What only the holder of a key can read ===

fn encrypted_by(rules: &[(&str, Treatment)], event: &Arc<Event>) -> (Arc<Event>, Arc<Keyring>) {
    let keyring = Arc::new(cipher::tests::ring(1, &[]));
    let view = seen_by(privacy(rules, Keep).with_keys(Some(&keyring)), event);
    (view, keyring)
}

#[test]
fn an_encrypted_value_is_a_text_that_the_key_turns_back_into_the_same_json() {
    let text = r#""traits":{"email":"a@b.\u0063","age": 4.20,"vip":true,"none":null,"home":{"city":"Köln","zips":[50667,""]},"x":1}"#;
    let event = event(&with(text));
    let rules = [
        ("/traits/email", Encrypt),
        ("/traits/age", Encrypt),
        ("/traits/vip", Encrypt),
        ("/traits/none", Encrypt),
        ("/traits/home", Encrypt),
    ];
    let (view, keyring) = encrypted_by(&rules, &event);
    let traits = &view.tree()["traits"];
    let opened = |value: &Value, field: &str| keyring.open(value.as_str().unwrap(), field).unwrap();
    assert_eq!(opened(&traits["email"], "/traits/email"), r#""a@b.\u0063""#);
    assert_eq!(opened(&traits["age"], "/traits/age"), "4.20", "the number as it was written");
    assert_eq!(opened(&traits["vip"], "/traits/vip"), "true");
    assert_eq!((&traits["none"], &traits["x"]), (&Value::Null, &json!(1)));
    assert_eq!(
        opened(&traits["home"]["city"], "/traits/home"),
        r#""Köln""#,
        "the pointer is that of the rule"
    );
    assert_eq!(opened(&traits["home"]["zips"][0], "/traits/home"), "50667");
    assert_eq!(opened(&traits["home"]["zips"][1], "/traits/home"), r#""""#);
    let shown = json_of(&view);
    assert!(!shown.contains("Köln") && !shown.contains("4.20") && !shown.contains("a@b"), "{shown}");
}

#[test]
fn what_is_sent_again_is_the_same_text_and_no_other_event_has_it() {
    let text = with(r#""traits":{"names":["a","a"]}"#);
    let rules = [("/traits/names", Encrypt)];
    let names = |text: &str| encrypted_by(&rules, &event(text)).0.tree()["traits"]["names"].clone();
    let first = names(&text);
    assert_eq!(first, names(&text));
    assert_ne!(first[0], first[1], "nor is it seen that two values are equal");
    let other = names(&text.replace("\"m\"", "\"n\""));
    assert!(first[0] != other[0] && first[1] != other[1]);
}

/// Who may send events and read a column would send a guess under the same id, and compare.
#[test]
fn a_guess_that_is_sent_under_the_same_id_is_another_text() {
    let (theirs, rules) = (event(&with(r#""traits":{"name":"anna"}"#)), [("/traits/name", Encrypt)]);
    let name = |event: &Arc<Event>| encrypted_by(&rules, event).0.tree()["traits"]["name"].clone();
    let received_at = theirs.receipt.received_at + jiff::SignedDuration::from_micros(1);
    let receipt = Receipt { received_at, ..theirs.receipt.clone() };
    let guess = Arc::new(Event::restore(theirs.raw.clone(), receipt).unwrap());
    assert_ne!(name(&theirs), name(&guess));
    // From the disk, which keeps microseconds.
    let received_at = theirs.receipt.received_at + jiff::SignedDuration::from_nanos(999);
    let receipt = Receipt { received_at, ..theirs.receipt.clone() };
    let again = Arc::new(Event::restore(theirs.raw.clone(), receipt).unwrap());
    assert_eq!(name(&theirs), name(&again));
}

#[test]
fn a_pointer_through_a_list_and_through_odd_names_is_the_one_to_read_by() {
    let text = r#""properties":{"a/b":{"~":[{"card":"4111"},{"card":"4222"}]}}"#;
    let (view, keyring) = encrypted_by(&[("/properties/a~1b/~0/1/card", Encrypt)], &event(&with(text)));
    let list = &view.tree()["properties"]["a/b"]["~"];
    assert_eq!(list[0]["card"], "4111");
    let opened = keyring.open(list[1]["card"].as_str().unwrap(), "/properties/a~1b/~0/1/card");
    assert_eq!(opened, Ok(r#""4222""#.to_owned()));
}

#[test]
fn an_encrypted_address_is_nowhere_else() {
    for text in [PLAIN.to_owned(), with(r#""context":{"ip":"203.0.113.9"}"#)] {
        let (view, keyring) = encrypted_by(&[("/context/ip", Encrypt)], &event(&text));
        let opened = keyring.open(ip_of(&view).as_str().unwrap(), "/context/ip");
        assert_eq!(opened, Ok(r#""203.0.113.9""#.to_owned()), "{text}");
        assert_eq!(view.receipt.ip, None);
        assert!(!json_of(&view).contains("203.0.113"), "{}", json_of(&view));
    }
}

#[test]
fn without_a_key_nobody_may_read_it() {
    let event = event(&with(r#""traits":{"email":"a@b.c","x":1}"#));
    assert_eq!(seen(&[("/traits/email", Encrypt)], &event).tree()["traits"], json!({"email":null,"x":1}));
}

#[test]
fn rules_that_encrypt_name_their_places_and_are_others_with_another_key() {
    let rules = [("/traits/a~1b", Encrypt), ("/traits/c", Hash), ("/context/ip", Encrypt)];
    assert_eq!(privacy(&rules, Keep).encrypted(), ["/traits/a~1b", "/context/ip"]);
    let with =
        |rules: &[_], first| privacy(rules, Keep).with_keys(Some(&Arc::new(cipher::tests::ring(first, &[]))));
    assert_eq!(with(&rules, 1), with(&rules, 1));
    assert_ne!(with(&rules, 1), with(&rules, 2), "a reload has to make it anew");
    assert_eq!(
        with(&[("/traits/c", Hash)], 1),
        with(&[("/traits/c", Hash)], 2),
        "and what has no use for keys not"
    );
}

// === Rules ===

#[test]
fn rules_that_would_stop_a_delivery_are_refused() {
    let refused = |pointer: &str, treatment| {
        let pointer: Result<Pointer, String> = pointer.parse();
        pointer.and_then(|pointer| Rule::new(pointer, treatment)).err()
    };
    for pointer in
        ["/type", "/messageId", "/event", "/timestamp", "/sentAt", "/integrations/All", "/writeKey"]
    {
        assert!(refused(pointer, Hash).unwrap().contains("needed"), "{pointer}");
    }
    for pointer in ["/userId", "/anonymousId", "/groupId", "/previousId"] {
        for other in [Drop, Truncate, Encrypt] {
            assert!(refused(pointer, other).is_some(), "{pointer}");
        }
        assert_eq!(refused(pointer, Hash), None);
    }
    for pointer in ["", "traits/email", "/a~", "/a~2"] {
        assert!(refused(pointer, Drop).is_some(), "{pointer}");
    }
    assert!(refused("/traits/email", Keep).unwrap().contains("/context/ip"));
    assert_eq!(refused("/context/ip", Keep), None);
}

#[test]
fn two_rules_about_one_place_are_refused() {
    let rule = |pointer: &str| Rule::new(pointer.parse().unwrap(), Drop).unwrap();
    for (one, two) in [("/traits", "/traits/a"), ("/traits/a/b", "/traits/a"), ("/context/ip", "/context")] {
        let (first, second) = Privacy::new(&[rule(one), rule("/properties"), rule(two)], Keep).unwrap_err();
        assert_eq!((first.to_string(), second.to_string()), (one.to_owned(), two.to_owned()));
    }
    assert!(Privacy::new(&[rule("/traits/a"), rule("/traits/ab")], Keep).is_ok());
}

// === Any event ===

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!("SECRET-7")),
        Just(json!("198.51.100.77")),
        Just(json!(1.5)),
        Just(Value::Null),
        "[a-z\"\\\\ü ]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let name = prop_oneof![Just("ip".to_owned()), Just("email".to_owned()), "[a-c/~]{0,2}"];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((name, inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Does the same with a tree.
fn expected(value: &mut Value, steps: &[Box<str>]) {
    let Some((step, rest)) = steps.split_first() else { return };
    if rest.is_empty() {
        match value {
            Value::Object(object) => drop(object.shift_remove(&**step)),
            Value::Array(list) => {
                let index =
                    step.parse::<usize>().ok().filter(|at| at.to_string() == **step && *at < list.len());
                index.into_iter().for_each(|index| drop(list.remove(index)));
            }
            _ => {}
        }
        return;
    }
    let pointer = format!("/{}", step.replace('~', "~0").replace('/', "~1"));
    value.pointer_mut(&pointer).into_iter().for_each(|below| expected(below, rest));
}

proptest! {
    #[test]
    fn a_drop_is_what_it_is_in_a_tree_and_every_view_is_an_event(
        properties in value(),
        steps in proptest::collection::vec(prop_oneof![
            Just("ip".to_owned()), Just("email".to_owned()), Just("0".to_owned()), Just("1".to_owned()), "[a-c/~]{0,2}",
        ], 0..3),
        spaces in any::<bool>(),
    ) {
        prop_assume!(properties.is_object());
        let whole = json!({"type":"track","event":"A","userId":"u","messageId":"m","properties":properties});
        let text = if spaces { serde_json::to_string_pretty(&whole).unwrap() } else { whole.to_string() };
        let event = event(&text);
        let mut pointer = Pointer(vec!["properties".into()]);
        pointer.0.extend(steps.iter().map(|step| Box::from(step.as_str())));
        let rule = |treatment| Privacy::new(&[Rule::new(pointer.clone(), treatment).unwrap()], Keep).unwrap();
        let mut tree = event.tree().clone();
        expected(&mut tree, &pointer.0);
        let dropped = seen_by(rule(Drop), &event);
        prop_assert_eq!(dropped.tree(), &tree);
        let keyring = Arc::new(cipher::tests::ring(1, &[]));
        for treatment in [Hash, Truncate, Encrypt] {
            let view = seen_by(rule(treatment).with_keys(Some(&keyring)), &event);
            prop_assert!(view.tree().is_object());
            if steps.is_empty() {
                let text = json_of(&view);
                prop_assert!(!text.contains("SECRET-7") && !text.contains("100.77"), "{}", text);
            }
        }
    }

    #[test]
    fn no_context_lets_an_address_through(context in value(), by_hand in any::<bool>()) {
        prop_assume!(context.is_object());
        let event = event(&with(&format!("\"context\":{context}")));
        let rules: &[(&str, Treatment)] = if by_hand { &[("/traits/x", Drop)] } else { &[] };
        let view = seen_by(privacy(rules, Truncate), &event);
        prop_assert_eq!(json_of(&view), json_of(&told_anew(&view)));
        let ip = ip_of(&view).to_string();
        prop_assert!(!ip.contains("100.77") && !ip.contains("SECRET-7") && !ip.contains("113.9"), "{}", ip);
        let mut rest = view.tree().clone();
        let mut before = event.tree().clone();
        for tree in [&mut rest, &mut before] {
            tree["context"].as_object_mut().unwrap().shift_remove("ip");
        }
        prop_assert_eq!(rest, before);
    }
}

/// As a warehouse does: both names are one column.
fn lower(name: &str) -> std::borrow::Cow<'_, str> {
    name.to_ascii_lowercase().into()
}

#[test]
fn where_names_become_one_a_rule_holds_for_each_spelling_and_what_is_sealed_opens_by_the_rule() {
    let text =
        r#""traits":{"Email":"a@b.c","PHONE":"1","eMail2":"x","Home":{"ZIP":"5"}},"properties":{"L":["kk"]}"#;
    let event = event(&with(text));
    let rules = [
        ("/traits/email", Encrypt),
        ("/traits/phone", Drop),
        ("/traits/home/zip", Hash),
        ("/properties/l/0", Truncate),
    ];
    let keyring = Arc::new(cipher::tests::ring(1, &[]));
    let letter_by_letter = privacy(&rules, Keep).with_keys(Some(&keyring));
    let plain = seen_by(letter_by_letter.clone(), &event);
    assert_eq!(plain.tree()["traits"]["Email"], "a@b.c");
    let seen = seen_by(letter_by_letter.named_by(Some(Naming(lower))), &event);
    let seen = seen.tree();
    let traits = &seen["traits"];
    assert_eq!(keyring.open(traits["Email"].as_str().unwrap(), "/traits/email"), Ok(r#""a@b.c""#.to_owned()));
    assert_eq!((&traits["PHONE"], &traits["eMail2"]), (&Value::Null, &json!("x")));
    assert_eq!(traits["Home"]["ZIP"].as_str().map(str::len), Some(64));
    assert_eq!(seen["properties"]["L"], json!(["k"]));
}

#[test]
fn of_two_spellings_that_have_rules_each_has_its_own() {
    let event = event(&with(r#""traits":{"Email":"a@b.c","email":"b@b.c"}"#));
    let both = privacy(&[("/traits/email", Drop), ("/traits/Email", Truncate)], Keep);
    let seen = seen_by(both.named_by(Some(Naming(lower))), &event);
    assert_eq!(seen.tree()["traits"], json!({"Email":"a"}));
}
