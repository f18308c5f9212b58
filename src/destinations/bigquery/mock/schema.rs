//! Which tables can be made, and which changes of a table are allowed: Google's rules in Google's words.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::answer::{invalid, invalid_query};
use super::field::{self, Field, Kind, Mode};
use super::settings::Settings;
use super::state::{Partition, Table};
use crate::destinations::mock::Said;

/// Most columns a table can be clustered by.
const MAX_CLUSTERING: usize = 4;
/// Members of a table's description that have a place of their own, or that only the service writes.
const KNOWN: [&str; 17] = [
    "kind",
    "etag",
    "id",
    "selfLink",
    "tableReference",
    "schema",
    "timePartitioning",
    "clustering",
    "view",
    "type",
    "creationTime",
    "lastModifiedTime",
    "location",
    "numRows",
    "numBytes",
    "numLongTermBytes",
    "streamingBuffer",
];

/// Reads a table as the REST interface writes it.
pub(super) fn read(body: &mut Map<String, Value>, at: Timestamp) -> Result<Table, Said> {
    let fields = field::read_all(body.get("schema").and_then(|schema| schema.get("fields")));
    let mut table = Table::new(fields.map_err(|why| invalid(&why))?, at);
    let query = body.get("view").and_then(|view| view.get("query")).and_then(Value::as_str);
    table.view = query.map(str::to_owned);
    // The service's default is the old SQL, in which none of our names can be written.
    if body.get("view").is_some_and(|view| view.get("useLegacySql") != Some(&Value::Bool(false))) {
        return Err(invalid_query("Legacy SQL is not known to this stand-in: say `useLegacySql: false`"));
    }
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    if let Some(partition) = body.get("timePartitioning") {
        table.partition = Some(Partition {
            field: text(partition, "field"),
            by: text(partition, "type").unwrap_or_default(),
            expiration_ms: text(partition, "expirationMs"),
        });
    }
    let clustering = body.get("clustering").and_then(|clustering| clustering.get("fields"));
    let clustering = clustering.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    table.clustering = clustering.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    table.more = more(body);
    Ok(table)
}

/// Takes what has no place of its own.
pub(super) fn more(body: &mut Map<String, Value>) -> Map<String, Value> {
    for known in KNOWN {
        body.remove(known);
    }
    std::mem::take(body)
}

/// Refuses a table that cannot be made.
pub(super) fn check_new(table: &Table, settings: &Settings) -> Result<(), Said> {
    let leaves = table.leaves();
    if leaves > settings.max_columns {
        let most = settings.max_columns;
        return Err(invalid(&format!(
            "Too many columns ({leaves}) in schema. Only up to {most} columns are allowed."
        )));
    }
    if let Some(partition) = &table.partition {
        check_partition(table, partition)?;
    }
    if table.clustering.len() > MAX_CLUSTERING {
        return Err(invalid("Too many fields specified for clustering: up to 4 are allowed."));
    }
    for name in &table.clustering {
        let field = table.field(name).ok_or_else(|| {
            invalid(&format!("The field specified for clustering cannot be found in the schema: {name}"))
        })?;
        if !field.kind.clusters() || field.mode == Mode::Repeated {
            return Err(invalid(&format!("{} is not a valid type for clustering: {name}", field.sql_type())));
        }
    }
    Ok(())
}

fn check_partition(table: &Table, partition: &Partition) -> Result<(), Said> {
    if !["DAY", "HOUR", "MONTH", "YEAR"].contains(&partition.by.as_str()) {
        return Err(invalid(&format!("Invalid value for timePartitioning.type: {}", partition.by)));
    }
    let Some(name) = &partition.field else { return Ok(()) };
    let field = table.field(name).ok_or_else(|| {
        invalid(&format!("The field specified for partitioning cannot be found in the schema: {name}"))
    })?;
    let is_time = matches!(field.kind, Kind::Timestamp | Kind::Date | Kind::Datetime);
    if is_time && field.mode != Mode::Repeated {
        return Ok(());
    }
    Err(invalid("The field specified for time partitioning can only be of type TIMESTAMP, DATE or DATETIME"))
}

/// Returns the columns of a table after its list of columns was replaced: old ones keep their places.
pub(super) fn replaced(
    name: &str,
    old: &[Field],
    new: Vec<Field>,
    added: &Added<'_>,
) -> Result<Vec<Field>, Said> {
    let differs = |why: String| invalid(&format!("Provided Schema does not match {name}. {why}"));
    let mut fields = Vec::new();
    for known in old {
        let given = new.iter().find(|field| field.is(&known.name));
        let given = given.ok_or_else(|| differs(format!("Field {} is missing in new schema", known.name)))?;
        if given.kind != known.kind {
            let (from, to) = (known.kind.rest(), given.kind.rest());
            return Err(differs(format!("Field {} has changed type from {from} to {to}", known.name)));
        }
        let relaxed = known.mode == Mode::Required && given.mode == Mode::Nullable;
        if given.mode != known.mode && !relaxed {
            let (from, to) = (known.mode.as_str(), given.mode.as_str());
            return Err(differs(format!("Field {} has changed mode from {from} to {to}", known.name)));
        }
        let (mode, more, members) = (given.mode, given.more.clone(), given.fields.clone());
        fields.push(Field { mode, more, fields: members, ..known.clone() });
    }
    for field in new.into_iter().filter(|field| !old.iter().any(|known| known.is(&field.name))) {
        if field.mode == Mode::Required {
            let why = format!("Cannot add required fields to an existing schema. (field: {})", field.name);
            return Err(differs(why));
        }
        fields.push(added.mark(field));
    }
    added.check_leaves(&fields)?;
    Ok(fields)
}

/// How columns come to a table that exists.
pub(super) struct Added<'a> {
    pub(super) settings: &'a Settings,
    pub(super) at: Timestamp,
}

impl Added<'_> {
    /// Returns a column that streaming does not see at once.
    pub(super) fn mark(&self, field: Field) -> Field {
        Field { added: Some(self.at), refusals: self.settings.column_refusals, ..field }
    }

    /// Refuses more columns than there can be, in the other of the two texts that Google has for it.
    pub(super) fn check_leaves(&self, fields: &[Field]) -> Result<(), Said> {
        let (leaves, most) = (fields.iter().map(Field::leaves).sum::<usize>(), self.settings.max_columns);
        if leaves > most {
            let message = format!("Too many total leaf fields: {leaves}, max allowed field count: {most}");
            return Err(invalid(&message));
        }
        Ok(())
    }
}
