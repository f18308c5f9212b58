//! Exports as they come, and what becomes of them.

use super::read::workspace;
use super::write::config;
use super::*;
use crate::config::{self as settings, Environment, Source};

const RUDDERSTACK: &str = r#"{"w1":{"workspaceId":"w1","sources":[
  {"id":"s1","name":"Web Shop","writeKey":"wk-1","enabled":true,"sourceDefinition":{"name":"Javascript"},"destinations":[
    {"id":"d1","name":"Our hook","enabled":true,"config":{"webhookUrl":"https://hook.example/in","headers":[{"from":"authorization","to":"geheim"}]},"destinationDefinition":{"name":"WEBHOOK","displayName":"Webhook"}},
    {"id":"d2","name":"Mail\n[evil]","enabled":true,"config":{"siteID":"site-1","apiKey":"geheim","datacenter":"EU"},"destinationDefinition":{"name":"CUSTOMERIO","displayName":"Customer IO"}},
    {"id":"d3","name":"GA","enabled":true,"config":{"trackingID":"UA-1"},"destinationDefinition":{"name":"GA4","displayName":"Google Analytics 4"}}]},
  {"id":"s2","name":"Web shop","writeKey":"wk-2","enabled":true,"destinations":[
    {"id":"d1","name":"Our hook","enabled":true,"config":{},"destinationDefinition":{"name":"WEBHOOK","displayName":"Webhook"}}]}]}}"#;

const SEGMENT: &str = r#"{"data":{"sources":[{"id":"s1","slug":"web","name":"Web","enabled":true,"writeKeys":["wk-1","wk-2"]},{"id":"s2","slug":"old","enabled":false,"writeKeys":["wk-3"]}]}}
{"data":{"destinations":[{"id":"d1","name":"Ads","enabled":true,"sourceId":"s1","settings":{"pixelId":"123","accessToken":"geheim"},"metadata":{"name":"Facebook Conversions API (Actions)","slug":"actions-facebook-conversions-api"}}]}}
{"data":{"warehouses":[{"id":"w1","enabled":false,"settings":{"name":"Lake","location":"EU"},"metadata":{"name":"BigQuery","slug":"bigquery"}}]}}"#;

/// Loads what was made, with these variables.
fn load(text: &str, variables: &[(&str, &str)]) -> settings::Settings {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.toml");
    std::fs::write(&file, text).unwrap();
    let environment =
        variables.iter().fold(Environment::default(), |all, (name, value)| all.with(name, value));
    let loaded = settings::load(&Source::Named(file), &environment);
    loaded.unwrap_or_else(|problems| panic!("{problems}\n{text}")).settings
}

#[test]
fn a_workspace_of_rudderstack_becomes_a_configuration() {
    let made = config(&workspace(Origin::Rudderstack, RUDDERSTACK).unwrap());
    insta::assert_snapshot!(made.text, @r#"
    # Imported; `opentrack check` says what is still missing.

    [sources.web_shop]
    write_keys = ["wk-1"]

    [sources.web_shop_2]
    write_keys = ["wk-2"]

    # Our hook
    [destinations.our_hook]
    type = "webhook"
    enabled = true
    url = "${OUR_HOOK_URL}"
    # Not taken over: headers

    # Mail [evil]
    # There it gets events of Web Shop alone; here of every source.
    [destinations.mail_evil]
    type = "customerio"
    enabled = true
    api_key = "${CUSTOMERIO_API_KEY}"
    region = "EU"
    site_id = "${CUSTOMERIO_SITE_ID}"

    # GA: there is no destination of the type Google Analytics 4 here.
    "#);
    assert!(!made.text.contains("geheim"));
    assert_eq!((made.sources, made.destinations), (2, 2));
    assert_eq!(made.unknown, ["Google Analytics 4"]);
    assert_eq!(made.variables, ["CUSTOMERIO_API_KEY", "CUSTOMERIO_SITE_ID", "OUR_HOOK_URL"]);
    let hook = ("OUR_HOOK_URL", "https://hook.example/in");
    let settings = load(&made.text, &[("CUSTOMERIO_API_KEY", "k"), ("CUSTOMERIO_SITE_ID", "site-1"), hook]);
    let mut on: Vec<&str> =
        settings.destinations.iter().filter(|one| one.enabled).map(|one| one.name.as_str()).collect();
    on.sort_unstable();
    assert_eq!(on, ["mail_evil", "our_hook"]);
    assert_eq!(settings.sources.len(), 2);
}

#[test]
fn people_of_the_european_region_stay_there_whatever_it_is_called() {
    let region = |settings: &str| {
        let text = format!(
            r#"{{"sources":[],"destinations":[{{"id":"d","name":"Mail","enabled":true,"config":{settings},"destinationDefinition":{{"name":"CUSTOMERIO"}}}}]}}"#
        );
        let made = config(&workspace(Origin::Rudderstack, &text).unwrap()).text;
        made.lines().find_map(|line| line.strip_prefix("region = ")).map(str::to_owned)
    };
    for settings in [
        r#"{"datacenter":"EU"}"#,
        r#"{"datacenterEU":true}"#,
        r#"{"datacenter":"US","datacenterEU":true}"#,
        r#"{"datacenter":"EU","datacenterEU":false}"#,
        r#"{"accountRegion":"EU 🇪🇺"}"#,
        r#"{"region":"EU","datacenter":"US"}"#,
    ] {
        assert_eq!(region(settings).as_deref(), Some("\"EU\""), "{settings}");
    }
    assert_eq!(region(r#"{"datacenter":"US"}"#).as_deref(), Some("\"US\""));
    for nothing in [r#"{"datacenterEU":false}"#, r#"{"datacenter":""}"#, r#"{"datacenter":"${X}"}"#] {
        assert_eq!(region(nothing), None, "{nothing}");
    }
}

#[test]
fn answers_of_segments_api_become_a_configuration() {
    let made = config(&workspace(Origin::Segment, SEGMENT).unwrap());
    insta::assert_snapshot!(made.text, @r#"
    # Imported; `opentrack check` says what is still missing.

    [sources.web]
    write_keys = ["wk-1", "wk-2"]

    # It is off in the export, or has no write key.
    # [sources.old]
    # write_keys = ["wk-3"]

    # Ads
    # There it gets events of web alone; here of every source.
    [destinations.ads]
    type = "meta_capi"
    enabled = true
    access_token = "${META_ACCESS_TOKEN}"
    pixel_id = "123"

    # BigQuery
    [destinations.bigquery]
    type = "bigquery"
    enabled = false
    dataset = "${BIGQUERY_DATASET:-}"
    location = "EU"
    project_id = "${BIGQUERY_PROJECT_ID:-}"
    # Not taken over: name
    "#);
    assert!(!made.text.contains("geheim"));
    let settings = load(&made.text, &[("META_ACCESS_TOKEN", "t")]);
    assert_eq!(settings.sources.len(), 1);
    assert_eq!(settings.sources[0].write_keys.len(), 2);
}

#[test]
fn no_setting_that_is_a_secret_is_copied_whatever_it_is_called() {
    let slack = r#"{"sources":[{"id":"s","name":"Web","writeKey":"wk-1","enabled":true,"destinations":[
      {"id":"d","name":"Team","enabled":true,"config":{"webhookUrl":"https://hooks.slack.example/services/T0/B0/geheim"},"destinationDefinition":{"name":"SLACK","displayName":"Slack"}},
      {"id":"e","name":"Pg","enabled":true,"config":{"url":"postgres://u:geheim@db/x","schema":"events"},"destinationDefinition":{"name":"POSTGRES","displayName":"Postgres"}}]}]}"#;
    let made = config(&workspace(Origin::Rudderstack, slack).unwrap());
    assert_eq!(made.destinations, 2);
    assert!(!made.text.contains("geheim"), "{}", made.text);
    assert!(made.text.contains("url = \"${TEAM_URL}\""), "{}", made.text);
    assert_eq!(made.variables.len(), 2, "{:?}", made.variables);
}

