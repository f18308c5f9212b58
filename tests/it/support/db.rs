//! A look into the embedded warehouse, read-only, beside the router that writes it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

/// One row: its columns that are not NULL.
pub(crate) type Row = BTreeMap<String, Value>;

/// The warehouse as a reader sees it.
pub(crate) struct Db(Connection);

impl Db {
    /// Opens the file; `None` while it is not there or not yet a database.
    pub(crate) fn open(path: &Path) -> Option<Db> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
        connection.busy_timeout(Duration::from_secs(5)).ok()?;
        connection.query_row("select count(*) from sqlite_schema", [], |_| Ok(())).ok()?;
        Some(Db(connection))
    }

    /// Returns the names of all tables (no views), sorted.
    pub(crate) fn tables(&self) -> Vec<String> {
        let rows = self.query(
            "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' order by name",
        );
        rows.iter().map(|row| row["name"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Returns the rows of a query; a failing one fails the test.
    pub(crate) fn query(&self, sql: &str) -> Vec<Row> {
        self.try_query(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Returns all rows of a table, ordered by id; none when there is no such table.
    pub(crate) fn rows(&self, table: &str) -> Vec<Row> {
        self.try_query(&format!("select * from \"{table}\" order by id")).unwrap_or_default()
    }

    /// Returns the ids in a table, sorted; none when there is no such table.
    pub(crate) fn ids(&self, table: &str) -> Vec<String> {
        let rows = self.try_query(&format!("select id from \"{table}\" order by id")).unwrap_or_default();
        rows.iter().map(|row| row["id"].as_str().unwrap_or_default().to_owned()).collect()
    }

    fn try_query(&self, sql: &str) -> rusqlite::Result<Vec<Row>> {
        let mut statement = self.0.prepare(sql)?;
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let rows = statement.query_map([], |row| {
            let column = |(index, name): (usize, &String)| Ok((name.clone(), to_json(row.get_ref(index)?)));
            let columns: rusqlite::Result<Row> = names.iter().enumerate().map(column).collect();
            columns.map(|found| found.into_iter().filter(|(_, value)| !value.is_null()).collect())
        })?;
        rows.collect()
    }
}

fn to_json(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => json!(number),
        ValueRef::Real(number) => json!(number),
        ValueRef::Text(text) => json!(String::from_utf8_lossy(text)),
        ValueRef::Blob(bytes) => json!({ "blob": bytes }),
    }
}

#[test]
fn a_row_has_only_the_columns_that_are_not_null() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("warehouse.db");
    assert!(Db::open(&path).is_none());
    let writer = Connection::open(&path).unwrap();
    writer
        .execute_batch("create table t (id text, a real, b text); insert into t values ('x', 1.5, null)")
        .unwrap();
    let db = Db::open(&path).unwrap();
    assert_eq!(db.tables(), ["t"]);
    assert_eq!(db.rows("t"), [Row::from([("id".into(), json!("x")), ("a".into(), json!(1.5))])]);
    assert_eq!(db.ids("none"), Vec::<String>::new());
}
