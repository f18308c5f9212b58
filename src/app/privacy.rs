//! What people ask of us, wired to what keeps something of them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, ArbiterHandle};
use secrecy::ExposeSecret;

use super::{ServeError, reports};
use crate::actors::registrar::{self, Parts, Registrar};
use crate::actors::supervisor::Supervisor;
use crate::config::Settings;
use crate::http::PrivacyDesk;
use crate::journal::Journal;
use crate::privacy::{Register, Suppression};
use crate::telemetry::Metrics;

/// The directory below the data directory.
const DIR: &str = "privacy";

/// What is wished and who is suppressed, as found at the start.
pub(super) struct Privacy {
    register: Register,
    pub(super) suppression: Arc<Suppression>,
}

/// Reads both, and ends the overwriting that the end of the last process has cut short.
///
/// # Errors
/// The files cannot be read or written, or the suppressed would not be recognised.
pub(super) fn open(settings: &Settings, journal: &dyn Journal) -> Result<Privacy, ServeError> {
    let dir = settings.server.data_dir.join(DIR);
    let register = Register::open(&dir).map_err(anyhow::Error::from)?;
    registrar::go_on(journal, &register);
    Ok(Privacy { register, suppression: suppression(settings, &dir)? })
}

/// How long a request of any destination may take. Nothing of an embedded store arrives late.
fn request_within(settings: &Settings) -> Duration {
    let remote = settings.destinations.iter().filter(|one| !one.settings.is_embedded());
    remote.map(|one| one.patience.timeout).max().unwrap_or_default()
}

/// How much longer what a process before this one had begun may arrive.
fn lingers(settings: &Settings) -> Duration {
    let on = settings.destinations.iter().filter(|one| one.enabled);
    on.map(|one| one.settings.lingers()).max().unwrap_or_default()
}

fn suppression(settings: &Settings, dir: &Path) -> Result<Arc<Suppression>, ServeError> {
    let salt = settings.server.site_salt.expose_secret();
    let list = Suppression::open(dir, salt).map_err(|why| ServeError::Failed(anyhow::anyhow!(why)))?;
    Ok(Arc::new(list))
}

impl Privacy {
    /// Starts whoever sees to it.
    pub(super) fn start(
        self,
        settings: &Settings,
        (journal, metrics): (&Arc<dyn Journal>, &Arc<Metrics>),
        supervisor: &Addr<Supervisor>,
        arbiter: &ArbiterHandle,
    ) -> PrivacyDesk {
        let suppression = Arc::clone(&self.suppression);
        let parts = Parts {
            register: self.register,
            suppression: self.suppression,
            journal: Arc::clone(journal),
            is_shared: settings.journal.shared.is_some(),
            salt: settings.server.site_salt.expose_secret().to_owned(),
            own: vec![reports::eraser(settings)],
            request_within: request_within(settings),
            lingers: lingers(settings),
            hold: supervisor.clone().recipient(),
            release: supervisor.clone().recipient(),
            erasers: supervisor.clone().recipient(),
            tell: settings.privacy.tell_deletions.clone(),
            accept: supervisor.clone().recipient(),
            metrics: Arc::clone(metrics),
        };
        let registrar = Registrar::start_in_arbiter(arbiter, move |_| Registrar::new(Arc::new(parts)));
        PrivacyDesk {
            regulate: registrar.clone().recipient(),
            look_up: registrar.clone().recipient(),
            export: registrar.recipient(),
            suppression,
        }
    }
}
