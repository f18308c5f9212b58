//! Forgetting people: lightweight deletes over all tables of ours, waited for, and then the parts without what was deleted.
//!
//! Sums over many stay; a rollup that has a row for each visit or order loses those of these people.

use std::sync::Arc;
use std::time::Duration;

use super::super::{BoxFuture, Erase, Reply};
use super::api::Api;
use super::config::TableLayout;
use super::ddl::{alter, quoted, text};
use super::errors::code;
use super::store::Store;
use crate::destinations::reply::words;
use crate::spec::People;
use crate::warehouse::people::columns_of;

/// A statement is read whole, up to 256 KiB unless the server is told otherwise; ids are at most 255 characters.
const MOST_TEXT: usize = 96 << 10;
/// How long one delete may take: parts are looked through, and the mask is written.
const WITHIN: Duration = Duration::from_secs(600);
/// The rollups that have a row for each visit and each order, and whose it is.
const VISITOR: &str = "visitor";
const OF_VISITORS: [&str; 2] = ["rollup_sessions", "rollup_commerce"];

/// Erases from one database.
#[derive(Debug, Clone)]
pub(super) struct Eraser {
    pub(super) api: Arc<Api>,
    pub(super) store: Arc<Store>,
}

impl Eraser {
    async fn erase_all(&self, people: &People) -> Result<u64, Reply> {
        let is_wide = self.api.target.layout == TableLayout::Events;
        let (erasable, rollups) = self.store.erasable(if is_wide { &OF_VISITORS } else { &[] }).await?;
        let mut tables: Vec<(String, Vec<&str>)> = Vec::new();
        for (name, table) in &erasable.schema.tables {
            let columns = columns_of(name, |column| table.columns.contains_key(column), people.kind());
            tables.push((name.clone(), columns));
        }
        tables.extend(rollups.into_iter().map(|name| (name, vec![VISITOR])));
        let mut erased = 0;
        for (table, columns) in tables.iter().filter(|(_, columns)| !columns.is_empty()) {
            erased += self.delete(table, columns, people).await?;
        }
        Ok(erased)
    }

    async fn delete(&self, table: &str, columns: &[&str], people: &People) -> Result<u64, Reply> {
        let names = &self.api.target.names;
        let mut erased = 0;
        for list in lists(people) {
            let terms: Vec<String> = columns.iter().map(|column| format!("{} IN ({list})", quoted(column))).collect();
            let terms = terms.join(" OR ");
            let count = format!("SELECT count() FROM {} WHERE {terms}", names.table(table));
            let found: u64 = self.api.run(&count, WITHIN).await?.trim().parse().unwrap_or(1);
            if found > 0 {
                let delete = format!("DELETE FROM {}{} WHERE {terms}", names.table(table), names.on_cluster());
                self.api.run(&delete, WITHIN).await?;
                erased += found;
            }
        }
        // Also where nothing was found: a try before this one may have been cut short between the two.
        let mask = ["APPLY DELETED MASK SETTINGS mutations_sync = 2".to_owned()];
        match self.api.run(&alter(names, table, mask.into_iter()), WITHIN).await {
            Err(reply) if !is_unknown(&reply) => Err(reply),
            // Where the server does not know it, the bytes go with the next merge of their parts.
            _ => Ok(erased),
        }
    }
}

/// Returns whether the server does not know the statement: SYNTAX_ERROR, or NOT_IMPLEMENTED.
fn is_unknown(reply: &Reply) -> bool {
    matches!(reply, Reply::Answer(answer) if matches!(code(&answer.words()), Some(62 | 48)))
}

/// Returns why something failed, without the server's words: they repeat the statement, and that names the people.
fn reason(reply: &Reply) -> String {
    match reply {
        Reply::Answer(answer) => match code(&answer.words()) {
            Some(code) => format!("ClickHouse answered {} with its error {code}", answer.status),
            None => format!("ClickHouse answered {}", answer.status),
        },
        Reply::Failed(failure) => words(&failure.message),
    }
}

/// Returns the ids as literals with commas between them, in pieces that a statement can hold.
fn lists(people: &People) -> Vec<String> {
    let mut lists = vec![String::new()];
    for id in people.ids().map(text) {
        let is_full = lists.last().is_some_and(|list| list.len() + id.len() > MOST_TEXT && !list.is_empty());
        if is_full {
            lists.push(String::new());
        }
        if let Some(list) = lists.last_mut() {
            list.push_str(if list.is_empty() { "" } else { ", " });
            list.push_str(&id);
        }
    }
    lists.retain(|list| !list.is_empty());
    lists
}

impl Erase for Eraser {
    fn erase(&self, people: Arc<People>) -> BoxFuture<Result<u64, String>> {
        let eraser = self.clone();
        Box::pin(async move {
            eraser.erase_all(&people).await.map_err(|reply| reason(&reply))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destinations::Answer;
    use crate::spec::IdKind;
    use bytes::Bytes;

    #[test]
    fn why_it_failed_names_nobody_and_only_an_unknown_statement_is_passed_over() {
        let said = |body: &'static str| {
            let (body, at) = (Bytes::from_static(body.as_bytes()), jiff::Timestamp::UNIX_EPOCH);
            Reply::Answer(Answer { status: 500, headers: Vec::new(), body, at })
        };
        let denied = said(
            "Code: 497. DB::Exception: opentrack: Not enough privileges. In scope SELECT count() FROM t WHERE id IN ('anna')",
        );
        assert_eq!(reason(&denied), "ClickHouse answered 500 with its error 497");
        assert_eq!(reason(&said("no row of 'anna'")), "ClickHouse answered 500");
        let old = said("Code: 62. DB::Exception: Syntax error: failed at position 27 ('DELETED'). (SYNTAX_ERROR)");
        assert_eq!([is_unknown(&old), is_unknown(&denied), is_unknown(&said(""))], [true, false, false]);
    }

    #[test]
    fn ids_are_literals_and_many_of_them_are_several_statements() {
        let people = People::new(IdKind::UserId, ["a', 'b", "c\\"]);
        assert_eq!(lists(&people), [r"'a\', \'b', 'c\\'"]);
        let many = (0..2_000).map(|n| format!("{n:0>100}"));
        let lists = lists(&People::new(IdKind::UserId, many));
        assert!(lists.len() > 1 && lists.iter().all(|list| list.len() <= MOST_TEXT + 2));
        assert_eq!(lists.iter().flat_map(|list| list.split(", ")).count(), 2_000);
    }
}
