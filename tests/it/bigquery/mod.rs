//! BigQuery, against its stand-in: nothing here needs an account.

mod cli;
mod errors;
mod promises;
mod schema;
mod stand_in;
