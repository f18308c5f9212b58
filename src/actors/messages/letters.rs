//! Messages about dead letters: list them, send them again, drop them.

use actix::Message;

use crate::journal::letters::is_reason_of;
pub use crate::journal::{LetterFilter, LetterId, LetterList};
use crate::policy::outcome::Reason;

/// Question: which dead letters are there? Newest first.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<LetterList, LetterTrouble>")]
pub struct ListLetters {
    /// Which ones.
    pub filter: LetterFilter,
    /// Most entries; fewer come when they are large, or hard to find.
    pub limit: usize,
    /// `next` of the page before.
    pub before: Option<LetterId>,
}

/// Command: do this with every letter that the filter admits now. Goes on when nobody waits for the answer any more.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Settled, LetterTrouble>")]
pub struct SettleLetters {
    /// Which ones.
    pub filter: LetterFilter,
    /// What to do with them.
    pub how: Settling,
}

/// What becomes of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settling {
    /// Each event goes to its destination once more.
    Retry,
    /// They are given up for good.
    Drop,
}

/// The answer to [`SettleLetters`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Settled {
    /// Letters that were sent again or dropped.
    pub count: u64,
    /// Letters that stay, since their destination is off or not configured, or their event cannot be made again.
    #[serde(skip_serializing_if = "is_none")]
    pub left: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_none(left: &u64) -> bool {
    *left == 0
}

/// Why letters could not be listed or settled as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LetterTrouble {
    /// There is no such letter or destination; nothing was done.
    #[error("{0}")]
    NotFound(String),
    /// The journal has no room; those that were not sent again are still letters.
    #[error("{0}")]
    Full(String),
    /// The disk failed, or the router is stopping; those that were not sent again are still letters.
    #[error("{0}")]
    Unavailable(String),
}

/// Returns whether events can become dead letters for this reason, or for one that begins so, with a `*` at its end.
pub fn is_reason(word: &str) -> bool {
    Reason::ALL.iter().any(|reason| is_reason_of(word, reason.as_str()))
}

/// Returns every reason there is, separated by commas.
pub fn reasons() -> String {
    Reason::ALL.iter().map(|reason| reason.as_str()).collect::<Vec<_>>().join(", ")
}
