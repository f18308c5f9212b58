//! Load jobs: started once for the same rows, whoever asks how often, and waited for.
//!
//! The job's id is made from its rows, so a repeated request finds the job that was started before. A job that failed keeps
//! its id for ever; the next try of the same rows takes the next number. Never says what a failed job means.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::super::{Answer, FailureKind, Reply};
use super::api::{Api, Call};
use super::errors::{Kind, Trouble};
use super::request::Rows;
use super::upload;

/// How often the same rows may fail as a job until the last failure is all that is said.
const MOST_TRIES: u32 = 50;

/// The state of a job that has ended, well or not.
const DONE: &str = "DONE";

/// How long between two questions after a job, at first and at most.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Google ends a load job that has taken this long.
/// <https://cloud.google.com/bigquery/quotas#load_jobs>
const LONGEST: Duration = Duration::from_secs(6 * 3600);

/// Jobs that were begun and whose end nobody has seen, by their ids, and since when. Whoever waited for one may be gone: the job
/// goes on.
#[derive(Debug, Default)]
pub(super) struct Loads(Mutex<BTreeMap<String, Instant>>);

impl Loads {
    /// Notes a load; returns whether it was not there yet.
    pub(super) fn begin(&self, id: &str) -> bool {
        let (mut all, now) = (self.lock(), Instant::now());
        all.retain(|_, begun| begun.elapsed() < LONGEST);
        let is_first = !all.contains_key(id);
        all.entry(id.to_owned()).or_insert(now);
        is_first
    }

    fn end(&self, id: &str) {
        self.lock().remove(id);
    }

    /// Returns those that were begun until then.
    pub(super) fn begun_until(&self, at: Instant) -> Vec<(String, Instant)> {
        let all = self.lock();
        let begun = all.iter().filter(|(_, begun)| **begun <= at && begun.elapsed() < LONGEST);
        begun.map(|(id, begun)| (id.clone(), *begun)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns whether every job that was begun until then has ended, as far as Google says. One that Google does not know may be on
/// its way as long as an upload may take.
pub(super) async fn have_ended(api: &Api, until: Instant) -> bool {
    let mut all_ended = true;
    for (id, begun) in api.loads.begun_until(until) {
        let reply = ask_after(api, &id).await;
        let is_unknown = matches!(&reply, Reply::Answer(answer) if answer.status == 404);
        let never_came = is_unknown && begun.elapsed() >= api.target.load_timeout;
        if never_came || state_of(&reply).as_deref() == Some(DONE) {
            api.loads.end(&id);
        } else {
            all_ended = false;
        }
    }
    all_ended
}

/// Loads the rows and waits for the job, at most as long as the settings say. A success is the job as it ended, which may
/// hold a failure; no answer in time is a failure that the next attempt takes up again.
pub(super) async fn load(api: &Api, rows: &Rows) -> Reply {
    let until = Instant::now() + api.target.load_timeout;
    let media = match upload::zipped(rows.text.clone()).await {
        Ok(media) => media,
        Err(error) => return Reply::failed(FailureKind::Store, format!("could not compress rows: {error}")),
    };
    let mut last = None;
    for number in 0..MOST_TRIES {
        let id = format!("opentrack_{}_{number}", rows.job);
        let is_first = api.loads.begin(&id);
        let reply = upload::start(api, &configuration(api, &rows.table, &id), media.clone()).await;
        let is_new = !is_there_already(&reply);
        // What was sent before and not answered may run, whatever is said now.
        let is_refused = is_first && is_new && matches!(&reply, Reply::Answer(Answer { status: 400..=499, .. }));
        let reply = if is_new { reply } else { ask_after(api, &id).await };
        let reply = ended(api, &id, reply, until).await;
        if is_refused || state_of(&reply).as_deref() == Some(DONE) {
            api.loads.end(&id);
        }
        if is_new || !has_failed(&reply) {
            return reply;
        }
        last = Some(reply);
    }
    last.unwrap_or_else(|| Reply::failed(FailureKind::Timeout, "no load job was tried"))
}

/// Only rows are loaded: a table or a column that is missing is the schema manager's to make.
fn configuration(api: &Api, table: &str, id: &str) -> Value {
    let names = &api.target.names;
    json!({
        "jobReference": { "projectId": names.project, "jobId": id, "location": api.target.location },
        "configuration": { "load": {
            "destinationTable": { "projectId": names.project, "datasetId": names.dataset, "tableId": table },
            "sourceFormat": "NEWLINE_DELIMITED_JSON",
            "createDisposition": "CREATE_NEVER",
            "writeDisposition": "WRITE_APPEND",
            "maxBadRecords": 0,
            "ignoreUnknownValues": false,
        } },
    })
}

fn is_there_already(reply: &Reply) -> bool {
    matches!(reply, Reply::Answer(answer) if answer.status == 409)
        && Trouble::of(reply).kind() == Some(Kind::Exists)
}

async fn ask_after(api: &Api, id: &str) -> Reply {
    let mut url = api.target.url(&["jobs", id]);
    url.query_pairs_mut().append_pair("location", &api.target.location);
    api.send(Call::get(url)).await
}

/// Asks after a job until it has ended, or somebody says something else, or the time is up.
async fn ended(api: &Api, id: &str, mut reply: Reply, until: Instant) -> Reply {
    let mut wait = FIRST_WAIT;
    while let Some(state) = state_of(&reply) {
        if state == DONE {
            return reply;
        }
        if Instant::now() + wait > until {
            return Reply::failed(FailureKind::Timeout, format!("the load job `{id}` is still {state}"));
        }
        sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
        reply = ask_after(api, id).await;
    }
    reply
}

/// Returns the state of the job that a success speaks of.
fn state_of(reply: &Reply) -> Option<String> {
    let job = job(reply)?;
    Some(job.pointer("/status/state")?.as_str()?.to_owned())
}

fn has_failed(reply: &Reply) -> bool {
    job(reply).is_some_and(|job| job.pointer("/status/errorResult").is_some())
}

fn job(reply: &Reply) -> Option<Value> {
    match reply {
        Reply::Answer(Answer { status: 200..=299, body, .. }) => serde_json::from_slice(body).ok(),
        Reply::Answer(_) | Reply::Failed(_) => None,
    }
}
