//! Spans as a collector reads them: `ExportTraceServiceRequest` of OTLP 1, in protobuf. Pure.
//!
//! Written by hand because it is five small messages: the crates that know them bring a second HTTP client and a code generator's
//! runtime. Numbers of fields are those of `opentelemetry/proto/trace/v1/trace.proto`.

use super::{Context, Role, Span, Value};

/// Wire type of whole numbers of any length.
const VARINT: u64 = 0;
/// Wire type of eight bytes.
const FIXED64: u64 = 1;
/// Wire type of anything with a length before it.
const LENGTH: u64 = 2;
/// `STATUS_CODE_ERROR`
const ERROR: u64 = 2;

/// Returns the body of one request with these spans.
pub fn request(spans: &[Span]) -> Vec<u8> {
    let resource = message(|out| {
        attribute(out, 1, "service.name", &Value::Text("opentrack".into()));
        attribute(out, 1, "service.version", &Value::Text(env!("CARGO_PKG_VERSION").into()));
    });
    let of_scope = message(|out| {
        bytes(out, 1, &message(|scope| bytes(scope, 1, b"opentrack")));
        spans.iter().for_each(|one| bytes(out, 2, &span(one)));
    });
    let of_resource = message(|out| {
        bytes(out, 1, &resource);
        bytes(out, 2, &of_scope);
    });
    message(|out| bytes(out, 1, &of_resource))
}

fn span(span: &Span) -> Vec<u8> {
    message(|out| {
        bytes(out, 1, &span.context.trace);
        bytes(out, 2, &span.context.span);
        if let Some(parent) = &span.parent {
            bytes(out, 4, parent);
        }
        bytes(out, 5, span.name.as_bytes());
        number(out, 6, kind(span.role));
        fixed64(out, 7, nanoseconds(span.from));
        fixed64(out, 8, nanoseconds(span.until));
        span.attributes.iter().for_each(|(key, value)| attribute(out, 9, key, value));
        span.links.iter().for_each(|context| bytes(out, 13, &link(context)));
        if let Some(error) = &span.error {
            let status = message(|status| {
                bytes(status, 2, error.as_bytes());
                number(status, 3, ERROR);
            });
            bytes(out, 15, &status);
        }
    })
}

fn link(context: &Context) -> Vec<u8> {
    message(|out| {
        bytes(out, 1, &context.trace);
        bytes(out, 2, &context.span);
    })
}

const fn kind(role: Role) -> u64 {
    match role {
        Role::Inside => 1,
        Role::Server => 2,
        Role::Client => 3,
    }
}

fn nanoseconds(at: jiff::Timestamp) -> u64 {
    u64::try_from(at.as_nanosecond()).unwrap_or_default()
}

fn attribute(out: &mut Vec<u8>, field: u64, key: &str, value: &Value) {
    let value = message(|out| match value {
        Value::Text(text) => bytes(out, 1, text.as_bytes()),
        Value::Number(count) => number(out, 3, *count),
    });
    let pair = message(|out| {
        bytes(out, 1, key.as_bytes());
        bytes(out, 2, &value);
    });
    bytes(out, field, &pair);
}

fn message(fill: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    fill(&mut out);
    out
}

fn bytes(out: &mut Vec<u8>, field: u64, content: &[u8]) {
    varint(out, field << 3 | LENGTH);
    varint(out, content.len() as u64);
    out.extend_from_slice(content);
}

fn number(out: &mut Vec<u8>, field: u64, value: u64) {
    varint(out, field << 3 | VARINT);
    varint(out, value);
}

fn fixed64(out: &mut Vec<u8>, field: u64, value: u64) {
    varint(out, field << 3 | FIXED64);
    out.extend_from_slice(&value.to_le_bytes());
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Google's implementation makes of the same message from the published definitions.
    const REFERENCE: &str = include_str!("reference.hex");

    #[test]
    fn a_request_has_the_bytes_of_the_reference() {
        let context = Context { trace: [0x4b; 16], span: [0x0f; 8], sampled: true };
        let spans = [Span {
            context,
            parent: Some([7; 8]),
            name: "deliver crm".into(),
            role: Role::Client,
            from: "2030-01-31T08:00:00.000001Z".parse().unwrap(),
            until: "2030-01-31T08:00:01Z".parse().unwrap(),
            attributes: vec![
                ("opentrack.destination", Value::Text("crm".into())),
                ("opentrack.events", Value::Number(300)),
            ],
            links: vec![Context { trace: [1; 16], span: [2; 8], sampled: true }],
            error: Some("rejected".into()),
        }];
        let made: String = request(&spans).iter().map(|byte| format!("{byte:02x}")).collect();
        let version: String = env!("CARGO_PKG_VERSION").bytes().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(made, REFERENCE.trim().replace("VERSION", &version));
    }
}
