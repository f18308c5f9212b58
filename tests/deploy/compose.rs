//! The compose files: whole, with images of a version, with volumes and files that exist, and configurations that are taken.

use std::collections::BTreeSet;

use yaml_rust2::Yaml;

use super::{check, document, items, names, root, text};

const FILES: [&str; 2] = ["deploy/compose/compose.yaml", "deploy/compose/compose.stores.yaml"];

#[test]
fn the_configurations_are_taken_and_switch_on_what_stands_beside_the_router() {
    check(&text("deploy/compose/config.toml"), &[]);
    let stores = check(
        &text("deploy/compose/config.stores.toml"),
        &[
            ("CLICKHOUSE_PASSWORD", "c"),
            ("PG_HOST", "postgres"),
            ("PG_USER", "opentrack"),
            ("PG_PASSWORD", "p@ss/word"),
            ("PG_DATABASE", "opentrack"),
        ],
    );
    for name in ["warehouse", "kafka", "clickhouse", "postgres", "redis"] {
        assert!(stores.contains(name), "{name} is on: {stores}");
    }
}

#[test]
fn services_name_only_what_there_is() {
    let files = FILES.map(document);
    let services: BTreeSet<String> = files.iter().flat_map(|file| names(&file["services"])).collect();
    let volumes: BTreeSet<String> = files.iter().flat_map(|file| names(&file["volumes"])).collect();
    for (name, service) in files.iter().flat_map(|file| file["services"].as_hash().unwrap()) {
        let name = name.as_str().unwrap();
        if let Some(image) = service["image"].as_str() {
            let tag = image.rsplit_once(':').map(|(_, tag)| tag);
            assert!(tag.is_some_and(|tag| tag != "latest"), "{name}: `{image}` has no tag of a version");
        }
        for (other, how) in service["depends_on"].as_hash().into_iter().flatten() {
            let other = other.as_str().unwrap();
            assert!(services.contains(other), "{name} waits for {other}");
            assert_eq!(how["condition"].as_str(), Some("service_healthy"), "{name}");
            let health = files.iter().any(|file| !file["services"][other]["healthcheck"].is_badvalue());
            assert!(health, "{name} waits for the health of {other}, which has none");
        }
        items(&service["volumes"]).iter().for_each(|mount| expect_source(name, mount, &volumes));
        // An unquoted `false` or `yes` is no text for Compose.
        for (key, value) in service["environment"].as_hash().into_iter().flatten() {
            assert!(matches!(value, Yaml::String(_) | Yaml::Integer(_)), "{name}: {key:?}");
        }
    }
}

fn expect_source(name: &str, mount: &Yaml, volumes: &BTreeSet<String>) {
    let source = mount.as_str().unwrap().split(':').next().unwrap();
    let is_file = source.starts_with('.');
    let there = if is_file {
        root().join("deploy/compose").join(source).try_exists().unwrap()
    } else {
        volumes.contains(source)
    };
    assert!(there, "{name} mounts {source}");
}

#[test]
fn the_router_is_closed_in_and_has_time_to_drain() {
    let file = document(FILES[0]);
    let router = &file["services"]["router"];
    assert_eq!(router["read_only"].as_bool(), Some(true));
    assert_eq!(items(&router["cap_drop"])[0].as_str(), Some("ALL"));
    assert_eq!(items(&router["security_opt"])[0].as_str(), Some("no-new-privileges:true"));
    assert_eq!(router["stop_grace_period"].as_str(), Some("45s"), "above shutdown_timeout");
    assert!(items(&router["ports"]).iter().all(|port| port.as_str().unwrap().starts_with("127.0.0.1:")));
}

/// A router that makes up secrets of its own knows no token, no login and no visitor of the others.
#[test]
fn routers_that_share_the_work_share_their_secrets_and_know_their_address() {
    let file = document("deploy/scale-out/compose.yaml");
    for router in ["router-1", "router-2", "router-3"] {
        let service = &file["services"][router];
        let environment = &service["<<"]["environment"];
        for secret in ["JWT_SECRET", "SITE_SALT"] {
            let value = environment[secret].as_str().unwrap_or_default();
            assert!(value.starts_with(&format!("${{{secret}:?")), "{router}: {secret} is {value:?}");
        }
        assert!(service["environment"].is_badvalue(), "{router} has nothing of its own in its environment");
    }
    let nginx = text("deploy/scale-out/nginx.conf");
    for header in
        ["Host $http_host", "X-Forwarded-Proto $scheme", "X-Forwarded-For $proxy_add_x_forwarded_for"]
    {
        assert!(nginx.contains(&format!("proxy_set_header {header};")), "{header}");
    }
}

/// Every `${NAME…}` is in the example of the environment, and nothing else is.
#[test]
fn the_example_of_the_environment_has_every_variable() {
    let wanted: BTreeSet<String> = FILES
        .iter()
        .flat_map(|file| {
            let text = text(file);
            let names =
                text.split("${").skip(1).map(|rest| rest.split([':', '}']).next().unwrap().to_owned());
            names.collect::<Vec<_>>()
        })
        .collect();
    let example = text("deploy/compose/env.example");
    let lines = example.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let listed: BTreeSet<String> = lines.map(|line| line.split('=').next().unwrap().to_owned()).collect();
    assert_eq!(listed, wanted);
    assert!(example.lines().all(|line| line.starts_with('#') || line.ends_with('=')), "no secret is in it");
}
