//! Whether a password is the right one: off the threads that answer, and few at once, since a hash takes memory and time on
//! purpose.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use super::pass;
use crate::config::password;
use crate::http::answer::Refusal;

/// Hashes that are calculated at the same time: one for each core of a small machine, and at most half a gigabyte.
const AT_ONCE: usize = 2;
/// How long a login waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

const BUSY: Refusal = Refusal::Overloaded("too many log in at the same time");

/// See the module.
#[derive(Debug, Clone)]
pub(in crate::http) struct Verifier(Arc<Semaphore>);

impl Default for Verifier {
    fn default() -> Self {
        Verifier(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Verifier {
    /// Returns whether `given` is the password that is `wanted`, itself or as its hash.
    ///
    /// # Errors
    /// `overloaded` when its turn does not come.
    pub(super) async fn fits(
        &self,
        given: SecretString,
        wanted: &SecretString,
        key: &SecretString,
    ) -> Result<bool, Refusal> {
        if !password::is_hash(wanted.expose_secret()) {
            return Ok(pass::same(key, given.expose_secret(), wanted.expose_secret()));
        }
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.0).acquire_owned()).await;
        let turn = turn.ok().and_then(Result::ok).ok_or(BUSY)?;
        let wanted = wanted.clone();
        let compared = tokio::task::spawn_blocking(move || {
            let fits = password::fits(given.expose_secret(), wanted.expose_secret());
            // Also when nobody waits for the answer any more.
            drop(turn);
            fits
        });
        compared.await.map_err(|_| BUSY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix::test(start_paused = true)]
    async fn no_more_are_compared_at_once_than_there_are_turns() {
        let (verifier, secret) = (Verifier::default(), |text: &str| SecretString::from(text.to_owned()));
        let hash =
            secret("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4");
        let held = Arc::clone(&verifier.0).acquire_many_owned(AT_ONCE as u32).await.unwrap();
        let waits = verifier.fits(secret("password"), &hash, &secret("k")).await;
        assert_eq!(waits, Err(BUSY), "no turn comes");
        assert_eq!(
            verifier.fits(secret("plain"), &secret("plain"), &secret("k")).await,
            Ok(true),
            "no turn needed"
        );
        drop(held);
        assert_eq!(verifier.fits(secret("password"), &hash, &secret("k")).await, Ok(true));
        assert_eq!(verifier.fits(secret("passwort"), &hash, &secret("k")).await, Ok(false));
        assert_eq!(verifier.0.available_permits(), AT_ONCE);
    }
}
