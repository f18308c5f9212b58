//! Which source a request belongs to, by its write key.
//!
//! Keys come as `Basic base64(KEY:)` (every SDK), as `Basic base64(KEY)`, as `Bearer KEY`, or as `writeKey` in the body,
//! beside which a `Bearer` token of an OAuth flow may stand. The header wins. Keys are compared by their SHA-256, all of
//! them each time, so that the time taken tells nothing about a key. Without any source every key is accepted, or none.

use std::sync::Arc;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::config::settings::Source;
use crate::spec::signature::Signer;

use super::answer::Refusal;
use super::cors::same_origin;

/// Longer `Basic` credentials are nobody's write key.
const MAX_CREDENTIALS: usize = 1024;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The source of a request: its place in the configuration, and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sender {
    /// Index for the per-source limit.
    pub(super) index: usize,
    /// Its name, as stored with every event.
    pub(super) name: Arc<str>,
}

/// All configured sources.
pub(super) struct Sources {
    known: Vec<Known>,
    anyone: Sender,
}

struct Known {
    sender: Sender,
    key_digests: Vec<[u8; 32]>,
    enforces_origins: bool,
    origins: Vec<String>,
    /// `None`: requests need no signature.
    signing_keys: Option<Vec<Signer>>,
}

impl Sources {
    /// The common secret is for those that need signatures and have no secrets of their own.
    pub(super) fn new(sources: &[Source], common: &SecretString) -> Self {
        let known = |(index, source)| Known::new(index, source, common);
        let known = sources.iter().enumerate().map(known).collect();
        Sources { known, anyone: Sender { index: 0, name: Arc::from("default") } }
    }

    /// Returns the names in the order of the indexes.
    pub(super) fn names(&self) -> Vec<&str> {
        let known: Vec<&str> = self.known.iter().map(|known| &*known.sender.name).collect();
        if known.is_empty() { vec![&self.anyone.name] } else { known }
    }

    /// Returns the index of the source with this name.
    pub(super) fn index_of(&self, name: &str) -> Option<usize> {
        self.names().iter().position(|other| *other == name)
    }

    /// Returns the keys that requests of this source must be signed with; `None`: they need not be.
    pub(super) fn signing_keys(&self, sender: &Sender) -> Option<&[Signer]> {
        self.known.get(sender.index)?.signing_keys.as_deref()
    }

    /// Returns whether the source lets pages of this origin read its answers.
    pub(super) fn lists(&self, sender: &Sender, origin: &[u8]) -> bool {
        self.known.get(sender.index).is_none_or(|known| known.lists(origin))
    }

    /// Returns whose request this is.
    ///
    /// # Errors
    /// `unauthorized` when no source has the key, `forbidden` for a browser on an origin that the source excludes.
    pub(super) fn identify(
        &self,
        authorization: Option<&[u8]>,
        body_key: Option<&str>,
        origin: Option<&[u8]>,
    ) -> Result<&Sender, Refusal> {
        if self.known.is_empty() {
            return Ok(&self.anyone);
        }
        let found = self.find(authorization.unwrap_or_default(), body_key);
        let found = found.ok_or(Refusal::Unauthorized("no source has this write key"))?;
        if found.enforces_origins && origin.is_some_and(|origin| !found.lists(origin)) {
            return Err(Refusal::Forbidden("the source does not take events from this origin"));
        }
        Ok(&found.sender)
    }

    fn find(&self, authorization: &[u8], body_key: Option<&str>) -> Option<&Known> {
        let mut buffer = [0; MAX_CREDENTIALS];
        if let Some(key) = basic_key(authorization, &mut buffer) {
            return self.holder(key);
        }
        // A bearer token that is no key belongs to an OAuth flow; the key is then in the body.
        let bearer = credentials(authorization, b"bearer").and_then(|token| self.holder(token));
        bearer.or_else(|| self.holder(body_key?.as_bytes()))
    }

    fn holder(&self, key: &[u8]) -> Option<&Known> {
        let digest: [u8; 32] = Sha256::digest(key).into();
        let mut found = None;
        for known in &self.known {
            let matches = known.key_digests.iter().fold(false, |hit, other| hit | same(other, &digest));
            if matches {
                found = Some(known);
            }
        }
        found
    }
}

impl Known {
    fn new(index: usize, source: &Source, common: &SecretString) -> Self {
        let digest = |key: &secrecy::SecretString| Sha256::digest(key.expose_secret().as_bytes()).into();
        let own = &source.signing_secrets;
        let secrets = if own.is_empty() { std::slice::from_ref(common) } else { own };
        // What is no key was refused when it was configured.
        let key = |secret: &SecretString| Signer::new(secret.expose_secret()).ok().flatten();
        let keys = || secrets.iter().filter_map(key).collect();
        Known {
            sender: Sender { index, name: Arc::clone(&source.name) },
            key_digests: source.write_keys.iter().map(digest).collect(),
            enforces_origins: source.enforce_origin,
            origins: source.origins.clone(),
            signing_keys: source.require_signature.then(keys),
        }
    }

