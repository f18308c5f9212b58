//! When the tables of a warehouse are changed.

mod pace;

pub use pace::{Chore, Quota, SchemaFault, SchemaPace};
