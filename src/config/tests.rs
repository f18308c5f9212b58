//! Whole configurations: what is refused and in which words, what wins over what, what is on.
//!
//! Destinations are taken from the registry, so that no test knows one by name; `KIND` and `VARIABLE` in a text stand for
//! one that has required settings, `PLAIN` for one that has none.

use std::path::PathBuf;
use std::sync::LazyLock;

use secrecy::ExposeSecret;

use super::load::{Document, interpret};
use super::*;
use crate::destinations::{About, ENTRIES, Entry};

/// The registry, where every required setting has an environment variable.
static REGISTRY: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let entries = ENTRIES.iter().map(|entry| {
        // One for each kind, so that a variable switches on no other destination.
        let variable: &'static str = format!("{}_ADDRESS", entry.kind.to_uppercase()).leak();
        let required: Vec<_> = entry.about.required.iter().map(|(key, _)| (*key, variable)).collect();
        Entry { about: About { required: required.leak(), ..entry.about }, ..*entry }
    });
    entries.collect()
});

fn entry(has_required: bool) -> &'static Entry {
    REGISTRY.iter().find(|entry| entry.about.required.is_empty() != has_required).unwrap()
}

fn filled_in(text: &str) -> String {
    let needing = entry(true);
    let (key, variable) = needing.about.required[0];
    text.replace("KIND", needing.kind)
        .replace("VARIABLE", variable)
        .replace("SETTING", key)
        .replace("PLAIN", entry(false).kind)
}

fn load_text(text: &str, variables: &[(&str, &str)]) -> Result<Loaded, Problems> {
    let document = Document {
        label: "config.toml".to_owned(),
        text: filled_in(text),
        directory: PathBuf::from("/etc/opentrack"),
        path: Some(PathBuf::from("/etc/opentrack/config.toml")),
        entries: &REGISTRY,
    };
    let environment = variables.iter().map(|(name, value)| (filled_in(name), *value)).collect();
    interpret(&document, &environment, &Source::Named("config.toml".into()))
}

/// The messages with the registry's names taken out again.
fn refused(text: &str, variables: &[(&str, &str)]) -> String {
    let needing = entry(true);
    let (key, variable) = needing.about.required[0];
    load_text(text, variables)
        .unwrap_err()
        .to_string()
        .replace(variable, "VARIABLE")
        .replace(&format!("`{key}`"), "`SETTING`")
        .replace(needing.kind, "KIND")
        .replace(entry(false).kind, "PLAIN")
}

pub(super) fn accepted(text: &str, variables: &[(&str, &str)]) -> Loaded {
    load_text(text, variables).unwrap_or_else(|problems| panic!("{problems}"))
}

const GOOD_SECRETS: [(&str, &str); 2] =
    [("SITE_SALT", "0123456789abcdef0123456789abcdef"), ("JWT_SECRET", "fedcba9876543210fedcba9876543210")];

#[test]
fn further_variables_fill_what_the_file_leaves_empty_and_switch_nothing_on() {
    let entry = REGISTRY.iter().find(|entry| !entry.about.variables.is_empty()).unwrap();
    let (key, variable) = entry.about.variables[0];
    let settings = |text: &str| {
        let text = format!("[destinations.{}]\n{text}", entry.kind);
        let loaded = accepted(&text, &[(variable, "/from-environment")]);
        let destination = loaded.settings.destinations.iter().find(|it| it.name == entry.kind).unwrap();
        assert!(!destination.enabled);
        format!("{:?}", destination.settings)
    };
    assert!(settings("").contains("/from-environment"));
    assert!(settings(&format!("{key} = \"\"\n")).contains("/from-environment"));
    let said = settings(&format!("{key} = \"/from-file\"\n"));
    assert!(said.contains("/from-file") && !said.contains("/from-environment"), "{said}");
    let loaded = accepted("", &[(variable, "/from-environment")]);
    assert!(loaded.settings.destinations.iter().all(|it| it.name != entry.kind));
}

