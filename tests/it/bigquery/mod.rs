//! BigQuery, against its stand-in: nothing here needs an account.

mod stand_in;
