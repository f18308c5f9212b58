//! What Parrot's answers mean. Pure; what its documentation says nothing about is left to the common table.

use serde::Deserialize;

use crate::destinations::kit::answers::{fault_of, of_reply};
use crate::destinations::{Answer, Reply};
use crate::policy::outcome::{Outcome, Reason};

/// The body of an error: <https://parrot.example/docs/errors>.
#[derive(Deserialize)]
struct Said {
    code: String,
}

/// Returns one outcome for each of the request's `events`.
pub(super) fn judge(events: usize, reply: &Reply) -> Vec<Outcome> {
    let own = match reply {
        Reply::Answer(answer) if answer.status >= 400 => of_code(answer),
        Reply::Answer(_) | Reply::Failed(_) => None,
    };
    vec![own.unwrap_or_else(|| of_reply(reply, events)); events]
}

/// What a status alone would say wrong.
fn of_code(answer: &Answer) -> Option<Outcome> {
    let said: Said = serde_json::from_slice(&answer.body).ok()?;
    match said.code.as_str() {
        // 400, and no event is to blame: somebody has to pay, and then all of them are taken.
        "plan_ended" => Some(Outcome::Broken(fault_of(answer, Reason::Forbidden))),
        // 403, and gone in a minute.
        "workspace_is_moving" => Some(Outcome::Transient(fault_of(answer, Reason::ServerError))),
        _ => None,
    }
}
