//! What Google's errors mean: from the several shapes in which they come to a closed list of kinds. Pure.
//!
//! One list for answers to rows, for answers to statements and for what a job says, since the same words come from all of
//! them. Says what is wrong, never what is to be done about it: that is `judge`'s for events and the schema store's for
//! tables. See <https://cloud.google.com/bigquery/docs/error-messages>.

use std::time::Duration;

use serde::Deserialize;

use super::super::reply::words;
use super::super::{Answer, Failure, Reply};

#[cfg(test)]
mod tests;

/// Why something was not done.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Trouble {
    /// Google, or somebody on the way, said so.
    Said(Said),
    /// Nobody said anything.
    Silent(Failure),
}

/// An error in Google's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    /// HTTP status; `None` where it came inside of a success (a job's error) or is not known.
    pub(super) status: Option<u16>,
    /// Google's word: "rateLimitExceeded"; for a token error its own: "invalid_grant".
    pub(super) reason: String,
    /// Google's sentence, at most 1 KiB.
    pub(super) message: String,
    /// How long we were asked to wait.
    pub(super) wait: Option<Duration>,
    /// Whether it comes from where tokens are given out.
    pub(super) of_token: bool,
}

/// What an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// We are nobody there: no token, a revoked key, a wrong clock.
    Credentials,
    /// We may not do this.
    Denied,
    /// The project is not billed, or its free tier does not do this.
    NotBilled,
    /// Google has blocked the project or the user.
    Blocked,
    /// Too often.
    RateLimit,
    /// Too much for today or for this minute.
    Quota,
    /// There is no such dataset.
    NoDataset,
    /// There is no such table.
    NoTable,
    /// The table was made by hand and has no columns yet.
    NoSchema,
    /// There is nothing at this address.
    NothingThere,
    /// The request is larger than it may be, in bytes or in rows.
    TooLarge,
    /// The table takes no more columns.
    Full,
    /// The table is not what we thought, or cannot become what we want.
    Mismatch,
    /// It is there already.
    Exists,
    /// Somebody else changed it meanwhile.
    Changed,
    /// It failed over there; try again.
    Busy,
    /// We were sent elsewhere, which is not followed.
    Redirect,
    /// A column that rows name is not there.
    NoField,
    /// What we sent is wrong.
    Invalid,
}

/// Google's full form has `errors`, its newer one has `status` instead.
#[derive(Deserialize)]
struct Body {
    error: Inner,
}

#[derive(Deserialize)]
struct Inner {
    #[serde(default)]
    message: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    errors: Vec<Detail>,
}

/// One error of a list: of an answer, of a job, of a row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Detail {
    pub(super) reason: String,
    pub(super) message: String,
    pub(super) location: String,
}

/// The form of RFC 6749, 5.2.
#[derive(Deserialize)]
struct TokenBody {
    error: String,
    #[serde(default)]
    error_description: String,
}

impl Trouble {
    /// Returns the trouble of a reply that is no success.
    pub(super) fn of(reply: &Reply) -> Trouble {
        match reply {
            Reply::Answer(answer) => Trouble::Said(said(answer)),
            Reply::Failed(failure) => Trouble::Silent(failure.clone()),
        }
    }

    /// Returns whether one table's quota is meant, so that others may go on.
    pub(super) fn is_of_one_table(&self) -> bool {
        matches!(self, Trouble::Said(said) if said.is_of_one_table())
    }

    /// Returns the kind, where anything was said.
    pub(super) fn kind(&self) -> Option<Kind> {
        match self {
            Trouble::Said(said) => Some(said.kind()),
            Trouble::Silent(_) => None,
        }
    }
}

/// Reads an answer that is no success.
pub(super) fn said(answer: &Answer) -> Said {
    let (status, wait) = (Some(answer.status), answer.retry_after());
    if let Ok(body) = serde_json::from_slice::<Body>(&answer.body) {
        let first = body.error.errors.into_iter().next().unwrap_or_default();
        let message = if body.error.message.is_empty() { first.message } else { body.error.message };
        let reason = match (first.reason.as_str(), body.error.status.as_str()) {
            ("", status_word) => reason_of(status_word, &message).unwrap_or_else(|| by_status(answer.status)),
            (reason, _) => reason,
        };
        return Said { status, reason: words(reason), message: words(&message), wait, of_token: false };
    }
    if let Ok(body) = serde_json::from_slice::<TokenBody>(&answer.body) {
        let message = words(&body.error_description);
        return Said { status, reason: words(&body.error), message, wait, of_token: true };
    }
    let reason = by_status(answer.status).to_owned();
    Said { status, reason, message: answer.words(), wait, of_token: false }
}

