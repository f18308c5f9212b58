//! Reads what the tables of the database look like, from the server's own tables.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::super::api::Api;
use super::super::config::TableLayout;
use super::super::ddl::text;
use super::super::types::understood;
use super::super::{taken, views, wide};
use crate::destinations::Reply;
use crate::warehouse::{Schema, Table};

/// Reads all tables. Also returns the names of those that are not ours.
///
/// # Errors
/// What was said, or why nothing was.
pub(super) async fn all(api: &Api) -> Result<(Schema, BTreeSet<String>), Reply> {
    let (mut described, taken) = described(api, "").await?;
    if api.target.layout == TableLayout::Events {
        described.retain(|name, _| name == wide::TABLE);
        without_rollups(api, &mut described).await?;
    }
    let tables = described.into_iter().map(|(name, table)| (name, Arc::new(table))).collect();
    Ok((Schema { tables }, taken))
}

/// Reads all tables of ours, whether or not everything that belongs to them is there.
///
/// # Errors
/// What was said, or why nothing was.
pub(super) async fn everything(api: &Api) -> Result<Schema, Reply> {
    let (mut described, _) = described(api, "").await?;
    if api.target.layout == TableLayout::Events {
        described.retain(|name, _| name == wide::TABLE);
    }
    let tables = described.into_iter().map(|(name, table)| (name, Arc::new(table))).collect();
    Ok(Schema { tables })
}

/// Returns the months of which there are events, as 202611, oldest first.
///
/// # Errors
/// What was said, or why nothing was.
pub(super) async fn months(api: &Api, within: Duration) -> Result<Vec<u32>, Reply> {
    let events = api.target.names.table(wide::TABLE);
    let sql = format!("SELECT DISTINCT toYYYYMM(`timestamp`) AS `month` FROM {events} ORDER BY `month` FORMAT TSV");
    Ok(api.run(&sql, within).await?.lines().filter_map(|line| line.trim().parse().ok()).collect())
}

/// Reads one table; `None` when there is no such table of ours. Also returns whether there is one of somebody else.
///
/// # Errors
/// What was said, or why nothing was.
pub(super) async fn one(api: &Api, table: &str) -> Result<(Option<Table>, bool), Reply> {
    let (mut described, taken) = described(api, &format!(" AND table = {}", text(table))).await?;
    if api.target.layout == TableLayout::Events {
        without_rollups(api, &mut described).await?;
    }
    Ok((described.remove(table), taken.contains(table)))
}

/// The wide table counts as there when all that belongs to it is: without one of them a row would be refused, or missing
/// there.
async fn without_rollups(api: &Api, described: &mut BTreeMap<String, Table>) -> Result<(), Reply> {
    let there = tables(api).await?;
    if !wide::rollups().iter().all(|rollup| rollup.is_in(&there)) {
        described.remove(wide::TABLE);
    }
    Ok(())
}

/// Columns that are calculated take no value, and views are no tables. In Segment's layout tables of others are only named.
async fn described(api: &Api, only: &str) -> Result<(BTreeMap<String, Table>, BTreeSet<String>), Reply> {
    let database = text(&api.target.names.database);
    let sql = format!(
        "SELECT table, name, type FROM system.columns WHERE database = {database}{only} \
         AND default_kind NOT IN ('MATERIALIZED', 'ALIAS') AND table IN \
         (SELECT name FROM system.tables WHERE database = {database} AND engine NOT LIKE '%View') \
         FORMAT JSONCompactEachRow"
    );
    let mut words: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for line in api.run(&sql, api.target.timeout).await?.lines() {
        let Ok((table, name, kind)) = serde_json::from_str::<(String, String, String)>(line) else { continue };
        words.entry(table).or_default().insert(name, kind);
    }
    let is_ours = |columns: &BTreeMap<String, String>| api.target.layout == TableLayout::Events || taken::is_ours(columns);
    let of_others = words.iter().filter(|(_, columns)| !is_ours(columns)).map(|(table, _)| table.clone()).collect();
    words.retain(|_, columns| is_ours(columns));
    let table = |columns: BTreeMap<String, String>| Table {
        columns: columns.into_iter().map(|(name, kind)| (name, understood(&kind))).collect(),
    };
    Ok((words.into_iter().map(|(name, columns)| (name, table(columns))).collect(), of_others))
}

/// Returns the names of all tables and views.
///
/// # Errors
/// What was said, or why nothing was.
pub(super) async fn tables(api: &Api) -> Result<BTreeSet<String>, Reply> {
    let database = text(&api.target.names.database);
    let sql = format!("SELECT name FROM system.tables WHERE database = {database} FORMAT JSONCompactEachRow");
    let said = api.run(&sql, api.target.timeout).await?;
    let name = |line: &str| serde_json::from_str::<(String,)>(line).ok().map(|(name,)| name);
    Ok(said.lines().filter_map(name).collect())
}

/// Returns the rollups that are marked to be filled, each with the token of its filling.
///
/// # Errors
/// What was said, or why nothing was.
pub(super) async fn unfilled(api: &Api) -> Result<Vec<(wide::Rollup, String)>, Reply> {
    let sql = format!(
        "SELECT name, comment FROM system.tables WHERE database = {} AND startsWith(comment, {}) FORMAT JSONCompactEachRow",
        text(&api.target.names.database),
        text(wide::TO_FILL)
    );
    let said = api.run(&sql, api.target.timeout).await?;
    let marked: Vec<(String, String)> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let mark = |rollup: wide::Rollup| {
        let (_, comment) = marked.iter().find(|(name, _)| name == rollup.name)?;
        Some((rollup, comment.strip_prefix(wide::TO_FILL)?.to_owned()))
    };
    Ok(wide::rollups().into_iter().filter_map(mark).collect())
}

/// Returns whether a table has a row.
///
/// # Errors
/// What was said, or why nothing was.
pub(super) async fn has_rows(api: &Api, table: &str) -> Result<bool, Reply> {
    let sql = format!("SELECT 1 FROM {} LIMIT 1", api.target.names.table(table));
    Ok(!api.run(&sql, api.target.timeout).await?.trim().is_empty())
}

/// Returns whether a view may be made, or made anew: what has its name is ours, or there is nothing.
///
/// # Errors
/// What was said, or why nothing was.
pub(super) async fn may_replace(api: &Api, view: &str) -> Result<bool, Reply> {
    let sql = format!(
        "SELECT engine = 'View' AND position(create_table_query, {}) > 0 FROM system.tables WHERE database = {} AND name = {}",
        text(views::MARK),
        text(&api.target.names.database),
        text(view)
    );
    let said = api.run(&sql, api.target.timeout).await?;
    Ok(matches!(said.trim(), "" | "1"))
}
