//! The dashboard and the alerts name only metrics and labels that exist, alerts fire when they should, and each is explained.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use opentrack::telemetry::metrics::list::{Listed, list};
use serde_json::Value;

use super::{document, items, program, root, text};

/// Labels that Prometheus adds, and that of the buckets of histograms.
const ADDED: [&str; 3] = ["instance", "job", "le"];

/// Says what is wrong with a query: names of metrics and labels that do not exist.
fn faults(query: &str, all: &[Listed]) -> Vec<String> {
    let mut known: BTreeSet<&str> = ADDED.into();
    let mut faults = Vec::new();
    for (at, _) in query.match_indices("opentrack_") {
        let rest = &query[at..];
        let end = rest.find(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_').unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        let Some(metric) = metric(name, all) else {
            faults.push(format!("there is no metric `{name}`"));
            continue;
        };
        known.extend(metric.labels.iter().map(String::as_str));
        let selected =
            behind.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |(inner, _)| inner);
        for label in labels_of_selector(selected) {
            if !ADDED.contains(&label) && !metric.labels.contains(label) {
                faults.push(format!("`{name}` has no label `{label}`"));
            }
        }
    }
    for list in ["by (", "on (", "without ("].iter().flat_map(|word| lists_behind(query, word)) {
        let unknown =
            list.split(',').map(str::trim).filter(|label| !label.is_empty() && !known.contains(label));
        faults.extend(unknown.map(|label| format!("no metric of it has a label `{label}`")));
    }
    faults
}

/// Returns the names in `a="x", b=~"y"`; values hold no comma here.
fn labels_of_selector(selector: &str) -> impl Iterator<Item = &str> {
    selector
        .split(',')
        .filter_map(|part| part.split(['=', '!']).next())
        .map(str::trim)
        .filter(|name| !name.is_empty())
}

fn lists_behind<'a>(query: &'a str, word: &'a str) -> impl Iterator<Item = &'a str> {
    query.match_indices(word).filter_map(move |(at, _)| query[at + word.len()..].split(')').next())
}

fn metric<'a>(name: &str, all: &'a [Listed]) -> Option<&'a Listed> {
    let part = |suffix: &str| name.strip_suffix(suffix);
    let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| part(suffix));
    all.iter().find(|one| match one.kind.as_str() {
        "histogram" => Some(one.name.as_str()) == of_histogram,
        _ => one.name == name,
    })
}

#[test]
fn a_query_with_a_metric_or_a_label_that_does_not_exist_is_found() {
    let all = list();
    for right in [
        "up{job=\"opentrack\"} == 0",
        "sum by (kind) (rate(opentrack_events_accepted_total{instance=~\"$i\"}[5m]))",
        "histogram_quantile(0.99, sum by (instance, le) (rate(opentrack_journal_commit_seconds_bucket[5m])))",
    ] {
        assert_eq!(faults(right, &all), [""; 0], "{right}");
    }
    for wrong in [
        "opentrack_nothing",
        "opentrack_events_accepted",
        "opentrack_journal_commit_seconds",
        "opentrack_events_accepted_total{reason=\"x\"}",
        "sum by (destination) (opentrack_events_accepted_total)",
    ] {
        assert_eq!(faults(wrong, &all).len(), 1, "{wrong}");
    }
}

