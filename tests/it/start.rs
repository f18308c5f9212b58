//! Ways to start: with nothing but defaults, with the environment, on a socket that somebody else holds, over a recovery
//! that takes its time.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::support::{
    Answer, Config, Db, Router, free_port, http, ids_of, opentrack, plain_python, track, until,
};

/// A process with those that it started; they end with the test.
struct Process(Child);

impl Process {
    fn start(command: &mut Command) -> Process {
        Process(command.process_group(0).spawn().expect("the process starts"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        Command::new("sh").arg("-c").arg(format!("kill -KILL -{}", self.0.id())).status().ok();
        self.0.wait().ok();
    }
}

async fn until_ready(port: u16) {
    let client = http();
    until("a router is ready", 20, async || {
        let response = client.get(format!("http://127.0.0.1:{port}/ready")).send().await;
        response.is_ok_and(|response| response.status() == 200)
    })
    .await;
}

#[tokio::test]
async fn without_a_file_the_router_runs_and_fills_its_warehouse() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut command = opentrack();
    command.current_dir(dir.path()).env("OPENTRACK__SERVER__LISTEN", format!("[\"127.0.0.1:{port}\"]"));
    let log = fs::File::create(dir.path().join("stderr.log")).unwrap();
    let _process = Process::start(command.stdout(Stdio::null()).stderr(log));
    until_ready(port).await;
    let event = track("u", 1);
    let answer =
        http().post(format!("http://127.0.0.1:{port}/v1/track")).body(event.to_string()).send().await;
    assert_eq!(answer.unwrap().status(), 200);
    let warehouse = dir.path().join("data/warehouse.db");
    until("the row is there", 20, async || {
        Db::open(&warehouse).is_some_and(|db| db.ids("tracks") == ids_of(std::slice::from_ref(&event)))
    })
    .await;
}

#[tokio::test]
async fn a_log_that_nobody_reads_any_more_harms_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut command = opentrack();
    command.current_dir(dir.path()).env("OPENTRACK__SERVER__LISTEN", format!("[\"127.0.0.1:{port}\"]"));
    command.env("OPENTRACK_LOG", "debug").stdout(Stdio::null()).stderr(Stdio::piped());
    let mut process = Process::start(&mut command);
    let log = BufReader::new(process.0.stderr.take().unwrap());
    assert!(log.lines().next().unwrap().is_ok_and(|line| line.contains("opentrack")), "it logs");
    until_ready(port).await;
    let event = track("u", 1);
    let answer =
        http().post(format!("http://127.0.0.1:{port}/v1/track")).body(event.to_string()).send().await;
    assert_eq!(answer.unwrap().status(), 200);
    let warehouse = dir.path().join("data/warehouse.db");
    until("the row is there", 20, async || {
        Db::open(&warehouse).is_some_and(|db| db.ids("tracks") == ids_of(std::slice::from_ref(&event)))
    })
    .await;
    until_ready(port).await;
}

#[tokio::test]
async fn the_environment_overrides_any_key() {
    let port = free_port();
    let config = Config::new()
        .env("OPENTRACK__SERVER__MAX_EVENT_BYTES", "2KiB")
        .env("OPENTRACK__SOURCES__WEB__WRITE_KEYS", "[\"from-env\"]");
    let router = Router::start_at(port, config).await;
    router.post("/v1/track", &track("u", 1)).await.expect_error(401, "unauthorized");
    let mut large = track("u", 1);
    large["writeKey"] = json!("from-env");
    large["properties"]["blob"] = json!("x".repeat(4000));
    let request = router.request("POST", "/v1/track").body(large.to_string());
    Answer::read(request.send().await.unwrap()).await.expect_error(400, "too_large");
}

#[tokio::test]
async fn settings_of_the_server_are_taken_from_the_file() {
    let config = Config::new().server("max_event_bytes = \"2KiB\"\nmax_body_bytes = \"4MiB\"");
    let router = Router::start(config).await;
    let mut large = track("u", 1);
    large["properties"]["blob"] = json!("x".repeat(4000));
    router.post("/v1/track", &large).await.expect_error(400, "too_large");
    router.post_text("/v1/batch", vec![b' '; (4 << 20) + 1]).await.expect_error(400, "body_too_large");
}

/// Reads one line of the socket's holder.
async fn line(output: BufReader<ChildStdout>) -> (String, BufReader<ChildStdout>) {
    let read = tokio::task::spawn_blocking(move || {
        let mut output = output;
        let mut line = String::new();
        output.read_line(&mut line).expect("the holder prints text");
        (line.trim().to_owned(), output)
    });
    tokio::time::timeout(Duration::from_secs(30), read)
        .await
        .expect("a line in time")
        .expect("the thread ends")
}

