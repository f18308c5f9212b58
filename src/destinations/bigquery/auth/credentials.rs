//! The files in which Google hands out credentials. Reads their text; never opens one.

use secrecy::SecretString;
use serde::Deserialize;

/// Where a refresh token is turned into an access token.
const GOOGLE_TOKENS: &str = "https://oauth2.googleapis.com/token";

/// What a credentials file holds.
#[derive(Debug)]
pub(super) enum Key {
    /// A service account's key: signs for itself.
    Account(AccountKey),
    /// What a person allowed gcloud to do.
    Person(PersonKey),
}

/// A service account's key.
#[derive(Debug, Deserialize)]
pub(super) struct AccountKey {
    pub(super) client_email: String,
    pub(super) private_key: SecretString,
    #[serde(default)]
    pub(super) private_key_id: Option<String>,
    #[serde(default = "google_tokens")]
    pub(super) token_uri: String,
}

/// What a person allowed gcloud to do.
#[derive(Debug, Deserialize)]
pub(super) struct PersonKey {
    pub(super) client_id: String,
    pub(super) client_secret: SecretString,
    pub(super) refresh_token: SecretString,
    #[serde(default = "google_tokens")]
    pub(super) token_uri: String,
}

#[derive(Deserialize)]
struct Kind {
    r#type: Option<String>,
}

fn google_tokens() -> String {
    GOOGLE_TOKENS.to_owned()
}

/// Reads the text of a credentials file.
///
/// # Errors
/// A sentence to be read after the file's name. It never repeats the file's contents.
pub(super) fn read(text: &[u8]) -> Result<Key, String> {
    let kind: Kind = parse(text)?;
    match kind.r#type.as_deref() {
        Some("service_account") => parse(text).map(Key::Account),
        Some("authorized_user") => parse(text).map(Key::Person),
        Some(other) => Err(format!(
            "holds credentials of type `{other}`; `service_account` and `authorized_user` are understood"
        )),
        None => Err("has no `type`, so it is no credentials file of Google".to_owned()),
    }
}

fn parse<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(text).map_err(|error| format!("cannot be read as credentials: {}", place(&error)))
}

/// A syntax error of serde_json may quote the text; what kind it is and where may not.
fn place(error: &serde_json::Error) -> String {
    let missing = error.to_string();
    match missing.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        Some(field) => format!("`{field}` is missing"),
        None => format!("line {}, column {}", error.line(), error.column()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unusable_file_is_named_by_what_is_wrong_and_never_quoted() {
        for (text, words) in [
            (r#"{"type":"service_account","client_email":"a"}"#, "`private_key` is missing"),
            (r#"{"type":"external_account"}"#, "of type `external_account`"),
            (r#"{"private_key":"geheim"}"#, "has no `type`"),
            (r#"{"type":"service_account","client_email":"a","private_key":["geheim"]}"#, "line 1, column"),
            ("geheim", "line 1, column 1"),
        ] {
            let message = read(text.as_bytes()).unwrap_err();
            assert!(message.contains(words) && !message.contains("geheim"), "{text}: {message}");
        }
    }
}
