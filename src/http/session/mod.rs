//! `/api/session`: logging in to the console with the password or with a token, and out again.
//!
//! The browser keeps a cookie that no script reads. What a page changes with it must bring the session's word in a header,
//! which a page of another origin cannot know, and must come from a page of this origin. Nothing of a password or a token is
//! repeated in an answer or written anywhere.

mod attempts;
mod ended;
mod pass;
mod same_page;
mod verify;

use actix_web::http::header::{CACHE_CONTROL, COOKIE, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::telemetry::clock;

use super::access::{self, ADMIN, SCOPES};
use super::answer::{self, Refusal};
use super::sites::Sites;
use super::state::State;
use super::terms::Terms;
use super::token::Grant;
use super::visitor::{Called, is_trusted};
pub(super) use attempts::Attempts;
pub(super) use ended::Ended;
#[cfg(test)]
use pass::Key;
use pass::{Keys, Pass};
pub(super) use verify::Verifier;

/// The path.
pub(super) const PATH: &str = "/api/session";
const COOKIE_NAME: &str = "opentrack_session";
/// Over https. A browser takes it from this host alone, so that no neighbour of it can plant one (RFC 6265bis, 4.1.3.2).
const SECURE_NAME: &str = "__Host-opentrack_session";
/// Holds the session's word.
const CSRF: HeaderName = HeaderName::from_static("x-opentrack-csrf");
/// Most bytes of a login: tokens are below a thousand.
const MOST_BYTES: usize = 16 << 10;

/// What a page needs to know of its rights.
#[derive(Serialize)]
struct Shown {
    authenticated: bool,
    scopes: Vec<&'static str>,
    /// `null`: all.
    sites: Sites,
    /// Nobody is asked to log in.
    open: bool,
    /// There is a password to log in with.
    password: bool,
    /// What a change must bring in `X-OpenTrack-CSRF`.
    csrf: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    password: Option<SecretString>,
    token: Option<SecretString>,
}

/// Puts the path into the application.
pub(super) fn register(config: &mut web::ServiceConfig) {
    config.service(
        web::resource(PATH)
            .route(web::get().to(show))
            .route(web::head().to(show))
            .route(web::post().to(log_in))
            .route(web::delete().to(log_out))
            .default_service(web::to(other_method)),
    );
}

/// `GET /api/session`: who am I? Renews the cookie.
async fn show(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let desk = Desk::of(&state);
    let shown = desk.expect_enabled().map(|()| {
        let now = clock::now().as_second();
        let held = desk.held(&request, now);
        let renewed = held.as_ref().and_then(|held| held.pass.renewed(now));
        let secure = held.as_ref().map_or_else(|| desk.is_secure(&request), |held| held.is_by_secure);
        let cookie = renewed.and_then(|pass| desk.cookie(&pass, secure, now));
        said(&desk.shown(&request, held.as_ref().map(|held| &held.pass)), cookie)
    });
    shown.unwrap_or_else(|refusal| answer::refuse(&refusal))
}

/// `POST /api/session`: log in.
async fn log_in(request: HttpRequest, payload: web::Payload, state: web::Data<State>) -> HttpResponse {
    let desk = Desk::of(&state);
    match desk.log_in(&request, payload).await {
        Ok(response) => response,
        Err(refusal) => answer::refuse(&refusal),
    }
}

/// `DELETE /api/session`: log out.
async fn log_out(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let desk = Desk::of(&state);
    let out = desk.expect_enabled().and_then(|()| {
        let now = clock::now().as_second();
        let mut secure = desk.is_secure(&request);
        if let Some(held) = desk.held(&request, now) {
            secure = held.is_by_secure;
            desk.expect_own(&request, &held.pass)?;
            // A pass that was renewed since ends later than this one.
            desk.state.shared.ended.add(&held.pass.sid, now + pass::LIFE, now);
        }
        Ok(said(&desk.shown(&request, None), Some(cookie_text("", 0, secure))))
    });
    out.unwrap_or_else(|refusal| answer::refuse(&refusal))
}

/// Any other method.
async fn other_method() -> HttpResponse {
    answer::refuse(&Refusal::MethodNotAllowed("GET, HEAD, POST, DELETE"))
}

/// Returns what the request's cookie grants; nothing without a valid one.
///
/// # Errors
/// `forbidden` for a change that may not be the page's own.
pub(super) fn grant(request: &HttpRequest) -> Result<Option<Grant>, Refusal> {
    let Some(state) = request.app_data::<web::Data<State>>() else { return Ok(None) };
    let desk = Desk::of(state);
    let Some(held) = desk.held(request, clock::now().as_second()) else { return Ok(None) };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        desk.expect_own(request, &held.pass)?;
    }
    Ok(Some(held.pass.grant()))
}

/// Returns the id of the session that the request's cookie belongs to; nothing without a valid one.
pub(super) fn id(request: &HttpRequest, state: &State) -> Option<String> {
    let desk = Desk::of(state);
    let held = desk.held(request, clock::now().as_second())?;
    Some(held.pass.sid)
}

