//! One event of ours as one event of the Conversions API, written straight into JSON.
//!
//! Everything that Meta refuses is found here, because one event that it refuses fails the whole request. Never sends
//! anything about a person that is not hashed, except what Meta wants as it is.

mod address;
mod app;
mod call;
mod click;
mod commerce;
mod context;
mod extra;
mod money;
mod name;
mod person;
mod place;
mod rights;
mod source;
#[cfg(test)]
mod tests;
mod write;

use std::time::Duration;

use jiff::Timestamp;

use self::call::Call;
use self::write::Object;
use super::config::{Config, ContentId, ExternalId, LimitedDataUse};
use crate::destinations::Attempt;
use crate::policy::outcome::Reason;
use crate::spec::Event;

pub(super) use commerce::is_taken;
pub(super) use extra::is_personal;
pub(super) use money::is_known as is_currency;
pub(super) use name::{MAX_NAME, Names};
pub(super) use source::{SOURCES, is_source};

/// About what one event becomes; only to size buffers.
const USUAL_BYTES: usize = 1024;
const DAY: u64 = 24 * 60 * 60;
/// How old an event may be: <https://developers.facebook.com/docs/marketing-api/conversions-api/using-the-api/>.
const MAX_AGE: Duration = Duration::from_secs(7 * DAY);
/// The same for a sale in a shop.
const MAX_STORE_AGE: Duration = Duration::from_secs(62 * DAY);
/// A request may be on its way for as long as its timeout, and clocks differ.
const ON_ITS_WAY: Duration = Duration::from_secs(60);

/// What the settings decide about an event.
pub(super) struct Options {
    pub(super) names: Names,
    source: Option<&'static str>,
    currency: Option<&'static str>,
    custom_data: Vec<String>,
    content_id: ContentId,
    external_id: ExternalId,
    limited_data_use: LimitedDataUse,
}

impl Options {
    /// Reads settings that are checked.
    pub(super) fn of(config: &Config) -> Options {
        Options {
            names: Names::new(&config.event_map, config.custom_events),
            source: source::known(&config.action_source),
            currency: money::known(&config.currency),
            custom_data: config.custom_data.clone(),
            content_id: config.content_id,
            external_id: config.external_id,
            limited_data_use: config.limited_data_use,
        }
    }
}

/// Why an event is not sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum No {
    /// There is no use for it.
    Skip(Reason),
    /// It lacks something: what, in a sentence.
    Refuse(String),
}

/// Returns the JSON of an event. The age is judged at the time of the attempt, everything else does not change over retries.
///
/// # Errors
/// Why it is not sent.
pub(super) fn write(event: &Event, options: &Options, attempt: &Attempt) -> Result<Vec<u8>, No> {
    let named = options.names.of(event).ok_or(No::Skip(Reason::Unsupported))?;
    if named.name.chars().count() > MAX_NAME {
        return Err(No::Refuse(format!("the name of an event must not be longer than {MAX_NAME} characters")));
    }
    let age = Age::of(event, attempt);
    if age.0 > MAX_STORE_AGE {
        return Err(No::Skip(Reason::TooOld));
    }
    let call = Call::of(event, options);
    let source = source::of(&call)?;
    if age.0 > MAX_AGE && source != source::STORE {
        return Err(No::Skip(Reason::TooOld));
    }
    let mut out = Vec::with_capacity(USUAL_BYTES);
    let mut object = Object::open(&mut out);
    object.text("event_name", named.name);
    object.integer("event_time", event_time(event, attempt));
    object.text("event_id", &call.id());
    object.text("action_source", source);
    if let Some(url) = call.page_url() {
        object.text("event_source_url", &address::clean(url));
    }
    if source == source::MESSAGES
        && let Some(channel) = call.property_text("messaging_channel")
    {
        object.text("messaging_channel", channel);
    }
    person::write(&call, &mut object)?;
    rights::write(&call, &mut object);
    if source == source::APP {
        app::write(&call, &mut object);
    }
    commerce::write(&call, named.shape, &mut object)?;
    object.close();
    Ok(out)
}

/// Seconds since 1970. The corrected time is never after the arrival; only a clock of ours that was set back can make it
/// later than the attempt, and then it is that of the attempt: Meta takes nothing from the future.
fn event_time(event: &Event, attempt: &Attempt) -> i64 {
    event.receipt.timestamp.min(attempt.first_at).as_second()
}

/// How old an event may have become when it arrives there.
struct Age(Duration);

impl Age {
    fn of(event: &Event, attempt: &Attempt) -> Age {
        let then: Timestamp = event.receipt.timestamp;
        // Negative when it is from the future, which is not old.
        Age(Duration::try_from(attempt.at.duration_since(then)).unwrap_or_default() + ON_ITS_WAY)
    }
}
