//! The router under test: the real binary with a configuration file in a directory of its own, killed when dropped.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::{Answer, Db, free_port, http, until_some};

/// Seconds that a start may take, recovery included.
const START: u64 = 20;
/// Looks after which a destination that is still being prepared is taken to hang.
const PREPARING_LOOKS: u32 = 250;

/// What goes into `config.toml`: lines of `[server]`, then other tables. `listen` and `data_dir` are added.
#[derive(Default, Clone)]
pub(crate) struct Config {
    server: String,
    tables: String,
    env: Vec<(String, String)>,
    open_files: Option<u32>,
}

impl Config {
    /// The embedded warehouse and nothing else.
    pub(crate) fn new() -> Config {
        Config::default().table("[destinations.warehouse]\ntype = \"sqlite\"")
    }

    /// Adds a line to `[server]`.
    pub(crate) fn server(mut self, line: &str) -> Config {
        self.server.push_str(line);
        self.server.push('\n');
        self
    }

    /// Adds a table with its header.
    pub(crate) fn table(mut self, text: &str) -> Config {
        self.tables.push_str(text);
        self.tables.push_str("\n\n");
        self
    }

    /// Adds an environment variable of the process.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Config {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Lets the process open so many files.
    pub(crate) fn open_files(mut self, most: u32) -> Config {
        self.open_files = Some(most);
        self
    }

    /// Adds a webhook with patience short enough for a test; `extra` are further lines.
    pub(crate) fn webhook(self, name: &str, url: &str, extra: &str) -> Config {
        self.table(&format!(
            "[destinations.{name}]\ntype = \"webhook\"\nurl = \"{url}\"\n\
             retry = {{ initial = \"50ms\", max = \"200ms\" }}\n\
             breaker = {{ failures = 3, open_for = \"200ms\" }}\n\
             hold = {{ probe_every = \"200ms\" }}\n{extra}"
        ))
    }

    fn text(&self, port: u16) -> String {
        format!(
            "[server]\nlisten = [\"127.0.0.1:{port}\"]\ndata_dir = \"data\"\n{}\n{}",
            self.server, self.tables
        )
    }
}

/// Returns the command `opentrack` with an environment of its own.
pub(crate) fn opentrack() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_opentrack"));
    command.env_clear().stdin(Stdio::null());
    command
}

/// Returns the same for a process that may open so many files.
fn limited(open_files: u32) -> Command {
    let mut command = Command::new("sh");
    let script = format!("ulimit -n {open_files}; exec \"$0\" \"$@\"");
    command.arg("-c").arg(script).arg(env!("CARGO_BIN_EXE_opentrack"));
    command.env_clear().stdin(Stdio::null());
    command
}

/// A running router.
pub(crate) struct Router {
    dir: TempDir,
    config: Config,
    port: u16,
    child: Child,
    client: reqwest::Client,
}

impl Router {
    /// Starts a router and waits until it is ready.
    pub(crate) async fn start(config: Config) -> Router {
        Router::start_at(free_port(), config).await
    }

    /// Starts a router on this port and waits until it is ready.
    pub(crate) async fn start_at(port: u16, config: Config) -> Router {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        fs::write(dir.path().join("config.toml"), config.text(port)).expect("the file can be written");
        let child = spawn(dir.path(), &config);
        let mut router = Router { dir, config, port, child, client: http() };
        router.until_up().await;
        router
    }

    /// Starts a router that was stopped or killed, on the same directory and port, and waits until it is ready.
    pub(crate) async fn start_again(&mut self) {
        self.begin_again();
        self.until_up().await;
    }

    /// Starts a router that was stopped or killed and waits for nothing.
    pub(crate) fn begin_again(&mut self) {
        self.child = spawn(self.dir.path(), &self.config);
    }

    /// Waits until `/ready` is answered with 200.
    pub(crate) async fn until_up(&mut self) {
        let url = self.url("/ready");
        let client = self.client.clone();
        until_some("the router is ready", START, async || {
            if let Some(status) = self.child.try_wait().expect("the process can be asked") {
                panic!("the router ended with {status}\n{}", self.log());
            }
            let response = client.get(&url).send().await.ok()?;
            (response.status() == 200).then_some(())
        })
        .await;
    }

    /// Returns the address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns the directory that holds `config.toml` and `data`.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Opens the warehouse.
    pub(crate) fn db(&self) -> Db {
        Db::open(&self.data().join("warehouse.db")).expect("the warehouse is there once the router is ready")
    }

    /// Waits until the table holds all these ids.
    pub(crate) async fn until_rows(&self, table: &str, ids: &[String]) {
        super::until(&format!("`{table}` holds {} rows", ids.len()), 20, async || {
            // A destination may begin later than the router is ready.
            let Some(db) = Db::open(&self.data().join("warehouse.db")) else { return false };
            let found = db.ids(table);
            ids.iter().all(|id| found.binary_search(id).is_ok())
        })
        .await;
    }