    /// A source without origins lists every one.
    fn lists(&self, origin: &[u8]) -> bool {
        self.origins.is_empty() || self.origins.iter().any(|listed| same_origin(listed, origin))
    }
}

/// Looks at every byte, whichever differ.
fn same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// Returns what stands behind the scheme, whose case does not matter.
fn credentials<'a>(header: &'a [u8], scheme: &[u8]) -> Option<&'a [u8]> {
    let (name, rest) = header.split_at_checked(scheme.len())?;
    let rest = rest.strip_prefix(b" ")?.trim_ascii();
    (name.eq_ignore_ascii_case(scheme) && !rest.is_empty()).then_some(rest)
}

/// Returns the user name of `Basic` credentials; `None` when there is none or it is empty.
fn basic_key<'a>(header: &[u8], buffer: &'a mut [u8; MAX_CREDENTIALS]) -> Option<&'a [u8]> {
    let encoded = credentials(header, b"basic")?;
    let length = BASE64.decode_slice(encoded, buffer).ok()?;
    let decoded = buffer.get(..length)?;
    let key = decoded.split(|byte| *byte == b':').next()?;
    (!key.is_empty()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, key: &str, origins: &[&str]) -> Source {
        Source {
            name: Arc::from(name),
            write_keys: vec![key.to_owned().into()],
            origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
            enforce_origin: true,
            require_signature: false,
            signing_secrets: Vec::new(),
        }
    }

    fn sources() -> Sources {
        let both = [source("web", "wk_web", &["https://shop.example"]), source("jobs", "wk_jobs", &[])];
        Sources::new(&both, &"common".to_owned().into())
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text))
    }

    fn name(header: &str, body_key: Option<&str>) -> Option<String> {
        let sources = sources();
        let header = (!header.is_empty()).then_some(header.as_bytes());
        sources.identify(header, body_key, None).ok().map(|sender| sender.name.to_string())
    }

    #[test]
    fn every_form_of_a_key_is_understood() {
        assert_eq!(name(&basic("wk_web:"), None).as_deref(), Some("web"));
        assert_eq!(name(&basic("wk_web"), None).as_deref(), Some("web"));
        assert_eq!(name(&basic("wk_jobs:secret"), None).as_deref(), Some("jobs"));
        assert_eq!(name("bearer wk_jobs", None).as_deref(), Some("jobs"));
        assert_eq!(name("Bearer an.oauth.token", Some("wk_web")).as_deref(), Some("web"));
        assert_eq!(name("", Some("wk_web")).as_deref(), Some("web"));
        assert_eq!(name(basic("wk_web:").trim_end_matches('='), None).as_deref(), Some("web"));
    }

    #[test]
    fn the_header_wins_over_the_body() {
        assert_eq!(name(&basic("wk_jobs:"), Some("wk_web")).as_deref(), Some("jobs"));
        assert_eq!(name(&basic("unknown:"), Some("wk_web")), None);
    }

    #[test]
    fn an_empty_or_unreadable_header_leaves_the_key_of_the_body() {
        assert_eq!(name(&basic(":"), Some("wk_web")).as_deref(), Some("web"));
        assert_eq!(name("Basic !!!", Some("wk_web")).as_deref(), Some("web"));
        assert_eq!(name("Basic", None), None);
        assert_eq!(name(&basic(&"x".repeat(2000)), None), None);
    }

    #[test]
    fn a_key_that_only_begins_like_one_is_unknown() {
        assert_eq!(name(&basic("wk_web2:"), None), None);
        assert_eq!(name(&basic("wk_we:"), None), None);
        assert_eq!(name("", Some("")), None);
    }

    #[test]
    fn without_sources_anyone_is_the_default() {
        let sources = Sources::new(&[], &String::new().into());
        let sender = sources.identify(Some(b"Basic !!!"), None, Some(b"https://x.example")).unwrap();
        assert_eq!(&*sender.name, "default");
    }

    #[test]
    fn an_enforced_origin_refuses_other_browsers_but_no_server() {
        let sources = sources();
        let key = Some("wk_web");
        assert!(sources.identify(None, key, Some(b"https://shop.example")).is_ok());
        assert!(sources.identify(None, key, None).is_ok());
        let refused = sources.identify(None, key, Some(b"https://evil.example")).unwrap_err();
        assert!(matches!(refused, Refusal::Forbidden(_)));
    }
}
