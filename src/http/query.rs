//! What stands in the query of a request by an operator.
//!
//! Strict: a filter that was misspelt, or put into a body, and then ignored, would concern everything.

use actix_web::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use actix_web::{HttpRequest, web};
use jiff::Timestamp;

use super::answer::Refusal;

/// Returns the parameters as they stand; only those in `repeated` may come more than once.
///
/// # Errors
/// `bad_parameter`.
pub(super) fn pairs(request: &HttpRequest, repeated: &[&str]) -> Result<Vec<(String, String)>, Refusal> {
    let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let pairs = pairs.map_err(|_| Refusal::bad_parameter("", "the query cannot be read"))?.into_inner();
    for (at, (name, _)) in pairs.iter().enumerate() {
        let again = pairs.iter().take(at).any(|(other, _)| other == name);
        if again && !repeated.contains(&name.as_str()) {
            return Err(Refusal::bad_parameter(name, "stands twice in the query"));
        }
    }
    Ok(pairs)
}

/// Lets a request without a body through.
///
/// # Errors
/// `bad_parameter`.
pub(super) fn expect_no_body(request: &HttpRequest) -> Result<(), Refusal> {
    let length = request.headers().get(CONTENT_LENGTH);
    let has_body = length.is_some_and(|length| length != "0");
    if has_body || request.headers().contains_key(TRANSFER_ENCODING) {
        return Err(Refusal::bad_parameter("", "parameters go into the query, not into a body"));
    }
    Ok(())
}

/// The refusal of a parameter that the path does not have.
pub(super) fn unknown(name: &str) -> Refusal {
    Refusal::bad_parameter(name, "is not known here")
}

/// Reads an instant.
///
/// # Errors
/// `bad_parameter`.
pub(super) fn instant(name: &str, text: &str) -> Result<Timestamp, Refusal> {
    let message = format!("must be an instant like 2030-01-31T08:00:00Z, not \"{text}\"");
    text.parse().map_err(|_| Refusal::bad_parameter(name, &message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn a_parameter_that_stands_twice_is_named_unless_it_may() {
        let request = |query: &str| TestRequest::with_uri(&format!("/?{query}")).to_http_request();
        let twice = pairs(&request("from=1&filter=a&from=2"), &["filter"]).unwrap_err();
        assert_eq!(twice, Refusal::bad_parameter("from", "stands twice in the query"));
        assert_eq!(pairs(&request("filter=a&filter=b"), &["filter"]).unwrap().len(), 2);
    }

    #[test]
    fn a_body_is_refused_and_an_empty_one_is_none() {
        let with = |name, value| TestRequest::post().insert_header((name, value)).to_http_request();
        assert!(expect_no_body(&TestRequest::post().to_http_request()).is_ok());
        assert!(expect_no_body(&with("content-length", "0")).is_ok());
        assert!(expect_no_body(&with("content-length", "2")).is_err());
        assert!(expect_no_body(&with("transfer-encoding", "chunked")).is_err());
    }
}
