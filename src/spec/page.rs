//! The rules of `page`: somebody saw a page, whose name may be absent.
//!
//! Only rules; what the texts are is read in `head`, what an error means to the caller is said in `validate`.

use validator::Validate;

use super::validate::{Ids, MAX_TEXT, Sender};

/// What the rules of `page` look at.
#[derive(Debug, Validate)]
pub(super) struct Page<'a> {
    #[validate(nested)]
    sender: Sender<'a>,
    #[validate(length(max = MAX_TEXT, code = "too_long"))]
    name: Option<&'a str>,
}

impl<'a> From<&Ids<'a>> for Page<'a> {
    fn from(ids: &Ids<'a>) -> Self {
        Page { sender: Sender::from(ids), name: ids.name }
    }
}
