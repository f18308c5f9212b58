//! The visitor's cookie `ot_aid`: read where a browser brings it, and renewed with every accepted request that does.
//!
//! Browsers cut short what a script writes (Safari to seven days), so the router writes the same id again. Only for pages of
//! its own site: elsewhere it would be a third party, whose cookies browsers refuse anyway. Whether anything may be kept of a
//! visitor is not decided here.

use actix_web::HttpRequest;
use actix_web::http::header::{COOKIE, HeaderName, HeaderValue};

use crate::config::settings::Tracker;

use super::visitor::{Called, Visitor, first};

const NAME: &str = "ot_aid";
/// 395 days; Chromium keeps none longer than 400.
const MAX_AGE: &str = "34128000";
/// Ids of the tracker have 36 characters, those of other libraries are not much longer.
const LONGEST_ID: usize = 128;
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Where the cookie of one request's visitor belongs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Jar {
    /// The id that the browser brought.
    pub(super) id: Option<String>,
    /// `None`: this host alone.
    domain: Option<String>,
    secure: bool,
    http_only: bool,
}

impl Jar {
    /// Returns where the cookie belongs; `None` for a page of another site. What a proxy says of host and scheme counts only
    /// where the peer is a trusted one.
    pub(super) fn of(
        request: &HttpRequest,
        visitor: &Visitor<'_>,
        by_proxy: bool,
        tracker: &Tracker,
    ) -> Option<Jar> {
        // An address that somebody put on their own page, or into a mail, names no visitor's id.
        if first(request, &FETCH_SITE) == Some("cross-site") {
            return None;
        }
        let called = Called::of(request, by_proxy);
        let host = without_port(called.host?).to_ascii_lowercase();
        let origin = match visitor.origin {
            None => None,
            Some(origin) => Some(origin.to_str().ok()?.split_once("://")?),
        };
        if origin.is_some_and(|(_, page)| !is_same_site(&host, &without_port(page).to_ascii_lowercase())) {
            return None;
        }
        // A page that came over https reaches nothing that does not, so its own scheme tells as well.
        let of_page = || origin.is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("https"));
        let secure = called.is_https.unwrap_or_else(of_page);
        Some(Jar {
            id: brought(request),
            domain: domain(&host, tracker)?,
            secure,
            http_only: tracker.cookie_http_only,
        })
    }

    /// Returns the header that keeps an id; `None` for one that no cookie can hold, and where the browser brings no cookie to
    /// renew: its page keeps the id elsewhere, or nowhere. Where the router owns the id, there is always one.
    pub(super) fn keep(&self, id: &str) -> Option<HeaderValue> {
        if !is_id(id) || (self.id.is_none() && !self.http_only) {
            return None;
        }
        let mut cookie = format!("{NAME}={id}; Path=/; Max-Age={MAX_AGE}; SameSite=Lax");
        if let Some(domain) = &self.domain {
            cookie.push_str("; Domain=");
            cookie.push_str(domain);
        }
        for (is_so, attribute) in [(self.secure, "; Secure"), (self.http_only, "; HttpOnly")] {
            cookie.push_str(if is_so { attribute } else { "" });
        }
        HeaderValue::try_from(cookie).ok()
    }
}

fn brought(request: &HttpRequest) -> Option<String> {
    let lines = request.headers().get_all(COOKIE).filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, id)| *name == NAME && is_id(id)).map(|(_, id)| id.to_owned())
}

/// Fewer characters than RFC 6265 allows, and all that ids are made of.
fn is_id(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(is_plain)
}

/// `Some(None)`: the host alone. A configured domain that the host is not in would be refused by every browser.
fn domain(host: &str, tracker: &Tracker) -> Option<Option<String>> {
    match &tracker.cookie_domain {
        Some(domain) => is_within(host, domain).then(|| Some(domain.clone())),
        None => Some(registrable(host).map(str::to_owned)),
    }
}

