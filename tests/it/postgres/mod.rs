//! The PostgreSQL warehouse end to end: the real binary and a real server.

mod live;
mod rows;
mod scene;
mod schema;
mod trouble;
