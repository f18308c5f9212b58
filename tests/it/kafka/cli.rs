//! What the command line says about Kafka before the first event.

use super::{MAKES_NO_TOPIC, config};
use crate::support::{Kafka, Router, opentrack};

fn told(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), output.stderr.as_slice()].concat()).into_owned()
}

#[tokio::test]
async fn a_probe_tells_whether_the_topic_is_there() {
    let cluster = Kafka::start();
    let router = Router::start(config(&cluster, MAKES_NO_TOPIC)).await;
    let probed = router.run(&["check", "--probe"]);
    assert!(told(&probed).contains("probe of kafka: not_found: topic `events`"), "{}", told(&probed));
    cluster.create("events", 2);
    let probed = router.run(&["check", "--probe"]);
    assert!(told(&probed).contains("probe of kafka: ok"), "{}", told(&probed));
}

#[test]
fn settings_that_break_a_promise_or_need_another_build_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let text = "[destinations.kafka]\nbrokers = [\"localhost:9092\"]\nsecurity = { tls = true }\n\
                properties = { \"enable.idempotence\" = false }\n";
    std::fs::write(dir.path().join("config.toml"), text).unwrap();
    let output = opentrack().arg("check").current_dir(dir.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(64), "{}", told(&output));
    assert!(told(&output).contains("`enable.idempotence` is always on"), "{}", told(&output));
    let lacks_tls = told(&output).contains("built with `--features kafka-tls`");
    assert_eq!(lacks_tls, cfg!(not(feature = "kafka-tls")), "{}", told(&output));
}

#[test]
fn brokers_of_the_environment_switch_it_on() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("config.toml"), "").unwrap();
    let check = opentrack()
        .arg("check")
        .env("KAFKA_BROKERS", "a:9092,b:9092")
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert!(told(&check).contains("kafka"), "{}", told(&check));
    let mut explain = opentrack();
    explain.args(["explain", "event.json", "--destination", "kafka"]).env("KAFKA_BROKERS", "a:9092,b:9092");
    let event = r#"{"type":"track","event":"Done","userId":"ada","messageId":"m-1"}"#;
    std::fs::write(dir.path().join("event.json"), event).unwrap();
    let shown = told(&explain.current_dir(dir.path()).output().unwrap());
    assert!(shown.contains("PRODUCE kafka://a:9092,b:9092/events") && shown.contains(":key: ada"), "{shown}");
}
