//! The rules of `group`: somebody belongs to a group that has an id.
//!
//! Only rules; what the texts are is read in `head`, what an error means to the caller is said in `validate`.

use validator::Validate;

use super::validate::{Ids, MAX_TEXT, Sender};

/// What the rules of `group` look at.
#[derive(Debug, Validate)]
pub(super) struct Group<'a> {
    #[validate(nested)]
    sender: Sender<'a>,
    #[validate(required(code = "missing_group_id"), length(max = MAX_TEXT, code = "too_long"))]
    group_id: Option<&'a str>,
}

impl<'a> From<&Ids<'a>> for Group<'a> {
    fn from(ids: &Ids<'a>) -> Self {
        Group { sender: Sender::from(ids), group_id: ids.group_id }
    }
}
