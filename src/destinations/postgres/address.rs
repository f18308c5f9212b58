//! The address of a database as people write it, read as libpq reads it. Pure; never repeats a password.
//!
//! <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS>. `sslmode` and `sslrootcert` are read
//! here, since the library below knows only some of them; the rest is its own.

use std::path::{Path, PathBuf};

use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use super::super::Variables;

/// How a connection is made.
#[derive(Clone)]
pub(super) struct Address {
    /// Host, user, password, database and the rest. Its `Debug` hides the password.
    pub(super) config: Config,
    /// What is asked of the server's certificate, where there is TLS.
    pub(super) trust: Trust,
}

/// What is asked of the server's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trust {
    /// Nothing: what is sent cannot be read on the way, and who reads it in the end is not known.
    Anybody,
    /// That one of these authorities signed it.
    Authority(Roots),
    /// That one of these authorities signed it for the host of the address.
    Host(Roots),
}

/// Which authorities are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Roots {
    /// Those that browsers believe.
    Public,
    /// Those of this file.
    File(PathBuf),
}

/// Reads an address.
///
/// # Errors
/// A sentence to be read after the key.
pub(super) fn parse(url: &str, ca_file: &Path) -> Result<Address, String> {
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err("must begin with postgres:// or postgresql://".to_owned());
    }
    let (rest, mode, root) = without_tls(url)?;
    let mut config: Config = rest.parse().map_err(|error| refused(&error))?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err("must name a host".to_owned());
    }
    let named = Some(ca_file.to_owned()).filter(|file| !file.as_os_str().is_empty()).map(Roots::File).or(root);
    let (ssl_mode, trust) = trust(mode.as_deref(), named)?;
    config.ssl_mode(ssl_mode);
    Ok(Address { config, trust })
}

/// The library names the option and not its value.
fn refused(error: &tokio_postgres::Error) -> String {
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    format!("is not an address of a database: {cause}")
}

type WithoutTls = (String, Option<String>, Option<Roots>);

/// Takes `sslmode` and `sslrootcert` out of an address.
fn without_tls(url: &str) -> Result<WithoutTls, String> {
    let credentials = url.find('@').unwrap_or_default();
    let question = url.get(credentials..).and_then(|rest| rest.find('?'));
    let Some((base, query)) = question.and_then(|at| url.split_at_checked(credentials + at)) else {
        return Ok((url.to_owned(), None, None));
    };
    let (mut kept, mut mode, mut root) = (Vec::new(), None, None);
    for pair in query.trim_start_matches('?').split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("sslmode", value)) => mode = Some(value.to_owned()),
            Some(("sslrootcert", "system")) => root = Some(Roots::Public),
            Some(("sslrootcert", value)) => root = Some(Roots::File(decoded(value)?.into())),
            _ => kept.push(pair),
        }
    }
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    Ok((format!("{base}{query}"), mode, root))
}

/// As libpq: `prefer` when nothing is said, and `require` looks at the authority only when one is named. Who names one and
/// says nothing else wants to be sure.
fn trust(mode: Option<&str>, roots: Option<Roots>) -> Result<(SslMode, Trust), String> {
    let authority = |roots: Option<Roots>| roots.map_or(Trust::Anybody, Trust::Authority);
    Ok(match (mode, roots) {
        (Some("disable"), _) => (SslMode::Disable, Trust::Anybody),
        (Some("allow" | "prefer"), _) | (None, None) => (SslMode::Prefer, Trust::Anybody),
        (Some("require"), roots) => (SslMode::Require, authority(roots)),
        (Some("verify-ca"), roots) => (SslMode::Require, Trust::Authority(roots.unwrap_or(Roots::Public))),
        (Some("verify-full"), roots) => (SslMode::Require, Trust::Host(roots.unwrap_or(Roots::Public))),
        (None, Some(roots)) => (SslMode::Require, Trust::Host(roots)),
        (Some(_), _) => {
            let known = "disable, allow, prefer, require, verify-ca, verify-full";
            return Err(format!("has an `sslmode` that does not exist; there are: {known}"));
        }
    })
}

fn decoded(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let pair: Vec<u8> = rest.by_ref().take(2).collect();
                let digits = std::str::from_utf8(&pair).ok();
                digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).ok_or("has a broken `%` in it")?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| "has text in it that is not UTF-8".to_owned())
}

