//! A glance says what the tree says, of whatever an event may be made of.

use proptest::prelude::*;

use super::*;
use crate::spec::Receipt;

const CONTEXT: [&str; 12] = [
    "page",
    "screen",
    "device",
    "bot",
    "geo",
    "browser",
    "os",
    "attribution",
    "campaign",
    "environment",
    "pageViewId",
    "consent",
];

fn event(kind: Kind, text: &str, ip: bool) -> Option<Event> {
    let receipt = Receipt {
        kind,
        received_at: "2026-01-02T03:04:05.678Z".parse().unwrap(),
        timestamp: "2026-01-02T03:04:05.600Z".parse().unwrap(),
        sent_at: None,
        message_id: Some("m".into()),
        source: "test".into(),
        ip: ip.then(|| [192, 0, 2, 7].into()),
        signals: Default::default(),
        redelivery: None,
    };
    Event::restore(text.to_owned(), receipt).ok()
}

/// JSON with what a short way of reading may get wrong: white space, escapes also in names, brackets in texts, odd numbers.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null"),
        Just("true"),
        Just("false"),
        Just("0"),
        Just("-1.50"),
        Just("900"),
        Just("1e2"),
        Just("12345678901234567890123"),
        Just(r#""""#),
        Just(r#""/a?b""#),
        Just(r#"" server ""#),
        Just(r#""Server""#),
        Just(r#""\"}{][,:\\""#),
        Just(r#""\u00e9\ud83d\ude00 \/x""#),
        Just(r#""https://www.shop.example/über?q=1#f""#),
        Just(r#""a text that is longer than two words of eight bytes""#),
    ]
    .prop_map(str::to_owned);
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|all| format!("[ {} ]", all.join(" ,"))),
            object(inner, "[ \\n]?"),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    let own = [
        "path",
        "url",
        "search",
        "referrer",
        "id",
        "type",
        "name",
        "channel",
        "p\\u0061ge",
        "\\u0062ot",
        "x",
    ];
    let all: Vec<&str> = CONTEXT.into_iter().chain(own).collect();
    prop::sample::select(all).prop_map(str::to_owned)
}

fn object(value: impl Strategy<Value = String>, space: &'static str) -> impl Strategy<Value = String> {
    let member =
        (name(), space, value).prop_map(|(name, s, value)| format!("{s}\"{name}\"{s}:{s}{value}{s}"));
    prop::collection::vec(member, 0..8).prop_map(|members| format!("{{{}}}", members.join(",")))
}

/// Members of a call in any order, some of them twice.
fn call() -> impl Strategy<Value = String> {
    let member = prop_oneof![
        5 => object(json(), "[ \\t]?").prop_map(|value| format!("\"context\": {value}")),
        4 => object(json(), "").prop_map(|value| format!("\"properties\" :{value}")),
        1 => Just("\"context\":null".to_owned()),
        1 => Just("\"cont\\u0065xt\":{\"page\":{\"path\":\"/e\"}}".to_owned()),
        1 => Just("\"properties\":null".to_owned()),
        2 => json().prop_map(|value| format!("\"channel\":{value}")),
        2 => json().prop_map(|value| format!("\"other\":{value}")),
    ];
    let all = prop::collection::vec(member, 0..5);
    all.prop_map(|members| {
        let rest: String = members.iter().map(|member| format!(",{member}")).collect();
        format!("{{\"anonymousId\":\"a\",\"event\":\"E\"{rest}}}")
    })
}

/// Returns a member, `None` when what it is asked of is no object.
fn member<'t>(tree: Option<&'t Value>, name: &str) -> Option<&'t Value> {
    tree?.as_object()?.get(name)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_glance_says_what_the_tree_says(text in call(), kind in prop::sample::select(vec![Kind::Track, Kind::Page]), ip: bool) {
        let Some(event) = event(kind, &text, ip) else { return Ok(()) };
        let (mut glance, tree) = (Glance::of(&event), event.tree());
        prop_assert!(event.places.get().is_some());
        let mut again = Glance::of(&event);
        prop_assert_eq!(again.slots(), glance.slots(), "a second look says the same");
        let own = member(Some(tree), "properties");
        prop_assert_eq!(glance.properties.value(), own.cloned());
        let around = member(Some(tree), "context");
        let context = &glance.context;
        let slots = [
            context.page, context.screen, context.device, context.bot, context.geo, context.browser, context.os,
            context.attribution, context.campaign, context.environment, context.page_view_id, context.consent,
        ];
        for (name, slot) in CONTEXT.iter().zip(slots) {
            let wanted = member(around, name);
            prop_assert_eq!(slot.value(), wanted.cloned(), "{} of {}", name, text);
            prop_assert_eq!(slot.is_there(), wanted.is_some());
            prop_assert_eq!(slot.is_object(), wanted.is_some_and(Value::is_object));
            prop_assert_eq!(slot.text().map(Cow::into_owned), wanted.and_then(Value::as_str).map(str::to_owned));
            prop_assert_eq!(slot.as_i64(), wanted.and_then(Value::as_i64));
            prop_assert_eq!(slot.as_f64(), wanted.and_then(Value::as_f64));
            prop_assert_eq!(slot.map(), wanted.and_then(Value::as_object).cloned());
            prop_assert_eq!(slot.get("id").value(), member(wanted, "id").cloned());
        }
        let channel = member(Some(tree), "channel").or_else(|| member(around, "channel"));
        prop_assert_eq!(glance.channel().value(), channel.cloned());
        let page = member(around, "page");
        for (part, name) in [
            (Part::Path, "path"), (Part::Url, "url"), (Part::Search, "search"), (Part::Referrer, "referrer"),
        ] {
            let own = own.filter(|_| kind == Kind::Page);
            let wanted = [member(own, name), member(page, name)];
            prop_assert_eq!(glance.page(part).map(Json::value), wanted.map(|value| value.cloned()), "{}", text);
        }
        let few = glance.properties.object(["path", "name", "missing"]);
        prop_assert!(few.iter().all(|(name, value)| member(own, name) == Some(value)));
        prop_assert_eq!(few.len(), ["path", "name"].iter().filter(|name| member(own, name).is_some()).count());
    }
}
