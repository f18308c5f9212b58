//! What goes wrong: rights, passwords, rows that are refused, a server that is gone, and a router that is killed.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::scene::{pg, scene, until_delivered, until_state};
use crate::support::{
    Config, Load, Oracle, Place, Poison, Postgres, Router, Server, batch, fresh_id, ids_of, opentrack, track,
    until,
};

/// Everything that is owed to the database is there, once, and nothing else.
async fn expect_kept(database: &Postgres, router: &Router, load: Load) {
    let oracle = Oracle::new(load.finish());
    let idle = async || router.destination("pg").await["backlog"]["events"] == 0;
    until("everything is settled", 90, idle).await;
    for table in ["tracks", "load_sent"] {
        let arrived = database.ids(table).await;
        let place = Place { name: table.into(), arrived, once: true, ..Place::default() };
        assert_eq!(oracle.breaches(&place, Poison::NONE), Vec::<String>::new());
    }
    assert_eq!(router.dead_letters(), "");
}

/// Makes commits slow, so that a kill finds one under way whose answer nobody hears.
const SLOW_COMMITS: &str = "CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.2); RETURN NULL; END'; \
    CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON load_sent DEFERRABLE INITIALLY DEFERRED FOR EACH ROW \
    WHEN (NEW.n % 40 = 0) EXECUTE FUNCTION nap()";

/// The session of the router that is committing.
const COMMITTING: &str = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'opentrack' AND state = 'active' \
    AND query = 'COMMIT' AND datname = current_database()";

#[tokio::test]
async fn kills_of_the_router_under_load_lose_nothing_and_double_nothing() {
    let Some((database, mut router)) = scene("").await else { return };
    let load = Load::start(&router.url(""), 4);
    until("there are rows", 20, async || !database.ids("load_sent").await.is_empty()).await;
    database.run(SLOW_COMMITS).await;
    for _ in 0..4 {
        load.until_more(200).await;
        until("a commit is under way", 20, async || !database.query(COMMITTING).await.is_empty()).await;
        router.kill9();
        router.start_again().await;
    }
    load.until_more(100).await;
    expect_kept(&database, &router, load).await;
}

#[tokio::test]
async fn crashes_of_the_server_under_load_lose_nothing_and_double_nothing() {
    let Some(mut server) = Server::start() else { return };
    let database = server.database().await;
    let router = Router::start(pg(Config::default(), &database.url(), "")).await;
    let load = Load::start(&router.url(""), 4);
    for _ in 0..3 {
        load.until_more(300).await;
        server.crash();
        load.until_more(50).await;
        server.start_again();
    }
    load.until_more(100).await;
    expect_kept(&database, &router, load).await;
}

#[tokio::test]
async fn a_right_that_is_missing_holds_and_its_grant_resumes() {
    let Some(database) = Postgres::new().await else { return };
    let role = fresh_id("role").replace('-', "_");
    database.run(&format!("CREATE ROLE {role} LOGIN; CREATE SCHEMA own")).await;
    let config = pg(Config::default(), &database.url_of(&role), "schema = \"own\"");
    let router = Router::start(config).await;
    let events = [track("u", 1), track("u", 2)];
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    let held = until_state(&router, "held").await;
    let said = held["last_error"]["message"].as_str().unwrap();
    assert!(said.contains("42501") && said.contains("GRANT USAGE, CREATE ON SCHEMA \"own\""), "{said}");
    database.run(&format!("GRANT USAGE, CREATE ON SCHEMA own TO {role}")).await;
    until_delivered(&router, 2).await;
    assert_eq!(until_state(&router, "flowing").await["counts"]["dead"], json!({}));
    // Rows alone: without the right to write them.
    database.run(&format!("ALTER TABLE own.tracks OWNER TO ot; REVOKE ALL ON own.tracks FROM {role}")).await;
    router.post("/v1/track", &track("u", 3)).await.expect_success();
    until_state(&router, "held").await;
    database.run(&format!("GRANT SELECT, INSERT ON own.tracks TO {role}")).await;
    until_delivered(&router, 3).await;
    drop(router);
    database.run(&format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}")).await;
}

