//! Tokens against a token endpoint that grants, refuses and breaks.

use std::path::PathBuf;

use serde_json::json;

use super::super::peer::{Peer, Said};
use super::super::target::Surroundings;
use super::*;
use crate::destinations::http_client::Options;
use crate::destinations::{Answer, FailureKind};

fn tokens(credentials: Credentials) -> Tokens {
    let http = HttpClient::new(Options { allow_private_network: true }).unwrap();
    Tokens::new(http, credentials, Duration::from_secs(30))
}

/// A key file whose token endpoint is the peer.
fn key_file(folder: &tempfile::TempDir, peer: &Peer) -> PathBuf {
    let text = include_str!("../fixtures/service_account.json");
    let file = folder.path().join("key.json");
    let here = peer.url.join("/token").unwrap();
    std::fs::write(&file, text.replace("https://oauth2.googleapis.com/token", here.as_str())).unwrap();
    file
}

fn grant(token: &str, expires_in: u64) -> Said {
    Said::json(json!({ "access_token": token, "expires_in": expires_in, "token_type": "Bearer" }))
}

async fn text(tokens: &Tokens) -> String {
    tokens.token().await.unwrap().unwrap().expose_secret().to_owned()
}

fn answer(reply: Reply) -> Answer {
    match reply {
        Reply::Answer(answer) => answer,
        Reply::Failed(failure) => panic!("{failure:?}"),
    }
}

#[tokio::test]
async fn a_service_account_signs_once_for_many_calls_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::saying(vec![grant("one", 3600), grant("two", 3600)]);
    let tokens = tokens(Credentials::File(key_file(&folder, &peer)));
    let all = futures_util::future::join_all((0..20).map(|_| text(&tokens))).await;
    assert_eq!(all, ["one"; 20]);
    let seen = peer.seen();
    assert_eq!(seen.len(), 1);
    let form = seen[0].text();
    assert!(
        form.starts_with("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=ey"),
        "{form}"
    );
}

#[tokio::test]
async fn a_refused_token_is_dropped_once_and_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::saying(vec![grant("one", 3600), grant("two", 3600), grant("three", 3600)]);
    let tokens = tokens(Credentials::File(key_file(&folder, &peer)));
    let first = tokens.token().await.unwrap().unwrap();
    tokens.forget(&first).await;
    assert_eq!(text(&tokens).await, "two");
    // Another call that failed with the first token comes late.
    tokens.forget(&first).await;
    assert_eq!(text(&tokens).await, "two");
}

#[tokio::test]
async fn a_refusal_keeps_its_words_and_its_status_and_is_heard_by_all_who_waited() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = json!({ "error": "invalid_grant", "error_description": "Invalid JWT Signature." });
    let peer = Peer::saying(vec![Said::new(400, refusal.to_string())]);
    let tokens = tokens(Credentials::File(key_file(&folder, &peer)));
    let (one, two) = tokio::join!(tokens.token(), tokens.token());
    let (one, two) = (answer(one.unwrap_err()), answer(two.unwrap_err()));
    assert_eq!((one.status, one.words()), (400, refusal.to_string()));
    assert_eq!(two.words(), one.words());
    assert_eq!(peer.seen().len(), 1);
}

#[tokio::test]
async fn what_is_no_token_error_becomes_one_and_keeps_its_status_and_retry_after() {
    let folder = tempfile::tempdir().unwrap();
    let busy = Said::new(503, "<html>busy</html>").with("Retry-After", "7");
    let tokens = tokens(Credentials::File(key_file(&folder, &Peer::saying(vec![busy]))));
    let answer = answer(tokens.token().await.unwrap_err());
    assert_eq!((answer.status, answer.retry_after()), (503, Some(Duration::from_secs(7))));
    assert_eq!(answer.words(), r#"{"error":"token_endpoint","error_description":"<html>busy</html>"}"#);
}

#[tokio::test]
async fn an_unreadable_grant_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let said = Said::json(json!({ "access_token": "geheim" }));
    let tokens = tokens(Credentials::File(key_file(&folder, &Peer::saying(vec![said]))));
    let refusal = format!("{:?}", tokens.token().await.unwrap_err());
    assert!(refusal.contains("without a readable token") && !refusal.contains("geheim"), "{refusal}");
}

