//! From settings to children: builds each destination through the registry and wraps it into a factory.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix::{Actor, Addr, ArbiterHandle};
use secrecy::ExposeSecret;

use super::{ServeError, broken, first_mark, live};
use crate::actors::delivery::{Beacon, Delivery, Parts};
use crate::actors::schema_manager::{Managed, SchemaManager, Statements};
use crate::actors::supervisor::{Child, Factory, Handle, ReplayFactory, SchemaDoor};
use crate::actors::tap::TapLine;
use crate::config;
use crate::config::Settings;
use crate::config::settings::Destination as DestinationSettings;
use crate::destinations::{Client, Destination, Erase, Launcher, SchemaStore, Setting, SharedPresence};
use crate::journal::Journal;
use crate::policy::route::Kinds;
use crate::spec::privacy::View;
use crate::stores::ReportStore;
use crate::stores::reports::fact::Rules;
use crate::stores::shared::SharedState;
use crate::telemetry::{Meter, Metrics};

/// Every destination, and who answers reports among them.
type Made = (Vec<Child>, Option<Arc<dyn ReportStore>>);

/// Builds every destination, and finds who answers reports among them; those that are switched off are listed without a factory.
pub(super) fn children(
    settings: &Settings,
    journal: &Arc<dyn Journal>,
    metrics: &Arc<Metrics>,
    arbiters: &[ArbiterHandle],
    tap: &TapLine,
) -> Result<Made, ServeError> {
    let mut reports = None;
    let rules = super::reports::rules(settings);
    let mut arbiters = arbiters.iter().cycle();
    let mut children = Vec::new();
    for destination in &settings.destinations {
        let beacon = Arc::new(Beacon::default());
        let mut child = Child {
            name: destination.name.clone(),
            kind: destination.settings.kind(),
            interest: Kinds::of_filter(&destination.events),
            beacon: Arc::clone(&beacon),
            factory: None,
            replay: None,
            schema: None,
            eraser: None,
            replayed: None,
        };
        if let Some(arbiter) = arbiters.next().filter(|_| destination.enabled) {
            metrics.declare_destination(&destination.name);
            let mark = first_mark(journal.as_ref(), destination)
                .map_err(|error| broken("read a destination's cursor", error))?;
            beacon.mark.store(mark.0, Ordering::Release);
            let salt = settings.server.site_salt.expose_secret();
            let data_dir = &settings.server.data_dir;
            let launch =
                Launch { destination, journal, metrics, beacon, arbiter, salt, data_dir, rules: &rules, tap };
            let factories = launch.start(settings)?;
            child.factory = Some(factories.live);
            child.replay = Some(factories.replay);
            child.schema = factories.schema;
            child.eraser = factories.eraser;
            reports = reports.or(factories.reports);
        }
        children.push(child);
    }
    Ok((children, reports))
}

/// Returns the store that knows who is there now for several routers, where one is on: the first by its name.
pub(super) fn shared_presence(settings: &Settings) -> Option<Arc<dyn SharedPresence>> {
    shared(settings, || Presence)
}

/// Returns the store that keeps for several routers what is not theirs alone, likewise.
pub(super) fn shared_state(settings: &Settings) -> Option<Arc<dyn SharedState>> {
    shared(settings, || State)
}

fn shared<T, L: Launcher<Output = Option<T>>>(settings: &Settings, launcher: impl Fn() -> L) -> Option<T> {
    let on = settings.destinations.iter().filter(|destination| destination.enabled);
    on.filter_map(|destination| {
        let setting =
            Setting { live: live::rules(settings), ..config::setting(destination, &settings.server) };
        // What is wrong with its settings was told when it was built to deliver.
        destination.settings.clone().build(&setting, launcher()).ok().flatten()
    })
    .next()
}

/// Takes nothing of a destination but what it shares.
struct Presence;

impl Launcher for Presence {
    type Output = Option<Arc<dyn SharedPresence>>;

    fn launch<D: Destination>(self, _: D, client: D::Client) -> Self::Output {
        client.shared_presence()
    }
}

/// Likewise.
struct State;

impl Launcher for State {
    type Output = Option<Arc<dyn SharedState>>;

    fn launch<D: Destination>(self, _: D, client: D::Client) -> Self::Output {
        client.shared_state()
    }
}

