//! As much of a web address as attribution asks for: its host, its query. Anything else in it is nobody's business here.
//!
//! Lenient, since what browsers send is what it is: a text that is no address has neither. Never resolves or fetches anything.

use std::borrow::Cow;

/// What is known of a host: lower case, without a leading `www.` and without a trailing dot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    /// The name, or of an app its package.
    pub(super) name: String,
    /// It is the package of an Android app (`android-app://com.example`).
    pub(super) is_app: bool,
}

/// Returns the host of an absolute address; `None` for anything else.
pub(super) fn host(address: &str) -> Option<Host> {
    let (scheme, rest) = address.trim().split_once("://")?;
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    if scheme.is_empty() || !scheme.chars().all(is_scheme) {
        return None;
    }
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let name = without_port(authority.rsplit('@').next()?).to_lowercase();
    let name = name.strip_suffix('.').unwrap_or(&name);
    let name = name.strip_prefix("www.").unwrap_or(name);
    let is_app = scheme.eq_ignore_ascii_case("android-app");
    (!name.is_empty()).then(|| Host { name: name.to_owned(), is_app })
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // The colons of a bare IPv6 address are within brackets.
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Returns the members of the query in their order, decoded: `+` is a space, and what is no UTF-8 becomes U+FFFD.
pub(super) fn query(address: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    let before = address.split('#').next().unwrap_or_default();
    let query = before.split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(key), decoded(value))
    })
}

fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return text.into();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let (byte, next) = match (first, after) {
            (b'%', [high, low, next @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, next),
                _ => (b'%', after),
            },
            (b'+', _) => (b' ', after),
            (byte, _) => (*byte, after),
        };
        out.push(byte);
        rest = next;
    }
    String::from_utf8_lossy(&out).into_owned().into()
}

fn digit(byte: u8) -> Option<u8> {
    u8::try_from(char::from(byte).to_digit(16)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(address: &str) -> Option<String> {
        host(address).map(|host| host.name)
    }

    #[test]
    fn a_host_is_found_whatever_stands_around_it() {
        for address in [
            "https://www.Shop.example./a?b#c",
            "http://shop.example:8080",
            "https://user:pass@shop.example?x=//other.example/",
            "  HTTPS://shop.example#@other.example",
            "https://shop.example\\@other.example",
        ] {
            assert_eq!(name(address).as_deref(), Some("shop.example"), "{address}");
        }
        assert_eq!(name("http://[2001:db8::1]:80/").as_deref(), Some("[2001:db8::1]"));
        let app = host("android-app://com.Slack/https/slack.com").unwrap();
        assert_eq!((app.name.as_str(), app.is_app), ("com.slack", true));
    }

    #[test]
    fn a_text_that_is_no_address_has_no_host() {
        for text in ["", "about:blank", "/path?a=b", "shop.example", "https://", "https://.", "a b://x"] {
            assert_eq!(name(text), None, "{text}");
        }
    }

    #[test]
    fn a_query_is_decoded_and_ends_where_the_fragment_begins() {
        let pairs: Vec<_> = query("/p?a=1+2&&b=%C3%A9&c&d=%zz%4&e=f=g&%61=%ff#h?i=j").collect();
        let expected = [("a", "1 2"), ("b", "é"), ("c", ""), ("d", "%zz%4"), ("e", "f=g"), ("a", "\u{fffd}")];
        assert_eq!(pairs, expected.map(|(key, value)| (Cow::from(key), Cow::from(value))));
        assert_eq!(query("https://shop.example/#?utm_source=x").count(), 0);
    }
}
