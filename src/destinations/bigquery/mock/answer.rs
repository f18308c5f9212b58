//! Answers and refusals in Google's form.

use serde_json::{Value, json};

use crate::destinations::mock::Said;

/// What a request becomes: an answer, or a refusal.
pub(super) type Answer = Result<Said, Said>;

/// Returns a refusal: `reason` is what programs look at, beside the status.
pub(super) fn refusal(status: u16, reason: &str, message: &str) -> Said {
    let error = json!({ "message": message, "domain": "global", "reason": reason });
    let mut body = json!({ "error": { "code": status, "message": message, "errors": [error] } });
    let word = status_word(status);
    if let Some(error) = body.pointer_mut("/error").filter(|_| !word.is_empty()) {
        put(error, "status", word.into());
    }
    let mut said = Said::json(status, &body);
    if status == 401 {
        said.headers.push(("www-authenticate", "Bearer realm=\"https://accounts.google.com/\"".to_owned()));
    }
    said
}

const fn status_word(status: u16) -> &'static str {
    match status {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ALREADY_EXISTS",
        412 => "FAILED_PRECONDITION",
        429 => "RESOURCE_EXHAUSTED",
        500 => "INTERNAL",
        503 => "UNAVAILABLE",
        _ => "",
    }
}

/// Sets a member of an object.
pub(super) fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

/// 400 `invalid`.
pub(super) fn invalid(message: &str) -> Said {
    refusal(400, "invalid", message)
}

/// 400 `invalidQuery`.
pub(super) fn invalid_query(message: &str) -> Said {
    refusal(400, "invalidQuery", message)
}

/// 404 `notFound`; `what` reads `Table p:d.t`.
pub(super) fn not_found(what: &str) -> Said {
    refusal(404, "notFound", &format!("Not found: {what}"))
}

/// 409 `duplicate`; `what` reads `Table p:d.t`.
pub(super) fn already_exists(what: &str) -> Said {
    refusal(409, "duplicate", &format!("Already Exists: {what}"))
}

/// 200 with a resource.
pub(super) fn fine(body: &Value) -> Answer {
    Ok(Said::json(200, body))
}

/// What Google's front end says to a body that is too large: a page, no JSON.
pub(super) fn too_large() -> Said {
    let page = "<!DOCTYPE html>\n<html lang=en>\n  <title>Error 413 (Request Entity Too Large)!!1</title>\n  \
                <p><b>413.</b> <ins>That's an error.</ins>\n  <p>Your client issued a request that was too large.\n";
    let headers = vec![("content-type", "text/html; charset=UTF-8".to_owned())];
    Said { status: 413, headers, body: page.to_owned() }
}
