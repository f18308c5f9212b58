//! Who we are over there: key files, what gcloud left behind, the machine itself. And `check --probe`, which says what is
//! wrong with it.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use super::scene::send;
use super::{named, with};
use crate::support::{BigQuery, Config, Router, opentrack};

/// A destination that names no file of credentials.
fn nameless(stand_in: &BigQuery) -> Config {
    Config::default().table(&format!(
        "[destinations.bq]\ntype = \"bigquery\"\nproject_id = \"local\"\ndataset = \"analytics\"\nendpoint = \"{}\"",
        stand_in.endpoint()
    ))
}

fn stand_in() -> BigQuery {
    BigQuery::start(&["dataset=analytics"])
}

/// What `gcloud auth application-default login` writes.
fn of_a_person(stand_in: &BigQuery) -> Value {
    let key: Value = serde_json::from_str(&std::fs::read_to_string(stand_in.key_file()).unwrap()).unwrap();
    json!({
        "type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "stand-in",
        "token_uri": key["token_uri"],
    })
}

async fn expect_delivery(stand_in: &BigQuery, config: Config) {
    let router = Router::start(config).await;
    send(&router, &with("Viewed", 3, |n| json!({ "n": n }))).await;
    assert_eq!(stand_in.until_rows("viewed", 3).await.len(), 3);
}

/// Returns how many requests of one part there were.
async fn asked(stand_in: &BigQuery, part: &str) -> u64 {
    stand_in.seen().await["parts"][part].as_u64().unwrap_or_default()
}

#[tokio::test]
async fn the_key_file_of_the_environment_is_found() {
    let stand_in = stand_in();
    let key = stand_in.key_file();
    let config = nameless(&stand_in).env("GOOGLE_APPLICATION_CREDENTIALS", key.to_str().unwrap());
    expect_delivery(&stand_in, config).await;
    assert!(asked(&stand_in, "token").await >= 1);
}

#[tokio::test]
async fn what_a_person_allowed_gcloud_to_do_is_found_in_its_folder() {
    let stand_in = stand_in();
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".config/gcloud");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("application_default_credentials.json");
    std::fs::write(file, of_a_person(&stand_in).to_string()).unwrap();
    // The metadata server is nobody's: the file comes first.
    let with = |name: &str, path: &Path| {
        nameless(&stand_in).env("GCE_METADATA_HOST", "127.0.0.1:9").env(name, path.to_str().unwrap())
    };
    expect_delivery(&stand_in, with("HOME", home.path())).await;
    let before = asked(&stand_in, "token").await;
    let router = Router::start(with("CLOUDSDK_CONFIG", &folder)).await;
    send(&router, &[named("Other", &json!({}))]).await;
    stand_in.until_rows("other", 1).await;
    assert!(asked(&stand_in, "token").await > before);
}

#[tokio::test]
async fn the_machine_itself_is_asked_where_it_has_a_metadata_server() {
    let stand_in = stand_in();
    let endpoint = stand_in.endpoint();
    let host = endpoint.trim_start_matches("http://").split('/').next().unwrap();
    expect_delivery(&stand_in, nameless(&stand_in).env("GCE_METADATA_HOST", host)).await;
    assert_eq!(asked(&stand_in, "token").await, 1, "kept until shortly before its end");
}

/// Runs `check --probe` on lines of `[destinations.bq]` that replace others.
fn probe(stand_in: &BigQuery, lines: &[(&str, &str)]) -> (Output, String) {
    let dir = tempfile::tempdir().unwrap();
    let mut text = String::from("[destinations.bq]\ntype = \"bigquery\"\n");
    let key = stand_in.key_file();
    let usual = [
        ("project_id", "local"),
        ("dataset", "analytics"),
        ("endpoint", &stand_in.endpoint()),
        ("credentials_file", key.to_str().unwrap()),
    ];
    for (name, value) in usual {
        let value = lines.iter().find(|(other, _)| *other == name).map_or(value, |(_, value)| value);
        text.push_str(&format!("{name} = \"{value}\"\n"));
    }
    for (name, value) in lines.iter().filter(|(name, _)| !usual.iter().any(|(other, _)| other == name)) {
        text.push_str(&format!("{name} = \"{value}\"\n"));
    }
    std::fs::write(dir.path().join("config.toml"), text).unwrap();
    let output = opentrack().args(["check", "--probe"]).current_dir(dir.path()).output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output, said)
}

fn expect_words(stand_in: &BigQuery, lines: &[(&str, &str)], words: &[&str]) {
    let (output, said) = probe(stand_in, lines);
    assert_eq!(output.status.code(), Some(69), "{lines:?}: {said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is not in {said}");
    }
}

#[tokio::test]
async fn a_probe_says_what_is_wrong() {
    let stand_in = stand_in();
    let (output, said) = probe(&stand_in, &[]);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("probe of bq: ok"), "{said}");
    let none = ("auto_table_management", "off");
    expect_words(&stand_in, &[("credentials_file", "/nowhere.json")], &["/nowhere.json", "cannot be read"]);
    expect_words(&stand_in, &[("project_id", "other")], &["not_found", "Project other"]);
    expect_words(&stand_in, &[("dataset", "wrong"), none], &["not_found", "wrong"]);
    expect_words(&stand_in, &[("location", "EU")], &["lies in US", "location = \"EU\""]);
    let (output, said) = probe(&stand_in, &[("dataset", "wrong")]);
    assert_eq!(output.status.code(), Some(0), "it is made with the first table: {said}");
    stand_in.deny("bigquery.datasets.get").await;
    expect_words(&stand_in, &[], &["forbidden", "bigquery.datasets.get"]);
    stand_in.allow("bigquery.datasets.get").await;
    stand_in.revoke_key().await;
    expect_words(&stand_in, &[], &["unauthorized", "invalid_grant", "Invalid JWT Signature"]);
}
