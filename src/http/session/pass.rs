//! The pass that the login's cookie holds: a token of its own kind, and the word that goes with its changes. Pure.
//!
//! Another audience and another key than those of operator tokens, so that neither is taken for the other. The key is made of
//! the password as well: when that changes every session is over.

use hmac::Mac;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::config::settings::Server;
use crate::http::sites::Sites;
use crate::http::token::{self, Grant, TokenError};

/// How long a pass is valid, in seconds.
pub(super) const LIFE: i64 = 12 * 3_600;
/// One that has been used for so long, in seconds, is renewed.
pub(super) const RENEW_AFTER: i64 = 900;

/// How long a session lives however often it is renewed, in seconds: a week.
const WHOLE_LIFE: i64 = 7 * 86_400;

const AUDIENCE: &str = "opentrack-console";

/// What signs passes.
pub(super) struct Key(SecretString);

/// Those of the router: the first one signs, and each of them is believed.
pub(super) struct Keys(Vec<Key>);

/// See the module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Pass {
    aud: String,
    /// The session, over all of its passes.
    pub(super) sid: String,
    iat: i64,
    exp: i64,
    scope: String,
    #[serde(default, skip_serializing_if = "Sites::are_all")]
    sites: Sites,
    /// The end of the session, that of the token that it was given for included: no pass of it lives longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<i64>,
}

impl Key {
    /// Returns the key of the router with this secret and this password.
    pub(super) fn of(secret: &SecretString, password: &SecretString) -> Key {
        let mac = token::mac(secret, &format!("console session\n{}", password.expose_secret()));
        Key(hex(&mac.finalize().into_bytes()).into())
    }

    /// Returns what the cookie holds.
    pub(super) fn sign(&self, pass: &Pass) -> String {
        token::sign(&self.0, pass)
    }

    /// Returns the pass in a cookie.
    ///
    /// # Errors
    /// It is none of ours, or no longer valid.
    pub(super) fn read(&self, text: &str, now: i64) -> Result<Pass, TokenError> {
        let pass: Pass = token::signed_by(&self.0, text)?;
        match pass {
            pass if pass.aud != AUDIENCE => Err(TokenError::Foreign),
            pass if pass.exp <= now => Err(TokenError::Expired),
            pass => Ok(pass),
        }
    }

    /// Returns what tells it from other keys, and nothing about it.
    pub(super) fn print(&self) -> String {
        hex(&token::mac(&self.0, "print").finalize().into_bytes())
    }

    /// Returns the word that a change by this session must bring.
    pub(super) fn word(&self, pass: &Pass) -> String {
        hex(&token::mac(&self.0, &format!("csrf\n{}", pass.sid)).finalize().into_bytes())
    }

    /// Returns whether this is that word. Takes the same time for every wrong one.
    pub(super) fn is_word(&self, pass: &Pass, word: &str) -> bool {
        same(&self.0, word, &self.word(pass))
    }
}

impl Keys {
    /// Returns the keys of the router with these settings and this password.
    pub(super) fn of(server: &Server, password: &SecretString) -> Keys {
        Keys(server.token_keys().map(|secret| Key::of(secret, password)).collect())
    }

    #[cfg(test)]
    pub(super) fn new(keys: Vec<Key>) -> Keys {
        Keys(keys)
    }

    /// Returns the one that signs.
    pub(super) fn newest(&self) -> Option<&Key> {
        self.0.first()
    }

    /// Returns the pass in a cookie, and the key that it was signed with; nothing where it is none of ours, or no longer valid.
    pub(super) fn read(&self, text: &str, now: i64) -> Option<(Pass, &Key)> {
        self.0.iter().find_map(|key| Some((key.read(text, now).ok()?, key)))
    }

    /// Returns whether this is the word that goes with changes by this session, by any of them: a page may have it since before the
    /// last one came.
    pub(super) fn know_word(&self, pass: &Pass, word: &str) -> bool {
        self.0.iter().any(|key| key.is_word(pass, word))
    }

    /// Returns whether one of them has this print.
    pub(super) fn have(&self, print: &str) -> bool {
        self.0.iter().any(|key| key.print() == print)
    }
}

impl Pass {
    /// Returns the first pass of a session.
    pub(super) fn new(sid: String, grant: &Grant, end: Option<i64>, now: i64) -> Pass {
        let (scope, sites) = (grant.scopes.join(" "), grant.sites.clone());
        let end = Some(end.unwrap_or(i64::MAX).min(now + WHOLE_LIFE));
        let exp = until(now, end);
        Pass { aud: AUDIENCE.to_owned(), sid, iat: now, exp, scope, sites, end }
    }

    /// Returns the next pass of the same session, when it is time for one.
    pub(super) fn renewed(&self, now: i64) -> Option<Pass> {
        // Older routers gave passes without an end.
        let end = self.end.or(Some(self.iat + WHOLE_LIFE));
        let next = Pass { iat: now, exp: until(now, end), end, ..self.clone() };
        (now - self.iat >= RENEW_AFTER && next.exp > self.exp).then_some(next)
    }

