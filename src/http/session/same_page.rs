//! Whether a request comes from a page of the router itself. Pure.
//!
//! A browser says so in `Sec-Fetch-Site`, which no page can write, where the connection is one that it trusts; and in `Origin`
//! with everything but a plain read.

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderName, ORIGIN};

use crate::http::visitor::Called;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a request means that has neither header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    /// No browser: nobody's page.
    IsOwn,
    /// It is refused.
    IsForeign,
}

/// See the module.
pub(super) fn is_own(request: &HttpRequest, called: Called<'_>, silence: Silence) -> bool {
    let header = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    match (header(FETCH_SITE), header(ORIGIN)) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => {
            let authority = origin.split_once("://").map(|(_, authority)| authority);
            authority.zip(called.host).is_some_and(|(page, host)| page.eq_ignore_ascii_case(host))
        }
        (None, None) => silence == Silence::IsOwn,
    }
}

/// Returns whether the browser does not say that the page is of another origin. One that says nothing is older, or none.
pub(super) fn is_said_to_be_own(request: &HttpRequest) -> bool {
    request.headers().get(FETCH_SITE).is_none_or(|site| site.as_bytes() == b"same-origin")
}

/// Returns whether the page came over https: then it reaches nothing that does not.
pub(super) fn is_https(request: &HttpRequest) -> bool {
    request.headers().get(ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https://"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn own(headers: &[(&'static str, &'static str)]) -> bool {
        let mut request = TestRequest::default().insert_header(("host", "track.example:8443"));
        for header in headers {
            request = request.insert_header(*header);
        }
        let request = request.to_http_request();
        is_own(&request, Called::of(&request, false), Silence::IsForeign)
    }

    #[test]
    fn a_page_of_this_router_is_told_from_every_other() {
        assert!(own(&[("sec-fetch-site", "same-origin"), ("origin", "https://track.example:8443")]));
        assert!(own(&[("origin", "https://Track.example:8443")]));
        for foreign in [
            &[][..],
            &[("origin", "https://track.example")],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[("sec-fetch-site", "same-site"), ("origin", "https://track.example:8443")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "none")],
        ] {
            assert!(!own(foreign), "{foreign:?}");
        }
    }
}
