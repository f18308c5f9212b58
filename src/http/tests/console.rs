//! The console's files on real sockets: who gets them, under which names, and what they may do.

use super::{Answer, Plan, TestDoor};

async fn get(door: &TestDoor, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = door.client.get(door.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    door.send(request).await
}

/// The files that the page names, with their paths.
fn files(page: &Answer) -> Vec<String> {
    let quoted = page.body.split('"').filter(|text| text.starts_with("/console."));
    quoted.map(str::to_owned).collect()
}

#[actix::test]
async fn the_page_names_files_that_are_there_and_may_be_kept_for_ever() {
    let door = Plan::new().open();
    let page = get(&door, "/", &[]).await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.body.contains(&format!("content=\"{}\"", env!("CARGO_PKG_VERSION"))), "{page:?}");
    let files = files(&page);
    let kinds: Vec<_> = files.iter().filter_map(|path| path.rsplit_once('.')).map(|(_, kind)| kind).collect();
    assert_eq!(kinds, ["css", "js"], "{page:?}");
    for path in &files {
        let file = get(&door, path, &[]).await;
        assert_eq!((file.status, file.header("x-content-type-options")), (200, "nosniff"), "{path}");
        assert!(file.header("cache-control").contains("immutable"), "{path}");
        assert_eq!(file.header("content-type").contains("css"), path.ends_with("css"), "{path}");
        let known = get(&door, path, &[("if-none-match", file.header("etag"))]).await;
        assert_eq!((known.status, known.body.as_str()), (304, ""), "{path}");
        let other = path.replacen("/console.", "/console.0", 1);
        assert_eq!(get(&door, &other, &[]).await.status, 404, "a name of other content");
    }
}

#[actix::test]
async fn each_file_goes_in_the_smallest_form_that_the_browser_takes() {
    let door = Plan::new().open();
    let paths = files(&get(&door, "/", &[]).await);
    for path in paths.iter().map(String::as_str).chain(["/"]) {
        // The client of these tests unpacks what it knows, and hides that it did; the tag tells the form.
        for (takes, form) in [("gzip, br", "-br\""), ("gzip", "-gzip\""), ("identity", "\"")] {
            let file = get(&door, path, &[("accept-encoding", takes)]).await;
            let tag = file.header("etag");
            assert!(
                tag.ends_with(form) && tag.matches('-').count() == form.matches('-').count(),
                "{path}: {tag}"
            );
            assert_eq!(file.header("vary"), "accept-encoding", "{path}");
        }
    }
}

#[actix::test]
async fn the_console_may_run_and_load_its_own_files_only_and_stands_in_no_other_page() {
    let door = Plan::new().open();
    let page = get(&door, "/", &[("origin", "https://evil.example")]).await;
    let policy = page.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'self'; ") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(page.header("cache-control"), "no-cache");
    assert_eq!(page.header("access-control-allow-origin"), "", "no page of another origin reads it");
    let body = page.body.replace("<script type=\"module\" src=\"/console.", "");
    assert!(!body.contains("<script") && !body.contains("<style") && !body.contains(" style="), "{body}");
    assert!(!body.contains(" on") || !body.contains("=\"javascript"), "{body}");
}

#[actix::test]
async fn the_page_is_the_same_for_a_stranger_and_holds_nothing_of_the_router() {
    let mut plan = Plan::new();
    plan.settings.server.production = true;
    let (here, there) = (Plan::new().open(), plan.open());
    let stranger = get(&there, "/", &[("host", "router.example")]).await;
    assert_eq!((stranger.status, &stranger.body), (200, &get(&here, "/", &[]).await.body));
}

#[actix::test]
async fn a_console_that_is_switched_off_is_not_there() {
    let there = files(&get(&Plan::new().open(), "/", &[]).await);
    let mut plan = Plan::new();
    plan.settings.console.enabled = false;
    let door = plan.open();
    for path in there.iter().map(String::as_str).chain(["/"]) {
        assert_eq!(get(&door, path, &[]).await.status, 404, "{path}");
    }
}
