//! The wire to Customer.io: the shared one, with the calls of our requests.

use secrecy::SecretString;

use super::config::Config;
use super::plan::Request;
use crate::destinations::kit::{Api, Auth, Peer};
use crate::destinations::{Client, Reply, Setting, SettingError, Shown};

/// Room for an error of each item of a full request.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// The connections to one workspace.
#[derive(Debug)]
pub struct Wire(Api);

impl Wire {
    /// Checks address and credentials and builds the client; connects to nothing.
    ///
    /// # Errors
    /// Every problem of the settings that they come from.
    pub fn new(config: &Config, setting: &Setting) -> Result<Wire, Vec<SettingError>> {
        let key: &SecretString = &config.api_key;
        let peer = Peer {
            url: config.base_url(),
            key: "endpoint",
            is_secret: false,
            // The operator named the address; nobody else can.
            allow_private_network: !config.endpoint.is_empty(),
            // Nothing says that it is taken there.
            gzip: false,
            auth: Auth::Basic { name: &config.site_id, key },
        };
        Api::new(&peer, setting).map(|api| Wire(api.with_answer_cap(MAX_ANSWER_BYTES)))
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