/// The words of the newer form: <https://cloud.google.com/apis/design/errors#error_info>.
fn reason_of(status: &str, message: &str) -> Option<&'static str> {
    Some(match status {
        "INVALID_ARGUMENT" | "OUT_OF_RANGE" => "invalid",
        "UNAUTHENTICATED" => "authError",
        "PERMISSION_DENIED" => "accessDenied",
        "NOT_FOUND" => "notFound",
        "ALREADY_EXISTS" => "duplicate",
        "FAILED_PRECONDITION" => "conditionNotMet",
        "RESOURCE_EXHAUSTED" if message.starts_with("Quota exceeded") => "quotaExceeded",
        "RESOURCE_EXHAUSTED" => "rateLimitExceeded",
        "ABORTED" | "CANCELLED" | "DEADLINE_EXCEEDED" | "INTERNAL" | "UNAVAILABLE" | "UNKNOWN" => {
            "backendError"
        }
        _ => return None,
    })
}

/// What a status means without Google's words: a proxy, a load balancer, an empty body.
fn by_status(status: u16) -> &'static str {
    match status {
        200..=299 => "badAnswer",
        300..=399 => "redirect",
        401 => "authError",
        403 => "accessDenied",
        404 | 405 | 410 => "notFound",
        409 => "duplicate",
        412 => "conditionNotMet",
        413 => "tooLarge",
        408 | 425 => "backendError",
        429 => "rateLimitExceeded",
        400..=499 => "invalid",
        _ => "backendError",
    }
}

impl Said {
    /// Returns the error of a job, which comes inside of a success.
    pub(super) fn of_job(detail: &Detail) -> Said {
        let (reason, message) = (words(&detail.reason), words(&detail.message));
        Said { status: None, reason, message, wait: None, of_token: false }
    }

    /// Returns what it is about.
    pub(super) fn kind(&self) -> Kind {
        if self.of_token {
            return self.token_kind();
        }
        match self.reason.as_str() {
            "authError" | "required" => Kind::Credentials,
            "billingNotEnabled" => Kind::NotBilled,
            // The free tier is told from a missing right by the sentence alone.
            "accessDenied" if self.speaks_of(&["free tier", "billing has not been enabled"]) => {
                Kind::NotBilled
            }
            "accessDenied" | "forbidden" => Kind::Denied,
            "blocked" => Kind::Blocked,
            "rateLimitExceeded" | "userRateLimitExceeded" | "jobRateLimitExceeded" => Kind::RateLimit,
            "quotaExceeded" | "dailyLimitExceeded" => Kind::Quota,
            "notFound" => self.missing_kind(),
            "duplicate" => Kind::Exists,
            "conditionNotMet" => Kind::Changed,
            "tooLarge" | "uploadTooLarge" => Kind::TooLarge,
            "redirect" => Kind::Redirect,
            "backendError" | "internalError" | "jobBackendError" | "jobInternalError" | "timeout"
            | "badAnswer" | "stopped" | "resourcesExceeded" | "tableUnavailable" => Kind::Busy,
            _ if self.status.is_some_and(|status| status >= 500) => Kind::Busy,
            _ => self.invalid_kind(),
        }
    }

    /// A token endpoint that is busy is no reason to hold everything.
    fn token_kind(&self) -> Kind {
        match self.status {
            Some(429) => Kind::RateLimit,
            Some(400..=499) => Kind::Credentials,
            _ => Kind::Busy,
        }
    }

    fn missing_kind(&self) -> Kind {
        match () {
            () if self.speaks_of(&["not found: table"]) => Kind::NoTable,
            () if self.speaks_of(&["not found: dataset"]) => Kind::NoDataset,
            () => Kind::NothingThere,
        }
    }

    /// `invalid` and its like say everything in the sentence. "Too many columns" has two sentences for one limit.
    fn invalid_kind(&self) -> Kind {
        match () {
            () if self.speaks_of(&["too many columns", "too many total leaf fields"]) => Kind::Full,
            () if self.speaks_of(&["has no schema"]) => Kind::NoSchema,
            () if self.speaks_of(&["no such field"]) => Kind::NoField,
            () if self.speaks_of(&["too many rows", "payload size exceeds", "request too large"]) => {
                Kind::TooLarge
            }
            () if self.speaks_of(&[
                "provided schema does not match",
                "already exists",
                "is missing in new schema",
                "set data type requires",
            ]) =>
            {
                Kind::Mismatch
            }
            () => Kind::Invalid,
        }
    }

    /// Returns whether one table's quota is meant, so that others may go on.
    pub(super) fn is_of_one_table(&self) -> bool {
        self.speaks_of(&["this table", "your table", "per table", "table update operations"])
    }

    /// Returns whether the sentence holds one of these, which are in small letters.
    pub(super) fn speaks_of(&self, parts: &[&str]) -> bool {
        let message = self.message.to_lowercase();
        parts.iter().any(|part| message.contains(part))
    }

    /// Returns word and sentence for an operator.
    pub(super) fn words(&self) -> String {
        match (self.reason.as_str(), self.message.as_str()) {
            (reason, "") => reason.to_owned(),
            ("", message) => message.to_owned(),
            (reason, message) => words(&format!("{reason}: {message}")),
        }
    }
}
