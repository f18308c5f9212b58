//! What the stand-in says when something is wrong, in the form of the Graph API, and what it says on command.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::destinations::mock::{MockEvent, Said};

/// Returns an error; `user` are the words for people, empty when there are none.
pub(super) fn graph_error(status: u16, (code, subcode): (i64, i64), message: &str, user: &str) -> Said {
    let mut error = json!({
        "message": message,
        "type": "OAuthException",
        "code": code,
        "is_transient": matches!(code, 2 | 4),
        "fbtrace_id": "AStandIn",
    });
    if let Some(members) = error.as_object_mut() {
        if subcode != 0 {
            members.insert("error_subcode".to_owned(), subcode.into());
        }
        if !user.is_empty() {
            members.insert("error_user_title".to_owned(), "Invalid parameter".into());
            members.insert("error_user_msg".to_owned(), user.into());
        }
    }
    Said::json(status, &json!({ "error": error }))
}

/// An error that is said on command.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    code: i64,
    #[serde(default)]
    subcode: i64,
    #[serde(default = "bad_request")]
    status: u16,
    /// Whether Meta says that it will pass; absent: nothing is said about that.
    transient: Option<bool>,
    /// How long to wait, in the header of Meta's business limits.
    minutes: Option<u32>,
    /// Instead of the error: so many events were received.
    received: Option<u64>,
    /// Only to requests with an event of this name or id.
    event: Option<String>,
    /// To how many requests; absent: for ever.
    times: Option<u64>,
}

fn bad_request() -> u16 {
    400
}

impl Line {
    /// Reads `{"code", "subcode", "status", "transient", "minutes", "received", "event", "times"}`; `None` of an empty body.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(body: &[u8]) -> Result<Option<Line>, String> {
        if body.trim_ascii().is_empty() {
            return Ok(None);
        }
        serde_json::from_slice(body).map(Some).map_err(|error| error.to_string())
    }

    /// Reads settings of the command line, whose values are texts.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(super) fn of_settings(set: &[(String, String)]) -> Result<Line, String> {
        let value = |text: &String| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.clone()));
        let members = set.iter().map(|(name, text)| (name.clone(), value(text)));
        let line = Value::Object(members.collect());
        serde_json::from_value(line).map_err(|error| format!("this stand-in cannot be set like this: {error}"))
    }

    /// Says it, when it is to be said about these events, and counts that.
    pub(super) fn say(&mut self, events: &[MockEvent]) -> Option<Said> {
        let is_named = |name: &String| events.iter().any(|event| event.id == *name || event.name == *name);
        if self.times == Some(0) || !self.event.as_ref().is_none_or(is_named) {
            return None;
        }
        self.times = self.times.map(|times| times - 1);
        Some(self.said())
    }

    fn said(&self) -> Said {
        if let Some(received) = self.received {
            return Said::json(200, &json!({ "events_received": received, "messages": [], "fbtrace_id": "AStandIn" }));
        }
        let mut said = graph_error(self.status, (self.code, self.subcode), "as it was told", "");
        if let Some(transient) = self.transient {
            said.body = said.body.replace("\"is_transient\":true", "\"is_transient\":false");
            said.body = said.body.replace("\"is_transient\":false", &format!("\"is_transient\":{transient}"));
        }
        said.headers.extend(self.minutes.map(|minutes| {
            let usage = json!({ "1234567890": [{
                "type": "ads_management", "call_count": 100, "total_cputime": 25, "total_time": 25,
                "estimated_time_to_regain_access": minutes,
            }] });
            ("x-business-use-case-usage", usage.to_string())
        }));
        said
    }
}