/// Returns the id of the session that an answer gives a cookie for.
pub(super) fn given(headers: &HeaderMap, state: &State) -> Option<String> {
    let (_, text) = headers.get(SET_COOKIE)?.to_str().ok()?.split(';').next()?.split_once('=')?;
    let desk = Desk::of(state);
    let (pass, _) = desk.keys.read(text, clock::now().as_second())?;
    Some(pass.sid)
}

/// A session for which a stream is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    sid: String,
    /// What the key was that it began with.
    print: String,
}

/// Returns the session whose cookie opens a stream; nothing without a valid one.
///
/// # Errors
/// `forbidden` where the browser says that the page is of another origin: it would take a seat that is not its own.
pub(super) fn standing(request: &HttpRequest) -> Result<Option<Standing>, Refusal> {
    let Some(state) = request.app_data::<web::Data<State>>() else { return Ok(None) };
    let desk = Desk::of(state);
    let Some(held) = desk.held(request, clock::now().as_second()) else { return Ok(None) };
    if !same_page::is_said_to_be_own(request) {
        return Err(NOT_OURS);
    }
    Ok(Some(Standing { print: held.key.print(), sid: held.pass.sid }))
}

impl Standing {
    /// Returns what tells, whenever it is asked, whether the session still stands.
    pub(super) fn watched(self, state: &State) -> Box<dyn Fn() -> bool + Send> {
        let shared = std::sync::Arc::clone(&state.shared);
        Box::new(move || {
            let terms = shared.terms.load();
            let keys = Keys::of(&terms.server, &terms.console.password);
            terms.console.enabled && self.stands(&keys, &shared.ended)
        })
    }

    fn stands(&self, keys: &Keys, ended: &Ended) -> bool {
        keys.have(&self.print) && !ended.holds(&self.sid)
    }
}

/// What a request about sessions is judged by.
struct Desk<'s> {
    state: &'s State,
    terms: std::sync::Arc<Terms>,
    keys: Keys,
}

/// A pass that a browser brings, and that is valid.
struct Held<'d> {
    pass: Pass,
    /// It came in the cookie for https.
    is_by_secure: bool,
    /// What it was signed with.
    key: &'d pass::Key,
}

impl<'s> Desk<'s> {
    fn of(state: &'s State) -> Desk<'s> {
        let terms = state.shared.terms();
        let keys = Keys::of(&terms.server, &terms.console.password);
        Desk { state, terms, keys }
    }

    fn expect_enabled(&self) -> Result<(), Refusal> {
        if self.terms.console.enabled { Ok(()) } else { Err(Refusal::NotFound) }
    }

    /// Returns the pass that the browser brings, when it is valid and its session is not over. Where https is known to be spoken
    /// no other cookie than the one for that is looked at.
    fn held(&self, request: &HttpRequest, now: i64) -> Option<Held<'_>> {
        let lines = request.headers().get_all(COOKIE).filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let is_secure = self.is_secure(request);
        let own = pairs.filter(|(name, _)| *name == SECURE_NAME || (!is_secure && *name == COOKIE_NAME));
        let own = own.filter(|_| self.terms.console.enabled);
        let mut read = own.filter_map(|(name, text)| {
            let (pass, key) = self.keys.read(text, now)?;
            Some(Held { pass, is_by_secure: name == SECURE_NAME, key })
        });
        read.find(|held| !self.state.shared.ended.holds(&held.pass.sid))
    }

    /// Lets a change pass that is the page's own.
    fn expect_own(&self, request: &HttpRequest, pass: &Pass) -> Result<(), Refusal> {
        let word = request.headers().get(CSRF).and_then(|word| word.to_str().ok()).unwrap_or_default();
        if !self.keys.know_word(pass, word) {
            return Err(Refusal::Forbidden(
                "a change needs the session's word in the header `X-OpenTrack-CSRF`",
            ));
        }
        if same_page::is_own(request, self.called(request), same_page::Silence::IsForeign) {
            return Ok(());
        }
        Err(NOT_OURS)
    }

