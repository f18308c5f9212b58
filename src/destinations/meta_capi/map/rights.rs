//! `data_processing_options`: Limited Data Use, for people in states of the USA who have opted out.

use serde_json::Value;

use super::call::{Call, part};
use super::write::{Object, write_text};
use crate::destinations::meta_capi::config::LimitedDataUse;
use crate::policy::consent;

/// The options of an event: the words, and where its user is. Zero lets Meta find that out.
struct Rights<'e> {
    words: Vec<&'e str>,
    country: i64,
    state: i64,
}

/// Writes the options of the event; nothing when there are none, which means the same as none.
pub(super) fn write(call: &Call<'_>, event: &mut Object<'_>) {
    let limited = || Rights { words: vec!["LDU"], country: 0, state: 0 };
    let Some(rights) = said(call).or_else(|| must_limit(call).then(limited)) else { return };
    let out = event.key("data_processing_options");
    out.push(b'[');
    for (index, word) in rights.words.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_text(out, word);
    }
    out.push(b']');
    if !rights.words.is_empty() {
        event.integer("data_processing_options_country", rights.country);
        event.integer("data_processing_options_state", rights.state);
    }
}

/// What the event says itself, in the form of Meta's pixel: `[["LDU"], 1, 1000]`, the options, country and state.
fn said<'e>(call: &Call<'e>) -> Option<Rights<'e>> {
    let list = call.context.data_processing_options?.as_array()?;
    let words = list.first()?.as_array()?.iter().filter_map(Value::as_str).collect();
    let number = |index: usize| list.get(index).and_then(Value::as_i64).unwrap_or_default();
    Some(Rights { words, country: number(1), state: number(2) })
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
