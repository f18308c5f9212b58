//! The rules of `track`: somebody did something that has a name.
//!
//! Only rules; what the texts are is read in `head`, what an error means to the caller is said in `validate`.

use validator::Validate;

use super::validate::{Ids, MAX_TEXT, Sender};

/// What the rules of `track` look at.
#[derive(Debug, Validate)]
pub(super) struct Track<'a> {
    #[validate(nested)]
    sender: Sender<'a>,
    #[validate(required(code = "missing_event"), length(max = MAX_TEXT, code = "too_long"))]
    event: Option<&'a str>,
}

impl<'a> From<&Ids<'a>> for Track<'a> {
    fn from(ids: &Ids<'a>) -> Self {
        Track { sender: Sender::from(ids), event: ids.name }
    }
}