#[test]
fn what_is_no_export_is_named() {
    assert!(workspace(Origin::Segment, "{").unwrap_err().starts_with("is no JSON"));
    let empty = workspace(Origin::Rudderstack, r#"{"hello":1}"#).unwrap_err();
    assert_eq!(empty, "holds neither sources nor destinations");
}

#[test]
fn destinations_beside_the_sources_are_connected_by_their_ids() {
    let text = r#"{"workspaceId":"w1","sources":[
      {"id":"s1","name":"Web","writeKey":"wk-1","enabled":true,"sourceDefinition":{"name":"Javascript","category":null}},
      {"id":"s2","name":"App","writeKey":"wk-2","enabled":true,"sourceDefinition":{"name":"Android"}}],
     "destinations":[{"id":"d1","name":"Hook","enabled":true,"config":{"webhookUrl":"https://h.example"},"destinationDefinition":{"name":"WEBHOOK","displayName":"Webhook"}}],
     "connections":{"c1":{"sourceId":"s2","destinationId":"d1","enabled":true},"c2":{"sourceId":"s1","destinationId":"d1","enabled":false}}}"#;
    let read = workspace(Origin::Rudderstack, text).unwrap();
    assert_eq!(read.destinations["d1"].sources, ["App"]);
    assert_eq!(read.sources.len(), 2);
}

#[test]
fn answers_about_one_thing_and_pages_of_many_are_read_and_a_missing_page_is_told() {
    let page = |number: u32, next: &str| {
        format!(
            r#"{{"data":{{"sources":[{{"id":"s{number}","slug":"web{number}","name":"Web","workspaceId":"w","enabled":true,"writeKeys":["wk-{number}"],"metadata":{{"id":"m","slug":"javascript","name":"Javascript","categories":["Website"]}},"settings":{{}},"labels":[]}}],"pagination":{{"current":"MA==","next":{next},"totalEntries":2}}}}}}"#
        )
    };
    let one = r#"{"data":{"destination":{"id":"d1","name":"Ads","enabled":true,"sourceId":"s2","settings":{"pixelId":"1"},"metadata":{"name":"Facebook Conversions API (Actions)","slug":"actions-facebook-conversions-api"}}}}
      {"data":{"source":{"id":"s3","slug":"server","enabled":true,"writeKeys":["wk-3"]}}}"#;
    let whole = workspace(Origin::Segment, &[&page(1, "\"MQ==\""), &page(2, "null"), one].concat()).unwrap();
    let names: Vec<&str> = whole.sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!((names, whole.is_cut), (vec!["web1", "web2", "server"], false));
    assert_eq!(whole.destinations["d1"].sources, ["web2"]);
    assert!(workspace(Origin::Segment, &[&page(1, "\"MQ==\""), one].concat()).unwrap().is_cut);
}

#[test]
fn what_another_api_or_a_refusal_has_written_is_named() {
    let old = r#"{"sources":[{"name":"workspaces/w/sources/js","catalog_name":"catalog/sources/javascript","write_keys":["wk"]}]}"#;
    assert!(workspace(Origin::Segment, old).unwrap_err().contains("Config API"));
    let refused = r#"{"errors":[{"type":"forbidden","message":"Request is not authorized"}]}"#;
    let told = workspace(Origin::Segment, refused).unwrap_err();
    assert_eq!(told, "is an answer that refuses: forbidden Request is not authorized");
}
