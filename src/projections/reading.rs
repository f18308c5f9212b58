//! What every view reads of an event in the same way: the address of a page, the host that led to it, how long it was looked
//! at, and the id of a session.
//!
//! Live numbers, reports and tables of a warehouse agree because they all ask here. Pure; never decides what is counted.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::IpAddr;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::spec::glance::Json;

/// Most bytes of an address that is kept: memory and disk are held for each.
const LONGEST: usize = 512;
/// A host with it is the same one.
const WWW: &str = "www.";
/// Digits of a session's id.
const DIGITS: usize = 16;
/// What both names of that have in common.
const IN_ENGAGED: &str = "ngaged";
/// No page is looked at for longer in one go, in milliseconds: a day.
pub const MOST_ENGAGED_MS: i64 = 86_400_000;

/// How the address of a page is spelled, so that one page is one row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spelling {
    /// `/a/` is the page `/a`.
    pub strip_trailing_slash: bool,
    /// The parameters of the query that belong to the page, in the order in which they are shown.
    pub keep_query: Vec<String>,
}

impl Spelling {
    /// Returns the address of a page by its path, which may still have a query, and by its query, with `?` or without.
    pub fn page<'p>(&self, path: &'p str, search: &str) -> Cow<'p, str> {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let bare = if self.strip_trailing_slash { path.trim_end_matches('/') } else { path };
        let bare = if bare.is_empty() && !path.is_empty() { "/" } else { bare };
        let kept = if path.is_empty() { String::new() } else { self.kept(search) };
        if kept.is_empty() { cut(bare.into()) } else { cut(format!("{bare}?{kept}").into()) }
    }

    fn kept(&self, search: &str) -> String {
        let search = search.trim_start_matches('?').split('#').next().unwrap_or_default();
        let pairs = || search.split('&').filter_map(|pair| Some((pair.split('=').next()?, pair)));
        let find = |name: &String| pairs().find(|(key, _)| key == name).map(|(_, pair)| pair);
        self.keep_query.iter().filter_map(find).collect::<Vec<&str>>().join("&")
    }
}

/// Returns the query of an address; nothing where there is none.
pub fn query_of(url: &str) -> &str {
    url.split_once('?').map_or("", |(_, query)| query)
}

/// Returns a text of at most 512 bytes.
pub fn cut(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.len() <= LONGEST {
        return text;
    }
    let end = text.floor_char_boundary(LONGEST);
    Cow::Owned(text.get(..end).unwrap_or_default().to_owned())
}

/// Returns the host of an address in small letters, without `www.`, user, port and last dot; none of what is no address.
pub fn host(url: &str) -> Option<Cow<'_, str>> {
    let spelled = spelled_host(url)?;
    let has_capitals = spelled.bytes().any(|byte| byte.is_ascii_uppercase());
    Some(if has_capitals { spelled.to_ascii_lowercase().into() } else { spelled.into() })
}

/// Returns the host of an address as it is spelled there.
fn spelled_host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    // What is a number as a whole, or ends in one in brackets, has no port.
    let has_port = |_: &(&str, &str)| !host.ends_with(']') && host.parse::<IpAddr>().is_err();
    let named = host.rsplit_once(':').filter(has_port).map_or(host, |(name, _)| name).trim_end_matches('.');
    let (front, rest) = named.split_at_checked(WWW.len()).unwrap_or(("", named));
    Some(if front.eq_ignore_ascii_case(WWW) { rest } else { named })
}

/// Returns whether a referrer is a page of the same host, which is no place to come from.
pub fn is_internal(referrer: &str, page: &str) -> bool {
    let hosts = spelled_host(page).zip(spelled_host(referrer));
    hosts.is_some_and(|(own, other)| own.eq_ignore_ascii_case(other))
}

/// Returns how long a page was looked at, in milliseconds, as a track call's properties tell it.
pub fn engaged_ms(properties: Json<'_>) -> Option<i64> {
    if !may_name(properties, IN_ENGAGED) {
        return None;
    }
    let said = properties.pick(["engaged_ms", "engagedMs"]).into_iter().find(|json| json.is_there())?;
    let number = said.as_f64().or_else(|| said.text()?.parse().ok()).filter(|ms| ms.is_finite())?;
    #[expect(clippy::cast_possible_truncation, reason = "no more than a day after the clamp")]
    let whole = (number.round().max(0.0) as i64).min(MOST_ENGAGED_MS);
    Some(whole)
}

