//! Every shape in which an error comes, and the kinds that the sentences tell apart.

use bytes::Bytes;

use super::*;

fn answer(status: u16, body: &str) -> Answer {
    let at = "2026-01-01T00:00:00Z".parse().unwrap();
    Answer { status, headers: Vec::new(), body: Bytes::from(body.to_owned()), at }
}

/// An error in Google's full form.
fn full(status: u16, reason: &str, message: &str) -> Said {
    let body = serde_json::json!({ "error": { "code": status, "message": message,
        "errors": [{ "reason": reason, "message": message, "domain": "global", "extra": [1] }] } });
    said(&answer(status, &body.to_string()))
}

#[test]
fn every_shape_of_an_error_is_read() {
    let newer = r#"{"error":{"code":403,"message":"No.","status":"PERMISSION_DENIED","details":[{}]}}"#;
    let quota = r#"{"error":{"code":429,"message":"Quota exceeded: x","status":"RESOURCE_EXHAUSTED"}}"#;
    let unknown = r#"{"error":{"code":400,"message":"No.","status":"NEW_WORD"}}"#;
    let token = r#"{"error":"invalid_grant","error_description":"Invalid JWT Signature."}"#;
    for (status, body, reason, message, kind) in [
        (403, newer, "accessDenied", "No.", Kind::Denied),
        (429, quota, "quotaExceeded", "Quota exceeded: x", Kind::Quota),
        (400, unknown, "invalid", "No.", Kind::Invalid),
        (400, token, "invalid_grant", "Invalid JWT Signature.", Kind::Credentials),
        (503, token, "invalid_grant", "Invalid JWT Signature.", Kind::Busy),
        (429, token, "invalid_grant", "Invalid JWT Signature.", Kind::RateLimit),
        (502, "<html>bad\n gateway</html>", "backendError", "<html>bad gateway</html>", Kind::Busy),
        (413, "<html>", "tooLarge", "<html>", Kind::TooLarge),
        (503, "", "backendError", "", Kind::Busy),
        (403, "", "accessDenied", "", Kind::Denied),
        (404, "<html>", "notFound", "<html>", Kind::NothingThere),
        (302, "", "redirect", "", Kind::Redirect),
        (200, "<html>", "badAnswer", "<html>", Kind::Busy),
        (400, r#"{"error":{}}"#, "invalid", "", Kind::Invalid),
    ] {
        let said = said(&answer(status, body));
        assert_eq!((said.reason.as_str(), said.message.as_str()), (reason, message), "{status} {body}");
        assert_eq!(said.kind(), kind, "{status} {body}");
        assert_eq!(said.status, Some(status));
    }
}

#[test]
fn sentences_tell_apart_what_one_word_stands_for() {
    for (status, reason, message, kind) in [
        (404, "notFound", "Not found: Table acme:analytics.t", Kind::NoTable),
        (404, "notFound", "Not found: Dataset acme:analytics was not found in location US", Kind::NoDataset),
        (404, "notFound", "Not found: Job acme:j", Kind::NothingThere),
        (403, "accessDenied", "Access Denied: Table acme:analytics.t: Permission", Kind::Denied),
        (403, "accessDenied", "Streaming insert is not allowed in the free tier", Kind::NotBilled),
        (403, "billingNotEnabled", "Billing has not been enabled for this project.", Kind::NotBilled),
        (403, "blocked", "", Kind::Blocked),
        (403, "rateLimitExceeded", "Exceeded rate limits", Kind::RateLimit),
        (400, "jobRateLimitExceeded", "", Kind::RateLimit),
        (400, "jobBackendError", "", Kind::Busy),
        (400, "jobInternalError", "", Kind::Busy),
        (403, "quotaExceeded", "Quota exceeded: imports", Kind::Quota),
        (401, "authError", "Invalid Credentials", Kind::Credentials),
        (409, "duplicate", "Already Exists: Table", Kind::Exists),
        (412, "conditionNotMet", "Precondition Failed", Kind::Changed),
        (400, "invalid", "The destination table has no schema.", Kind::NoSchema),
        (400, "invalid", "Too many columns (10001) in schema. Only 10000 columns are allowed.", Kind::Full),
        (400, "invalid", "Too many total leaf fields: 10001, max allowed field count: 10000", Kind::Full),
        (400, "invalidQuery", "Column already exists: a", Kind::Mismatch),
        (400, "invalid", "Provided Schema does not match Table acme:analytics.t.", Kind::Mismatch),
        (
            400,
            "invalid",
            "too many rows present in the request, limit: 50000 row count: 50001.",
            Kind::TooLarge,
        ),
        (400, "badRequest", "Request payload size exceeds the limit: 10485760 bytes.", Kind::TooLarge),
        (400, "invalid", "No such field: x.", Kind::NoField),
        (400, "parseError", "Unexpected end", Kind::Invalid),
        (503, "neverHeardOf", "", Kind::Busy),
    ] {
        assert_eq!(full(status, reason, message).kind(), kind, "{reason}: {message}");
    }
}

#[test]
fn a_quota_of_one_table_is_told_from_one_of_the_project() {
    for (message, is_of_one_table) in [
        ("Exceeded rate limits: too many table update operations for this table.", true),
        ("Quota exceeded: Your table exceeded quota for imports or query appends per table.", true),
        (
            "Quota exceeded: Your project exceeded quota for tabledata.list bytes per second per project.",
            false,
        ),
    ] {
        assert_eq!(full(403, "quotaExceeded", message).is_of_one_table(), is_of_one_table, "{message}");
    }
}
