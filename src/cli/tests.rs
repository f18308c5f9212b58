//! Commands as functions: exit codes and what goes to which stream.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::*;

#[derive(Clone, Default)]
pub(super) struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Captured {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// A writer, and what it writes to either stream.
pub(super) fn captured() -> (Out, Captured, Captured) {
    let (stdout, stderr) = (Captured::default(), Captured::default());
    (Out::new(Box::new(stdout.clone()), Box::new(stderr.clone())), stdout, stderr)
}

pub(super) fn run(arguments: &[&str]) -> (Exit, String, String) {
    let (mut out, stdout, stderr) = captured();
    let arguments = std::iter::once(&"opentrack").chain(arguments);
    let exit = run_with(arguments, &Environment::default(), &mut out);
    (exit, stdout.text(), stderr.text())
}

fn file(directory: &Path, text: &str) -> String {
    let path = directory.join("config.toml");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn bad_usage_is_64_and_help_is_fine() {
    for arguments in
        [&["frobnicate"][..], &["sql"], &["check", "--frob"], &["sql", "select 1", "--csv", "--json"]]
    {
        let (exit, stdout, stderr) = run(arguments);
        assert_eq!((exit, stdout.as_str()), (Exit::Usage, ""), "{arguments:?}");
        assert!(!stderr.is_empty());
    }
    for arguments in [&["--help"][..], &["--version"], &["sql", "--help"]] {
        assert_eq!(run(arguments).0, Exit::Fine, "{arguments:?}");
    }
    let is_told = |line: &str| line.split_whitespace().next() == Some("gen");
    assert!(!run(&["--help"]).1.lines().any(is_told), "hidden");
}

#[test]
fn a_password_becomes_a_hash_that_the_configuration_takes() {
    let hashed = |input: &str, json: bool| {
        let (stdout, stderr) = (Captured::default(), Captured::default());
        let mut out = Out::new(Box::new(stdout.clone()), Box::new(stderr.clone()));
        out.json = json;
        (keys::password(&mut input.as_bytes(), &mut out), stdout.text(), stderr.text())
    };
    let (exit, hash, hint) = hashed("correct horse\nmore", false);
    assert_eq!(exit, Exit::Fine);
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && hash.ends_with('\n'), "{hash}");
    assert!(config::password::fits("correct horse", hash.trim_end()), "the first line alone is meant");
    assert!(hint.contains("single quotes") && !hint.contains("horse"), "{hint}");
    for wrong in ["", "\n", &"x".repeat(2_000)] {
        assert_eq!(hashed(wrong, true).0, Exit::Usage);
    }
}

#[test]
fn completions_know_every_command_of_every_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let (exit, stdout, _) = run(&["completions", shell]);
        assert_eq!(exit, Exit::Fine);
        assert!(stdout.contains("dead-letters") && stdout.contains("destination"), "{shell}");
    }
    assert_eq!(run(&["completions", "cmd"]).0, Exit::Usage);
}

#[test]
fn the_preset_takes_the_ports_of_the_other_system_and_an_unknown_one_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let environment = serve::surroundings(&Environment::default(), Some(args::Preset::Trackflow));
    let loaded = config::load(&Source::Directory(directory.path().into()), &environment).unwrap();
    let listen: Vec<String> = loaded.settings.server.listen.iter().map(ToString::to_string).collect();
    assert_eq!(listen, ["127.0.0.1:8000", "127.0.0.1:8080"]);
    assert_eq!(serve::surroundings(&Environment::default(), None), Environment::default());
    let (exit, _, stderr) = run(&["serve", "--preset", "matomo"]);
    assert_eq!(exit, Exit::Usage);
    assert!(stderr.contains("trackflow"), "{stderr}");
}

