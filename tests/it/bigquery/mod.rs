//! BigQuery, against its stand-in: nothing here needs an account.

mod cli;
mod errors;
mod kill;
mod scene;
mod promises;
mod schema;
mod stand_in;
mod upkeep;
