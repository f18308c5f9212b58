//! Says what an answer means for each event.
//!
//! Pure. A 207 names the items that failed for good by their place in the batch; everything else was taken. One that names
//! none is halved until it can only mean one event. A merge whose second person is not known is done: there is nobody to
//! merge. A success that cannot be read is none, since a page of a proxy may say 200; the ids of events make a repetition
//! harmless.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::config::Region;
use super::plan::{Holds, ItemOf, Request};
use crate::destinations::kit::answers::{of_failure, of_reply, of_status, refused};
use crate::destinations::reply::words;
use crate::destinations::{Answer, Reply};
use crate::policy::outcome::{Fault, Outcome, Reason};

/// The body of an answer that refuses something: of this interface, or of the older one. Only what is needed must be there:
/// an answer that is not understood because of a detail would be asked for again for ever.
#[derive(Debug, Default, Deserialize)]
struct Errors {
    #[serde(default)]
    errors: Option<Vec<Wrong>>,
    #[serde(default)]
    meta: Option<Meta>,
}

#[derive(Debug, Deserialize)]
struct Meta {
    #[serde(default, deserialize_with = "text")]
    error: String,
}

impl Errors {
    /// `None` when this is no JSON object.
    fn read(body: &[u8]) -> Option<Errors> {
        // A structure would be read from a list too.
        let is_object = body.trim_ascii_start().starts_with(b"{");
        serde_json::from_slice(body).ok().filter(|_| is_object)
    }

    fn list(&self) -> &[Wrong] {
        self.errors.as_deref().unwrap_or_default()
    }

    /// Returns whether Customer.io itself refuses a merge, and only because of the person who is to go.
    fn is_about_the_secondary(&self) -> bool {
        match (self.list(), &self.meta) {
            ([], Some(meta)) => names_the_secondary(&meta.error),
            ([], None) => false,
            (errors, _) => errors.iter().all(Wrong::is_about_the_secondary),
        }
    }

    /// In words, empty when nothing is said.
    fn words(&self) -> String {
        let said = self.list().iter().map(Wrong::words);
        let said = said.chain(self.meta.iter().map(|meta| meta.error.clone()));
        words(&said.filter(|said| !said.is_empty()).collect::<Vec<_>>().join("; "))
    }
}

/// What is wrong with an item, or with the whole request.
#[derive(Debug, Deserialize)]
struct Wrong {
    #[serde(default)]
    batch_index: Value,
    #[serde(default, deserialize_with = "text")]
    reason: String,
    #[serde(default, deserialize_with = "text")]
    field: String,
    #[serde(default, deserialize_with = "text")]
    message: String,
}

impl Wrong {
    /// The place of the item that it is about, where it says one.
    fn place(&self) -> Option<usize> {
        self.batch_index.as_u64().and_then(|index| usize::try_from(index).ok())
    }

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

    /// A merge with somebody who is not known has nothing to do. Whatever else is said about one is a refusal.
    fn is_about_the_secondary(&self) -> bool {
        self.field.starts_with("secondary") || names_the_secondary(&self.words())
    }
}

fn names_the_secondary(said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    said.contains("secondary") && !said.contains("primary")
}

/// A text; anything else counts as none.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::String(text) => text,
        _ => String::new(),
    })
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
        200..=299 => of_taken(items, events, answer),
        400 => vec![of_refused(items, events, answer); events],
        _ => vec![located(region, of_status(answer, events), answer); events],
    }
}

fn of_taken(items: &[ItemOf], events: usize, answer: &Answer) -> Vec<Outcome> {
    let is_partial = answer.status == 207;
    let is_empty = answer.body.trim_ascii().is_empty() && !is_partial;
    let read = if is_empty { Some(Errors::default()) } else { Errors::read(&answer.body) };
    match read {
        Some(read) if !read.list().is_empty() => of_errors(items, events, (answer.status, &read)),
        Some(_) if !is_partial => vec![Outcome::Delivered; events],
        // Something was refused, and nothing says what: as with a whole request, halving ends it.
        _ if is_partial => vec![refused(not_theirs(answer), events); events],
        _ => vec![unreadable(answer); events],
    }
}

/// Errors that name their items are about these. Those that do not may be about any of several events.
fn of_errors(items: &[ItemOf], events: usize, (status, read): (u16, &Errors)) -> Vec<Outcome> {
    let fault = |said| Fault::new(Reason::Rejected, Some(status), said);
    if events == 1 {
        let is_done = is_merge(items) && read.is_about_the_secondary();
        return vec![if is_done { Outcome::Delivered } else { Outcome::Refused(fault(read.words())) }];
    }
    let mut outcomes = vec![Outcome::Delivered; events];
    for wrong in read.list() {
        let item = wrong.place().and_then(|place| items.get(place));
        let Some((item, outcome)) = item.and_then(|item| Some((item, outcomes.get_mut(item.event)?))) else {
            return vec![refused(fault(read.words()), events); events];
        };
        if !(item.merges && wrong.is_about_the_secondary()) {
            *outcome = Outcome::Refused(fault(wrong.words()));
        }
    }
    outcomes
}

fn is_merge(items: &[ItemOf]) -> bool {
    !items.is_empty() && items.iter().all(|item| item.merges)
}

fn unreadable(answer: &Answer) -> Outcome {
    Outcome::Transient(not_theirs(answer))
}

fn not_theirs(answer: &Answer) -> Fault {
    let said = words(&format!("{} with an answer that is not Customer.io's: {}", answer.status, answer.words()));
    Fault::new(Reason::BadAnswer, Some(answer.status), said)
}

/// A whole request is refused because of something in it, which halving finds.
fn of_refused(items: &[ItemOf], events: usize, answer: &Answer) -> Outcome {
    let read = Errors::read(&answer.body).unwrap_or_default();
    if events == 1 && is_merge(items) && read.is_about_the_secondary() {
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