#[test]
fn the_dashboard_asks_for_numbers_that_exist() {
    let all = list();
    let dashboard: Value = serde_json::from_str(&text("deploy/grafana/opentrack.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    let mut queries = Vec::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "an id is there twice: {panel}");
        let title = panel["title"].as_str().unwrap();
        let place = &panel["gridPos"];
        assert!(
            place["x"].as_u64().unwrap() + place["w"].as_u64().unwrap() <= 24,
            "`{title}` is beside the page"
        );
        let targets = panel["targets"].as_array().map_or(&[][..], Vec::as_slice);
        assert!(
            panel["type"] == "row" || (!targets.is_empty() && panel["description"].is_string()),
            "{title}"
        );
        queries.extend(targets.iter().map(|target| (title, target["expr"].as_str().unwrap())));
    }
    let of_variables = dashboard["templating"]["list"].as_array().unwrap().iter();
    queries
        .extend(of_variables.filter_map(|variable| Some(("a variable", variable["definition"].as_str()?))));
    assert!(queries.len() > 40, "{}", queries.len());
    let faults: Vec<String> = queries
        .iter()
        .flat_map(|(title, query)| {
            faults(query, &all).into_iter().map(move |fault| format!("{title}: {fault}"))
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let asked: String = queries.iter().map(|(_, query)| *query).collect();
    let unseen: Vec<&str> =
        all.iter().map(|one| one.name.as_str()).filter(|name| !asked.contains(name)).collect();
    // Some are for a closer look; most are on it.
    assert!(unseen.len() * 3 < all.len(), "the dashboard does not show {unseen:?}");
}

#[test]
fn grafana_is_told_where_the_dashboard_and_the_numbers_are() {
    let sources = document("deploy/grafana/provisioning/datasources/opentrack.yaml");
    assert_eq!(items(&sources["datasources"])[0]["type"].as_str(), Some("prometheus"));
    let provider = document("deploy/grafana/provisioning/dashboards/opentrack.yaml");
    let path = items(&provider["providers"])[0]["options"]["path"].as_str().unwrap();
    let compose = text("deploy/compose/compose.yaml");
    assert!(compose.contains(&format!("../grafana/opentrack.json:{path}/opentrack.json:ro")), "{path}");
}

#[test]
fn every_alert_asks_for_numbers_that_exist_and_is_explained_in_the_runbook() {
    let (all, rules) = (list(), document("deploy/prometheus/alerts.yml"));
    let (runbook, tests) = (text("docs/runbook.md"), text("deploy/prometheus/alerts_test.yml"));
    let rules = items(&items(&rules["groups"])[0]["rules"]);
    assert!(rules.len() > 10, "{}", rules.len());
    for rule in rules {
        let name = rule["alert"].as_str().unwrap();
        assert_eq!(faults(rule["expr"].as_str().unwrap(), &all), [""; 0], "{name}");
        assert!(["critical", "warning"].contains(&rule["labels"]["severity"].as_str().unwrap()), "{name}");
        let notes = &rule["annotations"];
        assert!(notes["summary"].as_str().is_some() && notes["description"].as_str().is_some(), "{name}");
        let anchor =
            notes["runbook"].as_str().and_then(|link| link.strip_prefix("docs/runbook.md#")).unwrap();
        assert_eq!(anchor, name.to_lowercase());
        assert!(runbook.contains(&format!("\n### {name}\n")), "docs/runbook.md does not explain {name}");
        assert!(
            tests.matches(&format!("alertname: {name}")).count() >= 2,
            "{name} is tested, firing and silent"
        );
    }
    let explained = runbook.matches("\n### OpenTrack").count();
    assert_eq!(explained, rules.len(), "docs/runbook.md explains an alert that is no more");
}

/// The same checks as in anybody's Prometheus.
#[test]
fn prometheus_takes_its_files_and_alerts_fire_when_they_should() {
    let Some(promtool) = promtool() else { return };
    for arguments in [
        ["check", "config", "prometheus.yml"],
        ["check", "rules", "alerts.yml"],
        ["test", "rules", "alerts_test.yml"],
    ] {
        let dir = root().join("deploy/prometheus");
        let output = Command::new(&promtool).current_dir(dir).args(arguments).output().unwrap();
        let words = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "promtool {arguments:?}\n{words}");
    }
}

/// Prometheus's own reader takes what the dashboard asks for, too.
#[test]
fn prometheus_understands_every_query_of_the_dashboard() {
    let Some(promtool) = promtool() else { return };
    let dashboard: Value = serde_json::from_str(&text("deploy/grafana/opentrack.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let rules = targets.enumerate().map(|(number, target)| {
        let query = target["expr"].as_str().unwrap().replace("$__rate_interval", "5m");
        serde_json::json!({ "record": format!("panel:{number}"), "expr": query })
    });
    let rules: Vec<Value> = rules.collect();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("panels.yml");
    // JSON is YAML as well.
    let all = serde_json::json!({ "groups": [{ "name": "panels", "rules": rules }] });
    std::fs::write(&file, all.to_string()).unwrap();
    let output = Command::new(promtool).args(["check", "rules"]).arg(&file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn promtool() -> Option<PathBuf> {
    program("promtool", "target/promtool/usr/bin/promtool")
}
