//! `GET /api/schema`: the tables of the warehouses, what has changed, and what does not fit.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::actors::messages::{DescribeSchemas, SchemaReport};

use super::access::{self, READ_OPS};
use super::answer::{self, Refusal};
use super::state::State;
use super::{ops, query};

/// The supervisor waits for each warehouse, whose log may be on a slow disk.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);

/// `GET /api/schema`, of one warehouse alone with `?destination=NAME`.
pub(super) async fn schema(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let described = describe(&request, &state).await;
    described.map_or_else(|refusal| answer::refuse(&refusal), |body| answer::json(StatusCode::OK, &body))
}

async fn describe(request: &HttpRequest, state: &State) -> Result<SchemaReport, Refusal> {
    access::check(request, &state.terms().server, READ_OPS)?;
    let mut destination = None;
    for (name, value) in query::pairs(request, &[])? {
        match name.as_str() {
            "destination" => destination = Some(value),
            _ => return Err(query::unknown(&name)),
        }
    }
    let unknown = format!("there is no destination `{}`", destination.as_deref().unwrap_or_default());
    ops::ask_within(&state.door.schemas, DescribeSchemas { destination }, ANSWER_WITHIN)
        .await?
        .map_err(|_| Refusal::Overloaded("a schema cannot be described now"))?
        .ok_or(Refusal::NoSuch(unknown))
}
