//! Resolves names and keeps private addresses out.
//!
//! The check sits here, and not before the request, because only the addresses returned here are connected to: a name
//! that changes its mind between check and connect gains nothing.

use std::io;
use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address;

/// Why a name gives no address to connect to; found again in the source chain of the request's error.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResolveError {
    /// Every address of the name is in a private network.
    #[error("`{0}` resolves to a private network")]
    Private(String),
    /// The name has no address, or its servers do not answer.
    #[error("could not resolve `{host}`: {source}")]
    Failed {
        /// The name.
        host: String,
        /// What the system said.
        source: io::Error,
    },
}

/// The system's resolver, with a filter.
pub(super) struct Resolver {
    allow_private: bool,
}

impl Resolver {
    pub(super) fn new(allow_private: bool) -> Resolver {
        Resolver { allow_private }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let addresses = look_up(name.as_str(), allow_private).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

async fn look_up(host: &str, allow_private: bool) -> Result<Vec<SocketAddr>, ResolveError> {
    let failed = |source| ResolveError::Failed { host: host.to_owned(), source };
    let found: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await.map_err(failed)?.collect();
    filter(host, found, allow_private)
}

fn filter(host: &str, found: Vec<SocketAddr>, allow: bool) -> Result<Vec<SocketAddr>, ResolveError> {
    if allow || found.is_empty() {
        return Ok(found);
    }
    let public: Vec<_> = found.into_iter().filter(|found| !address::is_private(found.ip())).collect();
    if public.is_empty() { Err(ResolveError::Private(host.to_owned())) } else { Ok(public) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 0)).collect()
    }

    #[test]
    fn a_name_with_private_and_public_addresses_keeps_only_the_public_ones() {
        let found = addresses(&["10.0.0.1", "1.1.1.1", "::1"]);
        assert_eq!(filter("mixed.example", found.clone(), false).unwrap(), addresses(&["1.1.1.1"]));
        assert_eq!(filter("mixed.example", found.clone(), true).unwrap(), found);
    }

    #[test]
    fn a_name_with_private_addresses_alone_is_refused() {
        let refused = filter("inside.example", addresses(&["169.254.169.254"]), false);
        assert!(matches!(refused, Err(ResolveError::Private(host)) if host == "inside.example"));
    }
}
