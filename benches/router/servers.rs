//! The real servers that warehouses are measured with: ClickHouse's engine and PostgreSQL, as the tests start them.
//!
//! Separate because it is the only place that knows how they are started and asked. Each is a process of its own, so its
//! processor time is none of the router's, and ends with its standard input, also when the benchmark is killed. Where one
//! cannot be started, [`Server::start`] says so and nothing is measured.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::Context;
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use super::wire::Connection;

/// Tables of PostgreSQL that hold one row for each call.
const CALL_TABLES: [&str; 6] = ["tracks", "identifies", "pages", "screens", "groups", "aliases"];

/// Which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// ClickHouse's own engine, version 26, behind `tests/it/support/clickhouse_server.py`.
    ClickHouse,
    /// PostgreSQL, the newest that the system has, which does not sync (`scripts/with-postgres.sh`).
    Postgres,
}

/// A running server, empty at first.
pub(crate) struct Server {
    which: Which,
    address: String,
    child: Child,
    input: Option<ChildStdin>,
    _dir: TempDir,
}

/// How many rows a server has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    /// In all tables, those that the server fills by itself not counted.
    pub(crate) all: u64,
    /// Those that stand for one call each.
    pub(crate) calls: u64,
}

impl Server {
    /// Starts one; `None`, and a word why, where the system has none.
    pub(crate) fn start(which: Which) -> anyhow::Result<Option<Server>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let Some(mut command) = command(which, root, dir.path()) else { return Ok(None) };
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take();
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
        if line.trim().is_empty() {
            child.wait()?;
            return Ok(None);
        }
        let address = match which {
            Which::ClickHouse => format!("http://127.0.0.1:{}", line.trim()),
            Which::Postgres => line.trim().to_owned(),
        };
        Ok(Some(Server { which, address, child, input, _dir: dir }))
    }

    /// Returns the lines of a configuration that send everything here; the rest keeps its default.
    pub(crate) fn table(&self) -> String {
        let kind = match self.which {
            Which::ClickHouse => "clickhouse",
            Which::Postgres => "postgres",
        };
        format!("[destinations.{kind}]\nurl = \"{}\"\n\n", self.address)
    }

    /// Counts what is there, each event once.
    pub(crate) async fn rows(&self) -> anyhow::Result<Rows> {
        match self.which {
            Which::ClickHouse => {
                let count = self.ask("SELECT count() FROM opentrack.events FINAL").await?.trim().parse()?;
                Ok(Rows { all: count, calls: count })
            }
            Which::Postgres => self.postgres_rows().await,
        }
    }

    /// Gives ClickHouse a statement and returns its answer, values apart by tabulators.
    ///
    /// # Errors
    /// Whatever it answers but 200.
    pub(crate) async fn ask(&self, sql: &str) -> anyhow::Result<String> {
        let (_, port) = self.address.rsplit_once(':').context("an address has a port")?;
        let request =
            format!("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\r\n{sql}", sql.len());
        let mut connection = Connection::open(port.parse()?).await?;
        let answer = connection.send(request.as_bytes()).await.with_context(|| sql.to_owned())?;
        Ok(String::from_utf8(answer.to_vec())?)
    }

    async fn postgres_rows(&self) -> anyhow::Result<Rows> {
        let (client, connection) = tokio_postgres::connect(&self.address, NoTls).await?;
        let counting = async {
            // Its end is the end of the connection.
            let client = client;
            count(&client).await
        };
        let ((), rows) = tokio::try_join!(connection, counting)?;
        Ok(rows)
    }
}

async fn count(client: &Client) -> Result<Rows, tokio_postgres::Error> {
    let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'";
    let mut rows = Rows::default();
    for table in client.query(tables, &[]).await? {
        let table: String = table.get(0);
        let count = client.query_one(&format!("SELECT count(*) FROM \"{table}\""), &[]).await?;
        let count = count.get::<_, i64>(0).unsigned_abs();
        rows.all += count;
        rows.calls += if CALL_TABLES.contains(&table.as_str()) { count } else { 0 };
    }
    Ok(rows)
}

impl Drop for Server {
    fn drop(&mut self) {
        // The end of its input is its end; PostgreSQL's script cleans up behind it.
        drop(self.input.take());
        self.child.wait().ok();
    }
}

/// Returns what starts a server; `None` where its engine is not installed.
fn command(which: Which, root: &Path, dir: &Path) -> Option<Command> {
    match which {
        Which::ClickHouse => {
            let engine: PathBuf = root.join("target/sdk/python/chdb");
            let mut command = Command::new("python3");
            command.env("PYTHONPATH", &engine).env("PYTHONDONTWRITEBYTECODE", "1");
            command
                .arg(root.join("tests/it/support/clickhouse_server.py"))
                .arg("--path")
                .arg(dir.join("data"));
            engine.is_dir().then_some(command)
        }
        Which::Postgres => {
            let mut command = Command::new(root.join("scripts/with-postgres.sh"));
            command.arg("--control").stderr(Stdio::null());
            Some(command)
        }
    }
}