/// Returns whether a member of an object may have a name with this in it: a search is many times cheaper than to go from member to
/// member, and a name in which something is escaped may be any.
fn may_name(object: Json<'_>, part: &str) -> bool {
    let bytes = object.raw().as_bytes();
    memchr::memmem::find(bytes, part.as_bytes()).is_some() || memchr::memchr(b'\\', bytes).is_some()
}

/// Returns the first 16 digits of the keyed hash of the site, the visitor and the time at which the session was opened, so
/// that the same events give the same id in every view and after every restart.
pub fn session_id(salt: &[u8], (site, visitor): (&str, &str), opened: i64) -> String {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(salt) else { return String::new() };
    mac.update(format!("{site}|{visitor}|{opened}").as_bytes());
    let bytes = mac.finalize().into_bytes();
    bytes.iter().take(DIGITS / 2).fold(String::with_capacity(DIGITS), |mut id, byte| {
        // A text takes everything.
        write!(id, "{byte:02x}").unwrap_or_default();
        id
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_page_is_its_path_in_one_spelling_with_the_parameters_that_belong_to_it() {
        let keep = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let plain = Spelling { strip_trailing_slash: true, keep_query: keep(&[]) };
        let keeping = Spelling { strip_trailing_slash: true, keep_query: keep(&["id", "lang"]) };
        let as_sent = Spelling::default();
        for (spelling, path, search, wanted) in [
            (&plain, "/a/?id=1", "?id=1", "/a"),
            (&plain, "/", "", "/"),
            (&plain, "//", "", "/"),
            (&plain, "", "?id=1", ""),
            (&keeping, "/a/", "?lang=de&token=x&id=1#top", "/a?id=1&lang=de"),
            (&keeping, "/a", "idx=1", "/a"),
            (&keeping, "/", "id", "/?id"),
            (&keeping, "", "id=1", ""),
            (&as_sent, "/a/#b", "?id=1", "/a/"),
        ] {
            assert_eq!(spelling.page(path, search), wanted, "{path} {search}");
        }
        assert_eq!(plain.page(&"/ü".repeat(400), "").len(), 511, "no letter is cut in two");
    }

    #[test]
    fn a_host_is_the_same_in_every_spelling_of_an_address() {
        for (url, wanted) in [
            ("https://www.Shop.example./a?b#c", Some("shop.example")),
            ("http://u:p@shop.example:8080", Some("shop.example")),
            ("https://[::1]/", Some("[::1]")),
            ("http://1.2.3.4:80/", Some("1.2.3.4")),
            ("http://::1/", Some("::1")),
            ("https://WWW.shop.example", Some("shop.example")),
            ("https://www", Some("www")),
            ("https://www.", Some("www")),
            ("https://www\u{fc}.example", Some("www\u{fc}.example")),
            ("/a", None),
        ] {
            assert_eq!(host(url).as_deref(), wanted, "{url}");
        }
        assert!(is_internal("https://shop.example/a", "https://www.shop.example/b"));
        assert!(is_internal("https://WWW.Shop.example:8443/a", "https://shop.example/b"));
        assert!(!is_internal("https://shop.example.evil.test/", "https://shop.example/"));
        assert!(!is_internal("/a", "/b"), "of what is no address nothing is known");
    }

    #[test]
    fn attention_is_a_number_of_milliseconds_within_a_day() {
        let said = |value: Value| engaged_ms(Json::of(&json!({ "engaged_ms": value }).to_string()));
        assert_eq!(said(json!(1500)), Some(1_500));
        assert_eq!(said(json!(0.6)), Some(1));
        assert_eq!(said(json!("20")), Some(20));
        assert_eq!((said(json!(-5)), said(json!(1e300))), (Some(0), Some(MOST_ENGAGED_MS)));
        assert_eq!((said(json!(true)), said(json!("soon"))), (None, None));
        assert_eq!(engaged_ms(Json::of(r#"{"engagedMs":3}"#)), Some(3));
        assert_eq!(engaged_ms(Json::of(r#"{"\u0065ngag\u0065d_ms":4}"#)), Some(4));
    }

    #[test]
    fn the_id_of_a_session_never_changes() {
        assert_eq!(session_id(b"salt", ("shop", "a"), 1), session_id(b"salt", ("shop", "a"), 1));
        assert_ne!(session_id(b"salt", ("shop", "a"), 1), session_id(b"other", ("shop", "a"), 1));
        assert_eq!(session_id(b"salt", ("shop", "a"), 1).len(), 16);
    }
}
