//! What the stand-in takes for an event, and what it refuses: <https://developers.facebook.com/docs/marketing-api/conversions-api/>.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::said::graph_error;
use crate::destinations::mock::{MockEvent, Said};

const DAY: i64 = 24 * 60 * 60;
/// SHA-256 of nothing.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// What must be hashed, and nothing else.
const HASHED: [&str; 11] = ["em", "ph", "ge", "db", "ln", "fn", "ct", "st", "zp", "country", "external_id"];
const SOURCES: [&str; 9] = [
    "email",
    "website",
    "app",
    "phone_call",
    "chat",
    "physical_store",
    "system_generated",
    "business_messaging",
    "other",
];
/// Sets of which none is enough.
const TOO_LITTLE: [&[&str]; 4] = [
    &["ct", "country", "st", "zp", "ge", "client_user_agent"],
    &["db", "client_user_agent"],
    &["fn", "ge"],
    &["ln", "ge"],
];
/// What must not stand in `custom_data` under its own name.
const PERSONAL: [&str; 6] = ["email", "phone", "firstName", "lastName", "birthday", "address"];

type Members = Map<String, Value>;

/// What is wrong with an event: Meta's subcode and a sentence. Of 2804003 and 2804050 it is known that they mean this; the
/// others are of the same family, and what each of them means there is not documented.
struct Wrong(i64, String);

/// Returns the event, when it is one.
///
/// # Errors
/// The answer to the whole request.
pub(super) fn read(event: &Value, now: Timestamp) -> Result<MockEvent, Said> {
    let empty = Members::new();
    let members = event.as_object().unwrap_or(&empty);
    check(members, now).map_err(|Wrong(subcode, what)| {
        graph_error(400, (100, subcode), "Invalid parameter", &format!("{what} ({})", text(members, "event_id")))
    })?;
    Ok(MockEvent { id: text(members, "event_id").to_owned(), name: text(members, "event_name").to_owned() })
}

fn check(event: &Members, now: Timestamp) -> Result<(), Wrong> {
    let source = text(event, "action_source");
    let name = text(event, "event_name");
    let wrong = |what: &str| Err(Wrong(2_804_001, what.to_owned()));
    if name.is_empty() || name.chars().count() > 50 {
        return wrong("event_name is missing or too long.");
    }
    if !SOURCES.contains(&source) {
        return wrong("action_source is missing or unknown.");
    }
    check_time(event, source, now)?;
    let user = event.get("user_data").and_then(Value::as_object);
    check_user(user)?;
    check_source(event, source, user)?;
    let custom = event.get("custom_data").and_then(Value::as_object);
    check_custom(name, custom)?;
    check_rights(event)
}

fn check_time(event: &Members, source: &str, now: Timestamp) -> Result<(), Wrong> {
    let Some(at) = event.get("event_time").and_then(Value::as_i64) else {
        return Err(Wrong(2_804_001, "event_time must be a whole number of seconds.".to_owned()));
    };
    let days = if source == "physical_store" { 62 } else { 7 };
    if now.as_second() - at > days * DAY {
        return Err(Wrong(2_804_003, "The timestamp for this event is too far in the past.".to_owned()));
    }
    if at > now.as_second() + 60 {
        return Err(Wrong(2_804_004, "The timestamp for this event is in the future.".to_owned()));
    }
    Ok(())
}

fn check_user(user: Option<&Members>) -> Result<(), Wrong> {
    let little = || Wrong(2_804_050, "This event has not got enough customer information parameters.".to_owned());
    let user = user.filter(|user| !user.is_empty()).ok_or_else(little)?;
    let is_within = |set: &&[&str]| user.keys().all(|key| set.contains(&key.as_str()));
    if TOO_LITTLE.iter().any(is_within) {
        return Err(little());
    }
    for (key, value) in user.iter().filter(|(key, _)| HASHED.contains(&key.as_str())) {
        let list = value.as_array().map(Vec::as_slice).unwrap_or_else(|| std::slice::from_ref(value));
        if list.is_empty() || !list.iter().all(is_hash) {
            return Err(Wrong(2_804_016, format!("{key} must be hashed.")));
        }
    }
    Ok(())
}

fn is_hash(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 64 && text.bytes().all(is_digit) && text != EMPTY
}

fn check_source(event: &Members, source: &str, user: Option<&Members>) -> Result<(), Wrong> {
    let has = |members: Option<&Members>, key: &str| members.is_some_and(|members| !text(members, key).is_empty());
    let wrong = |what: &str| Err(Wrong(2_804_017, format!("{source} needs {what}.")));
    if source == "website" && !has(Some(event), "event_source_url") {
        return wrong("event_source_url");
    }
    if source == "website" && !has(user, "client_user_agent") {
        return wrong("client_user_agent");
    }
    let app = event.get("app_data").and_then(Value::as_object);
    if source == "app" && !app.is_some_and(is_app) {
        return wrong("app_data with extinfo of 16 texts, advertiser_tracking_enabled and application_tracking_enabled");
    }
    if source == "business_messaging" && !has(Some(event), "messaging_channel") {
        return wrong("messaging_channel");
    }
    Ok(())
}

fn is_app(app: &Members) -> bool {
    let is_flag = |key: &str| matches!(app.get(key).and_then(Value::as_i64), Some(0 | 1));
    let places = app.get("extinfo").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let place = |index: usize| places.get(index).and_then(Value::as_str).unwrap_or_default();
    let is_whole = places.len() == 16 && places.iter().all(Value::is_string);
    let is_known = matches!(place(0), "a2" | "i2") && !place(4).is_empty();
    is_whole && is_known && is_flag("advertiser_tracking_enabled") && is_flag("application_tracking_enabled")
}

fn check_custom(name: &str, custom: Option<&Members>) -> Result<(), Wrong> {
    let empty = Members::new();
    let custom = custom.unwrap_or(&empty);
    let currency = custom.get("currency").map(|value| value.as_str().unwrap_or_default());
    let is_code = |code: &str| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    if currency.is_some_and(|code| !is_code(code)) {
        return Err(Wrong(2_804_007, "currency is not a valid code.".to_owned()));
    }
    let is_value = |value: &Value| value.as_f64().is_some_and(|value| value >= 0.0);
    if custom.get("value").is_some_and(|value| !is_value(value)) {
        return Err(Wrong(2_804_008, "value must be a number that is not negative.".to_owned()));
    }
    if name == "Purchase" && (currency.is_none() || !custom.contains_key("value")) {
        return Err(Wrong(2_804_009, "Purchase needs value and currency.".to_owned()));
    }
    if let Some(personal) = PERSONAL.iter().find(|key| custom.contains_key(**key)) {
        return Err(Wrong(2_804_048, format!("custom_data holds {personal}.")));
    }
    Ok(())
}

fn check_rights(event: &Members) -> Result<(), Wrong> {
    let options = event.get("data_processing_options").and_then(Value::as_array);
    let is_limited = options.is_some_and(|options| !options.is_empty());
    let is_number = |key: &str| event.get(key).is_some_and(Value::is_i64);
    if is_limited
        && !(is_number("data_processing_options_country") && is_number("data_processing_options_state"))
    {
        return Err(Wrong(2_804_001, "data_processing_options need a country and a state.".to_owned()));
    }
    Ok(())
}

fn text<'e>(members: &'e Members, key: &str) -> &'e str {
    members.get(key).and_then(Value::as_str).unwrap_or_default()
}