fn is_within(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn is_same_site(one: &str, other: &str) -> bool {
    one == other || registrable(one).is_some_and(|site| Some(site) == registrable(other))
}

/// An address has no domain, nor has a name without a dot.
fn registrable(host: &str) -> Option<&str> {
    let is_address = host.starts_with('[') || host.parse::<std::net::IpAddr>().is_ok();
    if is_address { None } else { psl::domain_str(host) }
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn tracker() -> Tracker {
        Tracker {
            script_path: String::new(),
            collect_path: String::new(),
            cookie_domain: None,
            cookie_http_only: false,
            exclude_automatic: false,
            storage: Default::default(),
        }
    }

    fn kept(headers: &[(&'static str, &'static str)], by_proxy: bool, tracker: &Tracker) -> Option<String> {
        let mut request = TestRequest::default().insert_header(("cookie", "ot_aid=a-1"));
        for header in headers {
            request = request.insert_header(*header);
        }
        let request = request.to_http_request();
        let jar = Jar::of(&request, &Visitor::of(&request, &[]), by_proxy, tracker)?;
        Some(jar.keep("a-1").unwrap().to_str().unwrap().to_owned())
    }

    const BASE: &str = "ot_aid=a-1; Path=/; Max-Age=34128000; SameSite=Lax";

    #[test]
    fn the_domain_is_the_registrable_one_of_the_host() {
        for (host, domain) in [
            ("t.shop.example", "; Domain=shop.example"),
            ("T.Shop.Example:8443", "; Domain=shop.example"),
            ("t.shop.co.uk", "; Domain=shop.co.uk"),
            ("me.github.io", "; Domain=me.github.io"),
            ("localhost:3000", ""),
            ("127.0.0.1:3000", ""),
            ("[::1]:3000", ""),
            ("co.uk", ""),
        ] {
            assert_eq!(kept(&[("host", host)], false, &tracker()), Some(format!("{BASE}{domain}")), "{host}");
        }
    }

    #[test]
    fn only_pages_of_the_same_site_get_a_cookie() {
        let cookie = |host, origin| kept(&[("host", host), ("origin", origin)], false, &tracker());
        let secure = Some(format!("{BASE}; Domain=shop.example; Secure"));
        assert_eq!(cookie("t.shop.example", "https://www.shop.example"), secure);
        assert_eq!(cookie("t.shop.example", "https://other.example"), None);
        assert_eq!(cookie("t.shop.example", "null"), None);
        assert_eq!(cookie("me.github.io", "https://you.github.io"), None);
        assert_eq!(cookie("127.0.0.1:3000", "http://127.0.0.1:8080"), Some(BASE.to_owned()));
        assert_eq!(cookie("127.0.0.1", "http://127.0.0.2"), None);
        let linked = [("host", "t.shop.example"), ("sec-fetch-site", "cross-site")];
        assert_eq!(kept(&linked, false, &tracker()), None);
        assert!(
            kept(&[("host", "t.shop.example"), ("sec-fetch-site", "same-site")], false, &tracker()).is_some()
        );
    }

    #[test]
    fn a_configured_domain_wins_where_the_host_is_in_it() {
        let of = |domain: &str| Tracker { cookie_domain: Some(domain.to_owned()), ..tracker() };
        let host = [("host", "t.eu.shop.example")];
        assert_eq!(
            kept(&host, false, &of("eu.shop.example")),
            Some(format!("{BASE}; Domain=eu.shop.example"))
        );
        assert_eq!(kept(&host, false, &of("op.example")), None);
        assert_eq!(kept(&host, false, &of("other.example")), None);
    }

    #[test]
    fn host_and_scheme_of_a_proxy_count_when_it_is_trusted() {
        let headers =
            [("host", "10.0.0.5"), ("x-forwarded-host", "t.shop.example, x"), ("x-forwarded-proto", "https")];
        assert_eq!(kept(&headers, true, &tracker()), Some(format!("{BASE}; Domain=shop.example; Secure")));
        assert_eq!(kept(&headers, false, &tracker()), Some(BASE.to_owned()));
    }

    #[test]
    fn an_id_is_read_from_the_cookies_and_nothing_else_gets_into_one() {
        let id = |line: &'static str| {
            let request = TestRequest::default().insert_header(("cookie", line)).to_http_request();
            brought(&request)
        };
        assert_eq!(id("a=b; ot_aid=x-1; c=d").as_deref(), Some("x-1"));
        assert_eq!(id("ot_aid=; xot_aid=1"), None);
        assert_eq!(id("ot_aid=\"x\""), None);
        let mine = Jar { id: None, domain: None, secure: false, http_only: false };
        assert_eq!(mine.keep("a"), None, "there is nothing to renew");
        let jar = Jar { http_only: true, ..mine };
        assert!(jar.keep("a").unwrap().to_str().unwrap().ends_with("; HttpOnly"));
        for bad in ["", "a b", "a;Domain=x", "a\r\nb", "\u{fc}", &"x".repeat(129)] {
            assert_eq!(jar.keep(bad), None, "{bad:?}");
        }
    }
}
