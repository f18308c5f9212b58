//! uap-core's own cases, the bots that each expression is for, hints, and the bounds.

use std::rc::Rc;
use std::sync::LazyLock;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;

use super::*;

static READER: LazyLock<Reader> = LazyLock::new(|| Reader::new().unwrap());
static CASES: LazyLock<Cases> =
    LazyLock::new(|| unpacked(include_bytes!("cases.json.gz").as_slice()).unwrap());

#[derive(Deserialize)]
struct Cases {
    ua: Vec<Case>,
    os: Vec<Case>,
    device: Vec<Case>,
    bots: Vec<String>,
}

#[derive(Deserialize)]
struct Case {
    user_agent_string: String,
    family: String,
    major: Option<String>,
    minor: Option<String>,
    patch: Option<String>,
    patch_minor: Option<String>,
    brand: Option<String>,
    model: Option<String>,
}

/// At most one in a thousand cases may be another than the rules of the day say.
#[track_caller]
fn agree(cases: &[Case], is_same: impl Fn(&Case) -> bool) {
    assert!(cases.len() > 400, "{} cases", cases.len());
    let other: Vec<_> = cases.iter().filter(|case| !is_same(case)).collect();
    let texts: Vec<_> = other.iter().take(5).map(|case| (&case.user_agent_string, &case.family)).collect();
    assert!(other.len() * 1_000 <= cases.len(), "{} of {} differ: {texts:#?}", other.len(), cases.len());
}

#[test]
fn browsers_are_those_of_the_cases_of_uap_core() {
    agree(&CASES.ua, |case| {
        let found = READER.browser(&case.user_agent_string);
        let [major, minor, patch] = [&case.major, &case.minor, &case.patch].map(|part| present(part.clone()));
        found == Browser { family: case.family.clone(), major, minor, patch }
    });
}

#[test]
fn systems_are_those_of_the_cases_of_uap_core() {
    agree(&CASES.os, |case| {
        let parts = [&case.major, &case.minor, &case.patch, &case.patch_minor];
        let [major, minor, patch, patch_minor] = parts.map(|part| present(part.clone()));
        let family = case.family.clone();
        READER.os(&case.user_agent_string) == System { family, major, minor, patch, patch_minor }
    });
}

#[test]
fn devices_are_those_of_the_cases_of_uap_core() {
    agree(&CASES.device, |case| {
        let [brand, model] = [&case.brand, &case.model].map(|part| present(part.clone()));
        READER.device(&case.user_agent_string)
            == Device { family: case.family.clone(), brand, model, class: None }
    });
}

#[test]
fn every_bot_of_the_list_is_a_bot_and_browsers_are_not() {
    let missed: Vec<_> = CASES.bots.iter().filter(|text| !READER.crawlers.is_match(text)).collect();
    assert!(CASES.bots.len() > 2_000 && missed.is_empty(), "{missed:#?}");
    for person in [
        CHROME,
        SAFARI,
        IPHONE,
        ANDROID,
        "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0",
    ] {
        let facts = READER.read(person, &Hints::default());
        assert!(!facts.bot && facts.device.class != Some(Class::Bot), "{person}");
    }
    let facts = READER
        .read("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", &Hints::default());
    assert_eq!((facts.bot, facts.device.class), (true, Some(Class::Bot)));
}

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36";
const SAFARI: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4.1 Safari/605.1.15";
const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";
const ANDROID: &str = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36";

#[test]
fn a_device_is_of_the_kind_that_its_text_says() {
    for (text, class) in [
        (CHROME, Some(Class::Desktop)),
        (SAFARI, Some(Class::Desktop)),
        (IPHONE, Some(Class::Mobile)),
        (ANDROID, Some(Class::Mobile)),
        (
            "Mozilla/5.0 (iPad; CPU OS 12_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1 Mobile/15E148 Safari/604.1",
            Some(Class::Tablet),
        ),
        (
            "Mozilla/5.0 (Linux; Android 9; SM-T720) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
            Some(Class::Tablet),
        ),
        ("Dalvik/2.1.0 (Linux; U; Android 10; SM-G960F Build/QP1A.190711.020)", Some(Class::Mobile)),
        (
            "Mozilla/5.0 (SMART-TV; Linux; Tizen 5.0) AppleWebKit/538.1 (KHTML, like Gecko) Version/5.0 TV Safari/538.1",
            Some(Class::Tv),
        ),
        (
            "Mozilla/5.0 (PlayStation; PlayStation 5/2.26) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.0 Safari/605.1.15",
            Some(Class::Console),
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/58.0 Safari/537.36 Edge/44",
            Some(Class::Console),
        ),
        ("atc/1.0 watchOS/5.1.3 model/Watch3,4 hwp/t8004 build/16S535 (6; dt:156)", Some(Class::Wearable)),
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", Some(Class::Bot)),
        ("", None),
        ("something else", None),
    ] {
        assert_eq!(READER.read(text, &Hints::default()).device.class, class, "{text}");
    }
}

