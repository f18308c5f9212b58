//! Answers that a test dictates: what Google says when something is wrong over there, which nothing brings about that a
//! client does.

use serde_json::{Map, Value, json};

use super::answer::refusal;
use super::call::{Call, PARTS, Target, unpacked};
use crate::destinations::mock::{Incoming, Said};

/// What is dictated: an answer to requests, to rows, or to jobs.
#[derive(Debug, Clone)]
pub(super) struct Line {
    on: String,
    status: u16,
    /// What programs look at.
    pub(super) reason: String,
    /// The sentence.
    pub(super) message: String,
    /// The column of a row's error.
    pub(super) location: String,
    /// Only what holds this text; empty: everything.
    holds: String,
    retry_after: Option<u64>,
    /// How often; `None`: for ever.
    times: Option<u64>,
}

/// What `on` may be beside the parts of the interface: one row, the end of a load job.
const MORE: [&str; 2] = ["row", "job"];

impl Line {
    /// Reads `{"on", "status", "reason", "message", "location", "holds", "retry_after", "times"}`; `on` must be there.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub(super) fn read(body: &Map<String, Value>) -> Result<Line, String> {
        let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let number = |key: &str| body.get(key).and_then(Value::as_u64);
        let on = text("on");
        if !PARTS.contains(&on.as_str()) && !MORE.contains(&on.as_str()) {
            return Err(format!("`on` must be row, job or one of {}, not `{on}`", PARTS.join(", ")));
        }
        let status = number("status").unwrap_or(200);
        let status = u16::try_from(status).map_err(|_| format!("{status} is no status"))?;
        let (holds, retry_after, times) = (text("holds"), number("retry_after"), number("times"));
        let (reason, message, location) = (text("reason"), text("message"), text("location"));
        Ok(Line { on, status, reason, message, location, holds, retry_after, times })
    }

    /// Counts one use.
    fn used(&mut self) -> bool {
        if self.times == Some(0) {
            return false;
        }
        self.times = self.times.map(|times| times - 1);
        true
    }

    fn is_for(&self, on: &str, text: &[u8]) -> bool {
        self.on == on
            && (self.holds.is_empty() || memchr::memmem::find(text, self.holds.as_bytes()).is_some())
    }

    /// The token server has a form of its own.
    fn said(&self) -> Said {
        let mut said = match self.on.as_str() {
            "token" => Said::json(
                self.status,
                &json!({ "error": self.reason, "error_description": self.message }),
            ),
            _ => refusal(self.status, &self.reason, &self.message),
        };
        said.headers.extend(self.retry_after.map(|wait| ("retry-after", wait.to_string())));
        said
    }
}

/// Returns the first line that speaks of this, and counts it.
pub(super) fn spoken<'a>(script: &'a mut [Line], on: &str, text: &[u8]) -> Option<&'a Line> {
    let mut lines = script.iter_mut().filter(|line| line.is_for(on, text));
    lines.find_map(|line| line.used().then_some(&*line))
}

/// Returns the answer that is dictated to a request: its path and body may hold what the line asks for.
pub(super) fn answer(script: &mut [Line], request: &Incoming) -> Option<Said> {
    if script.is_empty() {
        return None;
    }
    let body = unpacked(request).unwrap_or_else(|_| request.body.clone());
    let text = [request.path.as_bytes(), &body].concat();
    spoken(script, Target::of(&request.path).0.part(), &text).map(Line::said)
}

/// Takes a line: `POST /_mock/say`; without a body nothing is dictated any more.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub(super) fn take(script: &mut Vec<Line>, call: &Call<'_>) -> Result<(), String> {
    let body = call.json().map_err(|said| said.body)?;
    match body.is_empty() {
        true => script.clear(),
        false => script.push(Line::read(&body)?),
    }
    Ok(())
}