    fn called<'r>(&self, request: &'r HttpRequest) -> Called<'r> {
        Called::of(request, is_trusted(request, &self.terms.server.trusted_proxies))
    }

    async fn log_in(&self, request: &HttpRequest, payload: web::Payload) -> Result<HttpResponse, Refusal> {
        let read = tokio::time::timeout(self.terms.server.body_timeout, payload.to_bytes_limited(MOST_BYTES));
        let body = read.await.ok().and_then(Result::ok).and_then(Result::ok);
        self.expect_enabled()?;
        if !same_page::is_own(request, self.called(request), same_page::Silence::IsOwn) {
            return Err(NOT_OURS);
        }
        let login = body.and_then(|body| serde_json::from_slice::<Login>(&body).ok());
        let now = clock::now().as_second();
        let (grant, end) = self.believe(request, login.ok_or_else(bad_login)?).await?;
        let pass = Pass::new(uuid::Uuid::new_v4().to_string(), &grant, end, now);
        Ok(said(&self.shown(request, Some(&pass)), self.cookie(&pass, self.is_secure(request), now)))
    }

    /// Returns what a login grants, and when that ends for good.
    async fn believe(&self, request: &HttpRequest, login: Login) -> Result<(Grant, Option<i64>), Refusal> {
        let server = &self.terms.server;
        match login {
            Login { password: Some(password), token: None } => {
                let wanted = &self.terms.console.password;
                if wanted.expose_secret().is_empty() {
                    return Err(Refusal::Unauthorized("no password is set; log in with a token"));
                }
                let attempt = self.state.shared.attempts.take(request, &self.terms.server.trusted_proxies)?;
                if !self.state.shared.verifier.fits(password, wanted, &server.jwt_secret).await? {
                    return Err(Refusal::Unauthorized("the password is wrong"));
                }
                attempt.forget();
                let scopes = vec![ADMIN.to_owned()];
                Ok((Grant { scopes, sites: Sites::All, issued: None, expires: 0.0 }, None))
            }
            Login { password: None, token: Some(token) } => {
                let grant = access::believe(token.expose_secret().trim(), server)?;
                #[expect(clippy::cast_possible_truncation, reason = "seconds; what is out of range is cut")]
                let end = grant.expires.floor() as i64;
                Ok((grant, Some(end)))
            }
            _ => Err(bad_login()),
        }
    }

    fn shown(&self, request: &HttpRequest, pass: Option<&Pass>) -> Shown {
        let server = &self.terms.server;
        let open = access::is_open(request, server);
        // A token in the header says who asks as well as a cookie does.
        let by_header = || access::bearer(request).and_then(|token| access::believe(token, server).ok());
        let grant = pass.map(Pass::grant).or_else(by_header);
        let may = |scope: &&'static str| open || grant.as_ref().is_some_and(|grant| grant.allows(scope));
        let sites = grant.as_ref().filter(|_| !open).map_or(Sites::All, |grant| grant.sites.clone());
        Shown {
            authenticated: open || grant.is_some(),
            scopes: SCOPES.into_iter().filter(|scope| may(scope)).collect(),
            sites,
            open,
            password: !self.terms.console.password.expose_secret().is_empty(),
            csrf: pass.and_then(|pass| Some(self.keys.newest()?.word(pass))),
        }
    }

    /// Nothing where there is no key, which no router starts without.
    fn cookie(&self, pass: &Pass, secure: bool, now: i64) -> Option<String> {
        Some(cookie_text(&self.keys.newest()?.sign(pass), pass.expires() - now, secure))
    }

    /// Returns whether the browser speaks https, as far as that is known.
    fn is_secure(&self, request: &HttpRequest) -> bool {
        let of_page = || same_page::is_https(request);
        self.terms.server.production || self.called(request).is_https.unwrap_or_else(of_page)
    }
}

fn cookie_text(value: &str, seconds: i64, secure: bool) -> String {
    let (name, secure) = if secure { (SECURE_NAME, "; Secure") } else { (COOKIE_NAME, "") };
    format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

const NOT_OURS: Refusal = Refusal::Forbidden(
    "the request does not come from a page of this router; behind a proxy, `server.trusted_proxies` must name it",
);

fn bad_login() -> Refusal {
    Refusal::bad_parameter("", "the body must be {\"password\": \"…\"} or {\"token\": \"…\"}")
}

fn said(shown: &Shown, cookie: Option<String>) -> HttpResponse {
    let mut response = answer::json(StatusCode::OK, shown);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(Ok(cookie)) = cookie.map(HeaderValue::try_from) {
        headers.insert(SET_COOKIE, cookie);
    }
    response
}

/// Returns the value of a cookie that was given at a time, in seconds since 1970, for the password.
#[cfg(test)]
pub(super) fn cookie_of(secret: &SecretString, password: &str, now: i64) -> String {
    let grant = Grant { scopes: vec![ADMIN.to_owned()], sites: Sites::All, issued: None, expires: 0.0 };
    let pass = Pass::new("s".to_owned(), &grant, None, now);
    Key::of(secret, &password.to_owned().into()).sign(&pass)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_stands_until_it_is_logged_out_of_or_the_password_changes() {
        let key = |password: &str| Key::of(&"secret".to_owned().into(), &password.to_owned().into());
        let keys = |password: &str| Keys::new(vec![key("another"), key(password)]);
        let (ended, standing) =
            (Ended::default(), Standing { sid: "s1".to_owned(), print: key("one").print() });
        ended.add("s2", 1 << 40, 0);
        assert!(standing.stands(&keys("one"), &ended));
        assert!(!standing.stands(&keys("two"), &ended));
        ended.add("s1", 1 << 40, 0);
        assert!(!standing.stands(&keys("one"), &ended));
    }
}
