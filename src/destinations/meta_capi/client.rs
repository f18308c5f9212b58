//! The wire: that of every HTTP API, with the token in a header, where no log of addresses holds it.

use super::config::{Config, GRAPH};
use super::plan::Request;
use crate::destinations::kit::{Api, Auth, Peer};
use crate::destinations::{Client, Reply, Setting, SettingError, Shown};

/// The connections to the Graph API.
#[derive(Debug)]
pub struct Wire(Api);

impl Wire {
    /// Checks address and token; connects to nothing.
    ///
    /// # Errors
    /// Every problem of the settings that they come from.
    pub(super) fn new(config: &Config, setting: &Setting) -> Result<Wire, Vec<SettingError>> {
        let is_own = !config.endpoint.is_empty();
        let peer = Peer {
            url: if is_own { &config.endpoint } else { GRAPH },
            key: "endpoint",
            is_secret: false,
            // Who names an address of their own means it.
            allow_private_network: is_own,
            // Not documented for the Graph API.
            gzip: false,
            auth: Auth::Bearer { token: &config.access_token, setting: "access_token" },
        };
        Api::new(&peer, setting).map(Wire)
    }
}

impl Client for Wire {
    type Request = Request;

    async fn send(&self, request: &Request) -> Reply {
        self.0.send(&request.call).await
    }

    fn show(&self, request: &Request) -> Shown {
        self.0.show(&request.call)
    }
}
