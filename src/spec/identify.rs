//! The rules of `identify`: somebody is known.
//!
//! Only rules; what the texts are is read in `head`, what an error means to the caller is said in `validate`.

use validator::Validate;

use super::validate::{Ids, Sender};

/// What the rules of `identify` look at.
#[derive(Debug, Validate)]
pub(super) struct Identify<'a> {
    #[validate(nested)]
    sender: Sender<'a>,
}

impl<'a> From<&Ids<'a>> for Identify<'a> {
    fn from(ids: &Ids<'a>) -> Self {
        Identify { sender: Sender::from(ids) }
    }
}
