//! Events as rows: tables, columns, names, types and schema differences, shared by every SQL destination.
//!
//! Pure, and without the name of any store: what differs between stores comes in as a [`Dialect`] and [`Guards`].
//! The way is [`Columns`] (names) → [`rows`](rows::rows) (drafts) → [`Needs`] and [`diff`](diff::diff) (what must
//! change) → [`fit`](fit::fit) (what goes into which column, and what is kept in `_unmapped`).

pub mod columns;
pub mod conflicts;
pub mod decimal;
pub mod diff;
pub mod fit;
pub mod flatten;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
mod lack;
pub mod layout;
pub mod mapper;
pub mod names;
pub mod people;
pub mod rows;
pub mod schema;
pub mod sort;
pub mod time;
pub mod value;

#[cfg(test)]
mod tests;

pub use columns::{ColumnId, Columns};
pub use conflicts::{Conflict, Conflicts};
pub use diff::{Guards, Needs, OnTypeConflict, WidenTo, diff};
pub use fit::{Clash, Fit, Fitted, casts, fit};
pub use layout::{Layout, Slot, TableView};
pub use mapper::{FittedRow, Mapper, Sink};
pub use names::{Dialect, LOADED_AT};
pub use rows::{Cell, RowDraft, Rows, Write, base_columns, own_table, rows};
pub use schema::{Closed, Column, ColumnType, Schema, SchemaCell, SchemaDiff, Table};
pub use sort::{Lack, RowSink, Terms, Unfit, Why};
pub use value::Value;

/// The column that holds, as one JSON object, what has no column of its own.
pub const UNMAPPED: &str = "_unmapped";
