//! From `[realtime]` to the projections and to who tells what they know.

use std::sync::Arc;

use actix::{Actor, Addr, ArbiterHandle, Context, Recipient};
use secrecy::ExposeSecret;

use crate::actors::broadcaster::{Attend, Broadcaster, Sources};
use crate::actors::messages::{Farewell, Glimpses, Watch};
use crate::actors::projector::{Parts, Projector};
use crate::actors::realtime::{self, Realtime};
use crate::actors::supervisor::{Follow, Supervisor};
use crate::actors::tap::{Tap, TapLine};
use crate::config::Settings;
use crate::destinations::SharedPresence;
use crate::http::LiveDesk;
use crate::journal::Journal;
use crate::projections::live::Options;
use crate::projections::session;
use crate::telemetry::{Metrics, clock, events};

/// What is live, while it is switched on.
#[derive(Clone)]
pub(super) struct Live {
    broadcaster: Option<Addr<Broadcaster>>,
    /// There whatever is switched off: operators watch by it.
    tap: Addr<Tap>,
    line: TapLine,
    /// Some of the events, for those who ask for them.
    glimpses: Glimpses,
    options: Options,
    /// The journal is that of several routers.
    is_shared: bool,
    metrics: Arc<Metrics>,
    arbiter: ArbiterHandle,
}

impl Live {
    /// Starts whoever tells it, who knows nothing yet.
    pub(super) fn start(
        settings: &Settings,
        metrics: &Arc<Metrics>,
        arbiter: &ArbiterHandle,
        line: &TapLine,
    ) -> Live {
        let boot = format!("{:x}", clock::now().as_microsecond());
        let (name, end, line) = (boot.clone(), line.clone(), line.clone());
        let tap = Tap::start_in_arbiter(arbiter, move |_: &mut Context<Tap>| Tap::new(&name, end));
        let broadcaster = settings.realtime.enabled.then(|| {
            let metrics = Arc::clone(metrics);
            Broadcaster::start_in_arbiter(arbiter, move |_: &mut Context<Broadcaster>| {
                Broadcaster::new(&boot, metrics)
            })
        });
        let (metrics, arbiter) = (Arc::clone(metrics), arbiter.clone());
        let is_shared = settings.journal.shared.is_some();
        let (options, glimpses) = (options(settings), Glimpses::default());
        Live { broadcaster, tap, line, glimpses, options, is_shared, metrics, arbiter }
    }

    /// Returns the projections that are to be followed.
    pub(super) fn follows(&self, journal: &Arc<dyn Journal>, supervisor: &Addr<Supervisor>) -> Vec<Follow> {
        let Some(broadcaster) = self.broadcaster.clone() else { return Vec::new() };
        let parts = Arc::new(Parts {
            name: realtime::NAME,
            journal: Arc::clone(journal),
            // A router that has a part of the events alone would tell of carts whose orders another one has.
            accept: (!self.is_shared).then(|| supervisor.clone().recipient()),
            metrics: Arc::clone(&self.metrics),
        });
        let (options, metrics, arbiter) =
            (self.options.clone(), Arc::clone(&self.metrics), self.arbiter.clone());
        let glimpses = self.glimpses.clone();
        let factory = move |guard| {
            let realtime =
                Realtime::new(options.clone(), broadcaster.clone().recipient(), Arc::clone(&metrics));
            let realtime = realtime.showing(glimpses.clone());
            let parts = Arc::clone(&parts);
            Projector::start_in_arbiter(&arbiter, move |_| Projector::new(parts, realtime, guard)).recipient()
        };
        vec![Follow { name: realtime::NAME, factory: Box::new(factory) }]
    }

    /// Lets whoever tells it know whom to ask about destinations and tables, and about what several routers know together.
    pub(super) fn attend(&self, supervisor: &Addr<Supervisor>, presence: Option<Arc<dyn SharedPresence>>) {
        let Some(broadcaster) = &self.broadcaster else { return };
        let (destinations, schemas) = (supervisor.clone().recipient(), supervisor.clone().recipient());
        if broadcaster.try_send(Attend(Sources { destinations, schemas, presence })).is_err() {
            events::NobodyThere { message: "whom to ask about destinations" }.emit();
        }
    }

    /// Ends every stream.
    pub(super) async fn farewell(&self) {
        if self.tap.send(Farewell).await.is_err() {
            events::NobodyThere { message: "the end of the tap" }.emit();
        }
        let Some(broadcaster) = &self.broadcaster else { return };
        if broadcaster.send(Farewell).await.is_err() {
            events::NobodyThere { message: "the end of the streams" }.emit();
        }
    }

    /// Returns whom the door asks what happens to single events.
    pub(super) fn tap(&self) -> Recipient<Watch> {
        self.tap.clone().recipient()
    }

    /// Returns how the tap is told.
    pub(super) fn line(&self) -> TapLine {
        self.line.clone()
    }

    /// Returns whom the door asks.
    pub(super) fn desk(&self) -> Option<LiveDesk> {
        let broadcaster = self.broadcaster.as_ref()?;
        Some(LiveDesk {
            subscribe: broadcaster.clone().recipient(),
            ask: broadcaster.clone().recipient(),
            glimpses: self.glimpses.clone(),
        })
    }
}

/// Returns by which rules is counted, for a store that counts for several routers: it needs no salt.
pub(super) fn rules(settings: &Settings) -> Options {
    Options { salt: String::new(), ..options(settings) }
}

fn options(settings: &Settings) -> Options {
    let realtime = &settings.realtime;
    let ms = |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    Options {
        sessions: session::Options {
            timeout_ms: ms(realtime.session_timeout),
            new_on_campaign: realtime.new_session_on_campaign,
            ..session::Options::default()
        },
        time_zone: realtime.time_zone.clone(),
        currency: realtime.currency.clone(),
        cart_abandoned_after_ms: ms(realtime.cart_abandoned_after),
        spelling: super::reports::spelling(settings),
        salt: settings.server.site_salt.expose_secret().to_owned(),
        ..Options::default()
    }
}