#[test]
fn check_lists_every_problem_and_exits_with_64() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), "[server]\nlisten = 5\nlogg = \"info\"\n");
    let (exit, _, stderr) = run(&["check", &path]);
    assert_eq!(exit, Exit::Usage);
    insta::assert_snapshot!(stderr.replace(&path, "config.toml"), @r#"
    config.toml:2:10: `listen` in [server] must be an array, not an integer
    config.toml:3:1: unknown key `logg` in [server]; did you mean `log`?
    "#);
    let (exit, stdout, _) = run(&["check", &path, "--json"]);
    assert_eq!(exit, Exit::Usage);
    insta::assert_snapshot!(stdout.replace(&path, "config.toml"), @r#"{"ok":false,"problems":[{"file":"config.toml","line":2,"column":10,"key":"server.listen","message":"`listen` in [server] must be an array, not an integer","suggestion":null},{"file":"config.toml","line":3,"column":1,"key":"server.logg","message":"unknown key `logg` in [server]","suggestion":"log"}]}"#);
}

#[test]
fn a_missing_secret_is_78() {
    let directory = tempfile::tempdir().unwrap();
    let text = "[server]\nenvironment = \"production\"\n[sources.web]\nwrite_keys = [\"k\"]\n";
    let (exit, _, stderr) = run(&["--config", &file(directory.path(), text), "check"]);
    assert_eq!(exit, Exit::Secret);
    assert!(stderr.contains("JWT_SECRET") && stderr.contains("SITE_SALT"), "{stderr}");
}

#[test]
fn check_of_a_good_file_says_what_is_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), &crate::config::shipped::config_toml());
    let (exit, stdout, stderr) = run(&["check", &path]);
    assert_eq!(exit, Exit::Fine);
    assert!(stdout.contains(": fine (development, no source)") && stdout.contains("not set: "), "{stdout}");
    assert!(stderr.contains("warning: no source is configured"), "{stderr}");
    let (_, json, _) = run(&["check", &path, "--json"]);
    let summary: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(summary["ok"], true);
    assert_eq!(summary["destinations"].as_array().map(Vec::len), Some(crate::destinations::ENTRIES.len()));
}

#[test]
fn check_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), "");
    assert_eq!(run(&["check", &path]).0, Exit::Fine);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn sql_without_a_destination_to_ask_fails() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), "");
    let (exit, stdout, stderr) = run(&["--config", &path, "sql", "select 1", "--destination", "nobody"]);
    assert_eq!((exit, stdout.as_str()), (Exit::Usage, ""));
    assert_eq!(stderr, "no destination is named `nobody`\n");
}

#[test]
fn two_new_keys_differ() {
    let (exit, first, _) = run(&["keys", "new"]);
    let (_, second, _) = run(&["keys", "new"]);
    assert_eq!((exit, first.trim().len()), (Exit::Fine, 40));
    assert_ne!(first, second);
}

#[test]
fn gen_writes_the_shipped_files() {
    let directory = tempfile::tempdir().unwrap();
    let generate = || run(&["gen", &directory.path().display().to_string()]).0;
    let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
    assert_eq!(generate(), Exit::Fine);
    for (name, text) in crate::config::shipped::files() {
        assert_eq!(read(&name), text, "{name}");
    }
    let readme = directory.path().join("README.md");
    assert!(!readme.try_exists().unwrap(), "a part is not a file");
    std::fs::write(&readme, "<!-- destinations -->\n<!-- /destinations -->\n").unwrap();
    assert_eq!(generate(), Exit::Fine);
    assert!(read("README.md").contains("| type |"));
}

