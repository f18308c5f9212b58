//! Requests as they may be shown: an address or a header without what could be a secret.
//!
//! For many services the path is the secret, so a part of it is only shown when it reads like a name.

use reqwest::Url;
use reqwest::header::HeaderMap;

use crate::destinations::show::MASK;

/// A part of a path with a digit in it is shown up to this length ("v1", "2024").
const SHORT: usize = 4;
/// Any longer part of a path is no name.
const LONG: usize = 20;

/// Returns the address without user, password and values of its query, and without those parts of its path that are long or
/// have digits.
pub fn url(url: &Url) -> String {
    let mut shown = url.clone();
    let has_user = !url.username().is_empty() || url.password().is_some();
    // Cannot fail for an address with a host, which every address of a client has.
    shown.set_username("").unwrap_or_default();
    shown.set_password(None).unwrap_or_default();
    shown.set_query(None);
    shown.set_fragment(None);
    shown.set_path("");
    let origin = shown.to_string();
    let origin = origin.trim_end_matches('/');
    let origin = match has_user {
        true => origin.replacen("://", &format!("://{MASK}@"), 1),
        false => origin.to_owned(),
    };
    let path: Vec<&str> = url.path().split('/').map(|part| if is_name(part) { part } else { MASK }).collect();
    format!("{origin}{}{}", path.join("/"), query(url))
}

fn is_name(part: &str) -> bool {
    let has_digit = part.bytes().any(|byte| byte.is_ascii_digit());
    part.len() <= SHORT || (part.len() < LONG && !has_digit)
}

fn query(url: &Url) -> String {
    let pairs: Vec<String> = url.query_pairs().map(|(name, _)| format!("{name}={MASK}")).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

/// Returns the headers as text; a value that is marked as sensitive, and basic authentication from the address, is masked.
pub fn headers(url: &Url, headers: &HeaderMap) -> Vec<(String, String)> {
    let has_user = !url.username().is_empty() || url.password().is_some();
    let from_url = has_user && !headers.contains_key("authorization");
    let own = headers.iter().map(|(name, value)| {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), if value.is_sensitive() { MASK.to_owned() } else { text })
    });
    let mut shown: Vec<(String, String)> = own.collect();
    shown.extend(from_url.then(|| ("authorization".to_owned(), format!("Basic {MASK}"))));
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_names_and_no_secrets() {
        for (address, shown) in [
            ("https://example.com", "https://example.com/"),
            ("https://example.com:8443/v1/events", "https://example.com:8443/v1/events"),
            ("https://u:geheim@example.com/in", "https://***@example.com/in"),
            ("https://example.com/in?token=geheim&x=1#geheim", "https://example.com/in?token=***&x=***"),
            (
                "https://hooks.example/services/T012345/B0123/aGeheim012",
                "https://hooks.example/services/***/***/***",
            ),
            ("https://example.com/abcdefghijklmnopqrstuvwxyz/", "https://example.com/***/"),
        ] {
            assert_eq!(url(&Url::parse(address).unwrap()), shown);
        }
    }

    #[test]
    fn headers_show_what_is_not_sensitive() {
        let mut map = HeaderMap::new();
        let mut secret = reqwest::header::HeaderValue::from_static("geheim");
        secret.set_sensitive(true);
        map.insert("x-token", secret);
        map.insert("content-type", reqwest::header::HeaderValue::from_static("text/plain"));
        let shown = headers(&Url::parse("https://u:p@example.com").unwrap(), &map);
        let text: Vec<String> = shown.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        assert_eq!(text, ["x-token: ***", "content-type: text/plain", "authorization: Basic ***"]);
    }
}
