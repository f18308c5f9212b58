//! `data_processing_options`: Limited Data Use, for people in states of the USA who have opted out.

use serde_json::Value;

use super::call::{Call, part};
use super::write::{Object, write_text};
use crate::destinations::meta_capi::config::LimitedDataUse;
use crate::policy::consent;

const OPTIONS: &str = "data_processing_options";
/// What Meta calls it.
const LIMITED: &str = "LDU";
/// The country and the state for Meta to find out.
const UNKNOWN: (i64, i64) = (0, 0);
const USA: i64 = 1;
/// Numbers of states, of which 1000 is California. Meta adds to them:
/// <https://developers.facebook.com/docs/marketing-apis/data-processing-options>.
const STATES: std::ops::RangeInclusive<i64> = 1000..=1099;

/// What an event says of its user's rights.
enum Said {
    /// Limited, with the country and the state.
    Limited((i64, i64)),
    /// An empty list: there is no limit.
    Unlimited,
}

/// Writes the options of the event; nothing when there are none, which means the same as none.
///
/// An event can limit the use of its data and cannot undo what the settings or its user's refusal limit: whoever has the
/// write key can write an empty list.
pub(super) fn write(call: &Call<'_>, event: &mut Object<'_>) {
    let (country, state) = match said(call) {
        Some(Said::Limited(place)) => place,
        _ if must_limit(call) => UNKNOWN,
        Some(Said::Unlimited) => return event.key(OPTIONS).extend_from_slice(b"[]"),
        None => return,
    };
    let out = event.key(OPTIONS);
    out.push(b'[');
    write_text(out, LIMITED);
    out.push(b']');
    event.integer("data_processing_options_country", country);
    event.integer("data_processing_options_state", state);
}

/// What the event says itself, in the form of Meta's pixel: `["LDU"], 1, 1000`, the options, country and state, as one list,
/// whose options may stand in a list of their own. What Meta does not know is not there.
fn said(call: &Call<'_>) -> Option<Said> {
    let list = call.context.data_processing_options?.as_array()?;
    let words = list.first().and_then(Value::as_array).unwrap_or(list);
    if words.is_empty() {
        return Some(Said::Unlimited);
    }
    let number = |index: usize| list.get(index).and_then(Value::as_i64).unwrap_or_default();
    let place = Some((number(1), number(2))).filter(|(country, state)| *country == USA && STATES.contains(state));
    let is_limited = words.iter().any(|word| word.as_str() == Some(LIMITED));
    is_limited.then(|| Said::Limited(place.unwrap_or(UNKNOWN)))
}

fn must_limit(call: &Call<'_>) -> bool {
    match call.options.limited_data_use {
        LimitedDataUse::Always => true,
        LimitedDataUse::Never => false,
        LimitedDataUse::Auto => call.event.receipt.signals.gpc || has_refused(call),
    }
}

/// Whether the event states a category about advertising that its user does not allow. Silence is no refusal.
fn has_refused(call: &Call<'_>) -> bool {
    let preferences = part(call.context.consent, "categoryPreferences").and_then(Value::as_object);
    let is_no = |(name, value): (&String, &Value)| {
        !value.is_null() && value.as_bool() != Some(true) && consent::is_advertising(name)
    };
    preferences.is_some_and(|preferences| preferences.iter().any(is_no))
}
