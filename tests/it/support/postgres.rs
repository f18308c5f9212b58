//! A real PostgreSQL for tests: one server for the whole run where `make test` has started it, else one that this process
//! starts and that ends with it. Each test has its own database, which is dropped afterwards.
//!
//! A test that has to crash the server gets one of its own. Where there are no programs to start, tests are skipped loudly,
//! or fail where CI=true says that they must be there.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tokio_postgres::{Client, NoTls};

use super::{Row, fresh_id};

/// The variable that holds the address of the server that is already there.
const ADDRESS: &str = "OPENTRACK_TEST_POSTGRES";

#[expect(clippy::disallowed_methods, reason = "CI and the server belong to the test run, not to the router")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A server that ends with this value, or with this process, however that ends.
pub(crate) struct Server {
    address: String,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    child: Child,
}

impl Server {
    /// Starts a server of its own; `None` to skip.
    pub(crate) fn start() -> Option<Server> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/with-postgres.sh");
        let mut command = Command::new(script);
        // What ends a test's group of processes must not end the one who cleans up behind it.
        command.arg("--control").process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("there is a shell");
        let orders = child.stdin.take();
        let mut answers = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut address = String::new();
        answers.read_line(&mut address).expect("the script can be read");
        if address.is_empty() {
            child.wait().ok();
            assert_ne!(environment("CI").as_deref(), Some("true"), "PostgreSQL cannot be started");
            eprintln!("SKIPPED: PostgreSQL cannot be started; `make test` installs it");
            return None;
        }
        Some(Server { address: address.trim().to_owned(), orders, answers, child })
    }

    /// Ends the server as a power cut would, and waits until it has.
    pub(crate) fn crash(&mut self) {
        self.order("crash");
    }

    /// Starts it again, and waits until it answers.
    pub(crate) fn start_again(&mut self) {
        self.order("start");
    }

    fn order(&mut self, order: &str) {
        let orders = self.orders.as_mut().expect("a pipe");
        writeln!(orders, "{order}").expect("the script listens");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("the script can be read");
        assert_eq!(answer, "done\n", "{order}");
    }

    /// Makes a database on this server.
    pub(crate) async fn database(&self) -> Postgres {
        Postgres::on(&self.address).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The end of its input; the script cleans up by itself.
        drop(self.orders.take());
        self.child.wait().ok();
    }
}

/// Returns the address of the server that all tests share; `None` to skip.
fn shared() -> Option<String> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    environment(ADDRESS).or_else(|| Some(SERVER.get_or_init(Server::start).as_ref()?.address.clone()))
}

/// One database, dropped with this value.
pub(crate) struct Postgres {
    server: String,
    name: String,
}

impl Postgres {
    /// Makes an empty database; `None` to skip.
    pub(crate) async fn new() -> Option<Postgres> {
        Some(Postgres::on(&shared()?).await)
    }

    async fn on(server: &str) -> Postgres {
        let name = fresh_id("db").replace('-', "_");
        run(server, &format!("CREATE DATABASE {name}")).await.expect("a superuser makes databases");
        Postgres { server: server.to_owned(), name }
    }

    /// Returns the address of the database for the superuser.
    pub(crate) fn url(&self) -> String {
        self.url_of("ot")
    }

    /// Returns the address of the database for this user, with a password or without.
    pub(crate) fn url_of(&self, user: &str) -> String {
        let (_, host) = self.server.split_once('@').expect("an address");
        let (host, _) = host.split_once('/').expect("an address");
        format!("postgres://{user}@{host}/{}", self.name)
    }

