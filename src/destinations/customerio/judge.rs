//! Says what an answer means for each event.
//!
//! Pure. A 207 names the items that failed for good by their place in the batch; everything else was taken. A merge whose
//! second person is not known is done: there is nobody to merge. A success that cannot be read is none, since a page of a
//! proxy may say 200; the ids of events make a repetition harmless.

use serde::Deserialize;

use super::config::Region;
use super::plan::{Holds, ItemOf, Request};
use crate::destinations::kit::answers::{of_failure, of_reply, of_status};
use crate::destinations::reply::words;
use crate::destinations::{Answer, Reply};
use crate::policy::outcome::{Fault, Outcome, Reason};

/// The body of an answer that refuses something: of this interface, or of the older one.
#[derive(Debug, Default, Deserialize)]
struct Errors {
    #[serde(default)]
    errors: Vec<Wrong>,
    #[serde(default)]
    meta: Option<Meta>,
}

#[derive(Debug, Deserialize)]
struct Meta {
    error: String,
}

impl Errors {
    /// Returns whether Customer.io itself refuses a merge, and not because of the person who is to remain.
    fn is_about_the_secondary(&self) -> bool {
        let is_own = !self.errors.is_empty() || self.meta.is_some();
        is_own && self.errors.iter().all(Wrong::is_about_the_secondary)
    }

    /// In words, empty when nothing is said.
    fn words(&self) -> String {
        let said = self.errors.iter().map(Wrong::words);
        let said = said.chain(self.meta.iter().map(|meta| meta.error.clone()));
        words(&said.filter(|said| !said.is_empty()).collect::<Vec<_>>().join("; "))
    }
}

/// What is wrong with an item, or with the whole request.
#[derive(Debug, Deserialize)]
struct Wrong {
    batch_index: Option<usize>,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    field: String,
    #[serde(default)]
    message: String,
}

impl Wrong {
    /// In words: `attributes.plan: must not be blank (invalid)`.
    fn words(&self) -> String {
        let mut said = self.field.clone();
        for (before, part, after) in [(": ", &self.message, ""), (" (", &self.reason, ")")] {
            if !part.is_empty() {
                said.push_str(if said.is_empty() { before.trim_start_matches(": ") } else { before });
                said.push_str(part);
                said.push_str(after);
            }
        }
        words(&said)
    }

    /// A merge fails for good only because of the person who is to remain.
    fn is_about_the_secondary(&self) -> bool {
        !self.field.starts_with("primary")
    }
}

/// Returns one outcome for each of the request's `events`; a probe's is asked for with `events` 1.
pub(super) fn judge(region: Region, request: &Request, events: usize, reply: &Reply) -> Vec<Outcome> {
    let outcome = match (&request.holds, reply) {
        (_, Reply::Failed(failure)) => of_failure(failure),
        (Holds::Region, Reply::Answer(answer)) => of_region(region, answer),
        (Holds::Nothing, Reply::Answer(answer)) => of_attempt(region, answer),
        (Holds::Metric, Reply::Answer(_)) => of_reply(reply, events),
        (Holds::Items(items), Reply::Answer(answer)) => return of_batch(region, items, events, answer),
    };
    vec![outcome; events]
}

fn of_batch(region: Region, items: &[ItemOf], events: usize, answer: &Answer) -> Vec<Outcome> {
    match answer.status {
        200..=299 => of_taken(items, events, answer).unwrap_or_else(|| vec![unreadable(answer); events]),
        400 => vec![of_refused(items, events, answer); events],
        _ => vec![located(region, of_status(answer, events), answer); events],
    }
}

/// `None` when the answer is none that Customer.io gives: not JSON, a 207 without errors, or an error of no item.
fn of_taken(items: &[ItemOf], events: usize, answer: &Answer) -> Option<Vec<Outcome>> {
    let is_empty = answer.body.trim_ascii().is_empty();
    let read = if is_empty { Errors::default() } else { serde_json::from_slice(&answer.body).ok()? };
    if answer.status == 207 && is_empty {
        return None;
    }
    let mut outcomes = vec![Outcome::Delivered; events];
    for wrong in &read.errors {
        let item = items.get(wrong.batch_index?)?;
        if item.merges && wrong.is_about_the_secondary() {
            continue;
        }
        let fault = Fault::new(Reason::Rejected, Some(answer.status), wrong.words());
        *outcomes.get_mut(item.event)? = Outcome::Refused(fault);
    }
    Some(outcomes)
}

fn unreadable(answer: &Answer) -> Outcome {
    let said = words(&format!("{} with an answer that is not Customer.io's: {}", answer.status, answer.words()));
    Outcome::Transient(Fault::new(Reason::BadAnswer, Some(answer.status), said))
}

/// A whole request is refused because of something in it, which halving finds.
fn of_refused(items: &[ItemOf], events: usize, answer: &Answer) -> Outcome {
    let read: Errors = serde_json::from_slice(&answer.body).unwrap_or_default();
    let is_merge = !items.is_empty() && items.iter().all(|item| item.merges);
    if events == 1 && is_merge && read.is_about_the_secondary() {
        return Outcome::Delivered;
    }
    let said = read.words();
    let mut outcome = of_status(answer, events);
    if let (Outcome::Refused(fault) | Outcome::Suspect(fault), false) = (&mut outcome, said.is_empty()) {
        fault.answer = said;
    }
    outcome
}

/// Says which region to set when the answer sends us to the other one.
fn located(region: Region, mut outcome: Outcome, answer: &Answer) -> Outcome {
    let to = answer.header("location").unwrap_or_default();
    let is_there = |there: &Region| *there != region && to.starts_with(there.host());
    if let Outcome::Broken(fault) = &mut outcome
        && let Some(there) = [Region::Us, Region::Eu].iter().find(|there| is_there(there))
    {
        fault.answer = words(&format!("{}: {}", elsewhere(*there), fault.answer));
    }
    outcome
}

fn elsewhere(region: Region) -> String {
    let word = region.as_str();
    format!("the account is in the {word} data center: set `region = \"{word}\"`")
}

/// The answer of `/api/v1/accounts/region`, which either data center gives for every account.
#[derive(Deserialize)]
struct Home {
    region: String,
}

fn of_region(region: Region, answer: &Answer) -> Outcome {
    if answer.status == 401
        && let Outcome::Broken(mut fault) = of_status(answer, 1)
    {
        let said = &fault.answer;
        fault.answer = words(&format!("{said}: `site_id` and `api_key` must be a pair of the Track API"));
        return Outcome::Broken(fault);
    }
    if !(200..=299).contains(&answer.status) {
        return located(region, of_status(answer, 1), answer);
    }
    let home = serde_json::from_slice::<Home>(&answer.body).ok();
    match home.and_then(|home| Region::named(&home.region)) {
        Some(home) if home == region => Outcome::Delivered,
        Some(home) => Outcome::Broken(Fault::new(Reason::Redirect, Some(answer.status), elsewhere(home))),
        None => unreadable(answer),
    }
}

/// A batch without items may be refused as such, which says that the key may send one.
fn of_attempt(region: Region, answer: &Answer) -> Outcome {
    match answer.status {
        400 | 422 => Outcome::Delivered,
        _ => located(region, of_status(answer, 1), answer),
    }
}