/// Puts an address together from `PG_HOST` and its companions; `None` without a host.
pub(super) fn compose(get: Variables<'_>) -> Option<String> {
    let host = get("PG_HOST")?;
    let host = if host.contains(':') { format!("[{host}]") } else { encoded(&host) };
    let part = |name: &str, before: &str| get(name).map_or(String::new(), |text| format!("{before}{}", encoded(&text)));
    let user = match get("PG_USER") {
        Some(user) => format!("{}{}@", encoded(&user), part("PG_PASSWORD", ":")),
        None => String::new(),
    };
    let (port, database) = (part("PG_PORT", ":"), part("PG_DATABASE", "/"));
    Some(format!("postgres://{user}{host}{port}{database}{}", part("PG_SSLMODE", "?sslmode=")))
}

fn encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    text.bytes().map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str, ca_file: &str) -> Result<(SslMode, Trust), String> {
        parse(url, Path::new(ca_file)).map(|address| (address.config.get_ssl_mode(), address.trust))
    }

    #[test]
    fn modes_of_tls_mean_what_they_mean_to_libpq() {
        let file = |path: &str| Roots::File(path.into());
        for (query, ca_file, wanted) in [
            ("", "", (SslMode::Prefer, Trust::Anybody)),
            ("?sslmode=disable", "/ca", (SslMode::Disable, Trust::Anybody)),
            ("?sslmode=prefer", "", (SslMode::Prefer, Trust::Anybody)),
            ("?sslmode=require", "", (SslMode::Require, Trust::Anybody)),
            ("?sslmode=require", "/ca", (SslMode::Require, Trust::Authority(file("/ca")))),
            ("?sslmode=verify-ca", "/ca", (SslMode::Require, Trust::Authority(file("/ca")))),
            ("?sslmode=verify-full", "", (SslMode::Require, Trust::Host(Roots::Public))),
            ("?sslmode=verify-full&sslrootcert=%2Fc%20a", "", (SslMode::Require, Trust::Host(file("/c a")))),
            ("?sslrootcert=system", "", (SslMode::Require, Trust::Host(Roots::Public))),
            ("", "/ca", (SslMode::Require, Trust::Host(file("/ca")))),
        ] {
            assert_eq!(read(&format!("postgres://u:p@h/d{query}"), ca_file), Ok(wanted), "{query} {ca_file}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_its_password() {
        for (url, word) in [
            ("https://u:hunter2@h/d", "postgres://"),
            ("postgres:///d", "host"),
            ("postgres://u:hunter2@h/d?sslmode=maybe", "sslmode"),
            ("postgres://u:hunter2@h:port/d", "port"),
            ("postgres://u:hunter2@h/d?colour=hunter2", "colour"),
        ] {
            let message = read(url, "").unwrap_err();
            assert!(message.contains(word) && !message.contains("hunter2"), "{url}: {message}");
        }
    }

    #[test]
    fn other_options_reach_the_library() {
        let address = parse("postgres://h/d?sslmode=require&application_name=shop&options=-c%20a%3Db", Path::new("")).unwrap();
        assert_eq!(address.config.get_application_name(), Some("shop"));
        assert_eq!(address.config.get_options(), Some("-c a=b"));
    }

    #[test]
    fn variables_become_an_address_whatever_is_in_them() {
        let of = |pairs: &'static [(&'static str, &'static str)]| {
            compose(&|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(of(&[("PG_USER", "u")]), None);
        assert_eq!(of(&[("PG_HOST", "db")]).unwrap(), "postgres://db");
        let all = of(&[
            ("PG_HOST", "::1"),
            ("PG_PORT", "6543"),
            ("PG_USER", "o t"),
            ("PG_PASSWORD", "p@ss:w/rd?"),
            ("PG_DATABASE", "a/b"),
            ("PG_SSLMODE", "require"),
        ]);
        let address = parse(&all.unwrap(), Path::new("")).unwrap();
        assert_eq!(address.config.get_password(), Some("p@ss:w/rd?".as_bytes()));
        assert_eq!((address.config.get_user(), address.config.get_dbname()), (Some("o t"), Some("a/b")));
        assert_eq!((address.config.get_ports(), address.config.get_ssl_mode()), (&[6543][..], SslMode::Require));
        let socket = parse(&of(&[("PG_HOST", "/run/postgresql")]).unwrap(), Path::new("")).unwrap();
        assert!(matches!(&socket.config.get_hosts()[0], tokio_postgres::config::Host::Unix(path) if path == Path::new("/run/postgresql")));
    }
}
