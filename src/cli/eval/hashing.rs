//! The operations of `opentrack eval hashing`, each a thin call of the function that the router uses.
//!
//! Times are in seconds, as Standard Webhooks has them. Never remembers anything from one case to the next.

use std::net::IpAddr;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::enrich::hashing::visitor;
use crate::projections::vitals::Metric;
use crate::spec::privacy::{hashed, keyed_hash, network_of};
use crate::spec::signature::{Claim, Signer, judge};

/// One operation.
#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Operation {
    /// The hash by which stores join.
    Pii { site_salt: String, kind: String, value: Option<String> },
    /// The hash that Meta asks for.
    Meta { kind: String, value: Option<String> },
    /// The network of an address.
    Ip { value: Option<String> },
    /// The visitor of a day.
    Visitor { day_salt_hex: String, site: String, ip: String, user_agent: String },
    /// A signature.
    Sign { secret: String, id: String, timestamp: i64, body: String },
    /// What is thought of one.
    Verify {
        secret: String,
        id: String,
        timestamp: i64,
        body: String,
        header: String,
        now: i64,
        #[serde(default = "tolerance_s")]
        tolerance_s: u64,
        #[serde(default)]
        seen: Option<Vec<String>>,
    },
    /// A summary of measured values.
    Vital { name: String, values: Vec<f64> },
}

fn tolerance_s() -> u64 {
    300
}

/// Returns what the operation gives.
///
/// # Errors
/// Which member cannot be what it should be, and why; a secret is not repeated.
pub(super) fn eval(operation: Operation) -> Result<Value, String> {
    Ok(match operation {
        Operation::Pii { site_salt, kind, value } => {
            json!(value.and_then(|value| keyed_hash(&site_salt, &kind, &value)))
        }
        Operation::Meta { kind, value } => {
            json!(value.and_then(|value| hashed(&kind, &value)).map(|hash| hash.to_text()))
        }
        Operation::Ip { value } => {
            let ip = value.and_then(|value| value.trim().parse::<IpAddr>().ok());
            json!(ip.map(network_of))
        }
        Operation::Visitor { day_salt_hex, site, ip, user_agent } => {
            let salt = bytes_of(&day_salt_hex).ok_or("`day_salt_hex` is not pairs of hexadecimal digits")?;
            json!(visitor(&salt, &site, &ip, &user_agent))
        }
        Operation::Sign { secret, id, timestamp, body } => {
            json!(signer(&secret)?.sign(&id, timestamp, body.as_bytes()))
        }
        Operation::Verify { secret, id, timestamp, body, header, now, tolerance_s, seen } => {
            let claim = Claim { id: &id, timestamp, body: body.as_bytes() };
            let is_seen = |id: &str| seen.is_some_and(|seen| seen.iter().any(|one| one == id));
            json!(judge(&[signer(&secret)?], &claim, &header, (now, tolerance_s), is_seen))
        }
        Operation::Vital { name, values } => {
            let metric = Metric::named(&name);
            let metric = metric.ok_or_else(|| format!("`name`: no metric is called `{name}`"))?;
            json!(metric.summary(values))
        }
    })
}

fn signer(secret: &str) -> Result<Signer, String> {
    let signer = Signer::new(secret).map_err(|problem| format!("`secret` {problem}"))?;
    signer.ok_or_else(|| "`secret` is empty".to_owned())
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = hex.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    let byte = |pair: &[u32]| u8::try_from(pair.iter().fold(0, |byte, digit| byte << 4 | digit)).ok();
    digits.chunks(2).map(byte).collect()
}
