//! Forgetting people: a store that keeps what it was given may be asked to give up what is about some of them.

use std::sync::Arc;

use super::BoxFuture;
use crate::spec::People;

/// A store out of which people can be erased.
pub trait Erase: Send + Sync + 'static {
    /// Erases everything about these people and returns how many rows or entries went, when nothing of them can be read any
    /// more. May be asked again, also after it was cut short: with the same `Arc` by who goes on with the same wish, since a store may
    /// remember what of it is done, and with another one for another wish.
    ///
    /// # Errors
    /// Why it is not done, in words: it is asked again later.
    fn erase(&self, people: Arc<People>) -> BoxFuture<Result<u64, String>>;
}