#[tokio::test]
async fn the_machine_is_asked_where_no_file_is() {
    let peer = Peer::saying(vec![grant("machine", 3600)]);
    let host = peer.url.authority().to_owned();
    let around = Surroundings {
        gcloud_file: Some("/no/such/file".into()),
        metadata_host: Some(host),
        ..Surroundings::default()
    };
    assert_eq!(text(&tokens(Credentials::Default(around))).await, "machine");
    let seen = &peer.seen()[0];
    assert_eq!(seen.header("metadata-flavor"), Some("Google"));
    assert_eq!(
        seen.path,
        "/computeMetadata/v1/instance/service-accounts/default/token?scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fbigquery"
    );
}

#[tokio::test]
async fn what_a_person_allowed_gcloud_is_used_when_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::saying(vec![grant("person", 3600)]);
    let file = folder.path().join("application_default_credentials.json");
    let key = json!({ "type": "authorized_user", "client_id": "i", "client_secret": "s", "refresh_token": "r/1",
        "token_uri": peer.url.join("/token").unwrap().as_str() });
    std::fs::write(&file, key.to_string()).unwrap();
    let around = Surroundings { gcloud_file: Some(file), ..Surroundings::default() };
    assert_eq!(text(&tokens(Credentials::Default(around))).await, "person");
    assert_eq!(
        peer.seen()[0].text(),
        "grant_type=refresh_token&client_id=i&client_secret=s&refresh_token=r%2F1"
    );
}

#[tokio::test]
async fn an_unusable_file_is_a_failure_of_credentials_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.json");
    for (text, words) in [(None, "cannot be read"), (Some("{}"), "has no `type`")] {
        if let Some(text) = text {
            std::fs::write(&file, text).unwrap();
        }
        let named = Surroundings { named_file: Some(file.clone()), ..Surroundings::default() };
        let Err(Reply::Failed(failure)) = tokens(Credentials::Default(named)).token().await else {
            panic!("no failure");
        };
        assert_eq!(failure.kind, FailureKind::Credentials);
        assert!(failure.message.contains("key.json` ") && failure.message.contains(words), "{failure:?}");
    }
}

#[tokio::test]
async fn an_emulator_is_asked_without_a_token() {
    assert!(tokens(Credentials::None).token().await.unwrap().is_none());
}

#[test]
fn a_token_is_renewed_five_minutes_early_and_a_short_one_a_tenth_early() {
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    for (lifetime, renewed) in [(3600, "2026-01-01T00:55:00Z"), (200, "2026-01-01T00:03:00Z")] {
        let token = SecretString::from("t".to_owned());
        let token = dated(exchange::Granted { token, lifetime: Duration::from_secs(lifetime) }, now);
        assert_eq!(token.renew_at.to_string(), renewed);
    }
}

#[test]
fn a_token_serves_until_its_end_when_an_early_renewal_fails() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let token = exchange::Granted { token: "t".to_owned().into(), lifetime: Duration::from_secs(3600) };
    let mut state = State { token: Some(dated(token, at("2026-01-01T00:00:00Z"))), refusal: None };
    let refused = || Err(Reply::failed(FailureKind::Timeout, "late"));
    assert!(settle(&mut state, refused(), at("2026-01-01T00:56:00Z")).is_ok());
    assert_eq!(state.token.as_ref().unwrap().renew_at, at("2026-01-01T00:56:30Z"));
    assert!(settle(&mut state, refused(), at("2026-01-01T01:00:00Z")).is_err());
    assert!(state.token.is_none());
}
