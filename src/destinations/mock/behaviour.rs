//! How a stand-in is told to behave: a mode, and how often, how late and about which events.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use super::MockEvent;

/// The modes as a user writes them.
pub const MODES: &str = "ok, a status from 200 to 599, hang, slow, cut, half, partial, poison, html, lie";

/// What it does to a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Takes it.
    #[default]
    Ok,
    /// Answers with this status.
    Status(u16),
    /// Never answers.
    Hang,
    /// Takes it, late.
    Slow,
    /// Closes the connection without an answer.
    Cut,
    /// Sends half an answer and closes the connection.
    Half,
    /// Takes a part of its events and refuses the others, in the way that the API has for that.
    Partial,
    /// Refuses it as a whole when it holds a certain event.
    Poison,
    /// 502 with a page instead of data, as a proxy does.
    Html,
    /// 200 with garbage.
    Lie,
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Mode, String> {
        let status = text.parse().ok().filter(|status| (200..=599).contains(status)).map(Mode::Status);
        let all = [
            Mode::Ok,
            Mode::Hang,
            Mode::Slow,
            Mode::Cut,
            Mode::Half,
            Mode::Partial,
            Mode::Poison,
            Mode::Html,
            Mode::Lie,
        ];
        let named = all.into_iter().find(|mode| mode.to_string() == text);
        status.or(named).ok_or_else(|| format!("`{text}` is no mode; there are {MODES}"))
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mode::Status(status) => return write!(f, "{status}"),
            Mode::Ok => "ok",
            Mode::Hang => "hang",
            Mode::Slow => "slow",
            Mode::Cut => "cut",
            Mode::Half => "half",
            Mode::Partial => "partial",
            Mode::Poison => "poison",
            Mode::Html => "html",
            Mode::Lie => "lie",
        })
    }
}

impl<'de> Deserialize<'de> for Mode {
    /// A status may be a number.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Mode, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text.parse().map_err(de::Error::custom)
    }
}

/// A mode with its circumstances.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    /// What it does.
    #[serde(default)]
    pub mode: Mode,
    /// To how many requests; afterwards it takes everything. Absent: for ever.
    #[serde(default)]
    pub times: Option<u64>,
    /// Only to each so many-th request.
    #[serde(default = "one")]
    pub every: NonZeroU32,
    /// Waits this long first.
    #[serde(default, with = "humantime_serde")]
    pub delay: Option<Duration>,
    /// `Retry-After` of a status, in seconds.
    #[serde(default)]
    pub retry_after: Option<u32>,
    /// `Retry-After` as a date.
    #[serde(default)]
    pub as_date: bool,
    /// The events of `partial` and `poison`, by name or id; `partial` without it refuses every second one.
    #[serde(default)]
    pub event: Option<String>,
    /// Only to requests for this part of the API. Absent: to all.
    #[serde(default)]
    pub on: Option<String>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Behaviour {
            mode: Mode::Ok,
            times: None,
            every: one(),
            delay: None,
            retry_after: None,
            as_date: false,
            event: None,
            on: None,
        }
    }
}

impl Behaviour {
    /// Reads `{"mode", "times", "every", "delay", "retry_after", "as_date", "event", "on"}`; none must be there.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn read(text: &[u8]) -> Result<Behaviour, String> {
        let behaviour: Behaviour = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        behaviour.checked()
    }

    /// Returns the behaviour when it makes sense.
    ///
    /// # Errors
    /// `poison` without its event.
    pub fn checked(self) -> Result<Behaviour, String> {
        if self.mode == Mode::Poison && self.event.is_none() {
            return Err("`poison` needs `event`, the name or the id of what it refuses".to_owned());
        }
        Ok(self)
    }

    /// Returns whether the event is one that the behaviour names.
    pub(super) fn hits(&self, event: &MockEvent) -> bool {
        self.event.as_ref().is_some_and(|named| *named == event.id || *named == event.name)
    }

    /// Returns the index of the first event that the behaviour names.
    pub(super) fn first_hit(&self, events: &[MockEvent]) -> Option<usize> {
        events.iter().position(|event| self.hits(event))
    }
}

fn one() -> NonZeroU32 {
    NonZeroU32::MIN
}
