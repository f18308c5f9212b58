//! The browser script, as caches and pages see it.

use std::io::Read;

use base64::Engine;
use sha2::{Digest, Sha384};

use super::{Answer, Plan, TestDoor};

const BUILT: &[u8] = include_bytes!("../../../web/tracker/dist/tracker.js");

async fn get(door: &TestDoor, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = door.client.get(door.url(path)).header("accept-encoding", "identity");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    door.send(request).await
}

async fn bytes(door: &TestDoor, path: &str, encoding: &str) -> (String, Vec<u8>) {
    let request = reqwest::Client::builder().no_gzip().no_proxy().build().unwrap().get(door.url(path));
    let response = request.header("accept-encoding", encoding).send().await.unwrap();
    let coding = response.headers().get("content-encoding").map(|value| value.to_str().unwrap().to_owned());
    #[expect(clippy::disallowed_methods, reason = "the router under test is trusted to end its answers")]
    let body = response.bytes().await.unwrap().to_vec();
    (coding.unwrap_or_default(), body)
}

#[actix::test]
async fn the_script_and_its_variants_are_served_for_every_page() {
    let door = Plan::new().with_source("web", "wk", &["https://shop.example"]).open();
    for path in ["/tracker.js", "/tracker.core.js", "/tracker.attr.js", "/tracker.js/"] {
        let answer = get(&door, path, &[("origin", "https://other.example")]).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, "text/javascript; charset=utf-8"),
            "{path}"
        );
        assert_eq!(answer.header("cache-control"), "public, max-age=3600, stale-while-revalidate=86400");
        assert_eq!(
            (answer.header("access-control-allow-origin"), answer.header("vary")),
            ("*", "accept-encoding")
        );
        assert_eq!(answer.header("access-control-allow-credentials"), "");
        assert_eq!(
            (answer.header("cross-origin-resource-policy"), answer.header("timing-allow-origin")),
            ("cross-origin", "*")
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    assert_eq!(get(&door, "/tracker.js", &[]).await.body.as_bytes(), BUILT);
    assert_eq!(
        door.send(door.client.head(door.url("/tracker.js")).header("accept-encoding", "identity"))
            .await
            .header("content-length"),
        BUILT.len().to_string()
    );
    assert_eq!(door.post("/tracker.js", "").await.error(405), "method_not_allowed");
    for path in ["/tracker.css", "/tracker.0123456789abcdef.js", "/tracker.core.core.js", "/trackerx.js"] {
        assert_eq!(get(&door, path, &[]).await.error(404), "not_found", "{path}");
    }
}

#[actix::test]
async fn each_browser_gets_the_smallest_form_that_it_takes() {
    let door = Plan::new().open();
    let (coding, packed) = bytes(&door, "/tracker.js", "gzip, deflate, br").await;
    let mut text = Vec::new();
    brotli::Decompressor::new(&packed[..], 4096).read_to_end(&mut text).unwrap();
    assert_eq!((coding.as_str(), text.as_slice()), ("br", BUILT));
    let (coding, packed) = bytes(&door, "/tracker.js", "br;q=0, GZIP;q=0.5").await;
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut text).unwrap();
    assert_eq!((coding.as_str(), text.as_slice()), ("gzip", BUILT));
    assert_eq!(bytes(&door, "/tracker.js", "zstd").await, (String::new(), BUILT.to_vec()));
}

#[actix::test]
async fn a_script_that_the_browser_has_is_not_sent_again() {
    let door = Plan::new().open();
    let first = get(&door, "/tracker.js", &[]).await;
    let tag = first.header("etag");
    assert!(tag.starts_with('"') && tag.len() == 66, "{tag}");
    let packed = door.send(door.client.head(door.url("/tracker.js")).header("accept-encoding", "br")).await;
    assert_ne!(packed.header("etag"), tag, "another form is another thing");
    for known in [tag, packed.header("etag"), &format!("\"x\", W/{tag}"), "*"] {
        let again = get(&door, "/tracker.js", &[("if-none-match", known)]).await;
        assert_eq!((again.status, again.body.as_str(), again.header("etag")), (304, "", tag), "{known}");
        assert_eq!(
            (again.header("vary"), again.header("cache-control").is_empty()),
            ("accept-encoding", false)
        );
    }
    assert_eq!(get(&door, "/tracker.js", &[("if-none-match", "\"other\"")]).await.status, 200);
    let core = get(&door, "/tracker.core.js", &[("if-none-match", tag)]).await;
    assert_eq!(core.status, 200, "that is another script");
}

#[actix::test]
async fn the_list_says_names_that_never_change_and_what_integrity_needs() {
    let mut plan = Plan::new();
    plan.settings.tracker.script_path = "/js/t.js".to_owned();
    let door = plan.open();
    let list = get(&door, "/js/t.json", &[]).await.json();
    let paths: Vec<&str> =
        list["scripts"].as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["/js/t.js", "/js/t.core.js", "/js/t.attr.js"]);
    let integrity =
        format!("sha384-{}", base64::engine::general_purpose::STANDARD.encode(Sha384::digest(BUILT)));
    assert_eq!(list["scripts"][0]["integrity"], integrity.as_str());
    assert_eq!(list["scripts"][0]["bytes"]["raw"], BUILT.len());
    for script in list["scripts"].as_array().unwrap() {
        for path in [&script["path"], &script["immutable"]] {
            assert_eq!(get(&door, path.as_str().unwrap(), &[]).await.status, 200, "{path}");
        }
        let kept = get(&door, script["immutable"].as_str().unwrap(), &[]).await;
        assert_eq!(kept.header("cache-control"), "public, max-age=31536000, immutable");
    }
    let usual = get(&door, "/tracker.json", &[]).await;
    assert_eq!((usual.status, usual.json()), (200, list), "the usual names go on working");
    assert_eq!(get(&door, "/js/t.css", &[]).await.error(404), "not_found");
}
