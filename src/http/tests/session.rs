//! Logging in to the console, what the cookie is good for, and out again.

use std::sync::Arc;

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{Answer, Plan, TestDoor, settings};
use crate::http::sites::Sites;
use crate::http::token::{self, Order};
use crate::http::{access, session};
use crate::telemetry::clock;

const PASSWORD: &str = "correct horse battery staple";
const PATH: &str = "/api/session";

fn door(change: impl FnOnce(&mut Plan)) -> TestDoor {
    let mut plan = Plan::new();
    plan.settings.server.production = true;
    plan.settings.console.password = PASSWORD.to_owned().into();
    change(&mut plan);
    plan.open()
}

fn bearer(scope: &str, sites: &[&str], seconds: i64) -> String {
    let sites = Sites::named(&sites.iter().map(|site| (*site).to_owned()).collect::<Vec<_>>());
    let now = clock::now().as_second();
    let order = Order { scope, sites: &sites, issued: now, expires: now + seconds };
    token::mint_as(&settings().server.jwt_secret, &order)
}

async fn log_in(door: &TestDoor, body: &Value) -> Answer {
    door.post(PATH, body.to_string()).await
}

/// Returns the pair of a cookie that was set.
fn pair(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

/// A session in a browser.
struct Page<'d> {
    door: &'d TestDoor,
    cookie: String,
    csrf: String,
}

impl<'d> Page<'d> {
    async fn open(door: &'d TestDoor, body: &Value) -> Page<'d> {
        let answer = log_in(door, body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let csrf = answer.json()["csrf"].as_str().unwrap().to_owned();
        Page { door, cookie: pair(&answer), csrf }
    }

    async fn get(&self, path: &str) -> Answer {
        let request = self.door.client.get(self.door.url(path)).header("cookie", &self.cookie);
        self.door.send(request).await
    }

    async fn change(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.door.client.request(method, self.door.url(path)).header("cookie", &self.cookie);
        self.door
            .send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)))
            .await
    }

    fn own(&self) -> [(&str, &str); 2] {
        [("x-opentrack-csrf", &self.csrf), ("sec-fetch-site", "same-origin")]
    }
}

#[actix::test]
async fn the_password_opens_everything_and_logging_out_closes_it() {
    let door = door(|_| {});
    let answer = log_in(&door, &json!({ "password": PASSWORD })).await;
    let shown = answer.json();
    let scopes = json!(["read:ops", "read:stats", "read:stream", "admin"]);
    assert_eq!(
        (&shown["authenticated"], &shown["scopes"], &shown["sites"]),
        (&json!(true), &scopes, &json!(null))
    );
    assert_eq!((&shown["open"], &shown["password"]), (&json!(false), &json!(true)));
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.starts_with("__Host-opentrack_session=ey")
            && cookie.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure"),
        "{cookie}"
    );
    assert_eq!(answer.header("cache-control"), "no-store");

    let page = Page { door: &door, cookie: pair(&answer), csrf: shown["csrf"].as_str().unwrap().to_owned() };
    assert_eq!(page.get("/api/destinations").await.status, 200);
    assert_eq!(page.get(PATH).await.json(), shown, "its word stays");
    assert_eq!(page.get(PATH).await.header("set-cookie"), "", "it is still fresh");
    let out = page.change("DELETE", PATH, &page.own()).await;
    assert_eq!(
        (out.status, &out.json()["authenticated"], &out.json()["csrf"]),
        (200, &json!(false), &json!(null))
    );
    assert!(out.header("set-cookie").starts_with("__Host-opentrack_session=; Path=/; Max-Age=0;"), "{out:?}");
    assert_eq!(
        page.get("/api/destinations").await.error(401),
        "unauthorized",
        "a copied cookie is worth nothing"
    );
    assert_eq!(page.change("DELETE", PATH, &[]).await.status, 200, "there is nothing left to end");
}

