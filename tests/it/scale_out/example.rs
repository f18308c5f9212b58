//! The files below `deploy/scale-out` and what `docs/scale-out.md` has people copy: they must not rot.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::opentrack;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn check(config: &Path) -> String {
    let output = opentrack().arg("check").arg(config).current_dir(config.parent().unwrap()).output().unwrap();
    let words = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{words}");
    words.into_owned()
}

/// Copies the file, since a check may write beside it.
fn copied(dir: &Path, text: &str) -> PathBuf {
    let path = dir.join("config.toml");
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn the_configuration_of_the_example_and_that_of_the_guide_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    check(&copied(dir.path(), &text("deploy/scale-out/config.toml")));
    let guide = text("docs/scale-out.md");
    let (_, rest) = guide.split_once("```toml\n").unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    check(&copied(dir.path(), block));
}

#[test]
fn the_topics_of_the_example_are_those_of_its_routers() {
    let config: toml::Table = text("deploy/scale-out/config.toml").parse().unwrap();
    let journal = &config["journal"]["kafka"];
    let topic = journal["topic"].as_str().unwrap();
    let (compose, guide) = (text("deploy/scale-out/compose.yaml"), text("docs/scale-out.md"));
    for name in [topic.to_owned(), format!("{topic}.dead")] {
        assert!(compose.contains(&format!("--topic {name} --partitions ")), "{name}");
        assert!(guide.contains(&format!("--topic {name} \\\n  --partitions ")), "{name}");
    }
    for broker in journal["brokers"].as_array().unwrap() {
        let (host, port) = broker.as_str().unwrap().split_once(':').unwrap();
        assert!(
            compose.contains(&format!("\n  {host}:\n"))
                && compose.contains(&format!("PLAINTEXT://{host}:{port}\n"))
        );
    }
}

#[test]
fn the_load_balancer_of_the_example_knows_its_routers() {
    let (compose, nginx) = (text("deploy/scale-out/compose.yaml"), text("deploy/scale-out/nginx.conf"));
    let routers: Vec<&str> = compose
        .lines()
        .filter_map(|line| {
            line.strip_prefix("  ")?.strip_suffix(':').filter(|name| name.starts_with("router-"))
        })
        .collect();
    // As services, and as volumes.
    assert_eq!(routers.len(), 6, "{routers:?}");
    routers.iter().for_each(|name| assert!(nginx.contains(&format!("server {name}:3000 ")), "{name}"));
}
