//! `opentrack serve`: sets the log up, makes what development lacks, and runs the router.

use super::args::Preset;
use super::out::Out;
use super::{Exit, refuse, with_config};
use crate::app::{self, ServeError};
use crate::config::{self, Environment, Loaded, Source};
use crate::telemetry;

/// Returns what the router is started in: a preset is an override like any other, so that a reload sees it as well.
pub(super) fn surroundings(environment: &Environment, preset: Option<Preset>) -> Environment {
    match preset {
        None => environment.clone(),
        Some(Preset::Trackflow) => {
            environment.with("OPENTRACK__SERVER__LISTEN", r#"["127.0.0.1:8000", "127.0.0.1:8080"]"#)
        }
    }
}

/// Loads the configuration and runs the router.
pub(super) fn start(
    source: &Source,
    environment: &Environment,
    preset: Option<Preset>,
    out: &mut Out,
) -> Exit {
    let environment = &surroundings(environment, preset);
    with_config(source, environment, out, |loaded, out| serve(loaded, environment, out))
}

/// Runs the router until it is told to stop.
fn serve(mut loaded: Loaded, environment: &Environment, out: &mut Out) -> Exit {
    if let Err(message) = telemetry::log::init(&loaded.settings.server.log) {
        out.error(&message);
    }
    warn(&loaded.warnings);
    if let Err(error) = config::generate_missing(&mut loaded) {
        let directory = loaded.settings.server.data_dir.display();
        out.error(&format!("could not prepare `server.data_dir` (`{directory}`): {error}"));
        return Exit::Unavailable;
    }
    match app::serve(loaded, environment) {
        Ok(()) => Exit::Fine,
        Err(error) => exit_of(&error, out),
    }
}

fn warn(warnings: &[String]) {
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}

fn exit_of(error: &ServeError, out: &mut Out) -> Exit {
    if let ServeError::Config(problems) = error {
        return refuse(problems, out);
    }
    out.error(&error.to_string());
    match error {
        ServeError::Unavailable(_) => Exit::Unavailable,
        ServeError::Secret(_) => Exit::Secret,
        ServeError::Config(_) => Exit::Usage,
        ServeError::Failed(_) => Exit::Failed,
    }
}
