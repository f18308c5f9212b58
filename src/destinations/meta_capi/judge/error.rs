//! An error of the Graph API: what its codes mean, and its words.
//!
//! <https://developers.facebook.com/docs/graph-api/guides/error-handling/>,
//! <https://developers.facebook.com/docs/marketing-api/error-reference/>.

use serde::Deserialize;

use crate::policy::outcome::Reason;

/// What Meta says is wrong.
#[derive(Deserialize)]
pub(super) struct GraphError {
    #[serde(default)]
    message: String,
    code: Option<i64>,
    error_subcode: Option<i64>,
    #[serde(default)]
    is_transient: bool,
    error_user_title: Option<String>,
    error_user_msg: Option<String>,
    fbtrace_id: Option<String>,
}

/// What an error means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Too much was asked.
    Throttled,
    /// Token, right, pixel or version: for an operator.
    Broken(Reason),
    /// It passes.
    Transient,
    /// Meta does not know, and it may never pass.
    Unknown,
    /// One of the events is not as it must be.
    Event(Reason),
    /// No code that is known.
    Other,
}

impl GraphError {
    pub(super) fn class(&self) -> Class {
        match (self.code.unwrap_or_default(), self.error_subcode.unwrap_or_default()) {
            // Of the app, the user, the page, the call; 80000 and what follows: of the business.
            (4 | 17 | 32 | 613 | 80_000..=80_014, _) => Class::Throttled,
            // 460: password changed, 463: expired, 467: revoked; 102 and 104: no session, no proof.
            (102 | 104 | 190, _) => Class::Broken(Reason::Unauthorized),
            (3 | 10 | 200..=299, _) => Class::Broken(Reason::Forbidden),
            // Subcode 33 means too that the token has no right to see the pixel.
            (100, 33) | (803, _) => Class::Broken(Reason::NotFound),
            // The version is not served any more.
            (12 | 2_635, _) => Class::Broken(Reason::Gone),
            // Meta calls it transient too, and it may come for ever.
            (1, 99) => Class::Unknown,
            _ if self.is_transient => Class::Transient,
            (1 | 2 | 341 | 368 | 5_000 | 21_009, _) => Class::Transient,
            (100, 2_804_003) => Class::Event(Reason::TooOld),
            (100 | 105, _) => Class::Event(Reason::Rejected),
            _ => Class::Other,
        }
    }

    /// Returns what is wrong, first in the words that are meant for people, with all that Meta's support asks for.
    pub(super) fn words(&self) -> String {
        let said = [&self.error_user_title, &self.error_user_msg];
        let mut said: Vec<&str> = said.into_iter().flatten().map(|text| text.trim()).collect();
        said.push(self.message.trim());
        said.retain(|text| !text.is_empty());
        let mut codes: Vec<String> = Vec::new();
        codes.extend(self.code.map(|code| format!("code {code}")));
        codes.extend(self.error_subcode.map(|code| format!("subcode {code}")));
        codes.extend(self.fbtrace_id.as_ref().map(|id| format!("fbtrace_id {id}")));
        format!("{} ({})", said.join(": "), codes.join(", "))
    }
}
