//! What the answers of an incoming webhook mean. Pure.
//!
//! Slack answers in a word: <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors> and
//! <https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks>. The word counts before the status,
//! because what speaks Slack's language does not always use its statuses. Most of them are about the webhook and not about
//! an event: they hold the destination, and no alert dies of them.

use serde_json::Value;

use super::PROBE;
use crate::destinations::kit::Call;
use crate::destinations::kit::answers::{fault_of, of_reply, refused};
use crate::destinations::{Answer, Reply};
use crate::policy::outcome::{Outcome, Reason};

/// Returns one outcome for each of the request's `events`.
pub(super) fn judge(request: &Call, events: usize, reply: &Reply) -> Vec<Outcome> {
    let own = match reply {
        Reply::Answer(answer) if request.body == PROBE => of_probe(answer),
        Reply::Answer(answer) => of_answer(answer, events),
        Reply::Failed(_) => None,
    };
    vec![own.unwrap_or_else(|| of_reply(reply, events)); events]
}

/// An empty message is refused, and the refusal says that the address is right.
fn of_probe(answer: &Answer) -> Option<Outcome> {
    match of_webhook(answer) {
        Some(outcome) => Some(outcome),
        None if answer.status == 400 || is_about_content(&word(answer)) => Some(Outcome::Delivered),
        None => of_no(answer),
    }
}

fn of_answer(answer: &Answer, events: usize) -> Option<Outcome> {
    // A page for people, where a proxy or a login stands before the webhook: nothing was posted.
    if answer.status < 300 && answer.body.trim_ascii_start().starts_with(b"<") {
        return Some(Outcome::Transient(fault_of(answer, Reason::BadAnswer)));
    }
    if is_about_content(&word(answer)) {
        return Some(refused(fault_of(answer, Reason::Rejected), events));
    }
    of_webhook(answer).or_else(|| of_no(answer))
}

/// A failure that comes with 200, as the methods of Slack's API say it, for a reason that is not known.
fn of_no(answer: &Answer) -> Option<Outcome> {
    let json: Value = serde_json::from_slice(&answer.body).ok()?;
    let is_no = ["ok", "success"].iter().any(|name| json.get(name) == Some(&Value::Bool(false)));
    (answer.status < 300 && is_no).then(|| Outcome::Transient(fault_of(answer, Reason::BadAnswer)))
}

/// What is wrong with the webhook, or with who may post there.
fn of_webhook(answer: &Answer) -> Option<Outcome> {
    let reason = match word(answer).as_str() {
        "action_prohibited"
        | "posting_to_general_channel_denied"
        | "invalid_token"
        | "team_disabled"
        // Mattermost: server/channels/app/webhook.go, with 400, 403 or 501.
        | "web.incoming_webhook.disabled.app_error"
        | "web.incoming_webhook.permissions.app_error"
        | "web.incoming_webhook.channel_locked.app_error" => Reason::Forbidden,
        "channel_not_found"
        | "user_not_found"
        | "no_service"
        | "no_service_id"
        | "no_active_hooks"
        | "no_team"
        | "web.incoming_webhook.invalid.app_error"
        | "web.incoming_webhook.channel.app_error"
        | "web.incoming_webhook.user.app_error" => Reason::NotFound,
        "channel_is_archived" => Reason::Gone,
        "rollup_error" => return Some(Outcome::Transient(fault_of(answer, Reason::ServerError))),
        _ => return None,
    };
    Some(Outcome::Broken(fault_of(answer, reason)))
}

/// Whether the message itself is refused. Slack has said so with 400 and, in former years, with 500.
fn is_about_content(word: &str) -> bool {
    [
        "invalid_payload",
        "no_text",
        "missing_text_or_fallback_or_attachments",
        "msg_too_long",
        "web.incoming_webhook.parse.app_error",
        "web.incoming_webhook.text.app_error",
        "web.incoming_webhook.text.length.app_error",
    ]
    .contains(&word)
}

/// The whole body, or the member of a JSON answer that says what is wrong.
fn word(answer: &Answer) -> String {
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let named = json.as_ref().and_then(|json| json.get("id").or(json.get("error"))?.as_str());
    named.map_or_else(|| answer.words(), str::to_owned)
}
