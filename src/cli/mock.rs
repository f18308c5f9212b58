//! `opentrack mock KIND`: hosts a stand-in destination on this machine, so that a pipeline runs without an account.
//!
//! What it answers is decided by `destinations::mock`; here is only the wire: waiting, hanging, cutting connections, the
//! requests that tell it how to behave, and a line for each request.

use std::any::Any;
use std::io::Write as _;
use std::net::{Ipv4Addr, Shutdown, TcpListener};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::dev::Extensions;
use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use clap::Args;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use super::out::Out;
use super::table::without_control;
use super::{Exit, args};
use crate::destinations::mock::{
    Act, Behaviour, Incoming, MODES, MockSettings, Mode, NewMock, Said, StandIn,
};
use crate::destinations::stand_ins;
use crate::telemetry::clock;

/// Where a stand-in listens when nothing else is said.
const PORT: u16 = 4010;
/// Most bytes of a request's body.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;
/// Lines that may wait to be printed.
const WAITING_LINES: usize = 256;
/// A request that hangs is let go after this at the latest.
const LONGEST_HANG: Duration = Duration::from_secs(600);

/// What was asked.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// The type of destination to stand in for
    kind: String,
    /// The port on 127.0.0.1; 0: any that is free
    #[arg(long, default_value_t = PORT)]
    port: u16,
    /// What it does: ok, a status from 200 to 599, hang, slow, cut, half, partial, poison, html, lie
    #[arg(long, default_value = "ok")]
    mode: Mode,
    /// Does it this often, then behaves
    #[arg(long, value_name = "N")]
    times: Option<u64>,
    /// Does it to each N-th request only
    #[arg(long, value_name = "N", default_value = "1")]
    every: NonZeroU32,
    /// Waits before it does it: 500ms, 2s
    #[arg(long, value_name = "TIME", value_parser = args::duration)]
    delay: Option<Duration>,
    /// `Retry-After` of a status
    #[arg(long, value_name = "SECONDS")]
    retry_after: Option<u32>,
    /// Write `Retry-After` as a date
    #[arg(long)]
    as_date: bool,
    /// The events that `partial` and `poison` refuse, by name or id
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
    /// Does it to one part of the API only: for bigquery token, datasets, tables, insert, query, load, jobs
    #[arg(long, value_name = "PART")]
    on: Option<String>,
    /// A setting of this kind of stand-in, as KEY=VALUE; may be given again
    #[arg(long, value_name = "KEY=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
    /// Write credentials that it lets in to this file
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Refuse requests that are not signed or authorised with it
    #[arg(long, default_value = "", hide_default_value = true)]
    secret: String,
    /// Print no line for each request
    #[arg(long)]
    quiet: bool,
}

/// Stands in until it is told to stop by a signal.
pub(super) fn mock(asked: &Asked, out: &mut Out) -> Exit {
    let stand_in = match stand_in(asked) {
        Ok(stand_in) => stand_in,
        Err(message) => {
            out.error(&message);
            return Exit::Usage;
        }
    };
    let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, asked.port)) {
        Ok(listener) => listener,
        Err(error) => {
            out.error(&format!("could not listen on 127.0.0.1:{}: {error}", asked.port));
            return Exit::Unavailable;
        }
    };
    if let Some(file) = &asked.key_file
        && let Err(message) = write_credentials(&stand_in, &listener, file)
    {
        out.error(&message);
        return Exit::Failed;
    }
    match actix::System::new().block_on(serve(listener, stand_in, asked.quiet, out)) {
        Ok(()) => Exit::Fine,
        Err(error) => {
            out.error(&format!("the stand-in ended: {error}"));
            Exit::Failed
        }
    }
}

fn stand_in(asked: &Asked) -> Result<StandIn, String> {
    let new = kind(&asked.kind)?;
    let behaviour = Behaviour {
        mode: asked.mode,
        times: asked.times,
        every: asked.every,
        delay: asked.delay,
        retry_after: asked.retry_after,
        as_date: asked.as_date,
        event: asked.event.clone(),
        on: asked.on.clone(),
    };
    let mock = new(&MockSettings { secret: asked.secret.clone(), set: asked.set.clone() })?;
    StandIn::new(mock, behaviour.checked()?)
}