fn version(os: &System) -> String {
    [&os.major, &os.minor, &os.patch].into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(".")
}

#[test]
fn hints_say_what_a_frozen_text_does_not() {
    let headers = json!({
        "Sec-CH-UA": r#""Chromium";v="130", "Microsoft Edge";v="130", "Not?A_Brand";v="99""#,
        "Sec-CH-UA-Mobile": "?0",
        "Sec-CH-UA-Platform": "\"Windows\"",
        "Sec-CH-UA-Platform-Version": "\"15.0.0\"",
    });
    let facts = READER.read(CHROME, &Hints::of(&headers));
    assert_eq!((facts.browser.family.as_str(), facts.browser.major.as_deref()), ("Edge", Some("130")));
    assert_eq!((facts.os.family.as_str(), version(&facts.os).as_str()), ("Windows", "11"));
    assert_eq!(facts.device.class, Some(Class::Desktop));

    let data = json!({
        "brands": [{"brand": " Not A;Brand", "version": "99"}, {"brand": "Google Chrome", "version": "130"}],
        "fullVersionList": [{"brand": "Chromium", "version": "130.0.6723.58"}, {"brand": "Google Chrome", "version": "130.0.6723.58"}],
        "mobile": true,
        "platform": "Android",
        "platformVersion": "15.0.0",
        "model": "SM-G991B",
    });
    let facts = READER.read(ANDROID, &Hints::of(&data));
    assert_eq!(facts.browser.family, "Chrome Mobile");
    assert_eq!(facts.browser.patch.as_deref(), Some("6723"));
    assert_eq!((facts.os.family.as_str(), version(&facts.os).as_str()), ("Android", "15.0.0"));
    assert_eq!(
        (facts.device.brand.as_deref(), facts.device.model.as_deref()),
        (Some("Samsung"), Some("SM-G991B"))
    );
    assert_eq!(facts.device.class, Some(Class::Mobile));
}

#[test]
fn a_hint_changes_only_what_it_is_about() {
    let plain = READER.read(SAFARI, &Hints::default());
    assert_eq!(version(&plain.os), "10.15.7");
    assert_eq!(
        READER
            .read(SAFARI, &Hints::of(&json!({"unknown": 1, "mobile": "perhaps", "brands": 7, "model": ""}))),
        plain
    );
    assert_eq!(READER.read(SAFARI, &Hints::of(&json!("text"))), plain);
    let mac = READER.read(SAFARI, &Hints::of(&json!({"platform": "macOS", "platformVersion": "14.5.0"})));
    assert_eq!((version(&mac.os).as_str(), mac.browser == plain.browser), ("14.5.0", true));
    let tablet = READER.read(ANDROID, &Hints::of(&json!({"mobile": false, "platform": "Android"})));
    assert_eq!((tablet.device.class, version(&tablet.os).as_str()), (Some(Class::Tablet), "10"));
    let phone = READER.read(CHROME, &Hints::of(&json!({"mobile": true})));
    assert_eq!(phone.device.class, Some(Class::Mobile));
    let bot = READER.read("Googlebot/2.1", &Hints::of(&json!({"mobile": true})));
    assert_eq!(bot.device.class, Some(Class::Bot));
}

#[test]
fn answers_are_kept_within_bounds_and_are_the_same_the_second_time() {
    let mut cache = Cache::default();
    let mut asked = 0;
    let mut get = |cache: &mut Cache<String>, text: &str, hints: &str| {
        let answer = || {
            asked += 1;
            Some(format!("{text} {hints}"))
        };
        cache.get(&(text, hints), answer).unwrap()
    };
    let first = get(&mut cache, "a", "");
    assert!(Rc::ptr_eq(&first, &get(&mut cache, "a", "")));
    assert_ne!(first, get(&mut cache, "a", "{}"));
    for number in 0..20_000 {
        get(&mut cache, &number.to_string(), "");
        get(&mut cache, "a", "");
        assert!(cache.len() <= 8_192);
    }
    assert!(Rc::ptr_eq(&first, &get(&mut cache, "a", "")), "what is asked for is not forgotten");
    assert_eq!(asked, 20_002);
    let len = cache.len();
    assert!(cache.get(&"unknown", || None).is_none());
    assert_eq!(cache.len(), len, "no answer is none to keep");
}

#[test]
fn a_text_without_end_is_read_to_a_bound() {
    let long = format!("{CHROME} {}", "Mozilla/5.0 (é".repeat(100_000));
    assert_eq!(READER.read(&long, &Hints::default()).browser.family, "Chrome");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_and_any_hint_is_read(text in ".{0,200}", hint in ".{0,60}", mobile in proptest::bool::ANY) {
        let hints = json!({"sec-ch-ua": hint, "model": hint, "platform": hint, "platformVersion": hint, "mobile": mobile});
        let facts = READER.read(&text, &Hints::of(&hints));
        prop_assert!(!facts.browser.family.is_empty() && !facts.os.family.is_empty() && !facts.device.family.is_empty());
    }
}