    /// Returns what its holder may do.
    #[expect(clippy::cast_precision_loss, reason = "seconds fit a double until the year 285 million")]
    pub(super) fn grant(&self) -> Grant {
        Grant {
            scopes: self.scope.split_ascii_whitespace().map(str::to_owned).collect(),
            sites: self.sites.clone(),
            issued: Some(self.iat as f64),
            expires: self.exp as f64,
        }
    }

    /// Returns when it ends, in seconds since 1970.
    pub(super) fn expires(&self) -> i64 {
        self.exp
    }
}

fn until(now: i64, end: Option<i64>) -> i64 {
    end.map_or(now + LIFE, |end| end.min(now + LIFE))
}

/// Compares two texts in a time that tells nothing about either.
pub(super) fn same(key: &SecretString, one: &str, other: &str) -> bool {
    let of_one = token::mac(key, one).finalize().into_bytes();
    token::mac(key, other).verify_slice(&of_one).is_ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn key(secret: &str, password: &str) -> Key {
        Key::of(&secret.to_owned().into(), &password.to_owned().into())
    }

    fn pass(end: Option<i64>) -> Pass {
        let sites = Sites::named(&["web".to_owned()]);
        let scopes = vec!["read:ops".to_owned(), "read:stats".to_owned()];
        Pass::new("s1".to_owned(), &Grant { scopes, sites, issued: None, expires: 0.0 }, end, NOW)
    }

    #[test]
    fn a_pass_is_read_back_until_its_end() {
        let key = key("secret", "password");
        let text = key.sign(&pass(None));
        assert_eq!(key.read(&text, NOW + LIFE - 1), Ok(pass(None)));
        assert_eq!(key.read(&text, NOW + LIFE), Err(TokenError::Expired));
        let grant = pass(None).grant();
        assert!(grant.allows("read:stats") && !grant.allows("admin") && !grant.sites.hold("app"));
    }

    #[test]
    fn a_pass_is_no_token_and_a_token_is_no_pass() {
        let secret = "secret".to_owned().into();
        let key = key("secret", "");
        assert!(token::verify(&key.sign(&pass(None)), &secret, NOW).is_err());
        assert_eq!(key.read(&token::mint(&secret, "admin", NOW + 9), NOW), Err(TokenError::Forged));
        let same_key = Key(secret.clone());
        assert_eq!(token::verify(&same_key.sign(&pass(None)), &secret, NOW), Err(TokenError::Foreign));
        let foreign = Pass { aud: "opentrack".to_owned(), ..pass(None) };
        assert_eq!(key.read(&key.sign(&foreign), NOW), Err(TokenError::Foreign));
    }

    #[test]
    fn another_password_ends_every_session() {
        let text = key("secret", "one").sign(&pass(None));
        assert_eq!(key("secret", "two").read(&text, NOW), Err(TokenError::Forged));
        assert_eq!(key("other", "one").read(&text, NOW), Err(TokenError::Forged));
    }

    #[test]
    fn a_pass_is_renewed_while_it_is_used_and_never_beyond_its_token() {
        assert_eq!(pass(None).renewed(NOW + RENEW_AFTER - 1), None);
        let next = pass(None).renewed(NOW + RENEW_AFTER).unwrap();
        assert_eq!((next.sid.as_str(), next.expires()), ("s1", NOW + RENEW_AFTER + LIFE));
        let end = NOW + LIFE + 60;
        assert_eq!(pass(Some(end)).expires(), NOW + LIFE);
        let last = pass(Some(end)).renewed(NOW + RENEW_AFTER).unwrap();
        assert_eq!((last.expires(), last.renewed(NOW + 2 * RENEW_AFTER)), (end, None));
    }

    #[test]
    fn a_session_ends_however_often_it_is_renewed() {
        let mut last = pass(None);
        for step in 1..800 {
            last = last.renewed(NOW + step * RENEW_AFTER).unwrap_or(last);
        }
        assert_eq!(last.expires(), NOW + 7 * 86_400);
        let old = Pass { end: None, ..pass(None) };
        assert_eq!(old.renewed(NOW + RENEW_AFTER).unwrap().end, Some(NOW + 7 * 86_400), "of an older router");
    }

    #[test]
    fn the_word_is_that_of_the_session_whatever_its_pass() {
        let key = key("secret", "password");
        let (word, other) = (key.word(&pass(None)), Pass { sid: "s2".to_owned(), ..pass(None) });
        assert!(key.is_word(&pass(None).renewed(NOW + LIFE - 1).unwrap(), &word));
        assert!(!key.is_word(&other, &word) && !key.is_word(&pass(None), "") && word.len() == 64);
    }
}
