//! Keeps configured secrets out of the other side's words.
//!
//! A receiver may well answer "unknown token abc…", and its answers go into logs, dead letters and the console. Pure.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use memchr::memmem;
use secrecy::{ExposeSecret, SecretString};

use crate::destinations::{Answer, Reply};

/// Shorter words are no secrets, and hiding them would only garble answers.
const MIN_SECRET_BYTES: usize = 8;

/// Shorter parts of an address are names ("services", "webhooks").
const MIN_PART_BYTES: usize = 16;

const MASK: &[u8] = b"***";

/// What must not be repeated.
#[derive(Default)]
pub struct Secrets(Vec<Box<[u8]>>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(***)")
    }
}

impl Secrets {
    /// Collects the words of these values ("Bearer abc…" is two).
    pub fn of<'a>(values: impl IntoIterator<Item = &'a SecretString>) -> Secrets {
        let words = values.into_iter().flat_map(|value| value.expose_secret().split_whitespace());
        let long = words.filter(|word| word.len() >= MIN_SECRET_BYTES);
        Secrets(long.map(|word| word.as_bytes().into()).collect())
    }

    /// Adds what is secret in an address that is a secret itself: all behind its host, and each long part of that.
    #[must_use]
    pub fn and_address(mut self, address: &SecretString) -> Secrets {
        let address = address.expose_secret();
        let behind =
            address.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map(|(_, path)| path);
        let behind = behind.unwrap_or_default().trim_end_matches('/');
        let parts = behind.split(['/', '?', '&', '=', '#']).filter(|part| part.len() >= MIN_PART_BYTES);
        let whole = Some(behind).filter(|behind| behind.len() >= MIN_SECRET_BYTES);
        // The whole first, so that it is not found in pieces.
        self.0.extend(whole.into_iter().chain(parts).map(|secret| secret.as_bytes().into()));
        self
    }

    /// Adds what a name and a key are sent as in `Authorization: Basic`, which anybody can take apart again.
    #[must_use]
    pub fn and_basic(mut self, name: &str, key: &SecretString) -> Secrets {
        let pair = format!("{name}:{}", key.expose_secret());
        let padded = STANDARD.encode(pair);
        // JSON may write a slash as `\/`, and an address leaves the padding out or writes it in its own way.
        let bare = padded.trim_end_matches('=').to_owned();
        let escaped = bare.replace('/', "\\/");
        let forms = [padded, bare, escaped].into_iter().filter(|form| form.len() >= MIN_SECRET_BYTES);
        self.0.extend(forms.map(|form| form.into_bytes().into_boxed_slice()));
        self
    }

    /// Returns the reply without them.
    pub fn hide<'a>(&self, reply: &'a Reply) -> Cow<'a, Reply> {
        let Reply::Answer(answer) = reply else { return Cow::Borrowed(reply) };
        let leaks = |text: &[u8]| self.0.iter().any(|secret| memmem::find(text, secret).is_some());
        if !leaks(&answer.body) && !answer.headers.iter().any(|(_, value)| leaks(value.as_bytes())) {
            return Cow::Borrowed(reply);
        }
        let clean = |(name, value): &(&'static str, String)| {
            (*name, String::from_utf8_lossy(&self.mask(value.as_bytes())).into_owned())
        };
        Cow::Owned(Reply::Answer(Answer {
            headers: answer.headers.iter().map(clean).collect(),
            body: Bytes::from(self.mask(&answer.body)),
            ..answer.clone()
        }))
    }

    fn mask(&self, text: &[u8]) -> Vec<u8> {
        self.0.iter().fold(text.to_vec(), |text, secret| replace(&text, secret))
    }
}

fn replace(text: &[u8], secret: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, found)) = memmem::find(rest, secret).and_then(|at| rest.split_at_checked(at)) {
        out.extend_from_slice(before);
        out.extend_from_slice(MASK);
        rest = found.get(secret.len()..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destinations::kit::testing::answered;

    fn hidden(secrets: &Secrets, body: &str, location: &str) -> (String, String) {
        let reply = answered(302, &[("location", location)], body);
        let Reply::Answer(answer) = secrets.hide(&reply).into_owned() else { panic!("an answer stays one") };
        (String::from_utf8(answer.body.to_vec()).unwrap(), answer.headers[0].1.clone())
    }

    #[test]
    fn a_secret_address_is_kept_from_answers_whole_and_in_parts() {
        let address = SecretString::from("https://hooks.example/services/T012345/B0123/aGeheim012345678");
        let secrets = Secrets::default().and_address(&address);
        let (body, location) = hidden(
            &secrets,
            "no aGeheim012345678 at services/T012345/B0123/aGeheim012345678",
            "https://hooks.example/services/T012345/B0123/aGeheim012345678?x=1",
        );
        assert_eq!(body, "no *** at ***");
        assert_eq!(location, "https://hooks.example/***?x=1");
        assert_eq!(hidden(&secrets, "services of example", "/").0, "services of example");
    }

    #[test]
    fn an_address_without_a_path_hides_nothing() {
        for address in ["", "https://hooks.example", "https://hooks.example/", "nonsense"] {
            let secrets = Secrets::default().and_address(&SecretString::from(address));
            assert_eq!(
                hidden(&secrets, "hooks.example says no", "/").0,
                "hooks.example says no",
                "{address}"
            );
        }
    }

    #[test]
    fn a_basic_credential_is_kept_from_answers_however_it_is_written() {
        let secrets = Secrets::default().and_basic("site", &SecretString::from("k?>~~key"));
        // site:k?>~~key, by another hand.
        for (said, expected) in [
            ("Basic c2l0ZTprPz5+fmtleQ== is wrong", "Basic *** is wrong"),
            ("c2l0ZTprPz5+fmtleQ%3D%3D", "***%3D%3D"),
            ("site is unknown", "site is unknown"),
        ] {
            assert_eq!(hidden(&secrets, said, "/").0, expected);
        }
        let slashed = Secrets::default().and_basic("site", &SecretString::from("???????"));
        assert_eq!(hidden(&slashed, r"c2l0ZTo\/Pz8\/Pz8\/ and c2l0ZTo/Pz8/Pz8/", "/").0, "*** and ***");
    }
}
