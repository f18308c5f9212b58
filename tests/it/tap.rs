//! What happens to single events at the real router, as `opentrack tail` prints it.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Stdio};

use serde_json::{Value, json};

use super::support::{Config, Receiver, Reply, Router, batch, fresh_id, opentrack};

/// A running `opentrack --json tail`.
struct Tail {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Tail {
    /// Starts it and waits until it watches.
    fn start(router: &Router, arguments: &[&str]) -> Tail {
        let mut command = opentrack();
        command.current_dir(router.dir()).args(["--json", "tail"]).args(arguments);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(process.stderr.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "watching; end with ctrl-c\n");
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Tail { process, lines }
    }

    /// Returns the next frame of this name.
    fn next(&mut self, event: &str) -> Value {
        loop {
            let line = self.lines.next().expect("it goes on").unwrap();
            let frame: Value = serde_json::from_str(&line).unwrap();
            if frame["event"] == event {
                return frame;
            }
        }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.process.kill().unwrap_or_default();
        self.process.wait().unwrap();
    }
}

fn track(id: &str, event: &str) -> Value {
    json!({ "type": "track", "event": event, "userId": "u", "messageId": id })
}

#[tokio::test]
async fn tail_shows_what_destinations_answer_without_their_secrets_and_goes_on_after_a_restart() {
    const SECRET: &str = "geheim-0123456789";
    let echo = |_: &_| Reply::With(422, Vec::new(), format!("no such token: Bearer {SECRET}"));
    let receiver = Receiver::scripted(echo);
    let headers = format!("headers = {{ authorization = \"Bearer {SECRET}\" }}");
    let config = Config::new().webhook("hook", &receiver.url(), &headers);
    let mut router = Router::start(config).await;
    let mut tail = Tail::start(&router, &["--event", "Order *"]);
    let mut there = Tail::start(&router, &["--destination", "warehouse", "--outcome", "delivered"]);
    let id = fresh_id("order");
    let events = [track(&fresh_id("other"), "Other"), track(&id, "Order Completed")];
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    let accepted = tail.next("accepted");
    assert_eq!((&accepted["message_id"], &accepted["outcome"]), (&json!(id), &json!("accepted")));
    let dead = loop {
        let settled = tail.next("settled");
        if settled["destination"] == "hook" {
            break settled;
        }
    };
    let told = [&dead["message_id"], &dead["outcome"], &dead["reason"], &dead["status"]];
    assert_eq!(told, [&json!(id), &json!("dead"), &json!("rejected"), &json!(422)]);
    assert_eq!(dead["answer"], "no such token: Bearer ***");
    let delivered = [there.next("attempt"), there.next("attempt")].map(|frame| frame["outcome"].clone());
    assert_eq!(delivered, ["delivered", "delivered"]);
    router.stop().await;
    router.start_again().await;
    assert_eq!(tail.next("gap")["missed"], Value::Null);
    let next = fresh_id("order");
    router.post("/v1/track", &track(&next, "Order Refunded")).await.expect_success();
    assert_eq!(tail.next("accepted")["message_id"], json!(next));
    router.stop().await;
    let nobody = router.run(&["tail"]);
    assert_eq!(nobody.status.code(), Some(69), "{nobody:?}");
}
