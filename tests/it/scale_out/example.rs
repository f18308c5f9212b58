//! The files below `deploy/scale-out` and what `docs/scale-out.md` has people copy: they must not rot.

use std::fs;
use std::path::{Path, PathBuf};

use yaml_rust2::{Yaml, YamlLoader};

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

#[test]
fn nginx_takes_the_load_balancer_of_the_example() {
    let Some(mut nginx) = crate::support::nginx() else { return };
    let dir = tempfile::tempdir().unwrap();
    // It asks for the addresses of the routers, and makes its folders where it was built for.
    let mut config = text("deploy/scale-out/nginx.conf").replace("server router-", "server 127.0.0.");
    let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|of| format!("    {of}_temp_path {};\n", dir.path().join(of).display()));
    config = config.replacen("http {\n", &format!("http {{\n{}", folders.concat()), 1);
    config = config.replace("/tmp/nginx.pid", &dir.path().join("pid").display().to_string());
    fs::write(dir.path().join("nginx.conf"), config).unwrap();
    let tested = nginx.arg("-t").arg("-p").arg(dir.path()).arg("-c").arg("nginx.conf").output().unwrap();
    let words = String::from_utf8_lossy(&tested.stderr);
    assert!(tested.status.success() && !words.contains("[warn]"), "{words}");
}

/// Returns the names that a part of the file has.
fn names(part: &Yaml) -> Vec<String> {
    part.as_hash().unwrap().keys().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// Returns a property of a service, its own or that of what it is merged with.
fn property<'a>(service: &'a Yaml, name: &str) -> &'a Yaml {
    if service[name].is_badvalue() { &service["<<"][name] } else { &service[name] }
}

#[test]
fn the_compose_file_is_whole_and_names_only_what_it_has() {
    // Strict: a key that is there twice, an anchor that is not there or a wrong indentation is an error.
    let files = YamlLoader::load_from_str(&text("deploy/scale-out/compose.yaml")).unwrap();
    let [file] = files.as_slice() else { panic!("one document: {}", files.len()) };
    assert!(
        names(file).iter().all(|name| {
            ["name", "services", "volumes"].contains(&name.as_str()) || name.starts_with("x-")
        })
    );
    let (services, volumes) = (names(&file["services"]), names(&file["volumes"]));
    for (name, service) in file["services"].as_hash().unwrap() {
        let name = name.as_str().unwrap();
        check_image(name, service);
        for (other, how) in property(service, "depends_on").as_hash().into_iter().flatten() {
            let other = other.as_str().unwrap();
            assert!(services.iter().any(|service| service == other), "{name} waits for {other}");
            check_wait(name, &file["services"][other], how);
        }
        for mount in property(service, "volumes").as_vec().into_iter().flatten() {
            let source = mount.as_str().unwrap().split(':').next().unwrap();
            let is_there = match source.strip_prefix("./") {
                Some(file) => root().join("deploy/scale-out").join(file).is_file(),
                None => volumes.iter().any(|volume| volume == source),
            };
            assert!(is_there, "{name} mounts {source}");
        }
        check_environment(name, property(service, "environment"));
    }
    assert!(text("Dockerfile").contains("HEALTHCHECK"), "the image of a router tells its health");
}

/// Expects an image of one version, and a service that tells its health, unless it ends by itself or its image is ours.
fn check_image(name: &str, service: &Yaml) {
    let image = property(service, "image").as_str().unwrap_or_default();
    let version = image.rsplit_once(':').map(|(_, version)| version);
    assert!(
        version.is_some_and(|version| !version.is_empty() && version != "latest"),
        "{name} has {image:?}"
    );
    let is_ours = !property(service, "build").is_badvalue();
    let has_health = !property(service, "healthcheck")["test"].is_badvalue();
    let ends = property(service, "restart").is_badvalue();
    assert!(is_ours || has_health || ends, "{name} tells its health");
    assert!(!is_ours || version == Some("local"), "{name}: what is built here is of no registry");
}

/// Expects that a service waits for what the other one can become.
fn check_wait(name: &str, other: &Yaml, how: &Yaml) {
    match how["condition"].as_str() {
        // A router's health is that of its image.
        Some("service_healthy") => assert!(
            !property(other, "healthcheck").is_badvalue() || !property(other, "build").is_badvalue(),
            "{name} waits for the health of one that has none"
        ),
        condition => assert_eq!(condition, Some("service_completed_successfully"), "{name}"),
    }
}

/// Expects values that Compose takes: an unquoted `false` is none.
fn check_environment(name: &str, environment: &Yaml) {
    for (key, value) in [environment, &environment["<<"]].iter().filter_map(|part| part.as_hash()).flatten() {
        let is_text = matches!(value, Yaml::String(_) | Yaml::Integer(_));
        assert!(is_text || key.as_str() == Some("<<"), "{name}: {key:?}");
    }
}
