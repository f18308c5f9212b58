//! `[realtime]`: what is followed live, and by which rules it is counted.
//!
//! The shipped file says the same defaults with an explanation each; a test compares the two.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::node::Node;
use super::read;
use super::section::{Section, Wrong};
use super::settings::Realtime;

/// A session that may pause for longer is none, and neither is a cart: what is live is made again from a day of the journal.
const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);
/// Most parameters that belong to a page.
const MOST_PARAMETERS: usize = 20;

impl Default for Realtime {
    fn default() -> Self {
        Realtime {
            enabled: true,
            time_zone: TimeZone::UTC,
            currency: "USD".to_owned(),
            session_timeout: Duration::from_secs(30 * 60),
            new_session_on_campaign: true,
            cart_abandoned_after: Duration::from_secs(60 * 60),
            strip_trailing_slash: true,
            keep_query: Vec::new(),
        }
    }
}

/// Reads `[realtime]`.
pub(super) fn realtime(section: &mut Section<'_>) -> Realtime {
    let default = Realtime::default();
    let realtime = Realtime {
        enabled: section.value("enabled", default.enabled, read::boolean),
        time_zone: section.value("time_zone", default.time_zone, time_zone),
        currency: section.value("currency", default.currency, currency),
        session_timeout: section.value("session_timeout", default.session_timeout, pause),
        new_session_on_campaign: section.value(
            "new_session_on_campaign",
            default.new_session_on_campaign,
            read::boolean,
        ),
        cart_abandoned_after: section.value("cart_abandoned_after", default.cart_abandoned_after, pause),
        strip_trailing_slash: section.value(
            "strip_trailing_slash",
            default.strip_trailing_slash,
            read::boolean,
        ),
        keep_query: section.value("keep_query", default.keep_query, read::list(parameter)),
    };
    if realtime.keep_query.len() > MOST_PARAMETERS {
        section.wrong("keep_query", format!("must not have more than {MOST_PARAMETERS} names"));
    }
    realtime
}

fn time_zone(node: &Node) -> Result<TimeZone, Wrong> {
    let text = read::text(node)?;
    TimeZone::get(&text).map_err(|_| {
        Wrong::at(node, format!("must be a time zone like \"UTC\" or \"Europe/Berlin\", not \"{text}\""))
    })
}

fn currency(node: &Node) -> Result<String, Wrong> {
    let text = read::text(node)?.trim().to_uppercase();
    if text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(text);
    }
    Err(Wrong::at(node, format!("must be a currency like \"USD\", not \"{text}\"")))
}

fn pause(node: &Node) -> Result<Duration, Wrong> {
    let pause = read::some_duration(node)?;
    if pause < Duration::from_secs(1) || pause > LONGEST {
        return Err(Wrong::at(node, "must be between 1s and 12h"));
    }
    Ok(pause)
}

fn parameter(node: &Node) -> Result<String, Wrong> {
    let text = read::text(node)?;
    if text.is_empty() || text.contains(['&', '=', '#', '?']) {
        return Err(Wrong::at(node, format!("must be the name of a parameter, not \"{text}\"")));
    }
    Ok(text)
}
