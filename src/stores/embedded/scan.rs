//! Events out of their blocks: those of a time, and among them those that pass what a report asks.
//!
//! A text is compared once for a block, and not for each event that has it. Never decides what a report looks at.

use std::collections::HashSet;

use rusqlite::types::Type;
use rusqlite::{Connection, Row};

use super::block::{Block, Hit};
use super::roll::day_of;
use crate::stores::reports::fields::{Field, Filter};
use crate::stores::reports::rows::Span;

const BLOCKS: &str = "SELECT data FROM blocks WHERE day >= ?1 AND day <= ?2 AND last >= ?3 AND first < ?4";

/// Which events pass.
#[derive(Debug, Default)]
pub(super) struct Passing<'q> {
    /// Those of this source alone.
    pub(super) site: Option<i64>,
    /// By their own fields.
    pub(super) filters: Vec<&'q Filter>,
    /// Those of one of these visits alone.
    pub(super) visits: Option<HashSet<i64>>,
    /// Those that are called by one of these names alone.
    pub(super) names: Option<&'q [String]>,
}

/// What passes of one block, by the places of its texts.
struct Texts {
    filters: Vec<(Field, Vec<bool>)>,
    names: Option<Vec<bool>>,
}

impl Passing<'_> {
    fn texts(&self, block: &Block<'_>) -> Texts {
        let each = |filter: &&Filter| {
            let passes = block.texts().iter().map(|text| filter.admits(text)).collect();
            (filter.field, passes)
        };
        let named = |names: &[String]| {
            let is_one = |text: &&str| names.iter().any(|name| name == text);
            block.texts().iter().map(is_one).collect()
        };
        Texts { filters: self.filters.iter().map(each).collect(), names: self.names.map(named) }
    }

    fn admits(&self, hit: &Hit<usize>, texts: &Texts) -> bool {
        let at = |passes: &Vec<bool>, place: usize| passes.get(place).copied().unwrap_or_default();
        let passes = |(field, passes): &(Field, Vec<bool>)| match field {
            Field::Path => at(passes, hit.path),
            Field::Event => at(passes, hit.name),
            Field::Environment => at(passes, hit.environment),
            _ => false,
        };
        self.site.is_none_or(|site| site == hit.site)
            && texts.names.as_ref().is_none_or(|names| at(names, hit.name))
            && texts.filters.iter().all(passes)
            && self.visits.as_ref().is_none_or(|visits| visits.contains(&hit.visit))
    }
}

/// Hands out the events of a time that pass, of those that `wants` before their texts are looked at.
pub(super) fn scan(
    connection: &Connection,
    (from, to): Span,
    passing: &Passing<'_>,
    wants: impl Fn(&Hit<usize>) -> bool,
    mut each: impl FnMut(&Hit<&str>),
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(BLOCKS)?;
    let mut rows = statement.query([day_of(from), day_of(to), from, to])?;
    while let Some(row) = rows.next()? {
        let data = row.get_ref(0)?.as_blob()?;
        let block = Block::open(data).map_err(damaged)?;
        let texts = passing.texts(&block);
        let looked = block.each(|hit| {
            if (from..to).contains(&hit.ts) && wants(hit) && passing.admits(hit, &texts) {
                each(&block.spelled(hit));
            }
        });
        looked.map_err(damaged)?;
    }
    Ok(())
}

/// Hands out every event of the block in this column; nothing of one that is damaged, and returns whether it is sound.
pub(super) fn unpack(
    row: &Row<'_>,
    column: usize,
    mut each: impl FnMut(Hit<&str>),
) -> rusqlite::Result<bool> {
    let Ok(block) = Block::open(row.get_ref(column)?.as_blob()?) else { return Ok(false) };
    if block.each(|_| ()).is_err() {
        return Ok(false);
    }
    block.each(|hit| each(block.spelled(hit))).map_err(damaged)?;
    Ok(true)
}

fn damaged(why: super::block::Damaged) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, Box::new(why))
}
