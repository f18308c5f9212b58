//! A real Redis for tests: one server for the whole run where `make test` has started it, else one that this process starts
//! and that ends with it. Each test has a site of its own.
//!
//! A test that has to crash the server, or to change how it is, gets one of its own. Where there are no programs to start,
//! tests are skipped loudly, or fail where CI=true says that they must be there.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use redis::FromRedisValue;

use super::fresh_id;

/// The variable that holds the address of the server that is already there.
const ADDRESS: &str = "OPENTRACK_TEST_REDIS";

#[expect(clippy::disallowed_methods, reason = "CI and the server belong to the test run, not to the router")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A server that ends with this value, or with this process, however that ends.
pub(crate) struct RedisServer {
    address: String,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    child: Child,
}

impl RedisServer {
    /// Starts a server of its own; `None` to skip.
    pub(crate) fn start() -> Option<RedisServer> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/with-redis.sh");
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
            assert_ne!(environment("CI").as_deref(), Some("true"), "Redis cannot be started");
            eprintln!("SKIPPED: Redis cannot be started; `make test` installs it");
            return None;
        }
        Some(RedisServer { address: address.trim().to_owned(), orders, answers, child })
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

    /// Returns the view of the site that events without a key belong to.
    pub(crate) fn site(&self) -> Site {
        Site { url: self.address.clone(), name: "default".to_owned() }
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // The end of its input; the script cleans up by itself.
        drop(self.orders.take());
        self.child.wait().ok();
    }
}

/// Returns the address of the server that all tests share; `None` to skip.
fn shared() -> Option<String> {
    static SERVER: OnceLock<Option<RedisServer>> = OnceLock::new();
    environment(ADDRESS).or_else(|| Some(SERVER.get_or_init(RedisServer::start).as_ref()?.address.clone()))
}

/// What one site has in a Redis.
pub(crate) struct Site {
    pub(crate) url: String,
    pub(crate) name: String,
}

impl Site {
    /// Returns a site that nobody else uses; `None` to skip.
    pub(crate) fn new() -> Option<Site> {
        Some(Site { url: shared()?, name: fresh_id("site") })
    }

    /// Returns the whole key.
    pub(crate) fn key(&self, name: &str) -> String {
        format!("ot:{{{}}}:{name}", self.name)
    }

    /// Sends one command; a failing one fails the test.
    pub(crate) fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_ask(words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// Sends one command.
    pub(crate) fn try_ask<T: FromRedisValue>(&self, words: &[&str]) -> Result<T, redis::RedisError> {
        let mut connection = redis::Client::open(self.url.as_str())?.get_connection()?;
        let (name, arguments) = words.split_first().expect("a command");
        redis::cmd(name).arg(arguments).query(&mut connection)
    }

    /// Returns the names of the site's keys that begin like this, sorted.
    pub(crate) fn names(&self, begin: &str) -> Vec<String> {
        let (prefix, pattern) = (self.key(""), format!("{}*", self.key(begin)));
        let keys: Vec<String> = self.ask(&["KEYS", &pattern]);
        let mut names: Vec<String> =
            keys.iter().filter_map(|key| key.strip_prefix(&prefix).map(str::to_owned)).collect();
        names.sort();
        names
    }

    /// Returns the names of the site's keys where a text is in the name or in what can be read there.
    pub(crate) fn names_with(&self, text: &str) -> Vec<String> {
        let has = |bytes: &[u8]| memchr::memmem::find(bytes, text.as_bytes()).is_some();
        let holds = |name: &String| {
            let key = self.key(name);
            let kind: String = self.ask(&["TYPE", &key]);
            // Not as a dump: it is compressed, and that of a stream has deleted entries until their block goes.
            let words: &[&str] = match kind.as_str() {
                "stream" => &["XRANGE", &key, "-", "+"],
                "zset" => &["ZRANGE", &key, "0", "-1"],
                "hash" => &["HGETALL", &key],
                "string" => &["GET", &key],
                other => panic!("{key} is a {other}"),
            };
            let value = format!("{:?}", self.ask::<redis::Value>(words));
            has(name.as_bytes()) || has(value.as_bytes())
        };
        self.names("").into_iter().filter(holds).collect()
    }

    /// Returns what was counted, over all minutes.
    pub(crate) fn counted(&self) -> BTreeMap<String, i64> {
        let mut sums = BTreeMap::new();
        for name in self.names("m:") {
            let fields: BTreeMap<String, i64> = self.ask(&["HGETALL", &self.key(&name)]);
            fields.into_iter().for_each(|(field, value)| *sums.entry(field).or_default() += value);
        }
        sums
    }

    /// Returns how many events were counted.
    pub(crate) fn events(&self) -> i64 {
        self.counted().get("events").copied().unwrap_or_default()
    }

    /// Returns the entries of the stream, in order.
    pub(crate) fn entries(&self) -> Vec<BTreeMap<String, String>> {
        let entries: Vec<(String, BTreeMap<String, String>)> =
            self.ask(&["XRANGE", &self.key("stream"), "-", "+"]);
        entries.into_iter().map(|(_, entry)| entry).collect()
    }

    /// Waits until so many events were counted.
    pub(crate) async fn until_events(&self, count: i64) {
        super::until(&format!("{count} events are counted"), 30, async || self.events() >= count).await;
        assert_eq!(self.events(), count);
    }
}
