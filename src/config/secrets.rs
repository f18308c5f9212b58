//! The secrets of the router itself: checked in production, generated in development.
//!
//! Generating writes a file, so it is a step of its own that only a starting router takes. Never prints a secret.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::environment::Environment;
use super::load::Loaded;
use super::problem::{Place, Problem};
use super::report::Report;
use super::settings::Server;

/// Fewest bytes of a secret: the output of HMAC-SHA256, as RFC 7518 section 3.2 asks for HS256.
pub(super) const SHORTEST: usize = 32;

const NAMES: [&str; 3] = ["SITE_SALT", "JWT_SECRET", "HMAC_SECRET"];

/// The `JWT_SECRET` of before, while both are taken. None is needed.
const OLD: &str = "JWT_SECRET_OLD";

/// Reports what production refuses about the secrets. The last of them is needed only where a source `signs` without a secret
/// of its own.
pub(super) fn check_production(environment: &Environment, signs: bool, report: &Report<'_>) {
    let is_needed = |name: &str| signs || name != "HMAC_SECRET";
    for name in NAMES.into_iter().filter(|name| is_needed(name)) {
        match environment.filled(name).map(str::len) {
            None => refuse(report, name, "is not set, and production needs it"),
            Some(length) if length < SHORTEST => refuse(report, name, "is shorter than 32 bytes"),
            Some(_) => {}
        }
    }
    if environment.filled(OLD).is_some_and(|old| old.len() < SHORTEST) {
        refuse(report, OLD, "is shorter than 32 bytes");
    }
    let [salt, jwt, hmac] = NAMES.map(|name| environment.filled(name));
    if salt.is_some() && salt == jwt {
        refuse(report, "JWT_SECRET", "is equal to `SITE_SALT`: the two must differ");
    }
    if salt.is_some() && salt == environment.filled(OLD) {
        refuse(report, OLD, "is equal to `SITE_SALT`: the two must differ");
    }
    if signs && hmac.is_some() && [salt, jwt].contains(&hmac) {
        refuse(report, "HMAC_SECRET", "is equal to `SITE_SALT` or `JWT_SECRET`: they must differ");
    }
}

fn refuse(report: &Report<'_>, name: &str, what: &str) {
    let message = format!("the environment variable `{name}` {what}");
    report.add(Problem { secret: true, ..Problem::new(Place::Nowhere {}, name, message) });
}

const FILE: &str = "secrets.toml";

/// The file of generated secrets.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    site_salt: String,
    jwt_secret: String,
    hmac_secret: String,
}

/// Puts the secrets that development lacks into `loaded`: those that an earlier start wrote to `secrets.toml` (0600) in
/// `data_dir`, else new ones. Does nothing in production.
///
/// # Errors
/// The directory or the file cannot be read or written.
pub fn generate_missing(loaded: &mut Loaded) -> std::io::Result<()> {
    let server = &loaded.settings.server;
    let is_empty = |secret: &SecretString| secret.expose_secret().is_empty();
    let secrets = [&server.jwt_secret, &server.site_salt, &server.hmac_secret];
    if server.production || !secrets.into_iter().any(is_empty) {
        return Ok(());
    }
    let kept = keep(&server.data_dir)?;
    kept.fill(&mut loaded.settings.server);
    Ok(())
}

/// Puts the secrets that development lacks into `loaded` as far as an earlier start made them. Makes nothing.
///
/// # Errors
/// There is a file and it cannot be read.
pub fn recall(loaded: &mut Loaded) -> std::io::Result<()> {
    let server = &mut loaded.settings.server;
    if !server.production {
        read(&server.data_dir.join(FILE))?.fill(server);
    }
    Ok(())
}

impl Kept {
    /// What is set already stays.
    fn fill(self, server: &mut Server) {
        for (secret, kept) in [
            (&mut server.site_salt, self.site_salt),
            (&mut server.jwt_secret, self.jwt_secret),
            (&mut server.hmac_secret, self.hmac_secret),
        ] {
            if secret.expose_secret().is_empty() {
                *secret = kept.into();
            }
        }
    }
}

fn read(path: &Path) -> std::io::Result<Kept> {
    match std::fs::read_to_string(path) {
        Ok(text) => toml::from_str(&text)
            .map_err(|_| std::io::Error::other(format!("`{}` is not what the router wrote", path.display()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Kept::default()),
        Err(error) => Err(error),
    }
}

fn keep(data_dir: &Path) -> std::io::Result<Kept> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data_dir)?;
    let path = data_dir.join(FILE);
    let mut kept = read(&path)?;
    let all = [&mut kept.site_salt, &mut kept.jwt_secret, &mut kept.hmac_secret];
    let missing = all.into_iter().filter(|secret| secret.len() < SHORTEST);
    let generated = missing.map(|secret| *secret = random_text()).count();
    if generated > 0 {
        write(&path, &kept)?;
    }
    Ok(kept)
}

/// Written beside and renamed, so that a kill leaves the old file or the new one.
fn write(path: &Path, kept: &Kept) -> std::io::Result<()> {
    let text = toml::to_string(kept).map_err(std::io::Error::other)?;
    let beside = path.with_extension("toml.new");
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}

/// Returns 64 hexadecimal digits from 244 bits of the system's random numbers.
pub fn random_text() -> String {
    let mut hash = Sha256::new();
    hash.update(uuid::Uuid::new_v4().as_bytes());
    hash.update(uuid::Uuid::new_v4().as_bytes());
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
