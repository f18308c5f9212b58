//! ClickHouse, against its own engine: nothing here needs a server or an account.

mod cli;
mod engine;
mod errors;
mod kill;
mod reports;
mod scene;
mod segment;
mod wide;