#[test]
fn a_file_that_is_wrong_outside_of_server_does_not_keep_an_operator_from_the_router() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), "[destinations.hook]\ntype = \"webhook\"\nbogus = 1\n[oops]\n");
    let (exit, _, stderr) = run(&["destinations", "--config", &path]);
    assert_eq!(exit, Exit::Usage, "an unknown section may be a misspelt [server]: {stderr}");
    let path = file(directory.path(), "[destinations.hook]\ntype = \"webhook\"\nbogus = 1\n");
    for asking in [&["destinations", "pause", "hook"][..], &["dead-letters", "retry"], &["trace", "m1"]] {
        let url = ["--url", "http://127.0.0.1:1", "--config", &path];
        let (exit, _, stderr) = run(&[asking, &url].concat());
        assert_eq!(exit, Exit::Unavailable, "{asking:?}: {stderr}");
        assert!(stderr.contains("config.toml:3:1: unknown key `bogus`"), "{stderr}");
        assert!(stderr.contains("only its [server] is used"), "{stderr}");
    }
    std::fs::create_dir(directory.path().join("data")).unwrap();
    std::fs::write(directory.path().join("data/secrets.toml"), MADE_UP).unwrap();
    let (exit, token, stderr) = run(&["token", "--config", &path]);
    assert_eq!((exit, token.split('.').count()), (Exit::Fine, 3), "{stderr}");
    assert_eq!(run(&["check", "--config", &path]).0, Exit::Usage);
    let path = file(directory.path(), "[server]\nlisten = 5\n");
    assert_eq!(run(&["destinations", "--url", "http://127.0.0.1:1", "--config", &path]).0, Exit::Usage);
}

const PRODUCTION: &str = "[server]\nenvironment = \"production\"\n[sources.web]\nwrite_keys = [\"k\"]\n";
/// What a router in development has written beside its data.
const MADE_UP: &str = "jwt_secret = \"a-secret-that-a-router-has-made-up\"\n";

#[test]
fn a_token_is_signed_with_the_routers_secret_or_not_at_all_and_nothing_is_made_up() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), "");
    let mint = || run(&["token", "--config", &path]);
    let (exit, stdout, stderr) = mint();
    assert_eq!((exit, stdout.as_str()), (Exit::Secret, ""));
    assert!(stderr.contains("`JWT_SECRET` is not set here"), "{stderr}");
    assert!(stderr.contains("/etc/opentrack/environment"), "{stderr}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left behind");
    let data = directory.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("secrets.toml"), MADE_UP).unwrap();
    let (exit, token, _) = mint();
    assert_eq!(exit, Exit::Fine);
    let secret = "a-secret-that-a-router-has-made-up".to_owned().into();
    let now = crate::telemetry::clock::now().as_second();
    assert!(crate::http::token::verify(token.trim(), &secret, now).is_ok(), "{token}");
    let production = file(directory.path(), PRODUCTION);
    let (exit, stdout, stderr) = run(&["token", "--config", &production]);
    assert_eq!((exit, stdout.as_str()), (Exit::Secret, ""));
    assert!(stderr.contains("`JWT_SECRET`") && stderr.contains("/etc/opentrack/environment"), "{stderr}");
}

#[test]
fn a_command_shows_the_secret_that_a_router_on_another_address_has_made_up() {
    use std::io::Read;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), &format!("[server]\nlisten = [\"{address}\"]\n"));
    let data = directory.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("secrets.toml"), MADE_UP).unwrap();
    let router = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 2048];
        let read = stream.read(&mut request).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 19\r\n\r\n{\"destinations\":[]}").unwrap();
        String::from_utf8_lossy(&request[..read]).to_ascii_lowercase()
    });
    assert_eq!(run(&["destinations", "--config", &path]).0, Exit::Fine);
    let request = router.join().unwrap();
    assert!(request.contains("authorization: bearer "), "{request}");
    // What cannot be read keeps nobody out who needs none of it.
    std::fs::write(data.join("secrets.toml"), "no TOML").unwrap();
    let (exit, _, stderr) = run(&["ready", "--config", &path, "--url", "http://127.0.0.1:1"]);
    assert_eq!(exit, Exit::Unavailable);
    assert!(stderr.contains("cannot be read"), "{stderr}");
    assert_eq!(run(&["token", "--config", &path]).0, Exit::Secret);
}