/// Reads `KEY=VALUE`.
fn setting(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
    pair.map(|(key, value)| (key.to_owned(), value.to_owned())).ok_or("it must read KEY=VALUE".to_owned())
}

fn write_credentials(stand_in: &StandIn, listener: &TcpListener, file: &Path) -> Result<(), String> {
    let url = listener.local_addr().map(|address| format!("http://{address}/"));
    let url = url.map_err(|error| format!("could not tell where it listens: {error}"))?;
    let text =
        stand_in.credentials(&url).ok_or("`--key-file`: this stand-in knows no credentials in a file")?;
    std::fs::write(file, text).map_err(|error| format!("could not write {}: {error}", file.display()))
}

fn kind(kind: &str) -> Result<NewMock, String> {
    let with_mock: Vec<(&str, NewMock)> = stand_ins();
    let found = with_mock.iter().find(|(known, _)| *known == kind);
    found.map(|(_, new)| *new).ok_or_else(|| {
        let names: Vec<&str> = with_mock.iter().map(|(name, _)| *name).collect();
        format!("there is no stand-in for `{kind}`; there are {}", names.join(", "))
    })
}

/// What the handlers share.
struct Host {
    stand_in: Mutex<StandIn>,
    /// Raised when it is told to behave otherwise: whoever hangs is let go.
    told: watch::Sender<u64>,
    lines: Option<mpsc::Sender<Line>>,
}