#[tokio::test]
async fn a_row_that_is_refused_goes_alone() {
    let Some((database, router)) = scene("").await else { return };
    let event = |n: i64| json!({ "type": "track", "event": "Paid", "userId": "u", "messageId": format!("p-{n:03}"), "properties": { "n": n } });
    router.post("/v1/batch", &batch(&[event(0)])).await.expect_success();
    until_delivered(&router, 1).await;
    database.run("ALTER TABLE paid ADD CONSTRAINT none_unlucky CHECK (n % 100 <> 13)").await;
    let events: Vec<Value> = (1..=250).map(event).collect();
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    until_delivered(&router, 248).await;
    until("three are dead", 20, async || router.dead_letters().lines().count() == 3).await;
    let letters = router.dead_letters();
    for id in ["p-013", "p-113", "p-213"] {
        let letter =
            letters.lines().find(|line| line.contains(id)).unwrap_or_else(|| panic!("{id}: {letters}"));
        assert!(letter.contains("23514") && letter.contains("none_unlucky"), "{letter}");
    }
    assert_eq!(database.ids("paid").await.len(), 248);
    assert_eq!(database.ids("tracks").await.len(), 248, "rows of one event go together");
    assert_eq!(router.destination("pg").await["state"], "flowing");
}

/// Puts a file beside the data of a server, as its own user would have it.
fn put(folder: &Path, name: &str, text: &str) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let owner = std::fs::metadata(folder).unwrap();
    chown(&file, Some(owner.uid()), Some(owner.gid())).unwrap();
    file
}

async fn folder(database: &Postgres) -> PathBuf {
    let folder = database.one("SELECT current_setting('data_directory')").await;
    PathBuf::from(folder.as_str().unwrap())
}

#[tokio::test]
async fn a_wrong_password_holds_and_is_never_repeated() {
    let Some(server) = Server::start() else { return };
    let database = server.database().await;
    database
        .run("CREATE ROLE app LOGIN PASSWORD 'right-password'; CREATE SCHEMA own AUTHORIZATION app")
        .await;
    let rules = "host all app 127.0.0.1/32 scram-sha-256\nhost all ot 127.0.0.1/32 trust\n";
    put(&folder(&database).await, "pg_hba.conf", rules);
    database.run("SELECT pg_reload_conf()").await;
    let config = |password: &str| {
        let host = |config: Config, name: &str, value: &str| config.env(name, value);
        let port = database.port().to_string();
        let parts = [
            ("PG_HOST", "127.0.0.1"),
            ("PG_PORT", &port),
            ("PG_USER", "app"),
            ("PG_PASSWORD", password),
            ("PG_DATABASE", database.name()),
            ("PG_SSLMODE", "prefer"),
        ];
        let table = "[destinations.pg]\ntype = \"postgres\"\nschema = \"own\"\nretry = { initial = \"50ms\", max = \"200ms\" }\n\
                     hold = { probe_every = \"200ms\" }";
        parts.iter().fold(Config::default().table(table), |config, (name, value)| host(config, name, value))
    };
    // The rules are in force once a wrong password is refused.
    until("passwords are asked for", 10, async || {
        tokio_postgres::connect(&database.url_of("app:wrong"), tokio_postgres::NoTls).await.is_err()
    })
    .await;
    let mut router = Router::start(config("wr0ng-password")).await;
    router.post("/v1/track", &track("u", 1)).await.expect_success();
    let held = until_state(&router, "held").await;
    assert!(held["last_error"]["message"].as_str().unwrap().contains("28P01"), "{held}");
    let shown = format!("{held} {} {}", router.get("/metrics").await.text, router.log());
    assert!(!shown.contains("wr0ng-password"), "{shown}");
    router.stop().await;
    router.write_config(config("right-password"));
    router.start_again().await;
    until_delivered(&router, 1).await;
}

/// The files of the test's own authority.
fn tls_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/postgres/tls").join(name)
}

/// Has the server offer TLS, with a certificate for `localhost`.
async fn offer_tls(server: &mut Server, database: &Postgres) {
    let folder = folder(database).await;
    for name in ["server.pem", "server.key"] {
        put(&folder, name, &std::fs::read_to_string(tls_file(name)).unwrap());
    }
    database.run("ALTER SYSTEM SET ssl = on").await;
    database.run("ALTER SYSTEM SET ssl_cert_file = 'server.pem'").await;
    server.crash();
    server.start_again();
}

