//! A call of the script as a reader sees it: the command, the address without credentials, keys, and the argument. Pure.

use super::plan::{Load, Request};
use crate::destinations::{Shown, ShownBody, ShownRequest};

/// Shows one request.
pub(super) fn show(address: &str, request: &Request) -> Shown {
    let shown = match request {
        Request::Move(load) => moved(address, load),
        Request::Probe => ShownRequest { method: "PING".to_owned(), url: address.to_owned(), headers: Vec::new(), body: None },
    };
    Shown { requests: vec![shown], rows: Vec::new() }
}

fn moved(address: &str, load: &Load) -> ShownRequest {
    ShownRequest {
        method: "EVALSHA".to_owned(),
        url: address.to_owned(),
        headers: vec![(":keys".to_owned(), load.keys().join(" "))],
        body: ShownBody::of(load.json().as_bytes()),
    }
}
