//! The rules of `alias`: two ids are one user, so both must be there, and no other identity will do.
//!
//! Only rules; what the texts are is read in `head`, what an error means to the caller is said in `validate`.

use validator::Validate;

use super::validate::{Ids, MAX_MESSAGE_ID, MAX_TEXT};

/// What the rules of `alias` look at.
#[derive(Debug, Validate)]
pub(super) struct Alias<'a> {
    #[validate(length(max = MAX_MESSAGE_ID, code = "too_long"))]
    message_id: Option<&'a str>,
    #[validate(required(code = "missing_user_id"), length(max = MAX_TEXT, code = "too_long"))]
    user_id: Option<&'a str>,
    #[validate(length(max = MAX_TEXT, code = "too_long"))]
    anonymous_id: Option<&'a str>,
    #[validate(required(code = "missing_previous_id"), length(max = MAX_TEXT, code = "too_long"))]
    previous_id: Option<&'a str>,
}

impl<'a> From<&Ids<'a>> for Alias<'a> {
    fn from(ids: &Ids<'a>) -> Self {
        Alias {
            message_id: ids.message_id,
            user_id: ids.user_id,
            anonymous_id: ids.anonymous_id,
            previous_id: ids.previous_id,
        }
    }
}