#[actix::test]
async fn a_change_with_the_cookie_needs_its_word_and_a_page_of_this_router() {
    let door = door(|_| {});
    let page = Page::open(&door, &json!({ "password": PASSWORD })).await;
    let other = Page::open(&door, &json!({ "password": PASSWORD })).await;
    let (retry, host) = ("/api/dead-letters/retry", format!("http://{}", door.address));
    let word = ("x-opentrack-csrf", page.csrf.as_str());
    let same = ("sec-fetch-site", "same-origin");
    for refused in [
        &[][..],
        &[same],
        &[word],
        &[word, ("sec-fetch-site", "same-site"), ("origin", &host)],
        &[word, ("sec-fetch-site", "cross-site")],
        &[word, ("origin", "https://evil.example")],
        &[("x-opentrack-csrf", other.csrf.as_str()), same],
        &[("x-opentrack-csrf", ""), same],
    ] {
        assert_eq!(page.change("POST", retry, refused).await.error(403), "forbidden", "{refused:?}");
        assert_eq!(page.change("DELETE", PATH, refused).await.error(403), "forbidden", "{refused:?}");
    }
    assert_eq!(door.seen(|seen| seen.settled.len()), 0);
    assert_eq!(page.change("POST", retry, &[word, same]).await.status, 200);
    assert_eq!(page.change("POST", retry, &[word, ("origin", &host)]).await.status, 200);
    assert_eq!(door.seen(|seen| seen.settled.len()), 2);
}

#[actix::test]
async fn a_token_opens_what_it_grants_and_no_longer_than_it_lives() {
    let door = door(|_| {});
    let token = bearer("read:stats read:ops", &["web"], 600);
    let answer = log_in(&door, &json!({ "token": token })).await;
    let shown = answer.json();
    assert_eq!((&shown["scopes"], &shown["sites"]), (&json!(["read:ops", "read:stats"]), &json!(["web"])));
    let seconds = answer.header("set-cookie").split_once("Max-Age=").unwrap().1;
    let seconds: i64 = seconds.split_once(';').unwrap().0.parse().unwrap();
    assert!((500..=600).contains(&seconds), "{seconds}");
    let page = Page::open(&door, &json!({ "token": token })).await;
    assert_eq!(page.get("/api/destinations").await.status, 200);
    let change = page.change("POST", "/api/dead-letters/retry", &page.own()).await;
    assert_eq!(change.error(403), "forbidden");
    for bad in [bearer("admin", &[], -5), "x".to_owned(), String::new()] {
        assert_eq!(log_in(&door, &json!({ "token": bad })).await.error(401), "unauthorized");
    }
    let cookie = page.cookie.split_once('=').unwrap().1;
    let request = door.client.get(door.url("/api/destinations")).bearer_auth(cookie);
    assert_eq!(door.send(request).await.error(401), "unauthorized", "a cookie is no bearer token");
}

#[actix::test]
async fn a_wrong_login_says_what_is_wrong_and_repeats_nothing() {
    let door = door(|_| {});
    for (body, status, code) in [
        (json!({ "password": "hunter2hunter2" }), 401, "unauthorized"),
        (json!({ "password": "" }), 401, "unauthorized"),
        (json!({ "password": "hunter2", "token": "hunter2" }), 400, "bad_parameter"),
        (json!({ "passwort": "hunter2" }), 400, "bad_parameter"),
        (json!({ "password": ["hunter2"] }), 400, "bad_parameter"),
        (json!({}), 400, "bad_parameter"),
        (json!({ "password": "hunter2".repeat(4096) }), 400, "bad_parameter"),
    ] {
        let answer = log_in(&door, &body).await;
        assert_eq!(answer.error(status), code, "{body}");
        assert!(!answer.body.contains("hunter2") && answer.header("set-cookie").is_empty(), "{answer:?}");
    }
    let foreign = [("origin", "https://evil.example")];
    let answer = door.post_with(PATH, json!({ "password": PASSWORD }).to_string(), &foreign).await;
    assert_eq!(answer.error(403), "forbidden");
    let put = door.send(door.client.put(door.url(PATH))).await;
    assert_eq!(
        (put.error(405).as_str(), put.header("allow")),
        ("method_not_allowed", "GET, HEAD, POST, DELETE")
    );
}

/// The hash of "password", with the lowest costs of the reference implementation's vectors.
const HASH: &str = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

