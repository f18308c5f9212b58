//! Every command and program of `docs/collection.md`, run as it stands but for the address.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;

use super::soon;
use crate::support::{Config, Router, node_modules, python_library, tool};

const PAGE: &str = "docs/collection.md";
const ADDRESS: &str = "http://localhost:3000";
/// `whsec_` and base64.
const SECRET: &str = "whsec_c2VjcmV0IG9mIHRoZSBzb3VyY2UgaXRzZWxm";

/// Returns the blocks of one language, with this router's address.
fn blocks(language: &str, router: &Router) -> Vec<String> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE)).unwrap();
    let parts = page.split("\n```").collect::<Vec<_>>();
    let blocks = parts.iter().filter_map(|part| part.strip_prefix(&format!("{language}\n")));
    blocks.map(|block| block.replace(ADDRESS, &router.url(""))).collect()
}

fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("the program starts");
    let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {out}{err}");
    out.into_owned()
}

fn shell(router: &Router, text: &str) -> String {
    run(tool("bash").current_dir(router.dir()).args(["-euo", "pipefail", "-c", text]))
}

#[tokio::test]
async fn every_command_of_the_page_does_what_the_page_says() {
    let router = Router::start(Config::new()).await;
    let blocks = blocks("sh", &router);
    assert!(blocks.len() >= 3, "{blocks:?}");
    let said: String = blocks.iter().map(|block| shell(&router, block)).collect();
    assert_eq!(said.matches("\"success\":true").count(), 6, "{said}");
    assert!(said.contains("\"accepted\":2") && said.contains("\"integrity\":\"sha384-"), "{said}");
    assert!(!said.contains("rejected"), "{said}");
    soon("all is in the warehouse", async || {
        let db = router.db();
        let tables = ["signed_up", "order_completed", "mail_opened", "coupon_denied", "identifies"];
        tables.iter().all(|table| db.tables().iter().any(|known| known == table) && db.rows(table).len() == 1)
            && db.rows("pages").len() == 2
    })
    .await;
    assert_eq!(router.db().rows("order_completed")[0]["total"], json!(42.5));
}

/// A router with the source of the page.
async fn signed() -> Router {
    let source = "[sources.billing]\nwrite_keys = [\"billing-key\"]\nrequire_signature = true\n\
        signing_secrets = [\"${BILLING_SIGNING_SECRET}\"]";
    Router::start(Config::new().table(source).env("BILLING_SIGNING_SECRET", SECRET)).await
}

#[tokio::test]
async fn the_official_library_for_node_is_taken_for_a_sender() {
    let Some(modules) = node_modules() else { return };
    let router = signed().await;
    let program = blocks("js", &router).remove(0);
    fs::write(router.dir().join("sign.mjs"), program).unwrap();
    std::os::unix::fs::symlink(modules, router.dir().join("node_modules")).unwrap();
    let mut node = tool("node");
    let said = run(node.current_dir(router.dir()).env("BILLING_SIGNING_SECRET", SECRET).arg("sign.mjs"));
    assert_eq!(said.trim(), r#"{"success":true}"#);
    soon("it is in the warehouse", async || router.db().ids("tracks").len() == 1).await;
}

#[tokio::test]
async fn the_official_library_for_python_is_taken_for_a_sender() {
    let Some(library) = python_library("standardwebhooks") else { return };
    let router = signed().await;
    let program = blocks("python", &router).remove(0);
    let mut python = tool("python3");
    let python = python.env("PYTHONPATH", library).env("PYTHONDONTWRITEBYTECODE", "1");
    let said = run(python.env("BILLING_SIGNING_SECRET", SECRET).args(["-c", &program]));
    assert_eq!(said.trim(), r#"{"success":true}"#);
    soon("it is in the warehouse", async || router.db().ids("tracks").len() == 1).await;
}

#[tokio::test]
async fn a_wrong_secret_is_refused_by_its_code() {
    let Some(library) = python_library("standardwebhooks") else { return };
    let router = signed().await;
    let program = blocks("python", &router).remove(0);
    let program = format!(
        "import urllib.error, sys\ntry:\n    exec({program:?})\nexcept urllib.error.HTTPError as error:\n    \
         print(error.code, error.read().decode())\n"
    );
    let mut python = tool("python3");
    let python = python.env("PYTHONPATH", library).env("PYTHONDONTWRITEBYTECODE", "1");
    let said = run(python.env("BILLING_SIGNING_SECRET", "whsec_YW5vdGhlciBzZWNyZXQ=").args(["-c", &program]));
    assert!(said.starts_with("401 ") && said.contains("signature_invalid"), "{said}");
    assert_eq!(router.db().ids("tracks").len(), 0);
}
