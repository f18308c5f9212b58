//! The rules of `screen`: somebody saw a screen, whose name may be absent.
//!
//! Only rules; what the texts are is read in `head`, what an error means to the caller is said in `validate`.

use validator::Validate;

use super::validate::{Ids, MAX_TEXT, Sender};

/// What the rules of `screen` look at.
#[derive(Debug, Validate)]
pub(super) struct Screen<'a> {
    #[validate(nested)]
    sender: Sender<'a>,
    #[validate(length(max = MAX_TEXT, code = "too_long"))]
    name: Option<&'a str>,
}

impl<'a> From<&Ids<'a>> for Screen<'a> {
    fn from(ids: &Ids<'a>) -> Self {
        Screen { sender: Sender::from(ids), name: ids.name }
    }
}
