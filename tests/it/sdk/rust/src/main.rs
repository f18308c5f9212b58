//! Sends the calls with the crate `segment`, one request each, and prints which were acknowledged. The crate never tries
//! again by itself; with `TRIES` this program does, as its users must.

use std::error::Error;

use segment::message::{Alias, Group, Identify, Page, Screen, Track};
use segment::{Client, HttpClient, Message};
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    println!("{}", runtime.block_on(send_all())?);
    Ok(())
}

async fn send_all() -> Outcome<Value> {
    let tries: u32 = std::env::var("TRIES").map_or(Ok(1), |text| text.parse())?;
    let client = HttpClient::new(reqwest::Client::builder().no_proxy().build()?, std::env::var("HOST")?);
    let (mut delivered, mut failed) = (Vec::new(), Vec::new());
    for call in calls()? {
        let id = call["messageId"].clone();
        let message = message(call)?;
        match send(&client, &message, tries).await {
            Ok(()) => delivered.push(id),
            Err(error) => {
                eprintln!("{id}: {error}");
                failed.push(id);
            }
        }
    }
    Ok(json!({ "delivered": delivered, "failed": failed }))
}

/// Sends until it is acknowledged, at most this often.
async fn send(client: &HttpClient, message: &Message, tries: u32) -> segment::Result<()> {
    let mut last = client.send("any-key".to_owned(), message.clone()).await;
    for _ in 1..tries {
        if last.is_ok() {
            break;
        }
        last = client.send("any-key".to_owned(), message.clone()).await;
    }
    last
}

fn calls() -> Outcome<Vec<Value>> {
    let path = format!("{}/calls.json", std::env::var("SDK_FIXTURES")?);
    let text = std::fs::read_to_string(path)?.replace("PREFIX", &std::env::var("PREFIX")?);
    let mut calls: Value = serde_json::from_str(&text)?;
    revive(&mut calls);
    Ok(serde_json::from_value(calls)?)
}

/// Replaces each `{"$date": …}` by its text, which is what the crate's types take.
fn revive(value: &mut Value) {
    if let Some(date) = value.get_mut("$date") {
        *value = date.take();
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(revive),
        Value::Object(fields) => fields.values_mut().for_each(revive),
        _ => {}
    }
}

/// Makes the crate's own message of a call; the path says its type, so the crate sends none.
fn message(mut call: Value) -> Outcome<Message> {
    let kind = call.as_object_mut().and_then(|call| call.remove("type")).unwrap_or_default();
    Ok(match kind.as_str() {
        Some("identify") => serde_json::from_value::<Identify>(call)?.into(),
        Some("track") => serde_json::from_value::<Track>(call)?.into(),
        Some("page") => serde_json::from_value::<Page>(call)?.into(),
        Some("screen") => serde_json::from_value::<Screen>(call)?.into(),
        Some("group") => serde_json::from_value::<Group>(call)?.into(),
        Some("alias") => serde_json::from_value::<Alias>(call)?.into(),
        _ => return Err(format!("no such call: {kind}").into()),
    })
}
