//! The terms on which requests are taken: sources, origins, limits and bounds, which may change while the router runs.
//!
//! One swap changes all of them together. A request looks once and keeps what it has seen until its answer.

use std::sync::Arc;

use crate::config::Settings;
use crate::config::settings::{Console, Server, Tracker};

use super::auth::Sources;
use super::cors::Origins;
use super::limit::Limiter;
use super::sources;
use super::state::Shared;
use crate::stores::shared::SharedState;

/// What one request keeps to.
pub(super) struct Terms {
    /// Bounds of bodies and events, trusted proxies.
    pub(super) server: Server,
    pub(super) sources: Sources,
    /// The same as they may be told.
    pub(super) listed: Vec<sources::Listed>,
    pub(super) origins: Origins,
    pub(super) limiter: Limiter,
    /// Whose ids are whose, and what the script's paths are called.
    pub(super) tracker: Tracker,
    /// Whether and how one logs in.
    pub(super) console: Console,
}

impl Terms {
    pub(super) fn new(settings: &Settings) -> Self {
        Terms {
            server: settings.server.clone(),
            listed: sources::listed(&settings.sources),
            sources: Sources::new(&settings.sources, &settings.server.hmac_secret),
            tracker: settings.tracker.clone(),
            console: settings.console.clone(),
            origins: Origins::new(&settings.sources),
            limiter: Limiter::new(&settings.limits, settings.sources.len().max(1)),
        }
    }

    /// Goes on with the counts of limits that are the same.
    fn after(mut self, before: &Terms) -> Self {
        let were: Vec<Option<usize>> =
            self.sources.names().iter().map(|name| before.sources.index_of(name)).collect();
        self.limiter.inherit(&before.limiter, &were);
        self
    }
}

/// Changes the terms of an open door.
#[derive(Clone)]
pub struct DoorTerms(pub(super) Arc<Shared>);

impl DoorTerms {
    /// Takes every request from now on by these settings. Requests in flight keep to those that they began with.
    pub fn change(&self, settings: &Settings) {
        let shared = &self.0;
        shared.budget.fit_bodies_of(settings.server.max_body_bytes);
        shared.tables.change(&settings.additions);
        let terms = Terms::new(settings).after(&shared.terms.load());
        shared.terms.store(Arc::new(terms));
    }

    /// Shares what is not this router's alone with those who use this store from now on; with nobody where there is none.
    pub fn share(&self, store: Option<Arc<dyn SharedState>>) {
        self.0.share(store);
    }

    /// Opens the files behind the door again when they change. Never ends.
    pub async fn follow(&self) {
        self.0.tables.follow().await;
    }
}