#[test]
fn every_problem_is_listed_at_once_with_its_place() {
    let text = r#"
[server]
listen = ["127.0.0.1"]
max_event = "1MiB"
header_timeout = "10 apples"
max_body_bytes = true
max_connections = 0
environment = "prod"
log = "opentrack=loud"
trusted_proxies = ["10.0.0.0/99"]

[jornal]
x = 1
"#;
    insta::assert_snapshot!(refused(text, &[]), @r#"
    config.toml:3:11: `listen` in [server] must be an address and a port like "127.0.0.1:3000", not "127.0.0.1"
    config.toml:4:1: unknown key `max_event` in [server]; did you mean `max_event_bytes`?
    config.toml:5:18: `header_timeout` in [server] must be a duration like "500ms", "30s" or "7d", not "10 apples"
    config.toml:6:18: `max_body_bytes` in [server] must be a size like "4MiB", "5MB" or a number of bytes, not a boolean
    config.toml:7:19: `max_connections` in [server] must be at least 1, not 0
    config.toml:8:15: `environment` in [server] must be "development" or "production", not "prod"; did you mean `production`?
    config.toml:9:7: `log` in [server] must be a log filter like "info" or "info,opentrack=debug", not "opentrack=loud"
    config.toml:10:20: `trusted_proxies` in [server] must be a network like "10.0.0.0/8" or an address, not "10.0.0.0/99"
    config.toml:12:2: unknown key `jornal`; did you mean `journal`?
    "#);
}

#[test]
fn every_wrong_element_of_a_list_is_listed_and_nothing_twice() {
    let text = r#"
[server]
listen = ["nowhere", "127.0.0.1:3000", "127.0.0.1:99999"]
trusted_proxies = ["10.0.0.0/8", 5, "x"]
log = "${NO_SUCH_VARIABLE}="

[sources]
web = 5
"#;
    insta::assert_snapshot!(refused(text, &[("CORS_ORIGINS", "one.example,https://fine.example,two")]), @r#"
    config.toml:3:11: `listen` in [server] must be an address and a port like "127.0.0.1:3000", not "nowhere"
    config.toml:3:40: `listen` in [server] must be an address and a port like "127.0.0.1:3000", not "127.0.0.1:99999"
    config.toml:4:34: `trusted_proxies` in [server] must be a string, not an integer
    config.toml:4:37: `trusted_proxies` in [server] must be a network like "10.0.0.0/8" or an address, not "x"
    config.toml:5:7: `server.log` takes the environment variable `NO_SUCH_VARIABLE`, which is not set and has no default
    config.toml:8:7: `web` in [sources] must be a table, not an integer
    CORS_ORIGINS: must hold origins like "https://shop.example", without a path, not "one.example"
    CORS_ORIGINS: must hold origins like "https://shop.example", without a path, not "two"
    "#);
}

#[test]
fn a_problem_of_a_common_key_does_not_hide_those_of_its_destination() {
    let text = "[destinations.x]\ntype = \"KIND\"\nSETTING = \"nowhere\"\nbatch = { max_events = 0 }\n";
    let problems = refused(text, &[]);
    assert!(problems.contains("config.toml:4:24: `max_events`"), "{problems}");
    assert!(problems.contains(":3:") && problems.contains("`SETTING`"), "{problems}");
}

#[test]
fn what_is_not_built_and_what_is_out_of_bounds_is_refused() {
    let text = r#"
[journal]
engine = "remote"
durability = "fsnc"
max_bytes = "512KiB"
on_full = "drop_newest"
retention = 7
dedupe_max_ids = 99999999999999999999

[limits]
per_ip = { events_per_second = -1, brust = 5 }
per_source = 5
"#;
    insta::assert_snapshot!(refused(text, &[]), @r#"
    config.toml:3:10: `engine` in [journal] must be "embedded" or "kafka", not "remote"
    config.toml:4:14: `durability` in [journal] must be "fsync" or "os", not "fsnc"; did you mean `fsync`?
    config.toml:5:13: `max_bytes` in [journal] must be at least 1MiB
    config.toml:6:11: `on_full` in [journal] must be "reject" or "drop_oldest", not "drop_newest"; did you mean `drop_oldest`?
    config.toml:7:13: `retention` in [journal] must be a duration like "30s", not an integer
    config.toml:8:18: `dedupe_max_ids` in [journal] must be an integer, not a string
    config.toml:11:32: `events_per_second` in [limits.per_ip] must be at least 0, not -1
    config.toml:11:36: unknown key `brust` in [limits.per_ip]; did you mean `burst`?
    config.toml:12:14: `per_source` in [limits] must be a table, not an integer
    "#);
}

#[test]
fn problems_of_consent_and_privacy_have_their_place() {
    let text = r#"
[consent]
mode = "opt-on"
honour_gpc = 1
honor_dnt = true
[privacy]
ip = "hash"
[destinations.x]
type = "PLAIN"
consent = ["advertising", " "]
[destinations.x.privacy]
"/messageId" = "hash"
"traits/email" = "drop"
"/userId" = "drop"
"/traits/x" = "keep"
"/properties/b" = "mask"
[destinations.y]
type = "PLAIN"
privacy = { "/traits" = "drop", "/traits/a" = "hash" }
"#;
    insta::assert_snapshot!(refused(text, &[]), @r#"
    config.toml:3:8: `mode` in [consent] must be "opt-out" or "opt-in", not "opt-on"; did you mean `opt-in`?
    config.toml:4:14: `honour_gpc` in [consent] must be true or false, not an integer
    config.toml:5:1: unknown key `honor_dnt` in [consent]; did you mean `honour_dnt`?
    config.toml:7:6: `ip` in [privacy] must be "truncate" or "keep" or "drop", not "hash"
    config.toml:10:27: `consent` in [destinations.x] must not hold an empty category
    config.toml:12:1: `/messageId` in [destinations.x.privacy] is needed for the delivery itself and stays as it is
    config.toml:13:1: `traits/email` in [destinations.x.privacy] must be a JSON pointer like "/traits/email"
    config.toml:14:1: `/userId` in [destinations.x.privacy] can be hashed, nothing else: events are kept apart by it
    config.toml:15:1: `/traits/x` in [destinations.x.privacy] is kept as it is by having no rule; "keep" is for "/context/ip" alone
    config.toml:16:19: `/properties/b` in [destinations.x.privacy] must be "hash" or "encrypt" or "truncate" or "drop" or "keep", not "mask"
    config.toml:19:47: `/traits/a` in [destinations.y.privacy] lies within `/traits` or holds it: one place has one rule
    "#);
}

const PII_KEYS: [&str; 2] = [
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
];

#[test]
fn keys_of_another_length_and_rules_without_a_key_have_their_place() {
    let text = r#"
[privacy]
encrypt = ["/traits/email", "email", "/userId"]
encryption_keys = ["aHVudGVyMmh1bnRlcjI=", "${PII_KEY:-}", "hunter2!"]
[destinations.x]
type = "PLAIN"
privacy = { "/traits/phone" = "encrypt" }
"#;
    insta::assert_snapshot!(refused(text, &[]), @r#"
    config.toml:3:29: `encrypt` in [privacy] holds `email`, which must be a JSON pointer like "/traits/email"
    config.toml:3:38: `encrypt` in [privacy] holds `/userId`, which can be hashed, nothing else: events are kept apart by it
    config.toml:4:20: `encryption_keys` in [privacy] must be 32 bytes in base64 or in 64 hexadecimal digits, not 14 bytes
    config.toml:4:60: `encryption_keys` in [privacy] must be 32 bytes in base64 or in 64 hexadecimal digits
    config.toml:7:31: `/traits/phone` in [destinations.x.privacy] needs a key: `encryption_keys` in [privacy] (PII_KEY) has none
    "#);
    let text = "[privacy]\nencrypt = [\"/traits\", \"/traits/email\"]\n";
    insta::assert_snapshot!(refused(text, &[("PII_KEY", PII_KEYS[0])]), @"config.toml:2:11: `encrypt` in [privacy] holds `/traits/email`, which lies within `/traits` or holds it: one place has one rule");
    insta::assert_snapshot!(refused("", &[("PII_KEY", "hunter2")]), @"PII_KEY: `encryption_keys` in [privacy] must be 32 bytes in base64 or in 64 hexadecimal digits");
}

#[test]
fn a_key_that_is_missing_is_a_missing_secret() {
    let secret =
        |text: &str, variables: &[(&str, &str)]| load_text(text, variables).unwrap_err().only_secrets();
    assert!(secret("[privacy]\nencrypt = [\"/traits/email\"]\n", &[]));
    let own = "[destinations.x]\ntype = \"PLAIN\"\nprivacy = { \"/traits/phone\" = \"encrypt\" }\n";
    assert!(secret(own, &[]));
    assert!(!secret(own, &[("PII_KEY", "hunter2")]), "a wrong one is a wrong configuration");
}

#[test]
fn keys_come_from_the_file_or_from_the_environment_and_the_first_one_seals() {
    let both = PII_KEYS.join(", ");
    let keyring = |text: &str, variables: &[(&str, &str)]| accepted(text, variables).settings.privacy.keyring;
    let newest = |text: &str, variables: &[(&str, &str)]| keyring(text, variables).map(|ring| ring.newest());
    let listed = format!("[privacy]\nencryption_keys = [\"{}\", \"{}\"]\n", PII_KEYS[0], PII_KEYS[1]);
    assert_eq!(keyring(&listed, &[("PII_KEY", "unused")]), keyring("", &[("PII_KEY", &both)]));
    assert_eq!(newest(&listed, &[]), newest("", &[("PII_KEY", PII_KEYS[0])]));
    assert_ne!(newest(&listed, &[]), newest("", &[("PII_KEY", PII_KEYS[1])]));
    assert_eq!(keyring(&shipped::config_toml(), &[("PII_KEY", &both)]), keyring(&listed, &[]));
    assert_eq!(keyring("", &[("PII_KEY", "")]), None);
    let shown = format!("{:?}", keyring(&listed, &[]));
    assert!(!shown.contains("0001") && !shown.contains("AQEC"), "{shown}");
}

#[test]
fn what_is_encrypted_everywhere_is_so_in_warehouses_unless_they_say_otherwise() {
    let warehouse = ENTRIES.iter().find(|entry| entry.about.is_warehouse).unwrap().kind;
    let text = |own: &str| {
        format!(
            "[privacy]\nencrypt = [\"/traits/email\", \"/context/ip\"]\n\
             [destinations.w]\ntype = \"{warehouse}\"\nenabled = false\nprivacy = {{ {own} }}\n\
             [destinations.plain]\ntype = \"webhook\"\nenabled = false\n"
        )
    };
    let fields = |own: &str, name: &str| {
        let loaded = accepted(&text(own), &[("PII_KEY", PII_KEYS[0])]);
        let found = loaded.settings.destinations.iter().find(|one| one.name == name).unwrap();
        found.discretion.privacy.encrypted()
    };
    assert_eq!(fields("", "w"), ["/traits/email", "/context/ip"]);
    assert_eq!(fields("", "plain"), [""; 0]);
    assert_eq!(fields("\"/traits\" = \"drop\", \"/context/ip\" = \"keep\"", "w"), [""; 0]);
    assert_eq!(
        fields("\"/traits/phone\" = \"encrypt\"", "w"),
        ["/traits/email", "/traits/phone", "/context/ip"]
    );
    let within = refused(&text("\"/traits/email/x\" = \"hash\""), &[("PII_KEY", PII_KEYS[0])]);
    assert!(within.contains("lies within `/traits/email` or holds it"), "{within}");
}

/// Both fill the column `email`.
#[test]
fn another_spelling_of_what_is_encrypted_is_encrypted_in_warehouses() {
    let raw =
        r#"{"type":"identify","userId":"u","messageId":"m","traits":{"E-Mail":"a@b.c","EMail":"a@b.c"}}"#;
    let receipt = crate::journal::fixtures::receipt("m");
    let event = std::sync::Arc::new(crate::spec::Event::restore(raw, receipt).unwrap());
    let shown = |kind: &str| {
        let text = format!(
            "[privacy]\nencrypt = [\"/traits/e_mail\", \"/traits/Email\"]\n\
             [destinations.x]\ntype = \"{kind}\"\nenabled = false\n"
        );
        let loaded = accepted(&text, &[("PII_KEY", PII_KEYS[0])]);
        let privacy = loaded.settings.destinations.first().unwrap().discretion.privacy.clone();
        let view = crate::spec::privacy::View::new(privacy, "salt");
        let mut shown = Vec::new();
        view.of(std::slice::from_ref(&event)).first().unwrap().write_json(&mut shown);
        String::from_utf8(shown).unwrap().matches("a@b.c").count()
    };
    let warehouses = ENTRIES.iter().filter(|entry| entry.about.is_warehouse);
    assert_eq!(warehouses.map(|entry| shown(entry.kind)).collect::<Vec<_>>(), [0; 4]);
    assert_eq!(shown("webhook"), 2);
}

#[test]
fn who_is_told_of_deletions_must_be_there() {
    let text =
        |names: &str| format!("[privacy]\ntell_deletions = [{names}]\n[destinations.x]\ntype = \"PLAIN\"\n");
    let told = accepted(&text("\"x\""), &[]).settings.privacy.tell_deletions;
    assert_eq!(told, ["x"]);
    let refused = refused(&text("\"x\", \"crm\""), &[]);
    assert!(refused.contains("names `crm`, and no destination") && !refused.contains("`x`"), "{refused}");
}

#[test]
fn a_privacy_rule_about_no_usual_member_is_a_warning() {
    let warnings = |key: &str| {
        let text = format!("[destinations.x]\ntype = \"PLAIN\"\nprivacy = {{ \"{key}\" = \"drop\" }}\n");
        accepted(&text, &[]).warnings.into_iter().filter(|one| one.contains(key)).collect::<Vec<_>>()
    };
    assert!(warnings("/trait/email")[0].ends_with("did you mean `/traits`?"));
    for key in ["/traits/email", "/context/ip", "/something/else", "/properties"] {
        assert_eq!(warnings(key), [""; 0], "{key}");
    }
}

#[test]
fn problems_of_destinations_have_their_place() {
    let text = r#"
[destinations.a]
type = "KINDD"

[destinations.carrier-pigeon]

[destinations.b]
type = "KIND"
enabled = true
frobnicate = 1
concurency = 2
timeout = "0s"
batch = { max_events = 0, max_byte = "1MiB" }
retry = { initial = "1m", max = "1s" }
events = { include = ["trak:Order *"] }
start = "later"

[destinations.c]
type = "KIND"
enabled = false
SETTING = 5
rate_limit = { events_per_second = -5, requests_per_second = 2.5, event_per_second = 1 }

[destinations."d e"]
type = "PLAIN"
"#;
    insta::assert_snapshot!(refused(text, &[]), @r#"
    config.toml:3:8: `type` in [destinations.a] must be the type of a destination that exists, not "KINDD"; did you mean `KIND`?
    config.toml:5:15: [destinations.carrier-pigeon]: there is no destination of the type "carrier-pigeon"
    config.toml:7:15: `SETTING` in [destinations.b] must be set because the destination is switched on: give it a value or set the environment variable `VARIABLE`
    config.toml:10:1: unknown key `frobnicate` in [destinations.b]
    config.toml:11:1: unknown key `concurency` in [destinations.b]; did you mean `concurrency`?
    config.toml:12:11: `timeout` in [destinations.b] must be longer than zero
    config.toml:13:24: `max_events` in [destinations.b.batch] must be at least 1, not 0
    config.toml:13:27: unknown key `max_byte` in [destinations.b.batch]; did you mean `max_bytes`?
    config.toml:14:33: `max` in [destinations.b.retry] must leave `max` at or above `initial`
    config.toml:15:23: `include` in [destinations.b.events] must hold a kind (track, identify, page, screen, group, alias) or `kind:name`, not "trak:Order *"; did you mean `track`?
    config.toml:16:9: `start` in [destinations.b] must be "now", "beginning" or an instant like "2026-01-31T12:00:00Z"
    config.toml:21:7: `SETTING` in [destinations.c] must be a string, not an integer
    config.toml:22:36: `events_per_second` in [destinations.c.rate_limit] must be at least 0, not -5
    config.toml:22:62: `requests_per_second` in [destinations.c.rate_limit] must be an integer, not a float
    config.toml:22:67: unknown key `event_per_second` in [destinations.c.rate_limit]; did you mean `events_per_second`?
    config.toml:24:15: [destinations.d e]: a destination's name must be 1 to 64 letters, digits, `_` or `-`
    "#);
}

#[test]
fn problems_of_sources_have_their_place_and_hide_the_keys() {
    let text = r#"
[sources.web]
write_keys = ["hunter2", "hunter2"]
origins = ["https://shop.example/", "shop.example", "https://*.shop.example", "https://a.*.example"]
require_signature = "perhaps"
signing_secrets = ["hunter2-is-fine", "whsec_hunter2!", ""]
sign = true

[sources.app]
write_keys = ["${KEY}"]
enforce_origin = "${ENFORCE}"

[sources.empty]
"#;
    let shown = refused(text, &[("KEY", "hunter2"), ("ENFORCE", "perhaps")]);
    assert!(!shown.contains("hunter2"), "{shown}");
    insta::assert_snapshot!(shown, @r#"
    config.toml:3:14: `write_keys` in [sources.web] holds a key twice, or one of another source
    config.toml:4:12: `origins` in [sources.web] must hold origins like "https://shop.example", without a path, not "https://shop.example/"
    config.toml:4:37: `origins` in [sources.web] must hold origins like "https://shop.example", without a path, not "shop.example"
    config.toml:4:79: `origins` in [sources.web] must hold origins like "https://shop.example", without a path, not "https://a.*.example"
    config.toml:5:21: `require_signature` in [sources.web] must be true or false, not a string
    config.toml:6:39: `signing_secrets` in [sources.web] must not hold a secret that has no base64 after `whsec_`
    config.toml:6:57: `signing_secrets` in [sources.web] must not hold an empty secret
    config.toml:7:1: unknown key `sign` in [sources.web]
    config.toml:11:18: `enforce_origin` in [sources.app] must be true or false, not a string (the value comes from the environment variable `ENFORCE`)
    config.toml:13:10: `write_keys` in [sources.empty] must hold at least one key (`opentrack keys new` makes one)
    "#);
}

#[test]
fn text_that_is_no_toml_has_its_place() {
    insta::assert_snapshot!(refused("[server]\nlisten = [\"a\"\nlog = \n", &[]), @r#"
    config.toml:3:1: missing comma between array elements, expected `,`
    config.toml:3:1: string values must be quoted, expected literal string
    config.toml:3:5: unexpected `=` in array, expected value, `]`
    config.toml:3:6: unclosed array, expected `]`
    "#);
    insta::assert_snapshot!(refused("[server]\nlog = \"a\"\nlog = \"b\"\n", &[]), @"config.toml:3:1: duplicate key");
}

#[test]
fn wrong_values_of_the_environment_name_their_variable() {
    let variables = [
        ("OPENTRACK__SERVER__MAX_EVENT", "1MiB"),
        ("OPENTRACK__SERVER__BODY_TIMEOUT", "soon"),
        ("OPENTRACK__SERVER__LOG__LEVEL", "info"),
        ("OPENTRACK__", "1"),
        ("OPENTRACK__SRVER__LOG", "info"),
        ("OPENTRACK_ENV", "staging"),
        ("PORT", "http"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, nowhere"),
        ("CORS_ORIGINS", "shop.example"),
    ];
    insta::assert_snapshot!(refused("[server]\nlog = \"info\"\n", &variables), @r#"
    CORS_ORIGINS: must hold origins like "https://shop.example", without a path, not "shop.example"
    OPENTRACK_ENV: `environment` in [server] must be "development" or "production", not "staging"
    OPENTRACK__: names no key: it must be `OPENTRACK__SECTION__KEY`
    OPENTRACK__SERVER__BODY_TIMEOUT: `body_timeout` in [server] must be a duration like "500ms", "30s" or "7d", not "soon"
    OPENTRACK__SERVER__LOG__LEVEL: names a key below `log`, which is not a table
    OPENTRACK__SERVER__MAX_EVENT: unknown key `max_event` in [server]; did you mean `max_event_bytes`?
    OPENTRACK__SRVER__LOG: unknown key `srver`; did you mean `server`?
    PORT: must be a port number, not "http"
    TRUSTED_PROXIES: `trusted_proxies` in [server] must be a network like "10.0.0.0/8" or an address, not "nowhere"
    "#);
}

#[test]
fn a_missing_variable_names_the_key_and_its_place() {
    let text = "[server]\ndata_dir = \"${DIR}\"\n[sources.web]\nwrite_keys = [\"a\",\n  \"${B\"]\n";
    insta::assert_snapshot!(refused(text, &[]), @r#"
    config.toml:2:12: `server.data_dir` takes the environment variable `DIR`, which is not set and has no default
    config.toml:5:3: `sources.web.write_keys` has a `${` without its `}`
    "#);
}

#[test]
fn an_override_makes_a_missing_variable_good() {
    let loaded = accepted(
        "[server]\ndata_dir = \"${DIR}\"\n",
        &[("OPENTRACK__SERVER__DATA_DIR", "/var/lib/opentrack")],
    );
    assert_eq!(loaded.settings.server.data_dir, PathBuf::from("/var/lib/opentrack"));
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let text = "[server]\nlog = \"warn\"\nenvironment = \"development\"\nmax_connections = 5\n";
    let log = |variables: &[(&str, &str)]| accepted(text, variables).settings.server.log;
    assert_eq!(accepted("", &[]).settings.server.log, "info");
    assert_eq!(log(&[]), "warn");
    assert_eq!(log(&[("OPENTRACK_LOG", "error")]), "error");
    assert_eq!(log(&[("OPENTRACK_LOG", "")]), "warn");
    assert_eq!(log(&[("OPENTRACK_LOG", "error"), ("OPENTRACK__SERVER__LOG", "debug")]), "debug");
    let connections = accepted(text, &[("OPENTRACK__SERVER__MAX_CONNECTIONS", "7")]);
    assert_eq!(connections.settings.server.max_connections, 7);
}

#[test]
fn both_environment_names_choose_production_and_ours_wins() {
    let with = |variables: &[(&'static str, &'static str)]| {
        let all = [&GOOD_SECRETS[..], variables].concat();
        accepted("[sources.web]\nwrite_keys = [\"k\"]\n", &all).settings.server.production
    };
    assert!(!with(&[]));
    assert!(with(&[("NODE_ENV", "production")]));
    assert!(!with(&[("NODE_ENV", "staging")]));
    assert!(with(&[("OPENTRACK_ENV", "production"), ("NODE_ENV", "test")]));
    assert!(!with(&[("OPENTRACK__SERVER__ENVIRONMENT", "development"), ("OPENTRACK_ENV", "production")]));
}

#[test]
fn port_moves_the_first_listener_to_every_address() {
    let listen = |text: &str| accepted(text, &[("PORT", "8080")]).settings.server.listen;
    assert_eq!(listen(""), ["0.0.0.0:8080".parse().unwrap()]);
    let two = "[server]\nlisten = [\"127.0.0.1:1\", \"[::1]:2\"]\n";
    assert_eq!(listen(two), ["0.0.0.0:8080".parse().unwrap(), "[::1]:2".parse().unwrap()]);
}

#[test]
fn typeless_text_of_the_environment_takes_the_type_that_is_wanted() {
    let text = "[server]\nmax_connections = \"${CONNECTIONS:-12}\"\nlog = \"${LOG}\"\n";
    let variables = [
        ("LOG", "1"),
        ("OPENTRACK__SERVER__LISTEN", "127.0.0.1:1,127.0.0.1:2"),
        ("OPENTRACK__SOURCES__WEB__WRITE_KEYS", "12345"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
    ];
    let settings = accepted(text, &variables).settings;
    assert_eq!(settings.server.max_connections, 12);
    assert_eq!(settings.server.log, "1");
    assert_eq!(settings.server.listen.len(), 2);
    assert_eq!(settings.sources[0].write_keys[0].expose_secret(), "12345");
    assert_eq!(settings.server.trusted_proxies.len(), 2);
}

#[test]
fn shared_origins_fill_only_the_sources_without_their_own() {
    let text = "[sources.a]\nwrite_keys = [\"a\"]\norigins = [\"https://Own.example\"]\n[sources.b]\nwrite_keys = [\"b\"]\n";
    let origins = |value: &str| {
        let settings = accepted(text, &[("CORS_ORIGINS", value)]).settings;
        settings.sources.into_iter().map(|source| source.origins).collect::<Vec<_>>()
    };
    assert_eq!(origins("https://x.example,http://localhost:5173").concat().len(), 3);
    assert_eq!(origins("https://x.example")[0], ["https://own.example"]);
    assert_eq!(origins("*")[1], Vec::<String>::new());
}

#[test]
fn relative_paths_start_at_the_file() {
    assert_eq!(accepted("", &[]).settings.server.data_dir, PathBuf::from("/etc/opentrack/data"));
    let absolute = accepted("[server]\ndata_dir = \"/srv\"\n", &[]);
    assert_eq!(absolute.settings.server.data_dir, PathBuf::from("/srv"));
}

#[test]
fn a_destination_is_on_when_what_it_needs_is_there() {
    let state = |text: &str, variables: &[(&str, &str)]| {
        let switches = accepted(text, variables).switches;
        switches.first().map(|switch| switch.enabled)
    };
    let url = [("VARIABLE", "https://collector.example/in")];
    assert_eq!(state("", &[]), None);
    assert_eq!(state("[destinations.KIND]\n", &[]), Some(false));
    assert_eq!(state("[destinations.KIND]\nSETTING = \"\"\n", &[]), Some(false));
    assert_eq!(state("[destinations.KIND]\nSETTING = \"\"\n", &url), Some(true));
    assert_eq!(state("[destinations.KIND]\nSETTING = \"https://a.example\"\n", &[]), Some(true));
    assert_eq!(state("[destinations.x]\ntype = \"KIND\"\nenabled = false\n", &url), Some(false));
    assert_eq!(state("", &url), Some(true));
    assert_eq!(state("[destinations.PLAIN]\n", &[]), Some(true));
    assert_eq!(state("[destinations.PLAIN]\nenabled = false\n", &[]), Some(false));
    assert_eq!(
        state("[destinations.PLAIN]\n", &[("OPENTRACK__DESTINATIONS__PLAIN__ENABLED", "false")]),
        Some(false)
    );
}

#[test]
fn an_override_finds_a_name_in_lower_case_and_with_a_hyphen() {
    let text = "[destinations.my-Copy]\ntype = \"PLAIN\"\n";
    let loaded = accepted(text, &[("OPENTRACK__DESTINATIONS__MY_COPY__BATCH__MAX_EVENTS", "3")]);
    assert_eq!(loaded.settings.destinations.len(), 1);
    assert_eq!(loaded.settings.destinations[0].patience.batch.max_events.get(), 3);
}

#[test]
fn the_common_keys_of_a_destination_are_read() {
    let text = r#"
[destinations.PLAIN]
batch = { max_events = 7, max_bytes = "2MB", max_delay = "250ms" }
retry = { initial = "1s", max = "1m", give_up_after = "2h" }
breaker = { failures = 3, open_for = "5s" }
hold = { probe_every = "1m" }
concurrency = 4
rate_limit = { events_per_second = 200, requests_per_second = 5 }
timeout = "3s"
events = { include = ["track:Order *", "identify"], exclude = ["track:Order Test"] }
start = 2026-01-31T12:00:00Z
"#;
    let destination = accepted(text, &[]).settings.destinations.remove(0);
    let shown = format!("{:?}\n{:?}\n{:?}", destination.patience, destination.events, destination.start);
    insta::assert_snapshot!(shown, @r#"
    Patience { batch: BatchLimits { max_events: 7, max_bytes: 2000000, max_delay: 250ms }, retry: Retry { initial: 1s, max: 60s, give_up_after: 7200s }, breaker: BreakerSettings { failures: 3, open_for: 5s }, probe_every: 60s, concurrency: 4, rate_limit: RateLimit { events_per_second: 200, requests_per_second: 5 }, timeout: 3s }
    EventFilter { include: [EventPattern { kind: Track, name: Some("Order *") }, EventPattern { kind: Identify, name: None }], exclude: [EventPattern { kind: Track, name: Some("Order Test") }], without_automatic: false }
    At(2026-01-31T12:00:00Z)
    "#);
}

#[test]
fn production_refuses_to_start_without_a_source_and_without_good_secrets() {
    let production = "[server]\nenvironment = \"production\"\n";
    let with_source = "[server]\nenvironment = \"production\"\n[sources.web]\nwrite_keys = [\"k\"]\n";
    let problems = load_text(production, &GOOD_SECRETS).unwrap_err();
    assert!(!problems.only_secrets());
    insta::assert_snapshot!(problems, @"production needs at least one source: add a table `[sources.NAME]` with `write_keys`");

    let missing = load_text(with_source, &[]).unwrap_err();
    assert!(missing.only_secrets());
    insta::assert_snapshot!(missing, @r#"
    the environment variable `SITE_SALT` is not set, and production needs it
    the environment variable `JWT_SECRET` is not set, and production needs it
    "#);

    let short = [("SITE_SALT", "hunter2"), ("JWT_SECRET", "hunter2")];
    let weak = load_text(with_source, &short).unwrap_err();
    assert!(weak.only_secrets() && !weak.to_string().contains("hunter2"));
    insta::assert_snapshot!(weak, @r#"
    the environment variable `SITE_SALT` is shorter than 32 bytes
    the environment variable `JWT_SECRET` is shorter than 32 bytes
    the environment variable `JWT_SECRET` is equal to `SITE_SALT`: the two must differ
    "#);

    let both = load_text(production, &[]).unwrap_err();
    assert!(!both.only_secrets(), "a wrong configuration comes before a missing secret");
    assert!(accepted(with_source, &GOOD_SECRETS).settings.server.production);
}

#[test]
fn production_wants_a_key_for_signed_requests_only_where_a_source_needs_it() {
    let source = "[server]\nenvironment = \"production\"\n[sources.web]\nwrite_keys = [\"k\"]\n";
    let signed = format!("{source}require_signature = true\n");
    let own = format!("{signed}signing_secrets = [\"a secret of the source itself, long\"]\n");
    let [salt, jwt] = GOOD_SECRETS;
    let missing = load_text(&signed, &GOOD_SECRETS).unwrap_err();
    assert!(missing.only_secrets());
    insta::assert_snapshot!(missing, @"the environment variable `HMAC_SECRET` is not set, and production needs it");
    let with = |key| load_text(&signed, &[salt, jwt, ("HMAC_SECRET", key)]);
    insta::assert_snapshot!(with(jwt.1).unwrap_err(), @"the environment variable `HMAC_SECRET` is equal to `SITE_SALT` or `JWT_SECRET`: they must differ");
    insta::assert_snapshot!(with("hunter2").unwrap_err(), @"the environment variable `HMAC_SECRET` is shorter than 32 bytes");
    insta::assert_snapshot!(with("whsec_hunter2!hunter2!hunter2!hunter2!").unwrap_err(), @"the environment variable `HMAC_SECRET` has no base64 after `whsec_`");
    assert!(with("a third secret, long enough for HMAC").is_ok());
    accepted(source, &GOOD_SECRETS);
    accepted(&own, &GOOD_SECRETS);
}

#[test]
fn paths_of_the_tracker_hide_no_path_of_the_router() {
    let text = r#"
[tracker]
script_path = "/api/t.js"
collect_path = "/c/"
cookie_domain = "shop.example/x"
cookie_http_only = 1
"#;
    insta::assert_snapshot!(refused(text, &[]), @r#"
    config.toml:3:15: `script_path` in [tracker] must not begin with "/api", which the router uses itself
    config.toml:4:16: `collect_path` in [tracker] must be a path like "/t.js" of letters, digits and `-._~`, without a slash at its end, not "/c/"
    config.toml:5:17: `cookie_domain` in [tracker] must be a domain like "shop.example", not "shop.example/x"
    config.toml:6:20: `cookie_http_only` in [tracker] must be true or false, not an integer
    "#);
    for path in ["", "/", "t.js", "/a//b", "/a b", "/a?b", "/{x}", "/../x", "/./x", "/é"] {
        assert!(
            refused("[tracker]\n", &[("OPENTRACK__TRACKER__SCRIPT_PATH", path)]).contains("`script_path`"),
            "{path}"
        );
    }
    for (script, collect) in [("/t", "/t"), ("/t/s.js", "/t"), ("/t", "/t/c")] {
        let text = format!("[tracker]\nscript_path = \"{script}\"\ncollect_path = \"{collect}\"\n");
        assert!(refused(&text, &[]).contains("`collect_path`"), "{text}");
    }
    let tracker = accepted("[tracker]\nscript_path = \"/t.js\"\ncookie_domain = \".Shop.example\"\n", &[])
        .settings
        .tracker;
    assert_eq!(
        (tracker.script_path.as_str(), tracker.cookie_domain.as_deref()),
        ("/t.js", Some("shop.example"))
    );
}

#[test]
fn what_the_script_sends_by_itself_can_be_kept_from_all_but_the_operators_own_stores() {
    for entry in ENTRIES {
        let table = format!("[destinations.a]\nenabled = false\ntype = \"{}\"\n", entry.kind);
        let excluded = |text: &str| {
            let settings = accepted(text, &[]).settings;
            let events = &settings.destinations.iter().find(|it| it.name == "a").unwrap().events;
            (events.exclude.len(), events.without_automatic)
        };
        assert_eq!(excluded(&table), (0, false), "{}", entry.kind);
        let six = if entry.stays_here { (0, false) } else { (6, true) };
        let strict = format!("[tracker]\nexclude_automatic = true\n{table}");
        assert_eq!(excluded(&strict), six, "{}", entry.kind);
    }
    assert!(ENTRIES.iter().any(|entry| entry.stays_here) && ENTRIES.iter().any(|entry| !entry.stays_here));
}

#[test]
fn what_works_and_may_surprise_is_a_warning() {
    let loaded = accepted(
        "[server]\nmax_body_bytes = \"1MiB\"\ntrusted_proxies = [\"10.0.0.0/8\", \"::/0\"]\n[journal]\ndurability = \"os\"\n",
        &[("JWT_SECRET", "short")],
    );
    insta::assert_snapshot!(loaded.warnings.join("\n"), @r#"
    `trusted_proxies` holds ::/0: whoever connects may say which address a visitor has, and evade the limits by address
    `max_body_bytes` is 1MiB: some libraries send batches of up to 4MiB
    `durability` in [journal] is "os": events of the last seconds can be lost in a power cut
    no source is configured: any write key, or none, is accepted
    no destination is on: events are kept in the journal alone
    `JWT_SECRET` is shorter than 32 bytes, which production refuses
    "#);
    let quiet = accepted("[sources.web]\nwrite_keys = [\"k\"]\n[destinations.PLAIN]\n", &[]);
    assert_eq!(quiet.warnings, Vec::<String>::new());
}

#[test]
fn secrets_never_show_in_debug_output() {
    let variables = [("SITE_SALT", "hunter2-salt"), ("JWT_SECRET", "hunter2-jwt")];
    let loaded = accepted("[sources.web]\nwrite_keys = [\"hunter2-key\"]\n", &variables);
    assert_eq!(loaded.settings.server.jwt_secret.expose_secret(), "hunter2-jwt");
    let shown = format!("{loaded:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_wrong_own_setting_is_not_quoted() {
    let text = "[destinations.KIND]\nenabled = true\nSETTING = \"${URL}\"\n[destinations.b]\ntype = \"KIND\"\nSETTING = 40417\n";
    let shown = refused(text, &[("URL", "hunter2")]);
    assert!(!shown.contains("hunter2") && !shown.contains("40417"), "{shown}");
    assert_eq!(shown.lines().count(), 2, "{shown}");
}

#[test]
fn the_defaults_of_the_code_are_those_of_the_shipped_file() {
    let common = |loaded: Loaded| {
        let settings = loaded.settings;
        format!("{:#?}{:#?}{:#?}{:#?}", settings.server, settings.journal, settings.limits, settings.sources)
    };
    let shipped = accepted(&shipped::config_toml(), &[]);
    for destination in &shipped.settings.destinations {
        let entry = ENTRIES.iter().find(|entry| entry.kind == destination.settings.kind()).unwrap();
        assert_eq!(destination.patience, (entry.patience)());
    }
    assert_eq!(shipped.settings.destinations.len(), ENTRIES.len());
    assert!(shipped.switches.iter().any(|switch| switch.enabled));
    assert_eq!(common(shipped), common(accepted("", &[])));
}

/// The commented example of a source, and the common keys of every destination.
#[test]
fn the_commented_examples_of_the_shipped_file_are_good() {
    let shipped = shipped::config_toml();
    let (general, blocks) = shipped.split_once("# Destinations: ").unwrap();
    let source = ["[sources", "write_keys =", "origins =", "enforce_origin ="];
    let of_a_source = |line: &str| source.iter().any(|key| line.starts_with(key));
    let common =
        ["batch =", "retry =", "breaker =", "hold =", "concurrency =", "timeout =", "events =", "start ="];
    let of_a_destination = |line: &str| common.iter().any(|key| line.starts_with(key));
    let uncommented = |line: &str, is_example: &dyn Fn(&str) -> bool| {
        line.strip_prefix("# ").filter(|rest| is_example(rest)).unwrap_or(line).to_owned()
    };
    let general = general.lines().map(|line| uncommented(line, &of_a_source));
    let blocks = blocks.lines().skip(1).map(|line| uncommented(line, &of_a_destination));
    let text: Vec<String> = general.chain(blocks).collect();
    let loaded = accepted(&text.join("\n"), &[("WEB_WRITE_KEY", "k")]);
    assert_eq!(loaded.settings.sources.len(), 1);
}

#[test]
fn the_committed_files_are_fresh() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let committed = |name: &str| std::fs::read_to_string(root.join(name)).unwrap_or_default();
    let readme = shipped::readme(&committed("README.md")).expect("README.md has the markers of the table");
    for (name, text) in shipped::files().into_iter().chain([("README.md".to_owned(), readme)]) {
        assert!(committed(&name) == text, "`{name}` is stale: run `make gen`");
    }
    let pages = std::fs::read_dir(root.join(shipped::PAGES)).unwrap().map(|page| page.unwrap().path());
    let generated = |page: &std::path::PathBuf| {
        std::fs::read_to_string(page).unwrap().contains("<!-- Generated by `make gen`.")
    };
    let pages = pages.filter(generated).count();
    assert_eq!(pages, ENTRIES.len(), "a page of a destination that does not exist");
}

#[test]
fn a_page_names_every_setting_of_its_destination() {
    let pages = shipped::files().into_iter().filter(|(name, _)| name.starts_with(shipped::PAGES));
    for (entry, (name, page)) in ENTRIES.iter().zip(pages) {
        assert_eq!(name, format!("docs/destinations/{}.md", entry.kind));
        for key in (entry.defaults)().keys() {
            assert!(page.contains(&format!("| `{key}` | ")), "{name}: {key}\n{page}");
        }
        assert!(page.contains(entry.about.summary) && page.contains(entry.about.link), "{page}");
    }
}

#[test]
fn only_the_part_between_the_markers_of_a_readme_is_written() {
    let readme = "# A\n<!-- destinations -->\nold\n<!-- /destinations -->\nafter\n";
    let written = shipped::readme(readme).unwrap();
    assert!(written.starts_with("# A\n<!-- destinations -->\n| type |"), "{written}");
    assert!(written.ends_with("|\n<!-- /destinations -->\nafter\n") && !written.contains("old"), "{written}");
    assert_eq!(shipped::readme(&written), Some(written.clone()));
    assert_eq!(shipped::readme("# A\n"), None);
}

#[test]
fn a_copy_of_the_shipped_environment_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(".env"), shipped::env_example()).unwrap();
    let copied = Environment::default().with_file(&directory.path().join(".env")).unwrap();
    assert_eq!(copied, Environment::default());
}

#[test]
fn a_named_file_must_exist_and_the_usual_one_need_not() {
    let directory = tempfile::tempdir().unwrap();
    let nowhere = Environment::default();
    let named = load(&Source::Named(directory.path().join("router.toml")), &nowhere).unwrap_err();
    assert!(named.to_string().contains("router.toml: could not be read"), "{named}");
    let built_in = load(&Source::Directory(directory.path().to_owned()), &nowhere).unwrap();
    assert_eq!(built_in.path, None);
    assert_eq!(built_in.settings.server.data_dir, directory.path().join("data"));
    std::fs::write(directory.path().join("config.toml"), "[server]\nlog = \"${LEVEL}\"\n").unwrap();
    std::fs::write(directory.path().join(".env"), "LEVEL=warn\n").unwrap();
    let found = load(&Source::Directory(directory.path().to_owned()), &nowhere).unwrap();
    assert_eq!(found.settings.server.log, "warn");
}

#[test]
fn development_generates_its_secrets_once_and_keeps_them_to_itself() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let start = || {
        let source = Source::Directory(directory.path().to_owned());
        let mut loaded = load(&source, &Environment::default()).unwrap();
        generate_missing(&mut loaded).unwrap();
        let server = loaded.settings.server;
        (server.jwt_secret.expose_secret().to_owned(), server.site_salt.expose_secret().to_owned())
    };
    let (first, again) = (start(), start());
    assert_eq!(first, again);
    assert!(first.0.len() >= 32 && first.1.len() >= 32 && first.0 != first.1);
    let file = std::fs::metadata(directory.path().join("data/secrets.toml")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
}

#[cfg(feature = "kafka")]
mod shared_journal;

#[test]
fn the_name_of_the_router_is_no_name_of_a_source() {
    let text = "[sources.opentrack]\nwrite_keys = [\"k\"]\n[console]\nenabled = 1\npasword = \"x\"\n";
    insta::assert_snapshot!(refused(text, &[]), @r#"
    config.toml:1:10: [sources.opentrack]: the name is reserved for the router itself; choose another one
    config.toml:4:11: `enabled` in [console] must be true or false, not an integer
    config.toml:5:1: unknown key `pasword` in [console]; did you mean `password`?
    "#);
}

#[test]
fn the_console_is_on_and_its_password_comes_from_the_environment() {
    let console = |variables: &[(&str, &str)]| accepted(&shipped::config_toml(), variables).settings.console;
    assert!(console(&[]).enabled && console(&[]).password.expose_secret().is_empty());
    let set = console(&[("CONSOLE_PASSWORD", "correct horse battery")]);
    assert_eq!(set.password.expose_secret(), "correct horse battery");
    assert!(!format!("{set:?}").contains("horse"));
    let short = accepted("[console]\npassword = \"hunter2\"\n", &[]).warnings.join("\n");
    assert!(short.contains("`password` in [console]") && !short.contains("hunter2"), "{short}");
}

#[test]
fn the_consoles_password_may_be_a_hash_and_a_broken_one_is_named() {
    let hash =
        "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let taken = accepted("[console]\npassword = \"${CONSOLE_PASSWORD:-}\"\n", &[("CONSOLE_PASSWORD", hash)]);
    assert_eq!(taken.settings.console.password.expose_secret(), hash);
    let warned = taken.warnings.join("\n");
    assert!(!warned.contains("guessed"), "{warned}");
    let told = refused("[console]\npassword = \"$argon2id=19\"\n", &[]);
    assert!(told.contains("`password` in [console]") && told.contains("single quotes"), "{told}");
    let told = refused("[console]\npassword = \"$2b$12$abcdefghijklmnopqrstuv\"\n", &[]);
    assert!(told.contains("another kind") && !told.contains("abcdef"), "{told}");
}

#[test]
fn the_address_of_a_collector_is_its_base_or_that_of_its_traces() {
    let endpoint = |text: &str| {
        let file = format!("[telemetry]\notlp_endpoint = \"{text}\"\n");
        accepted(&file, &[]).settings.telemetry.otlp_endpoint
    };
    assert_eq!(endpoint(""), None);
    let traces = |base: &str| Some(format!("{base}/v1/traces"));
    assert_eq!(endpoint("http://localhost:4318"), traces("http://localhost:4318"));
    assert_eq!(endpoint("https://otel.example/v1/traces/"), traces("https://otel.example"));
    assert_eq!(endpoint("https://otel.example/otlp/"), traces("https://otel.example/otlp"));
    for wrong in
        ["localhost:4318", "grpc://a:4317", "http://", "http://:4318", "http://u:p@a", "http://a?b=c"]
    {
        let problems = refused(&format!("[telemetry]\notlp_endpoint = \"{wrong}\"\n"), &[]);
        assert!(
            problems.contains("`otlp_endpoint` in [telemetry] must be the http:// or https://"),
            "{problems}"
        );
        assert!(!problems.contains("u:p"), "{problems}");
    }
}
