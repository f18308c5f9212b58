//! `[telemetry]`: where traces go.

use super::node::Node;
use super::read;
use super::section::{Section, Wrong};
use super::settings::Telemetry;

/// Where a collector takes traces, below its base address: OTLP 1.x, "OTLP/HTTP request".
const TRACES: &str = "/v1/traces";

/// Reads `[telemetry]`.
pub(super) fn telemetry(section: &mut Section<'_>) -> Telemetry {
    Telemetry { otlp_endpoint: section.value("otlp_endpoint", None, endpoint) }
}

/// Returns the address of the traces, made of the collector's base address as other programs take it.
fn endpoint(node: &Node) -> Result<Option<String>, Wrong> {
    let text = read::text(node)?;
    let text = text.trim().trim_end_matches('/');
    if text.is_empty() {
        return Ok(None);
    }
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let is_address = rest.is_some_and(|rest| {
        let host = rest.split('/').next().unwrap_or_default();
        !host.is_empty() && !host.starts_with(':') && !rest.contains(['@', '?', '#', ' '])
    });
    if !is_address {
        let wanted = "must be the http:// or https:// address of a collector of OTLP/HTTP, without credentials, like \
                      \"http://localhost:4318\"";
        return Err(Wrong::at(node, wanted));
    }
    Ok(Some(format!("{}{TRACES}", text.strip_suffix(TRACES).unwrap_or(text))))
}
