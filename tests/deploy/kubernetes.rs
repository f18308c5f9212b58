//! The manifests: kinds and versions that exist, parts that fit together, probes and times that fit the router, nothing as root.

use std::time::Duration;

use yaml_rust2::Yaml;

use super::{check, document, documents, items, names, text};

const FOLDER: &str = "deploy/kubernetes";

fn manifest(name: &str) -> Yaml {
    document(&format!("{FOLDER}/{name}.yaml"))
}

fn config() -> String {
    manifest("configmap")["data"]["config.toml"].as_str().unwrap().to_owned()
}

/// Returns the only container of the set.
fn router() -> Yaml {
    let set = manifest("statefulset");
    let all = items(&set["spec"]["template"]["spec"]["containers"]);
    assert_eq!(all.len(), 1);
    all[0].clone()
}

#[test]
fn every_resource_is_listed_and_is_of_a_kind_that_exists() {
    let known = [
        ("v1", "Namespace"),
        ("v1", "ConfigMap"),
        ("v1", "Service"),
        ("apps/v1", "StatefulSet"),
        ("policy/v1", "PodDisruptionBudget"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
    ];
    let list = manifest("kustomization");
    let resources = items(&list["resources"]);
    assert_eq!(resources.len(), known.len());
    for resource in resources {
        for one in documents(&format!("{FOLDER}/{}", resource.as_str().unwrap())) {
            let kind = (one["apiVersion"].as_str().unwrap(), one["kind"].as_str().unwrap());
            assert!(known.contains(&kind), "{kind:?}");
            assert!(
                one["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("opentrack")),
                "{kind:?}"
            );
        }
    }
}

#[test]
fn every_selector_finds_the_routers() {
    let set = manifest("statefulset");
    let labels = &set["spec"]["template"]["metadata"]["labels"];
    let mut selectors = vec![
        set["spec"]["selector"]["matchLabels"].clone(),
        manifest("poddisruptionbudget")["spec"]["selector"]["matchLabels"].clone(),
        manifest("networkpolicy")["spec"]["podSelector"]["matchLabels"].clone(),
    ];
    let services = documents(&format!("{FOLDER}/service.yaml"));
    selectors.extend(services.iter().map(|service| service["spec"]["selector"].clone()));
    selectors.iter().for_each(|selector| assert_eq!(selector, labels));
    let of_set = set["spec"]["serviceName"].as_str();
    let headless = services.iter().find(|service| service["metadata"]["name"].as_str() == of_set).unwrap();
    assert_eq!(headless["spec"]["clusterIP"].as_str(), Some("None"));
    let ports = items(&router()["ports"])
        .iter()
        .map(|port| port["name"].as_str().unwrap().to_owned())
        .collect::<Vec<_>>();
    for port in services.iter().flat_map(|service| items(&service["spec"]["ports"])) {
        assert!(ports.iter().any(|name| port["targetPort"].as_str() == Some(name)), "{port:?}");
    }
}

#[test]
fn probes_ask_paths_that_answer_for_the_right_thing() {
    let router = router();
    for (probe, path) in
        [("startupProbe", "/health"), ("livenessProbe", "/health"), ("readinessProbe", "/ready")]
    {
        assert_eq!(router[probe]["httpGet"]["path"].as_str(), Some(path), "{probe}");
        assert_eq!(router[probe]["httpGet"]["port"].as_str(), Some("http"), "{probe}");
    }
}

#[test]
fn nothing_runs_as_root_or_writes_outside_of_its_volume() {
    let set = manifest("statefulset");
    let pod = &set["spec"]["template"]["spec"];
    let of_pod = &pod["securityContext"];
    assert_eq!(of_pod["runAsNonRoot"].as_bool(), Some(true));
    let user = of_pod["runAsUser"].as_i64().unwrap();
    assert!(text("Dockerfile").contains(&format!("USER {user}:{user}\n")), "the user of the image");
    assert_eq!(of_pod["fsGroup"].as_i64(), Some(user));
    assert_eq!(of_pod["seccompProfile"]["type"].as_str(), Some("RuntimeDefault"));
    assert_eq!(pod["automountServiceAccountToken"].as_bool(), Some(false));
    let own = router();
    let own = &own["securityContext"];
    assert_eq!(own["allowPrivilegeEscalation"].as_bool(), Some(false));
    assert_eq!(own["readOnlyRootFilesystem"].as_bool(), Some(true));
    assert_eq!(items(&own["capabilities"]["drop"])[0].as_str(), Some("ALL"));
    let enforced = &manifest("namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"];
    assert_eq!(enforced.as_str(), Some("restricted"));
}

#[test]
fn the_configuration_is_taken_and_fits_the_volume_and_the_patience_of_the_set() {
    check(&config(), &[]);
    let config: toml::Table = config().parse().unwrap();
    let set = manifest("statefulset");
    let grace = set["spec"]["template"]["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap();
    let drain =
        config["server"]["shutdown_timeout"].as_str().unwrap().trim_end_matches('s').parse::<u64>().unwrap();
    let room = Duration::from_secs(grace.try_into().unwrap()).checked_sub(Duration::from_secs(drain));
    assert!(room.is_some_and(|room| room >= Duration::from_secs(10)), "{grace} s for a drain of {drain} s");
    let gibibytes = |text: &str, unit: &str| text.strip_suffix(unit).unwrap().parse::<u64>().unwrap();
    let journal = gibibytes(config["journal"]["max_bytes"].as_str().unwrap(), "GiB");
    let claim = &items(&set["spec"]["volumeClaimTemplates"])[0];
    let volume = gibibytes(claim["spec"]["resources"]["requests"]["storage"].as_str().unwrap(), "Gi");
    assert!(journal * 3 / 2 <= volume, "{journal} GiB of journal on {volume} GiB");
    let mounts = router();
    let mounts: Vec<&str> =
        items(&mounts["volumeMounts"]).iter().map(|mount| mount["mountPath"].as_str().unwrap()).collect();
    assert_eq!(mounts, ["/data", "/etc/opentrack"]);
}

#[test]
fn the_example_of_the_secret_has_every_variable_of_the_configuration_and_no_value() {
    let secret = manifest("secret.example");
    let listed = names(&secret["stringData"]);
    let config = config();
    for variable in config.split("${").skip(1).map(|rest| rest.split([':', '}']).next().unwrap()) {
        assert!(listed.iter().any(|name| name == variable), "{variable}");
    }
    for needed in ["SITE_SALT", "JWT_SECRET"] {
        assert!(listed.iter().any(|name| name == needed), "{needed}");
    }
    assert!(secret["stringData"].as_hash().unwrap().values().all(|value| value.as_str() == Some("")));
    // A Secret has no place before its namespace, and the router none without its Secret.
    let told = text(&format!("{FOLDER}/secret.example.yaml"));
    let place = |command: &str| told.find(command).unwrap_or_else(|| panic!("`{command}` is not told"));
    assert!(place("apply -f deploy/kubernetes/namespace.yaml") < place("create secret"));
    assert!(place("create secret") < place("apply -k deploy/kubernetes"));
}
