//! The journal of a router that does not run, for commands that read it.
//!
//! Opening may repair a torn end, so it happens only under the lock that a running router holds.

use std::fs::File;
use std::sync::Arc;

use super::{ServeError, broken, engine, lock};
use crate::config::Settings;
use crate::journal::Journal;
use crate::journal::embedded::{EmbeddedJournal, Options};
use crate::telemetry::clock;

/// An opened journal; no router can start while it is held.
pub struct AtRest {
    /// The journal.
    pub journal: Arc<dyn Journal>,
    _lock: File,
}

/// Opens the journal of these settings; `None` when there never was one.
///
/// # Errors
/// `Unavailable` while another process uses it, `Failed` when it cannot be read.
pub fn at_rest(settings: &Settings) -> Result<Option<AtRest>, ServeError> {
    let options = engine::options(settings);
    if !options.dir.try_exists().map_err(anyhow::Error::from)? {
        return Ok(None);
    }
    let lock = lock::take(&settings.server.data_dir)?;
    // Nothing will be appended, so no id needs to be remembered.
    let options = Options { dedupe_max_ids: 0, tail_bytes: 0, ..options };
    let journal =
        EmbeddedJournal::open(options, clock::now()).map_err(|error| broken("open the journal", error))?;
    Ok(Some(AtRest { journal: Arc::new(journal), _lock: lock }))
}