    /// Returns the port of the server.
    pub(crate) fn port(&self) -> u16 {
        let (_, port) = self.server.rsplit_once(':').expect("an address");
        port.split('/').next().and_then(|port| port.parse().ok()).expect("a port")
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Runs statements; a failing one fails the test.
    pub(crate) async fn run(&self, sql: &str) {
        run(&self.url(), sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    /// Runs statements in a transaction that lasts as long as what is returned.
    pub(crate) async fn hold(&self, sql: &str) -> Client {
        let client = connect(&self.url()).await.expect("the server answers");
        client
            .batch_execute(&format!("BEGIN; {sql}"))
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        client
    }

    /// Returns the rows of a query, without what is NULL; a failing one fails the test.
    pub(crate) async fn query(&self, sql: &str) -> Vec<Row> {
        self.try_query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    }

    /// Returns the rows of a query, without what is NULL.
    pub(crate) async fn try_query(&self, sql: &str) -> Result<Vec<Row>, tokio_postgres::Error> {
        let client = connect(&self.url()).await?;
        let rows = client.query(&format!("SELECT to_json(q)::text FROM ({sql}) q"), &[]).await?;
        let texts = rows.iter().map(|row| row.get::<_, String>(0));
        let rows = texts.map(|text| serde_json::from_str::<Row>(&text).expect("an object"));
        Ok(rows.map(|row| row.into_iter().filter(|(_, value)| !value.is_null()).collect()).collect())
    }

    /// Returns all rows of a table, ordered by id; none when there is no such table.
    pub(crate) async fn rows(&self, table: &str) -> Vec<Row> {
        self.try_query(&format!("SELECT * FROM \"{table}\" ORDER BY id COLLATE \"C\""))
            .await
            .unwrap_or_default()
    }

    /// Returns the ids in a table, sorted; none when there is no such table.
    pub(crate) async fn ids(&self, table: &str) -> Vec<String> {
        let rows = self.rows(table).await;
        rows.iter().map(|row| row["id"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Returns the only value of the only row.
    pub(crate) async fn one(&self, sql: &str) -> Value {
        let rows = self.query(sql).await;
        assert_eq!(rows.len(), 1, "{sql}");
        rows[0].values().next().cloned().unwrap_or_default()
    }

    /// Waits until the table holds all these ids.
    pub(crate) async fn until_rows(&self, table: &str, ids: &[String]) {
        super::until(&format!("`{table}` holds {} rows", ids.len()), 30, async || {
            let found = self.ids(table).await;
            ids.iter().all(|id| found.binary_search(id).is_ok())
        })
        .await;
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // A test may end in the middle of everything, and a runtime cannot wait for itself.
        let (server, name) = (self.server.clone(), self.name.clone());
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let gone =
                runtime.block_on(run(&server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")));
            gone.map_err(std::io::Error::other)
        });
        // The server may be gone, and then the database is as well.
        drop(dropped.join());
    }
}

async fn run(url: &str, sql: &str) -> Result<(), tokio_postgres::Error> {
    connect(url).await?.batch_execute(sql).await
}

/// Returns a connection, which a thread of its own serves until it is dropped.
async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (send, receive) = tokio::sync::oneshot::channel();
    let url = url.to_owned();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            match tokio_postgres::connect(&url, NoTls).await {
                Err(error) => drop(send.send(Err(error))),
                Ok((client, connection)) => {
                    drop(send.send(Ok(client)));
                    connection.await.ok();
                }
            }
        });
    });
    receive.await.expect("the thread answers")
}

#[tokio::test]
async fn a_database_is_there_for_one_test_alone() {
    let Some(database) = Postgres::new().await else { return };
    database.run("CREATE TABLE t (id text, n int); INSERT INTO t VALUES ('a', 1), ('b', NULL)").await;
    assert_eq!(database.ids("t").await, ["a", "b"]);
    assert_eq!(database.rows("t").await[1].len(), 1, "what is NULL is not there");
    let (server, name) = (database.server.clone(), database.name.clone());
    drop(database);
    let other = Postgres::on(&server).await;
    let left = other.query(&format!("SELECT 1 FROM pg_database WHERE datname = '{name}'")).await;
    assert_eq!(left.len(), 0);
}

#[tokio::test]
async fn a_server_of_its_own_can_be_crashed_and_leaves_nothing() {
    let Some(mut server) = Server::start() else { return };
    let database = server.database().await;
    database.run("CREATE TABLE t (id text); INSERT INTO t VALUES ('a')").await;
    let folder = database.one("SELECT current_setting('data_directory') AS folder").await;
    server.crash();
    assert!(database.try_query("SELECT 1").await.is_err());
    server.start_again();
    assert_eq!(database.ids("t").await, ["a"]);
    drop(database);
    drop(server);
    let folder = Path::new(folder.as_str().unwrap());
    assert!(!folder.try_exists().unwrap(), "{} is left", folder.display());
}
