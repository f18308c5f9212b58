//! Whether the topic takes what the door takes, and how many replicas it wants.
//!
//! Asked from time to time, since an operator may change it while the router runs: what `/ready` says of it, and how large the
//! producer makes its batches, follows the last answer. Brokers may keep it to themselves, and then the first event that is too
//! large tells, or the first that is not stored.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::admin::{AdminOptions, ConfigResource, ResourceSpecifier};

use super::clients::Clients;
use super::core::{Core, Matter};
use super::io;
use crate::journal::JournalError;

/// The topic's property: most bytes of a record, or of a batch of them.
const PROPERTY: &str = "max.message.bytes";
/// The topic's property: how many replicas must have a record.
const IN_SYNC: &str = "min.insync.replicas";
/// How long the brokers may take to answer.
const QUESTION: Duration = Duration::from_secs(5);

/// How often they are asked.
const EVERY: Duration = Duration::from_secs(60);

/// Asks until the router stops, on a thread of its own, and has it say so while the topic takes less than the door.
pub(super) fn look(core: &Arc<Core>) {
    if core.limits_asked.set(()).is_err() {
        return;
    }
    let asker = Arc::clone(core);
    let ask = move || {
        while !asker.is_stopping() {
            // Not even a panic may freeze what is known of the limit until the next start.
            let asked = catch_unwind(AssertUnwindSafe(|| ask_once(&asker)));
            if asked.is_err() {
                tracing::error!("asking how large a record may be panicked; it is asked again");
            }
            asker.rest(EVERY);
        }
    };
    if let Err(error) = std::thread::Builder::new().name("journal limits".to_owned()).spawn(ask) {
        tracing::debug!(%error, "could not ask how large a record may be");
    }
}

fn ask_once(core: &Core) {
    match ask(&core.clients, &core.options.topic) {
        Ok(Told { limit, least_in_sync }) => {
            heard(core, limit);
            least_in_sync.into_iter().for_each(|least| core.clients.least_in_sync.told(least));
        }
        // What they said before is the best that is known.
        Err(error) => tracing::debug!(%error, "the brokers do not say how large a record may be"),
    }
}

/// Takes note of the topic's limit, in bytes.
fn heard(core: &Core, limit: Option<u64>) {
    let Some(limit) = limit else { return };
    core.clients.batches.limited(limit);
    core.complain(Matter::Limit, problem(limit, &core.options.topic, core.options.max_event_bytes));
}

/// What the brokers tell of the topic's properties; nothing where a router may not read them.
#[derive(Debug, Default)]
struct Told {
    limit: Option<u64>,
    least_in_sync: Option<usize>,
}

fn ask(clients: &Clients, topic: &str) -> Result<Told, JournalError> {
    let failed = |error: &dyn std::fmt::Display| io("could not read the topic's properties", error);
    let admin = clients.admin()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed(&error))?;
    let options = AdminOptions::new().request_timeout(Some(QUESTION));
    let topics = [ResourceSpecifier::Topic(topic)];
    let answer = runtime.block_on(admin.describe_configs(&topics, &options));
    let answer = answer.map_err(|error| failed(&error))?;
    let mut told = Told::default();
    for config in answer {
        let config = config.map_err(|error| failed(&error))?;
        told.limit = number(&config, PROPERTY);
        told.least_in_sync = number(&config, IN_SYNC);
    }
    Ok(told)
}

fn number<T: FromStr>(config: &ConfigResource, name: &str) -> Option<T> {
    config.get(name)?.value.as_deref()?.parse().ok()
}

/// Returns what is wrong with a topic's limit, in words.
fn problem(limit: u64, topic: &str, max_event_bytes: usize) -> Option<String> {
    let words = || {
        format!(
            "`{topic}` takes records of {limit} bytes (`{PROPERTY}`), and the door events of {max_event_bytes} \
             (`server.max_event_bytes`): larger ones are refused. Raise the former or lower the latter"
        )
    };
    (limit < max_event_bytes as u64).then(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::kafka::tests::{Scene, scene};

    #[test]
    fn a_topic_that_takes_less_than_the_door_is_named_with_both_limits() {
        let words = problem(500_000, "journal", 1 << 20).unwrap();
        assert!(
            words.contains("`journal`") && words.contains("500000") && words.contains("1048576"),
            "{words}"
        );
        assert_eq!(problem(1_048_588, "journal", 1 << 20), None, "the brokers' own limit and the door's");
    }

    #[test]
    fn what_ready_says_of_the_topic_is_what_is_true_now() {
        let Scene { core, .. } = &scene();
        heard(core, Some(900_000));
        assert!(core.trouble().unwrap().contains("takes records of 900000 bytes"));
        core.clients.batches.refused();
        core.complain(Matter::Batches, Some("something else".to_owned()));
        assert!(core.trouble().unwrap().contains("900000 bytes") && core.trouble().unwrap().contains("else"));
        heard(core, Some(800_000));
        assert!(core.trouble().unwrap().contains("takes records of 800000 bytes"), "{:?}", core.trouble());
        heard(core, None);
        assert!(core.trouble().is_some(), "an answer without the property changes nothing");
        heard(core, Some(2 << 20));
        assert_eq!(core.trouble(), None, "an operator repaired it");
        core.complain(Matter::Batches, Some("batches are smaller".to_owned()));
        assert_eq!(core.trouble(), None, "they have grown again, though nothing was sent since");
    }
}
