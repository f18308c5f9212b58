//! Every error of the REST interface through the whole router: each is answered with its own action, costs the guilty alone,
//! and loses nothing.

mod jobs;
mod requests;
mod rows;
mod schema;
mod token;

use super::scene::{Scene, named, thing};
