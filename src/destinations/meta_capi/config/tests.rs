//! The settings as a file says them: defaults, secrets, and every problem at once.

use super::*;

fn parse(text: &str) -> Result<Config, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

fn problems(text: &str) -> String {
    let config = parse(text).unwrap();
    let problems = config.check().unwrap_err();
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

const GOOD: &str = "pixel_id = \"1234567890\"\naccess_token = \"geheim-geheim\"\n";

#[test]
fn the_defaults_list_every_key_and_parse_back() {
    let text = toml::to_string(&Config::default()).unwrap();
    insta::assert_snapshot!(text, @r#"
    pixel_id = ""
    access_token = ""
    api_version = "v25.0"
    test_event_code = ""
    action_source = ""
    currency = ""
    custom_events = false
    custom_data = []
    content_id = "product_id"
    external_id = "all"
    limited_data_use = "auto"
    endpoint = ""

    [event_map]
    "#);
    assert_eq!(toml::to_string(&parse(&text).unwrap()).unwrap(), text);
}

#[test]
fn the_token_is_neither_printed_nor_serialised() {
    let config = parse(GOOD).unwrap();
    assert!(config.check().is_ok());
    assert!(!format!("{config:?}").contains("geheim"));
    assert!(!toml::to_string(&config).unwrap().contains("geheim"));
}

#[test]
fn every_problem_is_said_at_once() {
    let text = "pixel_id = \"12/34\"\napi_version = \"25\"\ntest_event_code = \"a b\"\naction_source = \"shop\"\n\
                currency = \"EURO\"\nevent_map = { \"A\" = \" \" }\ncustom_data = [\"plan\", \"E-Mail\"]\n";
    insta::assert_snapshot!(problems(text), @r##"
    `pixel_id` must be the id of a pixel or dataset, digits alone
    `access_token` must not be empty
    `api_version` must be a version like "v25.0"
    `test_event_code` must be a code like "TEST12345"
    `action_source` must be empty or one of email, website, app, phone_call, chat, physical_store, system_generated, business_messaging, other
    `currency` must be empty or a code of ISO 4217 like "EUR"
    `event_map` `A` must lead to a name of 1 to 50 characters
    `custom_data` `E-Mail` is about a person, and nothing about persons is sent there
    "##);
}

#[test]
fn a_property_that_has_its_place_already_is_refused() {
    let said = problems(&format!("{GOOD}custom_data = [\"coupon\", \"currency\"]\n"));
    assert_eq!(said, "`custom_data` `currency` has its place in the data already; take it from the list");
}

#[test]
fn an_unknown_key_or_word_is_an_error() {
    assert!(parse("colour = 1").unwrap_err().contains("unknown field `colour`"));
    assert!(parse("content_id = \"isbn\"").unwrap_err().contains("unknown variant `isbn`"));
}
