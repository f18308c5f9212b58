//! Whether the topic takes what the door takes.
//!
//! Asked once, when the topic is there. Brokers may keep it to themselves, and then the first event that is too large tells.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::admin::{AdminOptions, ResourceSpecifier};

use super::clients::Clients;
use super::core::Core;
use super::io;
use crate::journal::JournalError;

/// The topic's property: most bytes of a record, or of a batch of them.
const PROPERTY: &str = "max.message.bytes";
/// How long the brokers may take to answer.
const QUESTION: Duration = Duration::from_secs(5);

/// Asks, on a thread of its own, and has the router say so when the topic takes less than the door.
pub(super) fn look(core: &Arc<Core>) {
    let asker = Arc::clone(core);
    let ask = move || match limit(&asker.clients, &asker.options.topic) {
        Ok(limit) => asker.complain(problem(limit, &asker.options.topic, asker.options.max_event_bytes)),
        Err(error) => tracing::debug!(%error, "the brokers do not say how large a record may be"),
    };
    if let Err(error) = std::thread::Builder::new().name("journal limits".to_owned()).spawn(ask) {
        tracing::debug!(%error, "could not ask how large a record may be");
    }
}

fn limit(clients: &Clients, topic: &str) -> Result<Option<u64>, JournalError> {
    let failed = |error: &dyn std::fmt::Display| io("could not read the topic's properties", error);
    let admin = clients.admin()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed(&error))?;
    let options = AdminOptions::new().request_timeout(Some(QUESTION));
    let topics = [ResourceSpecifier::Topic(topic)];
    let answer = runtime.block_on(admin.describe_configs(&topics, &options));
    let answer = answer.map_err(|error| failed(&error))?;
    let mut limit = None;
    for config in answer {
        let config = config.map_err(|error| failed(&error))?;
        limit = config.get(PROPERTY).and_then(|entry| entry.value.as_deref()?.parse().ok());
    }
    Ok(limit)
}

/// Returns what is wrong with a topic's limit, in words.
fn problem(limit: Option<u64>, topic: &str, max_event_bytes: usize) -> Option<String> {
    let limit = limit.filter(|limit| *limit < max_event_bytes as u64)?;
    Some(format!(
        "`{topic}` takes records of {limit} bytes (`{PROPERTY}`), and the door events of {max_event_bytes} \
         (`server.max_event_bytes`): larger ones are refused. Raise the former or lower the latter"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_that_takes_less_than_the_door_is_named_with_both_limits() {
        let words = problem(Some(500_000), "journal", 1 << 20).unwrap();
        assert!(
            words.contains("`journal`") && words.contains("500000") && words.contains("1048576"),
            "{words}"
        );
        assert_eq!(
            problem(Some(1_048_588), "journal", 1 << 20),
            None,
            "the brokers' own limit and the door's"
        );
        assert_eq!(problem(None, "journal", 1 << 20), None);
    }
}
