//! Where the server is and who we are there, from the settings and the environment.

use std::time::Duration;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::super::http_client::{self, Options};
use super::super::{Setting, SettingError, Variables};
use super::config::{Config, TableLayout};
use super::ddl::Names;

/// The ports of the HTTP interface, without and with TLS.
const PORTS: [&str; 2] = ["8123", "8443"];

/// A server, as it is spoken to.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Its address, without user and password.
    pub(super) url: Url,
    /// Who we are.
    pub(super) user: String,
    /// What proves it.
    pub(super) password: SecretString,
    /// Where the tables are.
    pub(super) names: Names,
    /// Which tables they are.
    pub(super) layout: TableLayout,
    /// How long a request may take.
    pub(super) timeout: Duration,
}

impl Target {
    /// Reads the settings.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub(super) fn new(config: &Config, setting: &Setting) -> Result<Target, SettingError> {
        let options = Options { allow_private_network: true };
        let parsed = http_client::parse_url(&completed(&config.url, false, None), options);
        let mut url = parsed.map_err(|message| SettingError { key: "url", message })?;
        let (user, password) = whom(config, &url);
        // Cannot fail for an address with a host.
        url.set_username("").unwrap_or_default();
        url.set_password(None).unwrap_or_default();
        url.set_fragment(None);
        let (names, layout, timeout) = (config.names(), config.layout, setting.timeout);
        Ok(Target { url, user, password, names, layout, timeout })
    }
}

/// Puts the address together from the variables that begin with `CLICKHOUSE_`.
pub(super) fn compose(get: Variables<'_>) -> Option<String> {
    let tls = get("CLICKHOUSE_TLS").unwrap_or_default().trim().to_lowercase();
    let is_tls = !matches!(tls.as_str(), "" | "0" | "false" | "no" | "off");
    Some(completed(&get("CLICKHOUSE_HOST")?, is_tls, get("CLICKHOUSE_PORT").as_deref()))
}

/// Returns the address; the name of a host alone gets scheme and port.
fn completed(url: &str, is_tls: bool, port: Option<&str>) -> String {
    let url = url.trim();
    if url.contains("://") {
        return url.to_owned();
    }
    let (scheme, usual) = if is_tls { ("https", PORTS[1]) } else { ("http", PORTS[0]) };
    let has_port = url.rsplit_once(':').is_some_and(|(host, _)| !host.contains(':') || host.ends_with(']'));
    let port = port.map(str::trim).filter(|port| !port.is_empty()).unwrap_or(usual);
    if has_port { format!("{scheme}://{url}") } else { format!("{scheme}://{url}:{port}") }
}

/// A user in the address wins: it says what is meant for this server.
fn whom(config: &Config, url: &Url) -> (String, SecretString) {
    match (url.username(), url.password()) {
        ("", _) => (config.user.clone(), SecretString::from(config.password.expose_secret())),
        (user, password) => (decoded(user), SecretString::from(decoded(password.unwrap_or_default()))),
    }
}

/// Undoes the escapes of a part of an address.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escape = after.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match escape.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::super::kit::testing::setting;
    use super::*;

    fn target(url: &str) -> Target {
        Target::new(&Config { url: url.to_owned(), ..Config::default() }, &setting("ch", true)).unwrap()
    }

    #[test]
    fn a_host_alone_gets_its_port_and_scheme_from_the_environment() {
        for (host, port, tls, wanted) in [
            ("http://ch:8123", "1", "true", "http://ch:8123/"),
            ("https://ch.example/path", "", "", "https://ch.example/path"),
            ("ch", "", "", "http://ch:8123/"),
            ("ch", "9000", "", "http://ch:9000/"),
            ("ch", "", "true", "https://ch:8443/"),
            ("ch", "443", "1", "https://ch/"),
            ("ch", "", "false", "http://ch:8123/"),
            ("ch:8124", "1", "", "http://ch:8124/"),
            ("[::1]", "", "", "http://[::1]:8123/"),
            ("[::1]:5", "", "", "http://[::1]:5/"),
        ] {
            let get = |name: &str| {
                let all = [("CLICKHOUSE_HOST", host), ("CLICKHOUSE_PORT", port), ("CLICKHOUSE_TLS", tls)];
                all.iter().find(|(key, text)| *key == name && !text.is_empty()).map(|(_, text)| (*text).to_owned())
            };
            assert_eq!(target(&compose(&get).unwrap()).url.as_str(), wanted, "{host} {port} {tls}");
        }
        assert_eq!(compose(&|_| None), None);
        assert_eq!(target("ch").url.as_str(), "http://ch:8123/");
    }

    #[test]
    fn user_and_password_leave_the_address() {
        let target = target("http://us%20er:p%40ss@ch:1/?x=1");
        assert_eq!(target.url.as_str(), "http://ch:1/?x=1");
        assert_eq!((target.user.as_str(), target.password.expose_secret()), ("us er", "p@ss"));
    }

    #[test]
    fn an_address_of_another_kind_is_refused() {
        let config = Config { url: "tcp://ch:9000".to_owned(), ..Config::default() };
        let problem = Target::new(&config, &setting("ch", false)).unwrap_err();
        assert_eq!((problem.key, problem.message.as_str()), ("url", "must begin with http:// or https://"));
    }
}
