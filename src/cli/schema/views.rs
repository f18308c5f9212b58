//! `schema views`: prints the statements of the views, or has the destination make them.
//!
//! What stands there already is known to the store alone, so only the store makes views; what is printed makes each one
//! that is not there.

use std::time::Duration;

use serde_json::json;

use super::super::Exit;
use super::super::out::Out;
use super::{Against, NO_TABLES, ViewsArgs, ask, fail, human, look};
use crate::config::Loaded;
use crate::config::settings;
use crate::destinations::{BoxFuture, Client, Destination, Launcher, SchemaFault};

/// The work of a store that keeps its views.
const CHORE: &str = "views";

/// What such a store does when it is to make the first ones.
const APPLY: &str = "apply views";

/// Prints or makes them.
pub(super) fn views(
    loaded: &Loaded,
    warehouse: &settings::Destination,
    asked: &ViewsArgs,
    out: &mut Out,
) -> Exit {
    let work = Work { apply: asked.apply, funnel: asked.funnel.clone(), within: asked.within };
    let views = match ask(warehouse, &loaded.settings.server, work, out.json) {
        Ok(views) => views,
        Err(message) => return fail(&message, Exit::Failed, out),
    };
    match (out.json, asked.apply) {
        (true, is_applied) => {
            let each = views.iter().map(|(name, sql)| json!({ "name": name, "sql": sql }));
            out.value(&json!({ "applied": is_applied, "views": each.collect::<Vec<_>>() }));
        }
        (false, true) => out.line(&format!("{}: views are up to date", warehouse.name)),
        (false, false) => {
            let statements: Vec<String> = views.into_iter().map(|(_, sql)| sql).collect();
            out.text(&human::statements(&statements));
        }
    }
    Exit::Fine
}

struct Work {
    apply: bool,
    funnel: Vec<String>,
    within: Duration,
}

impl Launcher for Work {
    type Output = BoxFuture<Result<Vec<(String, String)>, String>>;

    fn launch<D: Destination>(self, destination: D, client: D::Client) -> Self::Output {
        Box::pin(async move {
            let against = if self.apply { Against::Live } else { Against::Cache };
            look(&destination, &client, against).await?;
            let store = destination.blueprint().ok_or(NO_TABLES)?;
            if !self.funnel.is_empty() {
                let query = store.funnel(&self.funnel, self.within);
                let query = query.ok_or("it has no funnels, or no table of events yet")?;
                return Ok(vec![("funnel".to_owned(), query)]);
            }
            let views = store.views();
            if self.apply {
                apply(&client).await?;
            }
            Ok(views)
        })
    }
}

async fn apply<C: Client>(client: &C) -> Result<(), String> {
    let store = client.schema_store().ok_or(NO_TABLES)?;
    if !store.chores().iter().any(|chore| chore.name == CHORE) {
        return Err("it keeps no views".to_owned());
    }
    store.run(APPLY).await.map_err(|fault: SchemaFault| {
        let fault = fault.into_fault();
        format!("{}: {}", fault.reason.as_str(), fault.answer)
    })
}
