//! `check --probe`: asks each destination whether address, credentials and rights are good, without sending an event.

use std::fmt;
use std::time::Duration;

use crate::config::{self, Settings};
use crate::destinations::{BoxFuture, Client, Destination, Launcher, Reply};
use crate::policy::outcome::{Fault, Outcome};

/// What one destination answered.
pub(super) struct Probed {
    name: String,
    /// How many questions were answered well, or what is wrong.
    result: Result<usize, String>,
}

impl Probed {
    /// Returns true when the destination can be delivered to.
    pub(super) fn is_fine(&self) -> bool {
        self.result.is_ok()
    }

    /// Returns the line of `check --json`.
    pub(super) fn to_json(&self) -> serde_json::Value {
        let message = self.result.as_ref().err();
        serde_json::json!({ "name": self.name, "ok": self.is_fine(), "message": message })
    }
}

impl fmt::Display for Probed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.result {
            Ok(0) => write!(f, "probe of {}: ok, as far as it can be asked without an event", self.name),
            Ok(_) => write!(f, "probe of {}: ok", self.name),
            Err(message) => write!(f, "probe of {}: {message}", self.name),
        }
    }
}

/// Probes every destination that is on, one after the other. Blocks.
pub(super) fn all(settings: &Settings) -> Vec<Probed> {
    let on = settings.destinations.iter().filter(|destination| destination.enabled);
    on.map(|destination| Probed { name: destination.name.clone(), result: one(destination, settings) })
        .collect()
}

fn one(destination: &config::settings::Destination, settings: &Settings) -> Result<usize, String> {
    let setting = config::setting(destination, &settings.server);
    let patience = setting.timeout + Duration::from_secs(5);
    let question = destination
        .settings
        .clone()
        .build(&setting, Prober)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("could not start a probe: {error}"))?;
    runtime.block_on(async {
        let answered = tokio::time::timeout(patience, question).await;
        answered.unwrap_or_else(|_| Err("no answer in time".to_owned()))
    })
}

struct Prober;

impl Launcher for Prober {
    type Output = BoxFuture<Result<usize, String>>;

    fn launch<D: Destination>(self, destination: D, client: D::Client) -> Self::Output {
        Box::pin(async move {
            let requests = destination.probe();
            if let Err(reply) = client.init().await {
                let judged = requests.first().map(|request| destination.judge(request, 1, &reply));
                let_in(judged.into_iter().flatten().next(), &reply)?;
            }
            for request in &requests {
                let reply = client.send(request).await;
                let meaning = destination.judge(request, 1, &reply).into_iter().next();
                accept(meaning, &reply)?;
            }
            Ok(requests.len())
        })
    }
}

/// What was refused at the start is no success, though the same answer to a question may be one.
fn let_in(meaning: Option<Outcome>, reply: &Reply) -> Result<(), String> {
    match meaning {
        None | Some(Outcome::Delivered) => Err(words(reply)),
        meaning => accept(meaning, reply),
    }
}

/// A destination that asks us to wait has let us in.
fn accept(meaning: Option<Outcome>, reply: &Reply) -> Result<(), String> {
    match meaning {
        Some(Outcome::Delivered | Outcome::Throttled { .. } | Outcome::Deferred { .. }) => Ok(()),
        Some(
            Outcome::Refused(fault)
            | Outcome::Suspect(fault)
            | Outcome::Broken(fault)
            | Outcome::Transient(fault),
        ) => Err(fault_words(&fault)),
        None if matches!(reply, Reply::Answer(answer) if (200..300).contains(&answer.status)) => Ok(()),
        None => Err(words(reply)),
    }
}

fn fault_words(fault: &Fault) -> String {
    let status = fault.status.map(|status| format!(" (status {status})")).unwrap_or_default();
    with_words(format!("{}{status}", fault.reason.as_str()), &fault.answer)
}

fn words(reply: &Reply) -> String {
    match reply {
        Reply::Answer(answer) => with_words(format!("status {}", answer.status), &answer.words()),
        Reply::Failed(failure) => failure.message.clone(),
    }
}

fn with_words(what: String, words: &str) -> String {
    let words = words.trim();
    if words.is_empty() { what } else { format!("{what}: {words}") }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::destinations::{Answer, FailureKind};
    use crate::policy::outcome::Reason;
    use crate::telemetry::clock;

    fn answered(status: u16, body: &'static str) -> Reply {
        Reply::Answer(Answer { status, headers: Vec::new(), body: body.into(), at: clock::now() })
    }

    #[test]
    fn a_refused_start_is_told_in_the_words_of_the_other_side_whatever_a_probe_makes_of_them() {
        let refused = answered(404, "no database `shop`");
        for meaning in [None, Some(Outcome::Delivered)] {
            assert_eq!(let_in(meaning, &refused), Err("status 404: no database `shop`".to_owned()));
        }
        let failed = Reply::failed(FailureKind::Credentials, "the key cannot be read");
        assert_eq!(let_in(None, &failed), Err("the key cannot be read".to_owned()));
        let fault = Fault::new(Reason::Unauthorized, Some(401), "who are you?");
        let told = let_in(Some(Outcome::Broken(fault)), &answered(401, ""));
        assert_eq!(told, Err("unauthorized (status 401): who are you?".to_owned()));
        let wait = Some(Duration::from_secs(1));
        let throttled = Outcome::Throttled { wait, fault: Fault::new(Reason::Throttled, Some(429), "") };
        assert_eq!(let_in(Some(throttled), &answered(429, "")), Ok(()));
    }

    #[test]
    fn an_answer_without_words_ends_with_its_status() {
        let fault = Fault::new(Reason::Forbidden, Some(403), " \n");
        assert_eq!(fault_words(&fault), "forbidden (status 403)");
        assert_eq!(words(&answered(500, "")), "status 500");
        assert_eq!(accept(None, &answered(204, "")), Ok(()));
    }
}