/// Returns whether `check --probe` is content with this address, and what it said.
fn probe(url: &str, ca_file: &str) -> (bool, String) {
    let dir = tempfile::tempdir().unwrap();
    let config =
        format!("[destinations.pg]\ntype = \"postgres\"\nurl = \"{url}\"\nca_file = \"{ca_file}\"\n");
    std::fs::write(dir.path().join("config.toml"), config).unwrap();
    let probe = opentrack().args(["check", "--probe"]).current_dir(dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&probe.stdout).into_owned() + &String::from_utf8_lossy(&probe.stderr);
    (probe.status.success(), said)
}

#[tokio::test]
async fn a_server_that_says_nothing_is_told_of() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://u@127.0.0.1:{}/d?sslmode=disable", silent.local_addr().unwrap().port());
    let router = Router::start(pg(Config::default(), &url, "timeout = \"500ms\"\n")).await;
    let said =
        async || router.destination("pg").await["last_error"]["message"].as_str().unwrap_or("").to_owned();
    until("it is told", 20, async || said().await.contains("in time")).await;
    let dir = tempfile::tempdir().unwrap();
    let config = format!("[destinations.pg]\ntype = \"postgres\"\nurl = \"{url}\"\ntimeout = \"500ms\"\n");
    std::fs::write(dir.path().join("config.toml"), config).unwrap();
    let probe = opentrack().args(["check", "--probe"]).current_dir(dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&probe.stdout).into_owned() + &String::from_utf8_lossy(&probe.stderr);
    assert!(!probe.status.success() && said.contains("no connection in time"), "{said}");
}

#[tokio::test]
async fn tls_is_as_strict_as_the_address_says() {
    let Some(mut server) = Server::start() else { return };
    let database = server.database().await;
    let by_address = database.url();
    assert!(!probe(&format!("{by_address}?sslmode=require"), "").0, "the server has no TLS yet");
    offer_tls(&mut server, &database).await;
    let by_name = by_address.replace("127.0.0.1", "localhost");
    let ca = tls_file("ca.pem").to_str().unwrap().to_owned();
    for (base, mode, ca_file, is_fine) in [
        (&by_address, "require", "", true),
        (&by_name, "verify-full", "", false),
        (&by_name, "verify-full", &*ca, true),
        (&by_address, "verify-full", &ca, false),
        (&by_address, "verify-ca", &ca, true),
        (&by_address, "verify-ca", "", false),
        (&by_address, "disable", "", true),
    ] {
        let (found, said) = probe(&format!("{base}?sslmode={mode}"), ca_file);
        assert_eq!(found, is_fine, "{base} {mode} {ca_file}: {said}");
        assert!(is_fine || said.contains("tls"), "{said}");
    }
    let router = Router::start(pg(Config::default(), &format!("{by_address}?sslmode=require"), "")).await;
    let event = track("u", 1);
    router.post("/v1/track", &event).await.expect_success();
    database.until_rows("tracks", &ids_of(&[event])).await;
    let encrypted = "SELECT 1 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                     WHERE ssl AND application_name = 'opentrack' AND datname = current_database()";
    assert!(!database.query(encrypted).await.is_empty());
}

#[tokio::test]
async fn a_database_that_is_not_there_holds_until_it_is_made() {
    let Some(database) = Postgres::new().await else { return };
    let later = fresh_id("later").replace('-', "_");
    let url = database.url().replace(database.name(), &later);
    let router = Router::start(pg(Config::default(), &url, "")).await;
    router.post("/v1/track", &track("u", 1)).await.expect_success();
    let held = until_state(&router, "held").await;
    assert!(held["last_error"]["message"].as_str().unwrap().contains("3D000"), "{held}");
    database.run(&format!("CREATE DATABASE {later}")).await;
    until_delivered(&router, 1).await;
    drop(router);
    database.run(&format!("DROP DATABASE {later} WITH (FORCE)")).await;
}