#[actix::test]
async fn a_password_of_which_the_router_has_the_hash_alone_opens_and_the_hash_does_not() {
    let door = door(|plan| plan.settings.console.password = HASH.to_owned().into());
    assert_eq!(door.get(PATH).await.json()["password"], true);
    for wrong in [HASH, "passwort", ""] {
        let answer = log_in(&door, &json!({ "password": wrong })).await;
        assert_eq!(answer.error(401), "unauthorized", "{wrong}");
        assert!(!answer.body.contains("argon2"), "{answer:?}");
    }
    let page = Page::open(&door, &json!({ "password": "password" })).await;
    assert_eq!(page.get("/api/destinations").await.status, 200);
    for _ in 3..10 {
        log_in(&door, &json!({ "password": "wrong" })).await;
    }
    let refused = log_in(&door, &json!({ "password": "password" })).await;
    assert_eq!(refused.error(429), "rate_limited", "as with a plain one");
}

#[actix::test]
async fn without_a_password_only_a_token_logs_in() {
    let door = door(|plan| plan.settings.console.password = String::new().into());
    assert_eq!(door.get(PATH).await.json()["password"], false);
    let answer = log_in(&door, &json!({ "password": "" })).await;
    assert_eq!(answer.error(401), "unauthorized");
    assert!(answer.body.contains("log in with a token"), "{answer:?}");
    assert_eq!(log_in(&door, &json!({ "token": bearer("admin", &[], 60) })).await.status, 200);
}

#[actix::test]
async fn an_address_with_too_many_wrong_passwords_has_to_wait() {
    let door = door(|_| {});
    for _ in 0..15 {
        assert_eq!(log_in(&door, &json!({ "password": PASSWORD })).await.status, 200, "a right one is free");
        assert_eq!(log_in(&door, &json!({ "token": "x" })).await.error(401), "unauthorized");
        assert_eq!(log_in(&door, &json!({})).await.error(400), "bad_parameter");
    }
    for _ in 0..10 {
        assert_eq!(log_in(&door, &json!({ "password": "wrong" })).await.error(401), "unauthorized");
    }
    let refused = log_in(&door, &json!({ "password": PASSWORD })).await;
    assert_eq!(refused.error(429), "rate_limited", "what it guesses now is not told");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=6).contains(&wait), "{refused:?}");
    let token = bearer("read:ops", &[], 60);
    assert_eq!(log_in(&door, &json!({ "token": token })).await.status, 200, "tokens cannot be guessed");
    let request = door.client.get(door.url("/api/destinations")).bearer_auth(token);
    assert_eq!(door.send(request).await.status, 200, "who has a token is not concerned");
}

#[actix::test]
async fn a_cookie_over_https_has_a_name_that_no_other_host_can_set() {
    let door = door(|_| {});
    let page = Page::open(&door, &json!({ "password": PASSWORD })).await;
    assert_eq!(page.get("/api/destinations").await.status, 200);
    let cookie = page.cookie.strip_prefix("__Host-").unwrap().to_owned();
    let planted = Page { door: &door, cookie, csrf: String::new() };
    assert_eq!(planted.get("/api/destinations").await.error(401), "unauthorized");
}

#[actix::test]
async fn a_cookie_of_a_page_over_https_is_renewed_as_one() {
    let door = door(|plan| plan.settings.server.production = false);
    let cookie =
        session::cookie_of(&settings().server.jwt_secret, PASSWORD, clock::now().as_second() - 3_600);
    for (name, end) in
        [("__Host-opentrack_session", "SameSite=Strict; Secure"), ("opentrack_session", "SameSite=Strict")]
    {
        let request = door.client.get(door.url(PATH)).header("host", "track.example");
        let answer = door.send(request.header("cookie", format!("{name}={cookie}"))).await;
        let renewed = answer.header("set-cookie");
        assert!(renewed.starts_with(&format!("{name}=ey")) && renewed.ends_with(end), "{answer:?}");
    }
}

#[actix::test]
async fn a_stream_by_cookie_is_for_a_page_of_this_router() {
    let door = door(|_| {});
    let page = Page::open(&door, &json!({ "password": PASSWORD })).await;
    let open = |site: Option<&'static str>| {
        let request = door.client.get(door.url("/api/live")).header("cookie", &page.cookie);
        let request = site.into_iter().fold(request, |request, site| request.header("sec-fetch-site", site));
        // The head alone: a stream does not end.
        async move { request.send().await.unwrap().status().as_u16() }
    };
    for foreign in ["same-site", "cross-site", "none"] {
        assert_eq!(open(Some(foreign)).await, 403, "{foreign}");
    }
    assert_eq!((open(Some("same-origin")).await, open(None).await), (200, 200));
}

