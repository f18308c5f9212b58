//! Where an event happened, and what Meta wants of an event from there.

use super::No;
use super::app;
use super::call::{Call, part, text};

/// Every word that Meta knows.
pub(in super::super) const SOURCES: [&str; 9] = [
    "email",
    WEBSITE,
    APP,
    "phone_call",
    "chat",
    STORE,
    SYSTEM,
    MESSAGES,
    "other",
];

pub(super) const WEBSITE: &str = "website";
pub(super) const APP: &str = "app";
pub(super) const STORE: &str = "physical_store";
pub(super) const SYSTEM: &str = "system_generated";
pub(super) const MESSAGES: &str = "business_messaging";

/// Returns whether Meta knows this word.
pub(in super::super) fn is_source(word: &str) -> bool {
    known(word).is_some()
}

pub(super) fn known(word: &str) -> Option<&'static str> {
    SOURCES.into_iter().find(|source| *source == word)
}

/// Returns where the event happened: as it says itself; a website or an app when all that Meta wants to know of one is
/// there; else what the settings say.
///
/// # Errors
/// It is said to come from somewhere, and what Meta wants to know then is missing.
pub(super) fn of(call: &Call<'_>) -> Result<&'static str, No> {
    let said = call.property_text("action_source").and_then(known);
    if said.is_none() && is_website(call) {
        return Ok(WEBSITE);
    }
    if said.is_none() && is_app(call) {
        return Ok(APP);
    }
    let source = said.or(call.options.source).unwrap_or(SYSTEM);
    missing(source, call).map_or(Ok(source), |what| Err(No::Refuse(format!("an event from `{source}` needs {what}"))))
}

fn is_website(call: &Call<'_>) -> bool {
    missing(WEBSITE, call).is_none()
}

fn is_app(call: &Call<'_>) -> bool {
    let is_app = call.context.app.is_some() || part(call.context.device, "type").is_some();
    is_app && missing(APP, call).is_none()
}

/// <https://developers.facebook.com/docs/marketing-api/conversions-api/parameters>.
fn missing(source: &str, call: &Call<'_>) -> Option<&'static str> {
    match source {
        WEBSITE if call.page_url().is_none() => Some("the address of its page in `context.page.url`"),
        WEBSITE if call.context.user_agent.is_none() => Some("`context.userAgent`"),
        APP if app::platform(call).is_none() => Some("`context.os.name`, iOS or Android"),
        APP if part(call.context.os, "version").and_then(text).is_none() => Some("`context.os.version`"),
        MESSAGES if call.property_text("messaging_channel").is_none() => Some("`properties.messaging_channel`"),
        _ => None,
    }
}
