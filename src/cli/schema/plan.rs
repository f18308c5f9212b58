//! `schema plan`: reads events, asks the destination what they need, and plans them as if it had been done.

use std::sync::Arc;

use super::super::Exit;
use super::super::input::{self, Input, Verdict};
use super::super::out::Out;
use super::preview::{Dead, Preview};
use super::{Against, NO_TABLES, PlanArgs, ask, fail, human, look};
use crate::config::Loaded;
use crate::config::settings;
use crate::destinations::{self, Attempt, BoxFuture, Client, Destination, Launcher, Plan, Shown};
use crate::policy::discretion::Discretion;
use crate::policy::filter::EventFilter;
use crate::policy::outcome::Verdict as Wanted;
use crate::spec::Event;
use crate::telemetry::clock;
use crate::warehouse::{Conflicts, SchemaDiff};

/// How often a plan may ask for more; one round is usual.
const MOST_ROUNDS: usize = 8;

/// Prints what the events of the input would change.
pub(super) fn plan(
    loaded: &Loaded,
    warehouse: &settings::Destination,
    asked: &PlanArgs,
    out: &mut Out,
) -> Exit {
    let file = asked.file.as_deref();
    let input = match input::text(file, out) {
        Ok(text) => Input::read(text, &loaded.settings, clock::now()),
        Err(message) => return fail(&message, Exit::Usage, out),
    };
    let planner = Planner {
        name: warehouse.name.clone(),
        filter: warehouse.events.clone(),
        discretion: Arc::clone(&warehouse.discretion),
        events: input.verdicts.iter().filter_map(taken).collect(),
        attempt: Attempt { number: 1, first_at: input.now, at: input.now },
        against: asked.against,
    };
    let preview = match ask(warehouse, &loaded.settings.server, planner, out.json) {
        Ok(preview) => Preview { destination: warehouse.name.clone(), ..preview },
        Err(message) => return fail(&message, Exit::Failed, out),
    };
    print(&preview, asked.ddl, out);
    let place = input::file_name(file);
    input.faults.iter().for_each(|fault| out.error(&format!("{place}:{fault}")));
    let rejected = input.verdicts.len() - input.verdicts.iter().filter_map(taken).count();
    if rejected > 0 {
        out.error(&format!(
            "{place}: the door would reject {rejected} of the events; `opentrack explain` says why"
        ));
    }
    match () {
        () if rejected > 0 || !input.faults.is_empty() => Exit::Failed,
        () if !preview.conflicts.is_empty() => Exit::Conflicts,
        () if preview.has_changes() => Exit::Changes,
        () => Exit::Fine,
    }
}

fn print(preview: &Preview, only_ddl: bool, out: &mut Out) {
    if only_ddl {
        return out.text(&human::statements(&preview.ddl));
    }
    match (out.json, serde_json::to_string(preview)) {
        (true, Ok(json)) => out.line(&json),
        (true, Err(error)) => out.error(&format!("the answer could not be written: {error}")),
        (false, _) => out.text(&human::text(preview)),
    }
}

fn taken(verdict: &Verdict) -> Option<Arc<Event>> {
    match verdict {
        Verdict::Taken(event) => Some(Arc::clone(event)),
        Verdict::Rejected(_) => None,
    }
}

struct Planner {
    name: String,
    filter: EventFilter,
    discretion: Arc<Discretion>,
    events: Vec<Arc<Event>>,
    attempt: Attempt,
    against: Against,
}

impl Launcher for Planner {
    type Output = BoxFuture<Result<Preview, String>>;

    fn launch<D: Destination>(self, destination: D, client: D::Client) -> Self::Output {
        Box::pin(async move {
            let before = look(&destination, &client, self.against).await?;
            let store = destination.blueprint().ok_or(NO_TABLES)?;
            let rules = (&self.filter, &*self.discretion);
            let wants = |event: &&Arc<Event>| {
                matches!(destinations::wants(&destination, &self.name, rules, event), Wanted::Yes)
            };
            let events: Vec<Arc<Event>> = self.events.iter().filter(wants).cloned().collect();
            let mut preview = Preview {
                kind: D::KIND,
                against: self.against.as_str(),
                tables: before.tables.len(),
                skipped: self.events.len() - events.len(),
                ..Preview::default()
            };
            let as_is = destination.plan(&events, &self.attempt);
            preview.dead = dead(as_is, &events);
            let (changes, plan) = self.settled(&destination, &events)?;
            preview.see_changes(&changes, &before, store);
            let mut shown = Shown::default();
            plan.requests.iter().for_each(|planned| shown.append(client.show(&planned.request)));
            let cell = destination.schema().ok_or(NO_TABLES)?;
            preview.see_rows(&shown.rows, &cell.conflicts(), store);
            Ok(preview)
        })
    }
}

impl Planner {
    /// Carries out what is needed on the destination's own view of its tables, until the events fit. What does not fit
    /// is counted once.
    fn settled<D: Destination>(
        &self,
        destination: &D,
        events: &[Arc<Event>],
    ) -> Result<(SchemaDiff, Plan<D::Request>), String> {
        let (cell, store) =
            (destination.schema().ok_or(NO_TABLES)?, destination.blueprint().ok_or(NO_TABLES)?);
        let mut changes = store.wanted(events);
        cell.store((*cell.load()).clone().with(&changes));
        for _ in 0..MOST_ROUNDS {
            *cell.conflicts() = Conflicts::default();
            let plan = destination.plan(events, &self.attempt);
            let Some(more) = plan.needs.as_ref().filter(|more| !more.is_empty()) else {
                return Ok((changes, plan));
            };
            cell.store((*cell.load()).clone().with(more));
            changes = changes.merge(more.clone());
        }
        Err("the plan never has the tables that it needs".to_owned())
    }
}

fn dead<R>(plan: Plan<R>, events: &[Arc<Event>]) -> Vec<Dead> {
    let dead = plan.refused.into_iter().filter_map(|(index, fault)| {
        let event = events.get(index)?;
        Some(Dead::of(&event.head.message_id, fault))
    });
    dead.collect()
}

impl Against {
    const fn as_str(self) -> &'static str {
        match self {
            Against::Cache => "cache",
            Against::Live => "live",
            Against::Empty => "empty",
        }
    }
}
