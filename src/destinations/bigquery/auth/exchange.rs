//! Turns credentials into an access token: one call to a token endpoint or to the machine's metadata server.
//!
//! Files are read anew each time, so a replaced key counts from the next hour on. What goes wrong comes back as a [`Reply`]
//! in one form, whoever said it: `{"error": word, "error_description": words}` with the status, or a failure.

use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::super::super::http_client::{HttpClient, HttpRequest};
use super::super::super::{Answer, Failure, FailureKind, Reply};
use super::super::target::{Credentials, Surroundings};
use super::credentials::{AccountKey, Key, PersonKey, read};
use super::jwt;
use crate::telemetry::clock;

/// Where a machine of Google's asks who it is, unless `GCE_METADATA_HOST` says otherwise.
const METADATA_HOST: &str = "metadata.google.internal";
const METADATA_PATH: &str = "computeMetadata/v1/instance/service-accounts/default/token";

/// A token as it was handed out.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) token: SecretString,
    pub(super) lifetime: Duration,
}

/// What a token endpoint says.
#[derive(Deserialize)]
struct Grant {
    access_token: SecretString,
    expires_in: u64,
}

/// Asks for a token.
///
/// # Errors
/// See the module.
pub(super) async fn ask(http: &HttpClient, who: &Credentials, timeout: Duration) -> Result<Granted, Reply> {
    let request = match who {
        Credentials::File(file) => of_file(file, timeout).await?,
        Credentials::Default(around) => of_surroundings(around, timeout).await?,
        Credentials::None => return Err(unusable("there are no credentials")),
    };
    granted(http.send(request).await)
}

async fn of_surroundings(around: &Surroundings, timeout: Duration) -> Result<HttpRequest, Reply> {
    if let Some(file) = &around.named_file {
        return of_file(file, timeout).await;
    }
    match &around.gcloud_file {
        Some(file) if tokio::fs::try_exists(file).await.unwrap_or(false) => of_file(file, timeout).await,
        _ => of_machine(around.metadata_host.as_deref().unwrap_or(METADATA_HOST), timeout),
    }
}

async fn of_file(file: &Path, timeout: Duration) -> Result<HttpRequest, Reply> {
    let about = |words: String| unusable(&format!("credentials file `{}` {words}", file.display()));
    let text = tokio::fs::read(file).await.map_err(|error| about(unreadable(&error)))?;
    let request = match read(&text).map_err(about)? {
        Key::Account(key) => of_account(&key, timeout),
        Key::Person(key) => of_person(&key, timeout),
    };
    request.map_err(about)
}

fn unreadable(error: &io::Error) -> String {
    format!("cannot be read: {error}")
}

fn of_account(key: &AccountKey, timeout: Duration) -> Result<HttpRequest, String> {
    let assertion = jwt::signed(key, clock::now())?;
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("assertion", assertion.expose_secret()),
    ];
    posted(&key.token_uri, &form, timeout)
}

fn of_person(key: &PersonKey, timeout: Duration) -> Result<HttpRequest, String> {
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", key.client_id.as_str()),
        ("client_secret", key.client_secret.expose_secret()),
        ("refresh_token", key.refresh_token.expose_secret()),
    ];
    posted(&key.token_uri, &form, timeout)
}

fn posted(to: &str, form: &[(&str, &str)], timeout: Duration) -> Result<HttpRequest, String> {
    let url = Url::parse(to).map_err(|error| format!("has a `token_uri` that is no address: {error}"))?;
    // A query has the same form as such a body, and the address type knows how to write it.
    let mut writer = url.clone();
    writer.query_pairs_mut().clear().extend_pairs(form);
    let body = Bytes::from(writer.query().unwrap_or_default().to_owned());
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, form)]);
    Ok(HttpRequest { method: Method::POST, url, headers, body, timeout })
}

fn of_machine(host: &str, timeout: Duration) -> Result<HttpRequest, Reply> {
    let mut url = Url::parse(&format!("http://{host}/{METADATA_PATH}"))
        .map_err(|error| unusable(&format!("`{host}` is no metadata host: {error}")))?;
    url.query_pairs_mut().append_pair("scopes", jwt::SCOPE);
    let flavor = (HeaderName::from_static("metadata-flavor"), HeaderValue::from_static("Google"));
    let headers = HeaderMap::from_iter([flavor]);
    Ok(HttpRequest { method: Method::GET, url, headers, body: Bytes::new(), timeout })
}

fn granted(reply: Reply) -> Result<Granted, Reply> {
    match reply {
        Reply::Answer(answer) if answer.status == 200 => of_grant(answer),
        Reply::Answer(answer) => Err(Reply::Answer(in_one_form(answer))),
        Reply::Failed(Failure { kind, message }) => {
            Err(Reply::failed(kind, format!("no access token: {message}")))
        }
    }
}

fn of_grant(answer: Answer) -> Result<Granted, Reply> {
    match serde_json::from_slice::<Grant>(&answer.body) {
        Ok(grant) => {
            Ok(Granted { token: grant.access_token, lifetime: Duration::from_secs(grant.expires_in) })
        }
        // Whatever it is, it may hold a token: not a word of it goes further.
        Err(_) => {
            let words = "the token endpoint answered 200 without a readable token";
            Err(Reply::Answer(Answer { status: 502, body: body("bad_answer", words), ..answer }))
        }
    }
}

/// A refusal as RFC 6749 has it is kept; anything else becomes one, so that nobody takes it for an answer of BigQuery.
fn in_one_form(answer: Answer) -> Answer {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
        #[serde(default)]
        error_description: String,
    }
    let body = match serde_json::from_slice::<Refusal>(&answer.body) {
        Ok(refusal) => body(&refusal.error, &refusal.error_description),
        Err(_) => body("token_endpoint", &answer.words()),
    };
    Answer { body, ..answer }
}

fn body(error: &str, words: &str) -> Bytes {
    Bytes::from(serde_json::json!({ "error": error, "error_description": words }).to_string())
}

fn unusable(words: &str) -> Reply {
    Reply::failed(FailureKind::Credentials, words)
}