/// A file that its reader waits for until the test lets it go on.
struct Gate(PathBuf);

impl Gate {
    fn at(path: PathBuf) -> Gate {
        let status = Command::new("mkfifo").arg(&path).status();
        assert!(status.is_ok_and(|status| status.success()), "no pipe at {}", path.display());
        Gate(path)
    }

    /// Waits until somebody reads it, and returns what holds him up until it is dropped. Nobody else is held up.
    async fn until_read(&self) -> fs::File {
        let path = self.0.clone();
        let open = tokio::task::spawn_blocking(move || fs::OpenOptions::new().write(true).open(path));
        let opened = tokio::time::timeout(Duration::from_secs(20), open).await.expect("it is read in time");
        fs::remove_file(&self.0).unwrap();
        opened.unwrap().unwrap()
    }
}

fn signal(name: &str, pid: &str) {
    let status = Command::new("sh").arg("-c").arg(format!("kill -{name} {pid}")).status();
    assert!(status.unwrap().success(), "could not signal {pid}");
}

#[tokio::test]
async fn a_connection_made_between_two_processes_of_an_inherited_socket_is_answered() {
    let Some(mut holder) = plain_python("inherit_socket.py") else { return };
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let text =
        format!("[server]\nlisten = [\"127.0.0.1:{port}\"]\n[destinations.warehouse]\ntype = \"sqlite\"\n");
    fs::write(dir.path().join("config.toml"), text).unwrap();
    let log = fs::File::create(dir.path().join("stderr.log")).unwrap();
    holder.arg(port.to_string()).arg(env!("CARGO_BIN_EXE_opentrack")).arg("serve").current_dir(dir.path());
    let mut holder = Process::start(holder.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log));
    let mut input = holder.0.stdin.take().unwrap();
    let output = BufReader::new(holder.0.stdout.take().unwrap());

    input.write_all(b"start\n").unwrap();
    let (first, output) = line(output).await;
    until_ready(port).await;
    signal("TERM", &first);
    let (ended, output) = line(output).await;
    assert_eq!(ended, "ended");

    let event = track("u", 1);
    let body = event.to_string();
    let mut waiting = TcpStream::connect(("127.0.0.1", port)).expect("the socket is held");
    waiting.set_read_timeout(Some(Duration::from_secs(25))).unwrap();
    let head = format!(
        "POST /v1/track HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    waiting.write_all(format!("{head}{body}").as_bytes()).unwrap();
    input.write_all(b"start\n").unwrap();
    let (_second, _output) = line(output).await;
    let answer = tokio::task::spawn_blocking(move || {
        let mut answer = String::new();
        waiting.read_to_string(&mut answer).map(|_| answer)
    });
    let answer = answer.await.unwrap();
    assert!(answer.as_ref().is_ok_and(|text| text.starts_with("HTTP/1.1 200")), "{answer:?}");
}

#[tokio::test]
async fn the_socket_is_bound_before_recovery_and_a_connection_made_meanwhile_is_answered() {
    let mut router = Router::start(Config::new()).await;
    router.kill9();
    let gate = Gate::at(router.data().join("journal/cursors/gate.cursor"));
    router.begin_again();
    let recovery = gate.until_read().await;
    let event = track("u", 1);
    let mut waiting = TcpStream::connect(("127.0.0.1", router.port())).expect("the socket is bound");
    waiting.set_read_timeout(Some(Duration::from_secs(25))).unwrap();
    let body = event.to_string();
    let length = body.len();
    let head = format!("POST /v1/track HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}");
    waiting.write_all(head.as_bytes()).unwrap();
    drop(recovery);
    let mut status = [0; 12];
    let read = tokio::task::spawn_blocking(move || waiting.read_exact(&mut status).map(|()| status));
    assert_eq!(&read.await.unwrap().unwrap(), b"HTTP/1.1 200");
    router.until_rows("tracks", &ids_of(&[event])).await;
}

#[tokio::test]
async fn a_connection_that_is_made_while_the_router_stands_still_waits_and_is_answered() {
    let router = Router::start(Config::new()).await;
    router.signal("STOP");
    let event = track("u", 1);
    let body = event.to_string();
    let mut waiting = TcpStream::connect(("127.0.0.1", router.port())).expect("the socket is held");
    waiting.set_read_timeout(Some(Duration::from_secs(25))).unwrap();
    let length = body.len();
    let head = format!("POST /v1/track HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}");
    waiting.write_all(head.as_bytes()).unwrap();
    router.signal("CONT");
    let mut status = [0; 12];
    let read = tokio::task::spawn_blocking(move || waiting.read_exact(&mut status).map(|()| status));
    assert_eq!(&read.await.unwrap().unwrap(), b"HTTP/1.1 200");
    router.until_rows("tracks", &ids_of(&[event])).await;
}
