//! `GET /api/openapi.json`: every path of the router in the words of OpenAPI 3.1.
//!
//! Made from the same tables that the routes are made from where there are some, and from one list where there are none; a test
//! compares it with the router itself. Never says more than the paths do: no host, no version of what is configured.

mod build;
mod paths;
mod query;

use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;

use super::access::{self, READ_OPS};
use super::answer;
use super::state::State;

/// What it says does not change while the process runs.
static TEXT: LazyLock<Bytes> = LazyLock::new(|| build::document().to_string().into());

/// `GET /api/openapi.json`
pub(super) async fn document(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    match access::check(&request, &state.terms().server, READ_OPS) {
        Ok(_) => answer::text("application/json", TEXT.clone()),
        Err(refusal) => answer::refuse(&refusal),
    }
}

#[cfg(test)]
mod tests;