/// What a destination is wired to.
struct Launch<'a> {
    destination: &'a DestinationSettings,
    journal: &'a Arc<dyn Journal>,
    metrics: &'a Arc<Metrics>,
    beacon: Arc<Beacon>,
    arbiter: &'a ArbiterHandle,
    /// Of every hash that a destination sees.
    salt: &'a str,
    data_dir: &'a Path,
    /// How what is in a store is read for reports.
    rules: &'a Rules,
    /// Who is shown what happens.
    tap: &'a TapLine,
}

impl Launch<'_> {
    fn start(self, settings: &Settings) -> Result<Factories, ServeError> {
        let name = self.destination.name.clone();
        let mut setting = config::setting(self.destination, &settings.server);
        setting.live = live::rules(settings);
        setting.meter = Meter::new(&name, Arc::clone(self.metrics));
        self.destination.settings.clone().build(&setting, self).map_err(|errors| {
            let words: Vec<String> = errors.iter().map(ToString::to_string).collect();
            ServeError::Failed(anyhow::anyhow!("destination `{name}`: {}", words.join("; ")))
        })
    }

    /// Starts whoever changes the tables of a warehouse.
    fn schema_manager<D: Destination>(
        &self,
        destination: &Arc<D>,
        store: Arc<dyn SchemaStore>,
    ) -> Addr<SchemaManager> {
        let managed = Managed {
            destination: self.destination.name.clone(),
            store,
            cell: destination.schema().unwrap_or_default(),
            statements: statements(destination),
            metrics: Arc::clone(self.metrics),
        };
        let data_dir = self.data_dir.to_owned();
        SchemaManager::start_in_arbiter(self.arbiter, move |_| SchemaManager::new(managed, &data_dir))
    }
}

/// What starts the delivery of what is new, and what starts one that sends stored events again.
struct Factories {
    live: Factory,
    replay: ReplayFactory,
    schema: Option<SchemaDoor>,
    eraser: Option<Arc<dyn Erase>>,
    reports: Option<Arc<dyn ReportStore>>,
}

fn door(manager: &Addr<SchemaManager>) -> SchemaDoor {
    SchemaDoor { describe: manager.clone().recipient(), refresh: manager.clone().recipient() }
}

impl Launcher for Launch<'_> {
    type Output = Factories;

    fn launch<D: Destination>(self, destination: D, client: D::Client) -> Factories {
        let name = self.destination.name.clone();
        let destination = Arc::new(destination);
        let reports = client.report_store(self.rules);
        let eraser = client.eraser();
        let schema_manager = client.schema_store().map(|store| self.schema_manager(&destination, store));
        let schema = schema_manager.as_ref().map(door);
        let parts = Parts {
            cursor: name.clone(),
            name,
            destination,
            client: Arc::new(client),
            journal: Arc::clone(self.journal),
            patience: self.destination.patience.clone(),
            filter: self.destination.events.clone(),
            view: Arc::new(View::new(self.destination.discretion.privacy.clone(), self.salt)),
            discretion: Arc::clone(&self.destination.discretion),
            schema_manager: schema_manager.map(Addr::recipient),
            metrics: Arc::clone(self.metrics),
            beacon: self.beacon,
            tap: self.tap.clone(),
            replay: None,
        };
        let (live, arbiter) = (Arc::new(parts), self.arbiter.clone());
        let parts = Arc::clone(&live);
        Factories {
            replay: Box::new(move |order| {
                let again = Arc::new(parts.for_replay(order)?);
                Ok((Arc::clone(&again.beacon), factory(again, arbiter.clone())))
            }),
            live: factory(live, self.arbiter.clone()),
            schema,
            eraser,
            reports,
        }
    }
}

/// Returns what writes a change as statements for an operator.
fn statements<D: Destination>(destination: &Arc<D>) -> Statements {
    let destination = Arc::clone(destination);
    Arc::new(move |diff| Some(format!("{};\n", destination.blueprint()?.ddl(diff).join(";\n"))))
}

fn factory<D: Destination>(parts: Arc<Parts<D>>, arbiter: ArbiterHandle) -> Factory {
    Box::new(move |guard| {
        let parts = Arc::clone(&parts);
        let delivery = Delivery::start_in_arbiter(&arbiter, move |_| Delivery::new(parts, guard));
        Handle {
            wake: delivery.clone().recipient(),
            status: delivery.clone().recipient(),
            obey: delivery.clone().recipient(),
            drain: delivery.clone().recipient(),
            stop: delivery.clone().recipient(),
            drop_backlog: delivery.clone().recipient(),
            journey: delivery.recipient(),
        }
    })
}
