//! The document of the API beside the router: a validator reads it, and a tester makes requests from it, good and bad ones, and
//! looks at each answer. It chooses the same ones each time, so that a failure comes again.

use std::path::Path;
use std::process::Output;

use serde_json::json;

use crate::support::{Config, Receiver, Router, python_library, tool, track};

/// The tester's requests for each operation, in each of its phases.
const EXAMPLES: &str = "4";
/// A stream does not end, and a path that is another word for one that is asked is not asked again.
const LEFT_OUT: &str = "^/(api/live|presence/stream|pixel/.*|v1/pixel/.*|v1/[a-z]|v1/import)$";

/// Runs a module of the tester's packages in the router's folder, and returns what it said.
fn python(home: &Path, router: &Router, arguments: &[&str]) -> String {
    let mut python = tool("python3");
    python.env("PYTHONPATH", home).env("PYTHONDONTWRITEBYTECODE", "1").env("HOME", router.dir());
    let output = python.current_dir(router.dir()).arg("-m").args(arguments).output();
    let Output { status, stdout, stderr } = output.expect("python3 starts");
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{said}");
    said
}

#[tokio::test]
async fn every_answer_is_one_that_the_document_tells_of() {
    let Some(home) = python_library("schemathesis") else { return };
    let receiver = Receiver::start();
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    router.post("/v1/track", &track("u", 1)).await.expect_success();
    router
        .post("/v1/batch", &json!({ "batch": [{ "type": "track", "userId": "u" }] }))
        .await
        .expect_success();
    std::fs::write(router.dir().join("openapi.json"), router.get("/api/openapi.json").await.text).unwrap();
    python(&home, &router, &["openapi_spec_validator", "openapi.json"]);
    let url = router.url("");
    let said = python(
        &home,
        &router,
        &[
            "schemathesis.cli",
            "run",
            "openapi.json",
            "--url",
            &url,
            "--exclude-path-regex",
            LEFT_OUT,
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
            "--phases",
            "coverage,fuzzing",
            "--max-examples",
            EXAMPLES,
            "--generation-deterministic",
            "--no-shrink",
            "--no-color",
            "--request-timeout",
            "30",
        ],
    );
    assert!(said.contains("generated") && !said.contains(" 0 generated"), "it asked nothing: {said}");
}
