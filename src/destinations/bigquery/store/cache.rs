//! The schema as last seen, what events had and when tables were made, in a file: a restart reads no table, it only asks once
//! whether they are still those.
//!
//! A file that cannot be read, is of another version or of another dataset counts as none. One that cannot be written costs
//! a call at the next start and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::super::super::SchemaCell;
use super::super::creations::Creation;
use super::super::sightings::Sightings;
use super::super::target::Target;
use super::super::users::Merged;
use super::super::views::Observed;
use crate::warehouse::{ColumnType, Schema, Table};

/// Grows when a file of before would be misread.
const VERSION: u32 = 1;

/// The file of one destination.
#[derive(Debug)]
pub(super) struct Cache {
    file: Option<PathBuf>,
    of: Of,
    /// Kept too, and joined with what the file has.
    sightings: Arc<Sightings>,
    /// Held while the file is written, so that the last one to write has the newest schema.
    writing: Mutex<()>,
}

/// What the file is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Of {
    version: u32,
    endpoint: String,
    project: String,
    dataset: String,
}

#[derive(Serialize, Deserialize)]
struct File {
    of: Of,
    tables: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(flatten)]
    beside: Beside,
    /// Events of the flat layout: their properties by the keys that lead there, and the types of these.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    seen: Written,
}

/// What was known of the dataset.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) schema: Schema,
    pub(super) beside: Beside,
}

/// What is kept beside the columns of tables. A file of before may lack any of it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Beside {
    /// Tables without partitions.
    pub(super) plain: BTreeSet<String>,
    /// How far `users` and `accounts` are merged.
    pub(super) merged: Merged,
    /// When tables were made, also those that are gone.
    pub(super) creations: BTreeMap<String, Creation>,
}

type Written = BTreeMap<String, Vec<(Vec<String>, String)>>;

impl Cache {
    /// Returns the file of this destination; opens nothing.
    pub(super) fn new(target: &Target) -> Cache {
        let of = Of {
            version: VERSION,
            endpoint: target.endpoint.to_string(),
            project: target.names.project.clone(),
            dataset: target.names.dataset.clone(),
        };
        let sightings = Arc::clone(&target.sightings);
        Cache { file: target.cache_file.clone(), of, sightings, writing: Mutex::new(()) }
    }

    async fn kept(&self) -> Option<File> {
        let text = tokio::fs::read(self.file.as_ref()?).await.ok()?;
        serde_json::from_slice(&text).ok().filter(|file: &File| file.of == self.of)
    }

    /// Returns the schema as it was last written.
    pub(super) async fn read(&self) -> Option<Known> {
        let file = self.kept().await?;
        self.sightings.add(observed(file.seen));
        let table = |columns: BTreeMap<String, String>| {
            let column = |(name, kind): (String, String)| Some((name, ColumnType::from_name(&kind)?));
            let columns: Option<_> = columns.into_iter().map(column).collect();
            Some(Arc::new(Table { columns: columns? }))
        };
        let tables: Option<_> =
            file.tables.into_iter().map(|(name, columns)| Some((name, table(columns)?))).collect();
        let (schema, mut beside) = (Schema { tables: tables? }, file.beside);
        // A table that is there was known, whether or not it is told since when.
        for table in schema.tables.keys() {
            beside.creations.entry(table.clone()).or_default();
        }
        Some(Known { schema, beside })
    }

    /// Writes what is published now.
    pub(super) async fn write(&self, cell: &SchemaCell, beside: Beside) {
        let Some(file) = &self.file else { return };
        let _turn = self.writing.lock().await;
        // A command, or a replay, has seen less than the router.
        let seen = self.kept().await.map(|file| file.seen).unwrap_or_default();
        self.sightings.add(observed(seen));
        let columns = |table: &Table| {
            table.columns.iter().map(|(name, kind)| (name.clone(), kind.as_str().to_owned())).collect()
        };
        let schema = cell.load();
        let tables = schema.tables.iter().map(|(name, table)| (name.clone(), columns(table))).collect();
        let content = File { of: self.of.clone(), tables, beside, seen: written(self.sightings.all()) };
        let (Ok(text), file) = (serde_json::to_vec(&content), file.clone()) else { return };
        let written = tokio::task::spawn_blocking(move || replace(&file, &text)).await;
        // See the module: nothing is lost without it.
        let _is_written = matches!(written, Ok(Ok(())));
    }
}

/// Reads what was seen; a type of another version is seen again.
fn observed(seen: Written) -> Observed {
    let property = |(keys, kind): (Vec<String>, String)| Some((keys, ColumnType::from_name(&kind)?));
    let properties = |all: Vec<_>| all.into_iter().filter_map(property).collect();
    seen.into_iter().map(|(event, all)| (event, properties(all))).collect()
}

fn written(observed: Observed) -> Written {
    let property = |(keys, kind): (Vec<String>, ColumnType)| (keys, kind.as_str().to_owned());
    observed.into_iter().map(|(event, all)| (event, all.into_iter().map(property).collect())).collect()
}

/// A half-written file never has the name of a whole one.
fn replace(file: &Path, text: &[u8]) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let beside = file.with_extension("json.new");
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, file)
}
