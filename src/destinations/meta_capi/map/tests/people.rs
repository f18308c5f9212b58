//! What is known of a person: normalised, hashed, and enough or not.

use super::*;
use crate::spec::privacy::hashed;

fn hash(kind: &str, text: &str) -> Option<String> {
    hashed(kind, text).map(|hash| String::from_utf8(hash.as_bytes().to_vec()).unwrap())
}

/// SHA-256 of a text as any other tool makes it.
fn sha(text: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

const ANN: &str = "71d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b16696476";

#[test]
fn hashes_are_those_of_the_one_spelling() {
    assert_eq!(sha("ann@example.com"), ANN, "as another tool says");
    for (kind, value, normal) in [
        ("email", " Ann@Example.COM\n", "ann@example.com"),
        ("phone", "+41 (0)79 123-45-67", "410791234567"),
        ("phone", "0041791234567", "41791234567"),
        ("first_name", " ÉMILIE ", "émilie"),
        ("last_name", "Smith", "smith"),
        ("gender", "Female", "f"),
        ("gender", "m", "m"),
        ("city", "Menlo Park", "menlopark"),
        ("state", "CA", "ca"),
        ("zip", "94035-1234", "94035"),
        ("zip", "SW1A 1AA", "sw1a1aa"),
        ("country", "US", "us"),
        ("external_id", " User-1 ", "User-1"),
    ] {
        assert_eq!(hash(kind, value), Some(sha(normal)), "{kind} {value}");
    }
}

#[test]
fn what_is_a_hash_already_passes_and_what_only_holds_one_does_not() {
    assert_eq!(hash("email", &format!(" {} ", ANN.to_uppercase())).as_deref(), Some(ANN));
    for holding in [format!("{ANN}0"), format!("x{ANN}"), format!("{ANN} {ANN}"), ANN.replacen('7', "", 1)] {
        assert_eq!(hash("email", &holding), Some(sha(&holding)), "{holding}");
    }
    assert_eq!(person(&json!({ "email": ANN.to_uppercase() }))["em"], json!([ANN]));
    assert_eq!(person(&json!({ "address": { "country": ANN, "state": ANN } }))["st"], ANN);
}

#[test]
fn nothing_is_never_hashed() {
    for (kind, value) in [("email", " "), ("phone", "none"), ("phone", "000"), ("gender", "x"), ("zip", "-"), ("city", "\t")] {
        assert_eq!(hash(kind, value), None, "{kind} {value:?}");
    }
    let traits = json!({
        "email": "", "phone": " ", "firstName": "", "lastName": null, "name": " ", "gender": "?", "birthday": "soon",
        "address": { "city": "", "state": ".", "postalCode": "", "country": "Nowhere" },
    });
    assert_eq!(person(&traits), json!({ "external_id": [sha("user-1")] }));
    let empty = sha("");
    let junk = json!({ "email": ["", null, "n/a"], "phone": "n/a", "firstName": "''", "address": "Gasse 1" });
    assert!(!person(&junk).to_string().contains(&empty));
}

#[test]
fn values_are_looked_for_in_traits_then_in_those_of_the_context_then_in_properties() {
    let call = |traits: Value, context: Value, properties: Value| {
        let call = json!({
            "type": "track", "messageId": "m", "userId": "u", "event": "Signed Up", "traits": traits,
            "context": { "traits": context }, "properties": properties, "timestamp": "2026-01-02T03:04:05.600Z",
        });
        mapped(&event(&call.to_string()))["user_data"]["em"].clone()
    };
    let (a, b, c) = (json!({ "email": "a@x.y" }), json!({ "email": "b@x.y" }), json!({ "email": "c@x.y" }));
    assert_eq!(call(a, b.clone(), c.clone()), json!([sha("a@x.y")]));
    assert_eq!(call(json!({ "email": " " }), b, c.clone()), json!([sha("b@x.y")]));
    assert_eq!(call(json!({}), json!({ "email": null }), c), json!([sha("c@x.y")]));
    let product = json!({ "name": "Monopoly", "city": "Bern", "gender": "men", "state": "new", "country": "ch" });
    let user = &mapped(&track("Product Viewed", &product, &json!({})))["user_data"];
    assert_eq!(user, &json!({ "external_id": [sha("user-1")] }), "of a product and not of a person");
}

#[test]
fn several_addresses_are_sent_and_each_once() {
    let emails = json!(["A@x.y", "a@x.y ", "b@x.y", 7, ""]);
    assert_eq!(person(&json!({ "email": emails }))["em"], json!([sha("a@x.y"), sha("b@x.y")]));
    assert_eq!(person(&json!({ "phone": [41791234567_u64, "12"] }))["ph"], json!([sha("41791234567")]));
}

#[test]
fn a_phone_of_fewer_than_seven_digits_is_none() {
    assert_eq!(person(&json!({ "phone": "123456" }))["ph"], Value::Null);
    assert_eq!(person(&json!({ "phone": "000123456" }))["ph"], Value::Null);
    assert_eq!(person(&json!({ "phone": "123-4567" }))["ph"], json!([sha("1234567")]));
}

#[test]
fn names_lose_their_marks_and_a_whole_name_is_split() {
    for (traits, first, last) in [
        (json!({ "firstName": "Anne-Marie", "lastName": "O'Brien" }), "annemarie", "obrien"),
        (json!({ "first_name": "José", "last_name": "D’Arc" }), "josé", "darc"),
        (json!({ "name": "Ann Mary Smith" }), "ann", "smith"),
        (json!({ "name": "Ann Smith", "firstName": "Anna" }), "anna", "smith"),
    ] {
        let user = person(&traits);
        assert_eq!((&user["fn"], &user["ln"]), (&json!(sha(first)), &json!(sha(last))), "{traits}");
    }
    let single = person(&json!({ "name": "Ann" }));
    assert_eq!((&single["fn"], &single["ln"]), (&json!(sha("ann")), &Value::Null));
    assert_eq!(person(&json!({ "name": "ann@example.com" }))["fn"], Value::Null);
}

#[test]
fn birthdays_become_eight_digits() {
    for (birthday, digits) in [
        (json!("1990-01-31"), Some("19900131")),
        (json!("1990-01-31T22:00:00.000Z"), Some("19900131")),
        (json!("1990/1/3"), Some("19900103")),
        (json!("19900131"), Some("19900131")),
        (json!(19900131), Some("19900131")),
        (json!("01/31/1990"), Some("19900131")),
        (json!("31/01/1990"), Some("19900131")),
        (json!("31.1.1990"), Some("19900131")),
        (json!("1990-13-01"), None),
        (json!("1990"), None),
        (json!("1-2-3-4"), None),
        (json!("90-01-31"), None),
        (json!(634_000_000), None),
        (json!("31 January 1990"), None),
    ] {
        let found = person(&json!({ "birthday": birthday }))["db"].clone();
        assert_eq!(found, digits.map_or(Value::Null, |digits| sha(digits).into()), "{birthday}");
    }
}

#[test]
fn addresses_become_what_meta_hashes() {
    for (address, [city, state, zip, country]) in [
        (json!({ "city": "St. Gallen", "state": "SG", "postalCode": 9000, "country": "Switzerland" }), ["stgallen", "sg", "9000", "ch"]),
        (json!({ "city": "New York", "state": "New York", "zip": "10001-1234", "country": "USA" }), ["newyork", "ny", "10001", "us"]),
        (json!({ "city": "Menlo Park", "state": "California", "postal_code": "94035-1234" }), ["menlopark", "ca", "94035", ""]),
        (json!({ "city": "München", "state": "Bayern", "zip": "80331", "country": "DE" }), ["münchen", "bayern", "80331", "de"]),
        (json!({ "city": "Tbilisi", "state": "Georgia", "zip": "0108", "country": "GE" }), ["tbilisi", "georgia", "0108", "ge"]),
        (json!({ "city": "Warszawa", "state": "", "zip": "00-950", "country": "Poland" }), ["warszawa", "", "00950", "pl"]),
        (json!({ "city": "Tokyo", "state": "", "zip": "100-0001", "country": "jpn" }), ["tokyo", "", "1000001", "jp"]),
        (json!({ "city": "London", "state": "", "zip": "SW1A 1AA", "country": "uk" }), ["london", "", "sw1a1aa", "gb"]),
        (json!({ "city": "Abidjan", "state": "", "zip": "", "country": "Côte d'Ivoire" }), ["abidjan", "", "", "ci"]),
        (json!({ "city": "X", "state": "", "zip": "", "country": "zz" }), ["x", "", "", ""]),
    ] {
        let user = person(&json!({ "address": address }));
        let expected = [city, state, zip, country].map(|text| if text.is_empty() { Value::Null } else { sha(text).into() });
        let found = ["ct", "st", "zp", "country"].map(|key| user[key].clone());
        assert_eq!(found, expected, "{address}");
    }
    assert_eq!(person(&json!({ "city": "Bern", "country": "CH" }))["ct"], sha("bern"), "beside the other traits");
}

#[test]
fn ids_are_hashed_as_they_are_and_can_be_left_out() {
    let call = |ids: Value| {
        let mut call = json!({ "type": "page", "messageId": "m", "context": { "ip": "203.0.113.9" } });
        call.as_object_mut().unwrap().extend(ids.as_object().unwrap().clone());
        event(&call.to_string())
    };
    let both = call(json!({ "userId": "User-1", "anonymousId": "Anon-1" }));
    let ids = |event: &Event, settings: &str| mapped_as(event, settings).unwrap()["user_data"]["external_id"].clone();
    assert_eq!(ids(&both, ""), json!([sha("User-1"), sha("Anon-1")]));
    assert_eq!(ids(&both, "external_id = \"user_id\""), json!([sha("User-1")]));
    assert_eq!(ids(&both, "external_id = \"none\""), Value::Null);
    assert_eq!(ids(&call(json!({ "userId": "u", "anonymousId": "u" })), ""), json!([sha("u")]));
    assert_eq!(ids(&call(json!({ "anonymousId": "a" })), ""), json!([sha("a")]));
}

#[test]
fn too_little_to_recognise_anybody_by_is_no_identity() {
    let sent = |traits: Value, context: Value| {
        let mut whole = context;
        whole["traits"] = traits;
        let call = track("Signed Up", &json!({}), &whole);
        mapped_as(&call, "external_id = \"none\"").map(|_| ())
    };
    let nobody = Err(No::Skip(Reason::NoIdentity));
    let browser = json!({ "userAgent": "Mozilla" });
    let address = json!({ "city": "Bern", "state": "BE", "zip": "3000", "country": "CH" });
    assert_eq!(sent(json!({}), json!({})), nobody);
    assert_eq!(sent(json!({}), browser.clone()), nobody);
    assert_eq!(sent(json!({ "address": address, "gender": "f" }), browser.clone()), nobody);
    assert_eq!(sent(json!({ "birthday": "1990-01-31" }), browser.clone()), nobody);
    assert_eq!(sent(json!({ "firstName": "Ann", "gender": "f" }), json!({})), nobody);
    assert_eq!(sent(json!({ "lastName": "Smith", "gender": "f" }), json!({})), nobody);
    assert_eq!(sent(json!({ "firstName": "Ann", "lastName": "Smith" }), json!({})), Ok(()));
    assert_eq!(sent(json!({ "address": address, "birthday": "1990-01-31" }), json!({})), Ok(()));
    assert_eq!(sent(json!({ "email": "a@x.y" }), json!({})), Ok(()));
    assert_eq!(sent(json!({}), json!({ "fbp": "fb.1.1.2" })), Ok(()));
    assert_eq!(sent(json!({}), json!({ "ip": "203.0.113.9", "userAgent": "Mozilla" })), Ok(()));
}

#[test]
fn an_address_that_was_cut_to_its_network_is_not_sent() {
    for (ip, sent) in [
        ("203.0.113.9", Some("203.0.113.9")),
        (" 203.0.113.9 ", Some("203.0.113.9")),
        ("::ffff:203.0.113.9", Some("203.0.113.9")),
        ("2001:db8:1::7", Some("2001:db8:1::7")),
        ("203.0.113.0", None),
        ("2001:db8:1::", None),
        ("203.0.113.9, 10.0.0.1", None),
        ("unknown", None),
        ("", None),
    ] {
        let user = mapped(&track("Signed Up", &json!({}), &json!({ "ip": ip })))["user_data"].clone();
        assert_eq!(user["client_ip_address"], sent.map_or(Value::Null, Value::from), "{ip}");
    }
}

#[test]
fn the_click_is_that_of_the_cookie_else_made_of_the_address() {
    let click = |properties: Value, context: Value| {
        mapped(&track("Signed Up", &properties, &context))["user_data"]["fbc"].clone()
    };
    let cookie = "fb.1.1554763741205.AbCdEf";
    let page = |url: &str| json!({ "page": { "url": url } });
    assert_eq!(click(json!({}), json!({ "fbc": cookie, "page": { "url": "https://x.y/?fbclid=Z" } })), cookie);
    assert_eq!(click(json!({ "fbc": cookie }), json!({})), cookie);
    assert_eq!(click(json!({}), json!({ "cookies": { "_fbc": cookie } })), cookie);
    // 2026-01-02T03:04:05.600Z.
    let made = |click: &str| format!("fb.1.1767323045600.{click}");
    assert_eq!(click(json!({}), page("https://x.y/?a=1&fbclid=IwAR-x_Y&b#fbclid=no")), made("IwAR-x_Y"));
    assert_eq!(click(json!({}), json!({ "page": { "url": "https://x.y/", "search": "?fbclid=S" } })), made("S"));
    assert_eq!(click(json!({}), json!({ "clickIds": { "fbclid": "C" } })), made("C"));
    for nothing in ["https://x.y/", "https://x.y/?fbclid=", "https://x.y/?xfbclid=1", "https://x.y/?fbclid=a%20b", "https://x.y/#?fbclid=a"] {
        assert_eq!(click(json!({}), page(nothing)), Value::Null, "{nothing}");
    }
    assert_eq!(click(json!({}), json!({ "fbc": "AbCdEf" })), Value::Null, "no cookie of Meta's");
}

#[test]
fn the_browser_is_that_of_the_cookie() {
    let fbp = "fb.1.1558571054389.1098115397";
    for (properties, context) in [
        (json!({}), json!({ "fbp": fbp })),
        (json!({ "fbp": fbp }), json!({})),
        (json!({}), json!({ "cookies": { "_fbp": fbp } })),
        (json!({}), json!({ "_fbp": fbp })),
    ] {
        assert_eq!(mapped(&track("Signed Up", &properties, &context))["user_data"]["fbp"], fbp);
    }
}