impl Host {
    fn stand_in(&self) -> MutexGuard<'_, StandIn> {
        self.stand_in.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request in a line.
struct Line {
    method: String,
    path: String,
    id: String,
    events: usize,
    answer: String,
}

impl Line {
    fn print(&self, out: &mut Out) {
        let Line { method, path, id, events, answer } = self;
        if out.json {
            out.value(
                &json!({ "method": method, "path": path, "id": id, "events": events, "answer": answer }),
            );
        } else {
            let id = if id.is_empty() { "-" } else { id };
            out.line(&without_control(&format!("{method} {path} {id} events={events} answer={answer}")));
        }
    }
}

async fn serve(listener: TcpListener, stand_in: StandIn, quiet: bool, out: &mut Out) -> std::io::Result<()> {
    let address = listener.local_addr()?;
    let (lines, mut heard) = mpsc::channel(WAITING_LINES);
    let lines = (!quiet).then_some(lines);
    let host = web::Data::new(Host { stand_in: Mutex::new(stand_in), told: watch::Sender::new(0), lines });
    let shared = host.clone();
    let app = move || {
        let limit = web::PayloadConfig::new(MAX_BODY_BYTES);
        App::new().app_data(shared.clone()).app_data(limit).configure(routes)
    };
    // One second: a request that hangs must not hold up the end.
    let server = HttpServer::new(app).workers(1).shutdown_timeout(1).on_connect(keep_socket);
    let mut server = std::pin::pin!(server.listen(listener)?.run());
    print_greeting(&host, &format!("http://{address}/"), out);
    let ended = loop {
        tokio::select! {
            ended = &mut server => break ended,
            Some(line) = heard.recv() => Line::print(&line, out),
        }
    };
    while let Ok(line) = heard.try_recv() {
        line.print(out);
    }
    ended
}

fn print_greeting(host: &Host, url: &str, out: &mut Out) {
    let settings = host.stand_in().greeting(url);
    if out.json {
        return out.value(&json!({ "url": url, "settings": settings }));
    }
    out.line(url);
    for line in settings {
        out.line(&line);
    }
}

fn routes(app: &mut web::ServiceConfig) {
    app.route("/_mock/behave", web::post().to(behave))
        .route("/_mock/seen", web::get().to(seen))
        .route("/_mock/reset", web::post().to(reset))
        .route("/_mock/{rest:.*}", web::to(control))
        .default_service(web::to(receive));
}

/// A second handle of a connection, to cut it: a handler itself cannot help answering.
struct Wire(socket2::Socket);

fn keep_socket(connection: &dyn Any, data: &mut Extensions) {
    let stream = connection.downcast_ref::<actix_rt::net::TcpStream>();
    let socket = stream.and_then(|stream| socket2::SockRef::from(stream).try_clone().ok());
    if let Some(socket) = socket {
        data.insert(Wire(socket));
    }
}

// === How it is told to behave ===

async fn behave(body: web::Bytes, host: web::Data<Host>) -> HttpResponse {
    let behaviour = match Behaviour::read(&body) {
        Ok(behaviour) => behaviour,
        Err(message) => {
            let body = json!({ "error": message, "modes": MODES });
            return HttpResponse::BadRequest().json(body);
        }
    };
    match host.stand_in().behave(behaviour) {
        Ok(()) => tell(&host),
        Err(message) => HttpResponse::BadRequest().json(json!({ "error": message })),
    }
}

async fn reset(host: web::Data<Host>) -> HttpResponse {
    host.stand_in().reset();
    tell(&host)
}

fn tell(host: &Host) -> HttpResponse {
    host.told.send_modify(|times| *times += 1);
    HttpResponse::Ok().json(json!({ "success": true }))
}

async fn seen(host: web::Data<Host>) -> HttpResponse {
    let seen: Value = host.stand_in().seen();
    HttpResponse::Ok().json(seen)
}

async fn control(request: HttpRequest, body: web::Bytes, host: web::Data<Host>) -> HttpResponse {
    let said = host.stand_in().control(&incoming(&request, body));
    let none = || Said::error(404, &format!("{} is nothing that this stand-in can be asked", request.path()));
    answer(said.unwrap_or_else(none))
}

// === What it stands in for ===

async fn receive(request: HttpRequest, body: web::Bytes, host: web::Data<Host>) -> HttpResponse {
    let incoming = incoming(&request, body);
    let mut told = host.told.subscribe();
    let step = host.stand_in().on(&incoming);
    if let Some(lines) = &host.lines {
        let id = incoming.header("webhook-id").to_owned();
        let (method, path, answer) = (incoming.method, incoming.path, step.act.label());
        // Nobody listens any more only at the end.
        lines.send(Line { method, path, id, events: step.events, answer }).await.ok();
    }
    if !step.wait.is_zero() {
        tokio::time::sleep(step.wait).await;
    }
    let wire = request.conn_data::<Wire>();
    match step.act {
        Act::Answer(said) => answer(said),
        Act::Half(said) => half(wire, &said),
        Act::Cut => cut(wire),
        Act::Hang => {
            tokio::time::timeout(LONGEST_HANG, told.changed()).await.ok();
            cut(wire)
        }
    }
}

fn incoming(request: &HttpRequest, body: web::Bytes) -> Incoming {
    let text =
        |value: &actix_web::http::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Incoming {
        method: request.method().to_string(),
        path: request.path().to_owned(),
        query: request.query_string().to_owned(),
        headers: request.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body,
        at: clock::now(),
    }
}

fn answer(said: Said) -> HttpResponse {
    let status = StatusCode::from_u16(said.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for header in said.headers {
        response.insert_header(header);
    }
    response.body(said.body)
}

/// Writes the beginning of an answer past the server, and closes the connection.
fn half(wire: Option<&Wire>, said: &Said) -> HttpResponse {
    let body = said.body.as_bytes();
    let head = format!("HTTP/1.1 {} OK\r\ncontent-length: {}\r\n\r\n", said.status, body.len());
    let part = body.get(..body.len() / 2).unwrap_or_default();
    if let Some(Wire(socket)) = wire {
        let mut socket: &socket2::Socket = socket;
        // A fresh answer of some bytes fits into the socket's buffer.
        socket.write_all(&[head.as_bytes(), part].concat()).ok();
    }
    cut(wire)
}

/// Closes the connection; the answer that is returned goes nowhere.
fn cut(wire: Option<&Wire>) -> HttpResponse {
    if let Some(Wire(socket)) = wire {
        socket.shutdown(Shutdown::Both).ok();
    }
    HttpResponse::InternalServerError().finish()
}