#[actix::test]
async fn a_console_that_is_off_takes_no_cookie() {
    let on = door(|_| {});
    let page = Page::open(&on, &json!({ "password": PASSWORD })).await;
    let off = door(|plan| plan.settings.console.enabled = false);
    assert_eq!(off.get(PATH).await.error(404), "not_found");
    assert_eq!(log_in(&off, &json!({ "password": PASSWORD })).await.error(404), "not_found");
    let there = Page { door: &off, ..page };
    assert_eq!(there.change("DELETE", PATH, &[]).await.error(404), "not_found");
    assert_eq!(there.get("/api/destinations").await.error(401), "unauthorized");
}

#[actix::test]
async fn on_this_machine_development_asks_nobody() {
    let open = door(|plan| plan.settings.server.production = false);
    let shown = open.get(PATH).await.json();
    assert_eq!(
        (&shown["open"], &shown["authenticated"], &shown["scopes"][3]),
        (&json!(true), &json!(true), &json!("admin"))
    );
    let answer = log_in(&open, &json!({ "password": PASSWORD })).await;
    assert!(answer.header("set-cookie").ends_with("SameSite=Strict"), "http alone: {answer:?}");
    let stranger = [("host", "track.example"), ("origin", "https://track.example")];
    let answer = open.post_with(PATH, json!({ "password": PASSWORD }).to_string(), &stranger).await;
    assert_eq!((answer.status, &answer.json()["open"]), (200, &json!(false)));
    assert!(answer.header("set-cookie").ends_with("; Secure"), "{answer:?}");
}

/// Tokens and sessions of the key before are good until it is withdrawn, and new ones are of the new key alone.
#[actix::test]
async fn the_key_of_tokens_is_exchanged_while_what_it_has_signed_goes_on() {
    let door = door(|_| {});
    let (old_token, old) = (bearer("admin", &[], 60), settings().server.jwt_secret);
    let page = Page::open(&door, &json!({ "password": PASSWORD })).await;
    let status = async |token: &str| {
        let request = door.client.get(door.url("/api/destinations")).bearer_auth(token);
        door.send(request).await.status
    };
    let terms = |jwt: &str, old: &str| {
        let mut settings = settings();
        (settings.server.production, settings.console.password) = (true, PASSWORD.to_owned().into());
        settings.server.jwt_secret = jwt.to_owned().into();
        settings.server.jwt_secret_old = old.to_owned().into();
        door.terms.change(&settings);
    };
    let new = "the-key-that-comes-after-the-first-one";
    let sites = Sites::All;
    let now = clock::now().as_second();
    let order = Order { scope: "admin", sites: &sites, issued: now, expires: now + 60 };
    let new_token = token::mint_as(&new.to_owned().into(), &order);
    assert_eq!((status(&old_token).await, status(&new_token).await), (200, 401));
    let stream = access::token_stands(Arc::clone(&door.terms.0), old_token.clone().into());

    terms(new, old.expose_secret());
    assert_eq!((status(&old_token).await, status(&new_token).await), (200, 200));
    assert!(stream());
    assert_eq!(page.get("/api/destinations").await.status, 200);
    let later = Page::open(&door, &json!({ "password": PASSWORD })).await;
    let shown = page.get(PATH).await.json();
    assert_ne!(shown["csrf"], page.csrf.as_str(), "of the new key");
    let csrf = shown["csrf"].as_str().unwrap().to_owned();
    let crossed = Page { door: &door, cookie: page.cookie.clone(), csrf };

    terms(new, "");
    assert_eq!((status(&old_token).await, status(&new_token).await), (401, 200));
    assert!(!stream(), "what it has opened ends, too");
    assert_eq!(page.get("/api/destinations").await.error(401), "unauthorized");
    assert_eq!(later.get("/api/destinations").await.status, 200, "it began with the new key");
    let empty = token::mint_as(&String::new().into(), &order);
    assert_eq!(status(&empty).await, 401, "no key is no key");
    terms(old.expose_secret(), new);
    assert_eq!(page.get("/api/destinations").await.status, 200, "nobody has logged out");
    assert_eq!(crossed.change("DELETE", PATH, &crossed.own()).await.status, 200, "a word of either key");
    assert_eq!(page.get("/api/destinations").await.error(401), "unauthorized");
}
