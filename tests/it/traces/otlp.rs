//! Reads what a collector is sent: `ExportTraceServiceRequest` of OTLP 1 in protobuf, as far as the router writes it.
//!
//! Written from the published definitions and not from the router's encoder, so that a field that is wrong there is wrong here.

use std::collections::BTreeMap;

/// One span.
#[derive(Debug, Clone, Default)]
pub(super) struct Span {
    /// Of the trace and of the span itself, in hexadecimal digits as in `traceparent`.
    pub(super) trace: String,
    pub(super) id: String,
    /// Empty without one.
    pub(super) parent: String,
    pub(super) name: String,
    /// 1 internal, 2 server, 3 client.
    pub(super) kind: u64,
    /// Nanoseconds since 1970.
    pub(super) from: u64,
    pub(super) until: u64,
    pub(super) attributes: BTreeMap<String, String>,
    /// Trace and span of each.
    pub(super) links: Vec<(String, String)>,
    /// Message of a status that is an error.
    pub(super) error: Option<String>,
}

/// Returns the spans of the request, and the name of the service that they are of.
pub(super) fn read(request: &[u8]) -> (String, Vec<Span>) {
    let (mut service, mut spans) = (String::new(), Vec::new());
    for of_resource in all(request, 1) {
        for resource in all(&of_resource, 1) {
            service = attributes(&resource, 1).remove("service.name").unwrap_or_default();
        }
        for of_scope in all(&of_resource, 2) {
            spans.extend(all(&of_scope, 2).iter().map(|one| span(one)));
        }
    }
    (service, spans)
}

fn span(message: &[u8]) -> Span {
    let mut span = Span { attributes: attributes(message, 9), ..Span::default() };
    for (number, field) in fields(message) {
        match (number, field) {
            (1, Field::Bytes(id)) => span.trace = hex(&id),
            (2, Field::Bytes(id)) => span.id = hex(&id),
            (4, Field::Bytes(id)) => span.parent = hex(&id),
            (5, Field::Bytes(name)) => span.name = text(&name),
            (6, Field::Number(kind)) => span.kind = kind,
            (7, Field::Number(at)) => span.from = at,
            (8, Field::Number(at)) => span.until = at,
            (13, Field::Bytes(link)) => span.links.push((hex(&first(&link, 1)), hex(&first(&link, 2)))),
            (15, Field::Bytes(status)) => span.error = error(&status),
            _ => {}
        }
    }
    span
}

/// Returns the message of a status whose code is `STATUS_CODE_ERROR`.
fn error(status: &[u8]) -> Option<String> {
    let is_error = fields(status).iter().any(|field| matches!(field, (3, Field::Number(2))));
    is_error.then(|| text(&first(status, 2)))
}

fn attributes(message: &[u8], field: u64) -> BTreeMap<String, String> {
    let read = |pair: &Vec<u8>| {
        let value = match fields(&first(pair, 2)).into_iter().next() {
            Some((1, Field::Bytes(said))) => text(&said),
            Some((3, Field::Number(count))) => count.to_string(),
            other => panic!("an attribute of another type: {other:?}"),
        };
        (text(&first(pair, 1)), value)
    };
    all(message, field).iter().map(read).collect()
}

#[derive(Debug, Clone)]
enum Field {
    Number(u64),
    Bytes(Vec<u8>),
}

fn all(message: &[u8], wanted: u64) -> Vec<Vec<u8>> {
    let of = |(number, field)| match field {
        Field::Bytes(bytes) if number == wanted => Some(bytes),
        _ => None,
    };
    fields(message).into_iter().filter_map(of).collect()
}

fn first(message: &[u8], wanted: u64) -> Vec<u8> {
    all(message, wanted).into_iter().next().unwrap_or_default()
}

fn fields(mut rest: &[u8]) -> Vec<(u64, Field)> {
    let mut found = Vec::new();
    while !rest.is_empty() {
        let key = varint(&mut rest);
        let field = match key & 7 {
            0 => Field::Number(varint(&mut rest)),
            1 => Field::Number(u64::from_le_bytes(take(&mut rest, 8).try_into().unwrap())),
            2 => {
                let length = varint(&mut rest);
                Field::Bytes(take(&mut rest, usize::try_from(length).unwrap()).to_vec())
            }
            other => panic!("no wire type of these messages: {other}"),
        };
        found.push((key >> 3, field));
    }
    found
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, after) = rest.split_at(length);
    *rest = after;
    taken
}

fn varint(rest: &mut &[u8]) -> u64 {
    let (mut number, mut shift) = (0, 0);
    loop {
        let byte = take(rest, 1)[0];
        number |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            return number;
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}
