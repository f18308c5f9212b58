//! The address of a Redis as people write it. Never repeats a password.
//!
//! `redis://[user[:password]@]host[:port][/database]`, `rediss://` with TLS, `redis+unix:///path?db=0`: the schemes of
//! <https://www.iana.org/assignments/uri-schemes/prov/redis> and of the library.

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisConnectionInfo};

use super::super::Variables;

const SCHEMES: [&str; 3] = ["redis://", "rediss://", "redis+unix://"];

/// Where to connect, and who signs in.
#[derive(Clone)]
pub(super) struct Address {
    /// Host and port or socket, without credentials: signing in is done by hand, so that the server's words are heard.
    pub(super) info: ConnectionInfo,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: i64,
}

/// Reads an address.
///
/// # Errors
/// A sentence to be read after the key.
pub(super) fn parse(url: &str) -> Result<Address, String> {
    if !SCHEMES.iter().any(|scheme| url.starts_with(scheme)) {
        return Err("must begin with redis://, rediss:// (TLS) or redis+unix://".to_owned());
    }
    if url.contains('#') {
        return Err("must have no `#…`: certificates are always checked, and a `#` in a password is written `%23`".to_owned());
    }
    // The library names what is wrong and not the value, but for a detail that may be one.
    let refused = |error: redis::RedisError| format!("is not an address of a Redis: {}", reason(&error));
    let info = url.into_connection_info().map_err(refused)?;
    let said = info.redis_settings();
    let (user, password, database) = (said.username(), said.password(), said.db());
    if database < 0 {
        return Err("is not an address of a Redis: the database must be 0 or more".to_owned());
    }
    let (user, password) = (user.map(str::to_owned), password.map(str::to_owned));
    if user.is_some() && password.is_none() {
        return Err("names a user without a password".to_owned());
    }
    let plain = RedisConnectionInfo::default().set_skip_set_lib_name();
    Ok(Address { info: info.clone().set_redis_settings(plain), user, password, database })
}

fn reason(error: &redis::RedisError) -> String {
    let whole = error.to_string();
    whole.split(" - ").next().unwrap_or_default().to_owned()
}

impl Address {
    /// Returns the address without credentials, as people may see it.
    pub(super) fn shown(&self) -> String {
        match self.info.addr() {
            ConnectionAddr::TcpTls { host, port, .. } => format!("rediss://{}:{port}/{}", bracketed(host), self.database),
            ConnectionAddr::Tcp(host, port) => format!("redis://{}:{port}/{}", bracketed(host), self.database),
            other => format!("redis+unix://{other}?db={}", self.database),
        }
    }

    /// Returns whether the connection is encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        matches!(self.info.addr(), ConnectionAddr::TcpTls { .. })
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// Puts an address together from `REDIS_HOST` and its companions; `None` without a host.
pub(super) fn compose(get: Variables<'_>) -> Option<String> {
    let host = bracketed(&get("REDIS_HOST")?);
    let is_on = |text: String| matches!(text.to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on");
    let scheme = if get("REDIS_TLS").is_some_and(is_on) { "rediss" } else { "redis" };
    let password = get("REDIS_PASSWORD").map_or(String::new(), |text| format!(":{}@", encoded(&text)));
    let port = get("REDIS_PORT").map_or(String::new(), |port| format!(":{port}"));
    Some(format!("{scheme}://{password}{host}{port}"))
}

fn encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    text.bytes().map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_host_user_password_database_and_whether_it_is_encrypted() {
        for (url, shown, user, password) in [
            ("redis://cache", "redis://cache:6379/0", None, None),
            ("redis://:p%40ss%2F@cache:7000/3", "redis://cache:7000/3", None, Some("p@ss/")),
            ("rediss://ot:secret@[::1]:6380/1", "rediss://[::1]:6380/1", Some("ot"), Some("secret")),
            ("redis+unix:///run/redis.sock?db=2&pass=p", "redis+unix:///run/redis.sock?db=2", None, Some("p")),
        ] {
            let address = parse(url).unwrap();
            assert_eq!(address.shown(), shown);
            assert_eq!((address.user.as_deref(), address.password.as_deref()), (user, password), "{url}");
            assert_eq!(address.is_encrypted(), url.starts_with("rediss"));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_its_password() {
        for (url, word) in [
            ("http://u:hunter2@h", "redis://"),
            ("redis://u:hunter2@", "not an address"),
            ("redis://u:hunter2@h/hunter2", "database"),
            ("redis://u:hunter2@h/-1", "database"),
            ("redis://u:hunter2@h:port", "not an address"),
            ("rediss://u:hunter2@h#insecure", "`#…`"),
            ("redis://hunter2@h", "password"),
        ] {
            let message = parse(url).err().unwrap();
            assert!(message.contains(word) && !message.contains("hunter2"), "{url}: {message}");
        }
    }

    #[test]
    fn variables_become_an_address_whatever_is_in_them() {
        let of = |pairs: &'static [(&'static str, &'static str)]| {
            compose(&|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(of(&[("REDIS_PASSWORD", "p")]), None);
        assert_eq!(of(&[("REDIS_HOST", "cache"), ("REDIS_TLS", "false")]).unwrap(), "redis://cache");
        let all = [("REDIS_HOST", "::1"), ("REDIS_PORT", "7000"), ("REDIS_PASSWORD", "p@s:s/#?"), ("REDIS_TLS", "true")];
        let address = compose(&|name| all.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()));
        let address = parse(&address.unwrap()).unwrap();
        assert_eq!((address.shown().as_str(), address.password.as_deref()), ("rediss://[::1]:7000/0", Some("p@s:s/#?")));
    }
}
