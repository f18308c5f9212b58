//! The server underneath the door: threads, timers, and which connections are let in at all.
//!
//! Put together by hand from the parts of actix-web's own server, because each connection is [`Watched`] and has a seat.
//! Never knows a path.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{Extensions, HttpService};
use actix_server::ServerBuilder;
use actix_service::{IntoServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::dev::{AppConfig, Server};
use actix_web::middleware::from_fn;
use actix_web::{App, web};
use tokio::net::TcpStream;

use crate::telemetry::Metrics;
use crate::telemetry::events::ConnectionRefused;

use super::line::{Patience, Watched};
use super::seats::Seats;
use super::state::{Shared, State};
use super::{Door, ops, outer, routes};

/// Longer than the idle time of common load balancers (60 s), so that they close first.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long the rest of an unread body is read and thrown away after its answer, so that the client sees the answer
/// instead of a reset.
const LINGER: Duration = Duration::from_secs(5);
/// Threads per worker that unpack large bodies; together with the body limit they bound what unpacking can take.
const UNPACKERS: usize = 4;

/// Starts to answer on the listeners.
pub(super) fn start(door: Door, shared: Arc<Shared>, listeners: Vec<TcpListener>) -> io::Result<Server> {
    let server = &door.settings.server;
    let patience = Patience { head: server.header_timeout, pause: KEEP_ALIVE };
    let uncounted = [shared.loopback.as_slice(), &server.trusted_proxies].concat();
    let seats = Seats::new(server.max_connections_per_ip, uncounted);
    let gate = Gate { patience, seats, metrics: Arc::clone(&door.metrics) };
    let workers = workers();
    let mut builder = ServerBuilder::new()
        .workers(workers)
        .worker_max_blocking_threads(UNPACKERS)
        .max_concurrent_connections((server.max_connections / workers).max(1))
        .shutdown_timeout(server.shutdown_timeout.as_secs())
        .disable_signals();
    for listener in listeners {
        builder = listen(builder, (listener, gate.clone()), (door.clone(), Arc::clone(&shared)))?;
    }
    Ok(builder.run())
}

fn listen(
    builder: ServerBuilder,
    (listener, gate): (TcpListener, Gate),
    (door, shared): (Door, Arc<Shared>),
) -> io::Result<ServerBuilder> {
    let address = listener.local_addr()?;
    let stopping = builder.graceful_shutdown_signal();
    builder.listen(format!("door {address}"), listener, move || {
        let (gate, stopping) = (gate.clone(), stopping.clone());
        let state = State { door: door.clone(), shared: Arc::clone(&shared) };
        let app = App::new()
            .app_data(web::Data::new(state))
            .wrap(from_fn(outer::around))
            .configure(routes::register)
            .default_service(web::to(ops::not_found));
        let protocol = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(gate.patience.head)
            .client_disconnect_timeout(LINGER)
            .local_addr(address)
            .on_connect_ext(|stream: &Watched<TcpStream>, data: &mut Extensions| {
                data.insert(stream.line());
            })
            .h1(map_config(app.into_factory(), |()| AppConfig::default()));
        fn_service(move |stream: TcpStream| {
            let admitted = gate.admit(stream).map_err(DispatchError::Io);
            async move { admitted }
        })
        .and_then(protocol)
    })
}

/// Who is let in, and on which terms.
#[derive(Clone)]
struct Gate {
    patience: Patience,
    seats: Arc<Seats>,
    metrics: Arc<Metrics>,
}

impl Gate {
    fn admit(&self, stream: TcpStream) -> io::Result<(Watched<TcpStream>, Option<SocketAddr>)> {
        let peer = stream.peer_addr()?;
        let Ok(seat) = self.seats.take(peer.ip()) else {
            ConnectionRefused.emit(&self.metrics);
            return Err(io::Error::new(
                io::ErrorKind::ConnectionRefused,
                "too many connections of one address",
            ));
        };
        stream.set_nodelay(true)?;
        Ok((Watched::new(stream, self.patience, seat), Some(peer)))
    }
}

/// Two threads even on one core, so that a slow request does not stop the others; more than four gain nothing, since the
/// journal has one writer.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(2, NonZeroUsize::get).clamp(2, 4)
}
