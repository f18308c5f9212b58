//! `[server]` and `[limits]`: their keys, defaults and bounds.
//!
//! The shipped file says the same defaults with an explanation each; a test compares the two.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use ipnet::IpNet;
use tracing_subscriber::EnvFilter;

use super::environment::Environment;
use super::node::{Node, Origin};
use super::read;
use super::section::{Section, Wrong};
use super::settings::{EventRate, Limits, Server};

/// Batches of the Segment libraries reach 500 KB, and those of some servers 4 MB.
const SMALL_BODY: usize = 4 << 20;

/// Reads `[server]`; relative paths start at `directory`. The operator key is put in later.
pub(super) fn server(section: &mut Section<'_>, directory: &Path, environment: &Environment) -> Server {
    let second = Duration::from_secs(1);
    let server = Server {
        listen: listen(section, environment),
        production: section.value(
            "environment",
            false,
            read::word(&[("development", false), ("production", true)]),
        ),
        data_dir: directory.join(section.value("data_dir", "data".to_owned(), non_empty)),
        log: section.value("log", "info".to_owned(), filter),
        max_body_bytes: section.value("max_body_bytes", 5 << 20, read::size(1024)),
        max_event_bytes: section.value("max_event_bytes", 1 << 20, read::size(1024)),
        header_timeout: section.value("header_timeout", 10 * second, read::some_duration),
        body_timeout: section.value("body_timeout", 30 * second, read::some_duration),
        max_connections: section.value("max_connections", 10_000, read::integer(1)),
        max_connections_per_ip: section.value("max_connections_per_ip", 1000, read::integer(0)),
        trusted_proxies: trusted_proxies(section, environment),
        shutdown_timeout: section.value("shutdown_timeout", 30 * second, read::duration),
        jwt_secret: environment.get("JWT_SECRET").unwrap_or_default().into(),
        jwt_secret_old: environment.get("JWT_SECRET_OLD").unwrap_or_default().into(),
        site_salt: environment.get("SITE_SALT").unwrap_or_default().into(),
        hmac_secret: environment.get("HMAC_SECRET").unwrap_or_default().into(),
    };
    if let Some(all) = server.trusted_proxies.iter().find(|net| net.prefix_len() == 0) {
        let message = "whoever connects may say which address a visitor has, and evade the limits by address";
        section.report.warn(format!("`trusted_proxies` holds {all}: {message}"));
    }
    if server.max_body_bytes < SMALL_BODY {
        let body = read::size_text(server.max_body_bytes as u64);
        section.report.warn(format!("`max_body_bytes` is {body}: some libraries send batches of up to 4MiB"));
    }
    server
}

/// `PORT` is how containers and platforms say where they look for the router.
fn listen(section: &mut Section<'_>, environment: &Environment) -> Vec<SocketAddr> {
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 3000));
    let mut all = section.value("listen", vec![loopback], read::list(read::address));
    if let Some(port) = environment.filled("PORT") {
        let Ok(port) = port.trim().parse::<u16>() else {
            let origin = Origin::Variable("PORT".to_owned());
            section.report.problem(
                &origin,
                "server.listen",
                format!("must be a port number, not \"{port}\""),
            );
            return all;
        };
        let everywhere = SocketAddr::from((IpAddr::V4(Ipv4Addr::UNSPECIFIED), port));
        match all.first_mut() {
            Some(first) => *first = everywhere,
            None => all.push(everywhere),
        }
    }
    if all.is_empty() {
        section.wrong("listen", "must name at least one address");
    }
    all
}

fn trusted_proxies(section: &mut Section<'_>, environment: &Environment) -> Vec<IpNet> {
    let read_all = read::list(read::network);
    let written = section.value("trusted_proxies", Vec::new(), &read_all);
    let Some(text) = environment.filled("TRUSTED_PROXIES").filter(|_| written.is_empty()) else {
        return written;
    };
    match read_all(&Node::of_variable("TRUSTED_PROXIES", text)) {
        Ok(filled) => filled,
        Err(wrong) => {
            section.add("trusted_proxies", wrong);
            written
        }
    }
}

fn non_empty(node: &Node) -> Result<String, Wrong> {
    let text = read::text(node)?;
    if text.is_empty() { Err(Wrong::at(node, "must not be empty")) } else { Ok(text) }
}

fn filter(node: &Node) -> Result<String, Wrong> {
    let text = non_empty(node)?;
    match EnvFilter::try_new(&text) {
        Ok(_) => Ok(text),
        Err(_) => Err(Wrong::at(
            node,
            format!("must be a log filter like \"info\" or \"info,opentrack=debug\", not \"{text}\""),
        )),
    }
}

/// Reads `[limits]`.
pub(super) fn limits(section: &mut Section<'_>) -> Limits {
    Limits {
        per_ip: section.within("per_ip", |section| rate(section, 100, 1000)),
        per_source: section.within("per_source", |section| rate(section, 0, 0)),
    }
}

fn rate(section: &mut Section<'_>, events_per_second: u32, burst: u32) -> EventRate {
    let rate = EventRate {
        events_per_second: section.value("events_per_second", events_per_second, read::integer(0)),
        burst: section.value("burst", burst, read::integer(0)),
    };
    if rate.events_per_second > 0 && rate.burst == 0 {
        section.wrong("burst", "must be at least 1 where `events_per_second` is above 0");
    }
    rate
}
