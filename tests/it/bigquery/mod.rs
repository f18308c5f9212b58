//! BigQuery, against its stand-in: nothing here needs an account.

mod cli;
mod errors;
mod kill;
mod promises;
mod scene;
mod schema;
mod stand_in;
mod upkeep;
