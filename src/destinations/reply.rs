//! What came back from the other side: an answer, or the reason why there is none. A value, never an error.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

/// Most bytes of the other side's words that are kept.
const MAX_WORDS_BYTES: usize = 1024;

/// The longest wait that another side may ask for; a larger one is cut to this.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// One answer or transport failure.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// The other side spoke.
    Answer(Answer),
    /// It did not.
    Failed(Failure),
}

/// What the other side said.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// HTTP status; a local store answers 200, or 207 with a JSON body that names the refused rows.
    pub status: u16,
    /// The headers that some `judge` reads (`retry-after`, `location`), names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// At most 64 KiB of the body.
    pub body: Bytes,
    /// When it arrived, for dates in `Retry-After`.
    pub at: Timestamp,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// In words, without secrets.
    pub message: String,
}

/// Kinds of transport failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// No answer in time.
    Timeout,
    /// Refused, reset or cut.
    Connection,
    /// The name does not resolve.
    Dns,
    /// TLS did not come about.
    Tls,
    /// The address is in a private network and that is not allowed.
    PrivateAddress,
    /// A local store failed.
    Store,
    /// There are no credentials, or they cannot be used.
    Credentials,
}

impl Reply {
    /// Returns the plain success of a local store.
    pub fn stored(at: Timestamp) -> Reply {
        Reply::Answer(Answer { status: 200, headers: Vec::new(), body: Bytes::new(), at })
    }

    /// Returns a failure of this kind.
    pub fn failed(kind: FailureKind, message: impl Into<String>) -> Reply {
        Reply::Failed(Failure { kind, message: message.into() })
    }
}

impl Answer {
    /// Returns a header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    }

    /// Returns how long the other side asked us to wait: `Retry-After` in seconds or as a date (RFC 9110, 10.2.3), at most
    /// [`MAX_RETRY_AFTER`]. A date that has passed means no wait; an unreadable value counts as absent.
    pub fn retry_after(&self) -> Option<Duration> {
        let value = self.header("retry-after")?.trim();
        let wait = match value.parse::<u64>() {
            Ok(seconds) => Duration::from_secs(seconds),
            Err(_) => until(value, self.at)?,
        };
        Some(wait.min(MAX_RETRY_AFTER))
    }

    /// Returns the body as words for an operator: at most 1 KiB, without control characters.
    pub fn words(&self) -> String {
        words(&String::from_utf8_lossy(&self.body))
    }
}

/// Returns the time from `now` to an HTTP date, zero when it has passed.
fn until(date: &str, now: Timestamp) -> Option<Duration> {
    let parser = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true);
    let date = parser.parse_timestamp(date).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

/// Cuts foreign text to 1 KiB of printable characters; white space of any kind becomes one space.
pub fn words(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        let blank = character.is_whitespace() || character.is_control();
        let next = if blank { ' ' } else { character };
        if blank && (out.is_empty() || out.ends_with(' ')) {
            continue;
        }
        if out.len() + next.len_utf8() > MAX_WORDS_BYTES {
            break;
        }
        out.push(next);
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(retry_after: &str) -> Answer {
        Answer {
            status: 429,
            headers: vec![("retry-after", retry_after.to_owned())],
            body: Bytes::new(),
            at: "1994-11-06T08:49:37Z".parse().unwrap(),
        }
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let table = [
            ("0", Some(0)),
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("999999999999", Some(3600)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("Sun, 06 Nov 2094 08:49:37 GMT", Some(3600)),
            ("soon", None),
            ("-3", None),
            ("", None),
        ];
        for (value, seconds) in table {
            assert_eq!(answer(value).retry_after(), seconds.map(Duration::from_secs), "{value:?}");
        }
    }

    #[test]
    fn words_lose_control_characters_and_stop_at_a_kibibyte() {
        assert_eq!(words("\u{1b}[31mno\r\n\tsuch\0 key  "), "[31mno such key");
        assert_eq!(words(&"é".repeat(2000)).len(), 1024);
        assert_eq!(words(&"ééé".repeat(2000).replacen('é', "x", 1)).len(), 1023);
    }
}
