//! BigQuery, against its stand-in: nothing here needs an account.

mod schema;
mod stand_in;