    /// Begins a request that the test finishes itself.
    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        self.client.request(method, self.url(path))
    }

    /// Gets a path.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request("GET", path)).await
    }

    /// Posts JSON as most SDKs do, with a key.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_text(path, body.to_string()).await
    }

    /// Posts these bytes as JSON, with a key.
    pub(crate) async fn post_text(&self, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.request("POST", path).header("content-type", "application/json");
        send(request.header("authorization", super::basic("key:")).body(body)).await
    }

    /// Returns one destination's entry of `/api/destinations`, when it is no longer being prepared: what a test asks is how it
    /// is after that. One whose preparation hangs is shown as it is after a few seconds.
    pub(crate) async fn destination(&self, name: &str) -> Value {
        let mut looks = 0;
        super::until_some(&format!("`{name}` is shown"), 60, async || {
            looks += 1;
            let entry = self.entry(name).await;
            Some(entry).filter(|entry| entry["reason"] != "preparing" || looks > PREPARING_LOOKS)
        })
        .await
    }

    async fn entry(&self, name: &str) -> Value {
        let body = self.get("/api/destinations").await.json();
        let all = body["destinations"].as_array().cloned().unwrap_or_default();
        all.into_iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("no `{name}` in {body}"))
    }

    /// Sends SIGTERM.
    pub(crate) fn sigterm(&self) {
        self.signal("TERM");
    }

    /// Sends SIGHUP.
    pub(crate) fn sighup(&self) {
        self.signal("HUP");
    }

    /// Sends the signal of this name.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.pid())).status();
        assert!(status.expect("there is a shell").success(), "could not signal the router");
    }

    /// Puts another configuration in the place of the present one, as an editor does that writes beside and renames.
    pub(crate) fn write_config(&mut self, config: Config) {
        let beside = self.dir.path().join("config.toml.new");
        fs::write(&beside, config.text(self.port)).expect("the file can be written");
        fs::rename(beside, self.dir.path().join("config.toml")).expect("the file can be renamed");
        self.config = config;
    }

    /// Puts another configuration in place and waits until it is in force.
    pub(crate) async fn reconfigure(&mut self, config: Config) {
        let applied = self.times_applied();
        self.write_config(config);
        super::until("the new configuration is in force", 10, async || self.times_applied() > applied).await;
    }

    /// Returns how often a changed configuration came into force.
    pub(crate) fn times_applied(&self) -> usize {
        self.log().matches("a changed configuration is in force").count()
    }

    /// Kills the process at once, as a power cut would, and waits for its end.
    pub(crate) fn kill9(&mut self) {
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process can be waited for");
    }

    /// Waits for the end of the process.
    pub(crate) async fn until_exit(&mut self, seconds: u64) -> ExitStatus {
        let child = &mut self.child;
        until_some("the router has ended", seconds, async || child.try_wait().expect("it can be asked")).await
    }

    /// Stops with SIGTERM and expects exit code 0.
    pub(crate) async fn stop(&mut self) {
        self.sigterm();
        let status = self.until_exit(25).await;
        assert_eq!(status.code(), Some(0), "not a clean stop\n{}", self.log());
    }

    /// Stops with SIGTERM and starts again.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start_again().await;
    }

    /// Returns what the process wrote to its standard error, over all its starts.
    /// The dead letters as they are on disk, one JSON object a line.
    pub(crate) fn dead_letters(&self) -> String {
        let files = std::fs::read_dir(self.data().join("journal/dead")).expect("the folder is there");
        files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("stderr.log")).unwrap_or_default()
    }

    /// Returns the resident memory in MiB: the peak where the system tells it, else the present one; 0 where there is
    /// no such file.
    pub(crate) fn memory_mib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let value = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        };
        value("VmHWM:").or_else(|| value("VmRSS:")).unwrap_or_default() / 1024
    }

    /// Returns the resident memory as it is now in KiB; 0 where the system does not tell it.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or_default()
    }

    /// Runs a subcommand with this router's configuration.
    pub(crate) fn run(&self, arguments: &[&str]) -> std::process::Output {
        let config = self.dir.path().join("config.toml");
        opentrack().args(arguments).arg("--config").arg(config).output().expect("the binary runs")
    }
}

/// Sends a request and reads the answer; no answer fails the test.
async fn send(request: reqwest::RequestBuilder) -> Answer {
    Answer::read(request.send().await.expect("the router answers")).await
}

fn spawn(dir: &Path, config: &Config) -> Child {
    let log: File = OpenOptions::new()
        .create(true)
        .append(true)
        .open(dir.join("stderr.log"))
        .expect("the log can be opened");
    let envs = config.env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut command = match config.open_files {
        None => opentrack(),
        Some(most) => limited(most),
    };
    command
        .args(["serve", "--config", "config.toml"])
        .current_dir(dir)
        .envs(envs)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("the binary starts")
}

impl Drop for Router {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("--- the router's last words ---");
            lines.iter().skip(lines.len().saturating_sub(60)).for_each(|line| eprintln!("{line}"));
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
