//! Settings from file and environment, validated: the only place that reads the environment.
//!
//! Two stages: the file as written, where every key and value knows its place ([`load()`] reports all problems with line and
//! column), then [`Settings`], which cannot be wrong.

mod additions;
mod changes;
mod console;
mod destinations;
mod discretion;
mod environment;
mod fingerprint;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
mod interpolate;
mod journal;
mod load;
mod node;
mod overrides;
mod own;
pub mod password;
mod patience;
mod problem;
mod read;
mod realtime;
mod report;
mod secrets;
mod section;
mod server;
pub mod settings;
pub mod shipped;
mod sources;
mod telemetry;
#[cfg(test)]
mod tests;
mod tracker;

pub use changes::{Changes, keep_what_cannot_change};
pub use destinations::{Switch, setting};
pub use environment::Environment;
pub use fingerprint::Fingerprint;
pub use load::{Loaded, Source, load, load_to_ask};
pub use problem::{Place, Problem, Problems};
pub use secrets::{generate_missing, random_text, recall};
pub use settings::Settings;
pub use tracker::{COLLECT_PATH, SCRIPT_PATH};
