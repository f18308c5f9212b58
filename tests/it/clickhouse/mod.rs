//! ClickHouse, against its own engine: nothing here needs a server or an account.

mod engine;
