//! Listening sockets: bound before recovery, or handed over by systemd, and held until the process ends.

use std::net::{SocketAddr, TcpListener};

use listenfd::ListenFd;
use socket2::{Domain, Protocol, Socket, Type};

use super::ServeError;

/// Connections that wait while the router starts, recovers or is busy.
const BACKLOG: i32 = 4096;

/// The sockets that serve, and duplicates that keep them open after the door has closed.
#[derive(Debug)]
pub(super) struct Listeners {
    /// For the door.
    pub(super) serving: Vec<TcpListener>,
    /// Held until exit: a connection that arrives while the router stops waits for its successor where the socket is shared
    /// (`LISTEN_FDS`), and is never refused before.
    pub(super) held: Vec<TcpListener>,
    /// The addresses, for a log line.
    pub(super) words: String,
}

/// Takes the sockets of `LISTEN_FDS` where there are any, else binds `addresses`.
pub(super) fn bind(addresses: &[SocketAddr]) -> Result<Listeners, ServeError> {
    let inherited = inherited()?;
    let serving = if inherited.is_empty() {
        addresses.iter().map(|address| bind_one(*address)).collect::<Result<Vec<_>, _>>()?
    } else {
        inherited
    };
    let words: Vec<String> =
        serving.iter().filter_map(|listener| listener.local_addr().ok()).map(url).collect();
    let held = serving.iter().filter_map(|listener| listener.try_clone().ok()).collect();
    Ok(Listeners { serving, held, words: words.join(", ") })
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

fn inherited() -> Result<Vec<TcpListener>, ServeError> {
    let mut sockets = ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..sockets.len() {
        let taken = sockets.take_tcp_listener(index);
        listeners.extend(taken.map_err(|error| ServeError::Unavailable(format!("LISTEN_FDS: {error}")))?);
    }
    Ok(listeners)
}

fn bind_one(address: SocketAddr) -> Result<TcpListener, ServeError> {
    let unavailable =
        |error: std::io::Error| ServeError::Unavailable(format!("could not listen on {address}: {error}"));
    let bind = || -> std::io::Result<TcpListener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    };
    bind().map_err(unavailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named() {
        let first = bind(&["127.0.0.1:0".parse().unwrap()]).unwrap();
        let address = first.serving[0].local_addr().unwrap();
        let error = bind(&[address]).unwrap_err().to_string();
        assert!(error.contains(&address.to_string()), "{error}");
    }
}
